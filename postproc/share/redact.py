"""Captures and texts with pseudonyms, written only if none of the originals is left in them.

Everything is read twice: first to learn the values to replace, in all files together; then to write. The
output is searched for every original. A deployment gets the same pseudonyms, since access lists and addresses
reveal as much as packets.
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

OUR_NAME = frozenset(APPLICATION.lower().split())  # in the section header of every capture written
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
    """A capture to redact, or ``only`` some frames of it; ``numbered`` adds the frame number as comment."""

    path: Path
    target: Path
    only: Collection[int] | None = None
    numbered: bool = False
    keylog: Path | None = None  # of its TLS, besides the keys in it


@dataclass
class Work:
    """Files to redact together: captures, logs, and texts that people wrote.

    In these texts, unknown words stay and are listed, to be read by a person. ``hidden`` are words to replace
    wherever they occur.
    """

    captures: list[Source] = field(default_factory=list)
    logs: Mapping[Path, Path] = field(default_factory=dict)  # file -> target
    products: tuple[str, ...] = ()
    texts: Mapping[Path, Path] = field(default_factory=dict)
    hidden: Collection[str] = ()


class Redacted(NamedTuple):
    """The files written with their numbers of packets or lines, and the originals to search for.

    ``unjudged`` has by file the words that stayed and that no dictionary has.
    """

    written: dict[Path, int]
    originals: Originals
    unjudged: dict[Path, Counter[str]]
    pseudonyms: Pseudonyms


def products(deployment: Deployment) -> tuple[str, ...]:
    """Return patterns of the deployment's product names, which name nobody and so stay."""
    markers = deployment.markers
    kinds = (markers.sdp_owner, markers.user_agent, markers.stun_software, deployment.products)
    return tuple(
        dict.fromkeys(pattern for kind in kinds for patterns in kind.values() for pattern in patterns)
    )


def redact(work: Work, key: str | None = None) -> Redacted:
    """Write all files with pseudonyms.

    Raises SetupError, and leaves no file behind, when a file cannot be written or has an original left.
    """
    pseudonyms, packets = _learned(work, key)
    pseudonyms.texts.plain.clear()  # texts kept during the first pass may have to be replaced now
    pseudonyms.tally.clear()
    written: dict[Path, int] = {}
    with ExitStack() as undo:  # on any error, and on an interruption
        for path in (*(source.target for source in work.captures), *work.logs.values(), *work.texts.values()):
            undo.callback(_remove, path)
        for source, capture_packets in zip(work.captures, packets, strict=True):
            capture_packets.finish()
            written[source.target] = _write_capture(source, capture_packets, pseudonyms.words.sure)
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
            del pseudonyms.tally.words[word]  # it is among the unjudged, about which the user is asked
        undo.pop_all()
    return Redacted(written, originals, unjudged, pseudonyms)


def _unjudged(work: Work, pseudonyms: Pseudonyms) -> dict[Path, Counter[str]]:
    """Return by file the words that stayed and are in no dictionary."""
    pseudonym_words = {word for pseudonym in pseudonyms.words.seen.values() for word in words_of(pseudonym)}
    pseudonym_words |= {word for pseudonym in pseudonyms.texts.kept for word in words_of(pseudonym)}
    by_target = {
        source.target: unjudged_in_capture(source.path, source.target, pseudonyms.known, pseudonym_words)
        for source in work.captures
    }
    for path, target in (*work.logs.items(), *work.texts.items()):
        by_target[target] = unjudged_in_texts(_lines(path), _lines(target), pseudonyms.known, pseudonym_words)
    return {target: words for target, words in by_target.items() if words}


def _remove(path: Path) -> None:
    with suppress(OSError):
        path.unlink(missing_ok=True)


def _learned(work: Work, key: str | None) -> tuple[Pseudonyms, list[Packets]]:
    """Return the pseudonyms learned from all files, and the packets of each capture."""
    secret = key.encode() if key else secrets.token_bytes(32)
    pseudonyms = Pseudonyms(secret, work.products)
    for word in work.hidden:
        pseudonyms.words.user(word)
    packets = [_first_pass(source, pseudonyms) for source in work.captures]
    pseudonyms.learn_fingerprints()
    for source, capture_packets in zip(work.captures, packets, strict=True):
        capture_packets.finish()
        for _ in _replaced(source, capture_packets):
            pass
    lenient = Lenient(pseudonyms)
    for paths, replace_line in ((work.logs, pseudonyms.logs.line), (work.texts, lenient.line)):
        for path in paths:
            for line in _lines(path):
                replace_line(line)
    return pseudonyms, packets


def _first_pass(source: Source, pseudonyms: Pseudonyms) -> Packets:
    packets, link_types = pseudonyms.packets(), []
    decrypted = source.keylog is not None
    if decrypted:
        packets.decrypted(sip_messages(source.path, source.keylog))
    with pieces(source.path) as capture_pieces:
        for piece in capture_pieces:
            if isinstance(piece, Described):
                link_types.append(piece.link_type)
            elif isinstance(piece, Other) and piece.kind == pcapng.SECRETS and not decrypted:
                packets.decrypted(sip_messages(source.path))
                decrypted = True
            elif isinstance(piece, Record) and _is_selected(piece, source):
                packets.note(piece.frame, link_types[piece.interface], piece.data)
    packets.learn_streams()
    return packets


def _is_selected(record: Record, source: Source) -> bool:
    return source.only is None or record.frame in source.only


def _replaced(source: Source, packets: Packets) -> Iterator[Described | tuple[Record, bytes]]:
    """Yield the interfaces, and each packet with its replacement."""
    link_types: list[int] = []
    with pieces(source.path) as capture_pieces:
        for piece in capture_pieces:
            if isinstance(piece, Described):
                link_types.append(piece.link_type)
                yield piece
            elif isinstance(piece, Record) and _is_selected(piece, source):
                link_type = link_types[piece.interface]
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
    """Keep an interface's clock options, and its name if that is a usual one that is nobody's."""
    output = b""
    for code, value in pcapng.parse_options(options):
        name = value.decode(errors="replace").rstrip("\0")
        usual = name.rstrip("0123456789") in USUAL_NAMES and name.lower() not in names
        clock = code in (pcapng.IF_TSRESOL, pcapng.IF_TSOFFSET)
        if clock or (code == pcapng.IF_NAME and usual):
            output += pcapng.option(code, value)
    return output


def _lines(path: Path) -> Iterator[str]:
    """Yield the lines of a text, compressed or in UTF-16, too; raises SetupError when it is no text."""
    try:
        for block in logfiles.blocks(path):
            if b"\0" in block:
                raise SetupError(f"{path}: no text, so that nobody can say what is in it; leave it out")
            text = block.decode(errors="surrogateescape")
            yield from (line.rstrip("\r") for line in text.removesuffix("\n").split("\n"))
    except CaptureError as error:
        raise SetupError(f"{path}: {error}") from error


def _write_text(path: Path, target: Path, replace_line: Callable[[str], str]) -> int:
    count = 0
    with replacing(target) as file:
        for count, line in enumerate(_lines(path), 1):  # noqa: B007
            file.write(replace_line(line).encode(errors="replace") + b"\n")
    return count


def disguised(deployment: Deployment, pseudonyms: Pseudonyms) -> Deployment:
    """Return the deployment for the redacted captures: it decides alike, and its texts name nobody."""
    return replace(
        deployment,
        public_addresses=tuple(
            network
            for address in deployment.public_addresses
            for network in pseudonyms.addresses.image(address)
        ),
        lists={
            _name(name, pseudonyms): _list(access_list, pseudonyms)
            for name, access_list in deployment.lists.items()
        },
        candidate_acl=_names(deployment.candidate_acl, pseudonyms),
        signalling_acl=_names(deployment.signalling_acl, pseudonyms),
    )


def _list(access_list: AccessList, pseudonyms: Pseudonyms) -> AccessList:
    """Return a list that decides alike.

    The longest prefix decides, of equal ones the first (docs/DEPLOYMENT.md).
    """
    finest_first = sorted(access_list.entries, key=lambda entry: -entry.network.prefixlen)
    entries = (
        Entry(network, entry.allow, str(network))
        for entry in finest_first
        for network in pseudonyms.addresses.image(entry.network)
    )
    unresolved = (
        Unresolved(pseudonyms.texts.opaque(text_entry.text), text_entry.allow)
        for text_entry in access_list.unresolved
    )
    return AccessList(
        _name(access_list.name, pseudonyms), access_list.allow, tuple(entries), tuple(unresolved)
    )


def _names(names: Iterable[str], pseudonyms: Pseudonyms) -> tuple[str, ...]:
    return tuple(_name(name, pseudonyms) for name in names)


def _name(name: str, pseudonyms: Pseudonyms) -> str:
    return name if name in BUILT_IN or name in pseudonyms.known else pseudonyms.words.identifier(name)
