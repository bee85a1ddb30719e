"""Redact captures and texts, and keep the result only if no original is left in it.

Everything is read twice: first to learn what to replace, over all files together; then to write. The files
written are searched for every original. A deployment gets the same pseudonyms, since access lists and
addresses reveal as much as packets.
"""

import secrets
from collections import Counter
from collections.abc import Callable, Collection, Container, Iterable, Iterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from postproc.model.acl import BUILT_IN, AccessList, Entry, Unresolved
from postproc.model.deployment import Deployment
from postproc.model.errors import CaptureError, SetupError
from postproc.read import logfiles
from postproc.read.records import Described, Other, Record, pieces
from postproc.read.tshark import sip_messages
from postproc.share.copying import APPLICATION, SECTION, replacing
from postproc.share.redaction.leaks import Originals
from postproc.share.redaction.packets import Packets
from postproc.share.redaction.pseudonyms import Lenient, Pseudonyms
from postproc.share.search import check, unjudged_in_capture, unjudged_in_texts, words_of
from postproc.wire import pcapng

OUR_NAME = frozenset(APPLICATION.lower().split())  # in every capture that this program writes
USUAL_NAMES = (
    "lo",
    "any",
    "eth",
    "en",
    "wlan",
    "wl",
    "br",
    "bond",
    "docker",
    "utun",
    "\\Device\\NPF_Loopback",
)


class Source(NamedTuple):
    """A capture to redact, or ``only`` some frames of it; ``numbered`` adds their numbers as comments."""

    path: Path
    target: Path
    only: Collection[int] | None = None
    numbered: bool = False
    keylog: Path | None = None  # TLS keys in addition to those in the capture


@dataclass
class Work:
    """Files to redact together: captures, logs, and prose.

    In prose, words that nothing marks as an original remain, and are listed for review. ``hidden`` are
    words to replace wherever they occur.
    """

    captures: list[Source] = field(default_factory=list)
    logs: Mapping[Path, Path] = field(default_factory=dict)  # file: target
    products: tuple[str, ...] = ()
    texts: Mapping[Path, Path] = field(default_factory=dict)
    hidden: Collection[str] = ()


class Redacted(NamedTuple):
    """The files written with their numbers of packets or lines; the originals that must not occur in them.

    ``unjudged`` has by file the remaining words that no dictionary has.
    """

    written: dict[Path, int]
    originals: Originals
    unjudged: dict[Path, Counter[str]]
    pseudonyms: Pseudonyms


def products(deployment: Deployment) -> tuple[str, ...]:
    """Return the patterns of a deployment's product names, which are no personal data and remain."""
    markers = deployment.markers
    kinds = (markers.sdp_owner, markers.user_agent, markers.stun_software, deployment.products)
    return tuple(
        dict.fromkeys(pattern for kind in kinds for patterns in kind.values() for pattern in patterns)
    )


def redact(work: Work, key: str | None = None) -> Redacted:
    """Write all files redacted.

    Raises SetupError, and leaves no file behind, if a file cannot be written or an original is left in
    one.
    """
    pseudonyms, packets = _learnt(work, key)
    pseudonyms.texts.plain.clear()  # collected before everything was learnt
    pseudonyms.tally.clear()
    written: dict[Path, int] = {}
    with ExitStack() as undo:  # for any error, and for interrupts
        for path in (*(source.target for source in work.captures), *work.logs.values(), *work.texts.values()):
            undo.callback(_remove, path)
        for source, replacing_in in zip(work.captures, packets, strict=True):
            replacing_in.finish()
            written[source.target] = _write_capture(source, replacing_in, pseudonyms.words.sure)
        for path, target in work.logs.items():
            written[target] = _write_text(path, target, pseudonyms.logs.line)
        lenient = Lenient(pseudonyms)
        lenient.finish()
        for path, target in work.texts.items():
            written[target] = _write_text(path, target, lenient.line)
        originals = pseudonyms.originals()
        check(written, originals.besides(OUR_NAME))
        unjudged = _unjudged(work, pseudonyms)
        for word in [word for word in pseudonyms.tally.words if not pseudonyms.known.word(word)]:
            del pseudonyms.tally.words[word]  # listed as unjudged instead
        undo.pop_all()
    return Redacted(written, originals, unjudged, pseudonyms)


def _unjudged(work: Work, pseudonyms: Pseudonyms) -> dict[Path, Counter[str]]:
    """Return by file the remaining words that no dictionary has."""
    new = {word for each in pseudonyms.words.seen.values() for word in words_of(each)}
    new |= {word for each in pseudonyms.texts.kept for word in words_of(each)}
    by_target = {
        source.target: unjudged_in_capture(source.path, source.target, pseudonyms.known, new)
        for source in work.captures
    }
    for path, target in (*work.logs.items(), *work.texts.items()):
        by_target[target] = unjudged_in_texts(_lines(path), _lines(target), pseudonyms.known, new)
    return {target: words for target, words in by_target.items() if words}


def _remove(path: Path) -> None:
    with suppress(OSError):
        path.unlink(missing_ok=True)


def _learnt(work: Work, key: str | None) -> tuple[Pseudonyms, list[Packets]]:
    secret = key.encode() if key else secrets.token_bytes(32)
    pseudonyms = Pseudonyms(secret, work.products)
    for word in work.hidden:
        pseudonyms.words.user(word)
    packets = [_noted(source, pseudonyms) for source in work.captures]
    pseudonyms.learn_fingerprints()
    for source, replacing_in in zip(work.captures, packets, strict=True):
        replacing_in.finish()
        for _ in _replaced(source, replacing_in):
            pass
    lenient = Lenient(pseudonyms)
    for paths, replaced in ((work.logs, pseudonyms.logs.line), (work.texts, lenient.line)):
        for path in paths:
            for line in _lines(path):
                replaced(line)
    return pseudonyms, packets


def _noted(source: Source, pseudonyms: Pseudonyms) -> Packets:
    packets, types = pseudonyms.packets(), []
    decrypted = source.keylog is not None
    if decrypted:
        packets.decrypted(sip_messages(source.path, source.keylog))
    with pieces(source.path) as parts:
        for piece in parts:
            if isinstance(piece, Described):
                types.append(piece.link_type)
            elif isinstance(piece, Other) and piece.kind == pcapng.SECRETS and not decrypted:
                packets.decrypted(sip_messages(source.path))
                decrypted = True
            elif isinstance(piece, Record) and _taken(piece, source):
                packets.note(piece.frame, types[piece.interface], piece.data)
    packets.learn_streams()
    return packets


def _taken(record: Record, source: Source) -> bool:
    return source.only is None or record.frame in source.only


def _replaced(source: Source, packets: Packets) -> Iterator[Described | tuple[Record, bytes]]:
    """Yield the interfaces, and each packet with its replacement."""
    types: list[int] = []
    with pieces(source.path) as parts:
        for piece in parts:
            if isinstance(piece, Described):
                types.append(piece.link_type)
                yield piece
            elif isinstance(piece, Record) and _taken(piece, source):
                link_type = types[piece.interface]
                yield piece, packets.packet(piece.frame, link_type, piece.data)


def _write_capture(source: Source, packets: Packets, names: Container[str]) -> int:
    count = 0
    with replacing(source.target) as file:
        file.write(SECTION)
        for piece in _replaced(source, packets):
            if isinstance(piece, Described):
                file.write(
                    bytes(pcapng.Interface(piece.link_type, piece.snaplen, _clock(piece.options, names)))
                )
                continue
            record, data = piece
            comment = pcapng.comment(f"frame {record.frame}") if source.numbered else b""
            file.write(bytes(pcapng.Packet(record.interface, record.ticks, data, record.original, comment)))
            count += 1
    return count


def _clock(options: bytes, names: Container[str]) -> bytes:
    """Keep the clock's options of an interface, and its name if that is a usual one."""
    options_kept = b""
    for code, value in pcapng.parse_options(options):
        name = value.decode(errors="replace").rstrip("\0")
        usual = name.rstrip("0123456789") in USUAL_NAMES and name.lower() not in names
        clock = code in (pcapng.IF_TSRESOL, pcapng.IF_TSOFFSET)
        if clock or (code == pcapng.IF_NAME and usual):
            options_kept += pcapng.option(code, value)
    return options_kept


def _lines(path: Path) -> Iterator[str]:
    """Yield the lines of a text, also compressed or in UTF-16; SetupError if it is binary."""
    try:
        for block in logfiles.blocks(path):
            if b"\0" in block:
                raise SetupError(f"{path}: no text, so that nobody can say what is in it; leave it out")
            text = block.decode(errors="surrogateescape")
            yield from (line.rstrip("\r") for line in text.removesuffix("\n").split("\n"))
    except CaptureError as error:
        raise SetupError(f"{path}: {error}") from error


def _write_text(path: Path, target: Path, replaced: Callable[[str], str]) -> int:
    count = 0
    with replacing(target) as file:
        for count, line in enumerate(_lines(path), 1):  # noqa: B007
            file.write(replaced(line).encode(errors="replace") + b"\n")
    return count


def disguised(deployment: Deployment, pseudonyms: Pseudonyms) -> Deployment:
    """Return the deployment for the redacted captures: equivalent, with pseudonyms in its names."""
    return replace(
        deployment,
        public_addresses=tuple(
            network for each in deployment.public_addresses for network in pseudonyms.addresses.image(each)
        ),
        lists={_name(name, pseudonyms): _list(acl, pseudonyms) for name, acl in deployment.lists.items()},
        candidate_acl=_names(deployment.candidate_acl, pseudonyms),
        signalling_acl=_names(deployment.signalling_acl, pseudonyms),
    )


def _list(acl: AccessList, pseudonyms: Pseudonyms) -> AccessList:
    """Return an equivalent list: the longest prefix decides, of equal ones the first (docs/DEPLOYMENT.md)."""
    finest_first = sorted(acl.entries, key=lambda entry: -entry.network.prefixlen)
    entries = (
        Entry(network, entry.allow, str(network))
        for entry in finest_first
        for network in pseudonyms.addresses.image(entry.network)
    )
    unresolved = (Unresolved(pseudonyms.texts.opaque(each.text), each.allow) for each in acl.unresolved)
    return AccessList(_name(acl.name, pseudonyms), acl.allow, tuple(entries), tuple(unresolved))


def _names(names: Iterable[str], pseudonyms: Pseudonyms) -> tuple[str, ...]:
    return tuple(_name(name, pseudonyms) for name in names)


def _name(name: str, pseudonyms: Pseudonyms) -> str:
    return name if name in BUILT_IN or name in pseudonyms.known else pseudonyms.words.identifier(name)
