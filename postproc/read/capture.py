"""Read a capture into event tables, by the fast path or, if that fails, by tshark alone.

A capture is a file, or several consecutive ones (read.recordings) that are read as one.

The fast path gives tshark only what is neither media nor foreign TCP. Frame numbers and times of what
tshark returns are checked against the file.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from heapq import merge
from operator import attrgetter
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from postproc import memory
from postproc.files import scratch
from postproc.model.errors import CaptureError
from postproc.model.events import Events, captured, of_records, of_tables, tables, with_columns
from postproc.model.merged import Recording, Recordings
from postproc.model.tables import CAPTURES, Tables
from postproc.read import processes, programs, streaming, tshark, web
from postproc.read.arrays import Array
from postproc.read.beside import by_end
from postproc.read.container import NotWalkable
from postproc.read.decrypted import Decrypted, decrypted
from postproc.read.direct import direct_frames
from postproc.read.events import events
from postproc.read.frame import Frame
from postproc.read.inputs import readable, sha256
from postproc.read.layers import OTV, listed
from postproc.read.limits import Clock, believed
from postproc.read.media import few, rtp_tables
from postproc.read.option_files import AS_USUAL, Options
from postproc.read.packed import packed, unpacked
from postproc.read.split import Split, split
from postproc.read.tshark import sip_over_tls
from postproc.read.walk import HEAD, capture_format

Seen = Callable[[int], None]
Files = Sequence[tuple[Path, str]]  # the files of a capture in order of time, each with its name
NOT_WALKED = "all but signalling, in a file that cannot be walked"


class MappingError(CaptureError):
    """The reduced file and the capture do not agree, so the fast path cannot be trusted."""


class Walked(NamedTuple):
    """A capture after the walk: the walk's result, and the reduced file for tshark.

    ``kept`` is None if tshark has to read the capture itself.
    """

    files: Files
    parted: Split
    kept: Path | None
    decode_as: Mapping[str, str]
    inside: tuple[Decrypted, ...] = ()  # decrypted TLS of the way in, if there are keys


def read(path: Path, name: str, options: Options = AS_USUAL, seen: Seen = lambda _: None) -> Tables:
    """Read one file into event tables with ``name`` as their ``capture``; see ``read_files``."""
    return tables(read_files([(path, name)], options, seen))


def read_files(files: Files, options: Options = AS_USUAL, seen: Seen = lambda _: None) -> Events:
    """Read a capture into events.

    ``seen`` is called from time to time with the number of bytes walked so far.
    Raises CaptureError if the files hold no readable packets, or several cannot be read as one;
    SetupError if tshark is missing.
    """
    with scratch.folder() as folder:
        walked = walk(files, folder / "kept.pcapng", options, seen)
        memory.give_back()
        return dissected(walked, options)


def dissected(walked: Walked, options: Options) -> Events:
    """Return a capture's events, dissected by its own tshark. Raises CaptureError as ``read_files`` does."""
    if walked.kept and not options.all_packets:
        try:
            return joined(walked, _shown(walked, walked.kept, options))
        except MappingError as error:
            if len(walked.files) > 1:
                raise
            why = f"read by tshark alone, which is slower: {error}"
            walked = walked._replace(parted=_warned(walked.parted, [why]), kept=None)
    return _by_tshark_alone(walked, options)


def walk(files: Files, kept: Path, options: Options, seen: Seen = lambda _: None) -> Walked:
    """Walk a capture; its reduced file is ``kept``, and the names of others beside it begin like that one's.

    Raises CaptureError as ``read_files`` does.
    """
    if len(files) == 1:
        path, _ = files[0]
        parted, reduced = _part(path, kept, options, seen)
        return _opened(Walked(files, parted, reduced, _decode_as(reduced or path, options, parted)), options)
    paths = [_plain(path, _beside(kept, f"{n}.unpacked")) for n, (path, _) in enumerate(files)]
    direct = None if options.all_packets else aside(kept)
    keys, every = options.keylog is not None, options.all_packets
    parted = split(paths, kept, direct, keep_tls=keys, everything=every, seen=seen)
    parted = replace(parted, files=tuple(map(_as_given, parted.files, files, paths)))
    return _opened(Walked(files, parted, kept, _decode_as(kept, options, parted)), options)


def _opened(walked: Walked, options: Options) -> Walked:
    """Return the capture with the decrypted TLS of its way in, if there are keys."""
    parted = walked.parted
    if (options.keylog is None and not parted.has_secrets) or not parted.way_in.every:
        return walked
    inside = list(decrypted(walked.kept or walked.files[0][0], options.keylog))
    frames = (each.frame for each in inside)
    for _ in _mapped(frames, parted) if walked.kept else frames:
        pass  # _mapped renumbers the frames in place
    return walked._replace(inside=tuple(inside))


def joined(walked: Walked, shown: Iterable[Frame]) -> Events:
    """Return the events of a capture from the frames that tshark showed of its reduced file.

    Raises MappingError if these are not the frames that were kept.
    """
    parted, kept = walked.parted, walked.kept
    direct = direct_frames(aside(kept), parted.direct_frames, parted.direct_times) if kept else ()
    frames = merge(_mapped(shown, parted), direct, _streamed(parted), key=attrgetter("number"))
    warnings: list[str] = []
    found = events(_marked(frames, parted.guessed_frames), walked.files[0][1], warnings)
    return _whole(found, _warned(parted, warnings), walked, everything=False)


def _shown(walked: Walked, kept: Path, options: Options) -> Iterable[Frame]:
    """Return the frames that tshark shows of the reduced file; it is not started if no packet was kept."""
    if not len(walked.parted.kept_frames):
        return ()
    return tshark.frames(kept, options.keylog, decode_as=walked.decode_as)


def _by_tshark_alone(walked: Walked, options: Options) -> Events:
    """Return the events from tshark's frames of the file, or of the one with all packets of several files."""
    (path, name), parted, clock, passed = walked.files[0], walked.parted, Clock(), Passed()
    shown = tshark.frames(walked.kept or path, options.keylog, decode_as=walked.decode_as)
    if walked.kept:
        shown = _marked(_mapped(shown, parted), parted.guessed_frames)
    else:
        shown = _settled(shown, clock, parted.first_time)
    frames: Iterable[Frame] = passed.by(shown)
    if parted.walked:
        frames = merge(_besides_streams(frames, parted), _streamed(parted), key=attrgetter("number"))
    warnings: list[str] = []
    found = events(frames, name, warnings)
    if not parted.walked:
        parted = passed.noted(parted)
    if clock.warning and not len(parted.guessed_frames):  # else the walk has said so, of every packet
        warnings.append(clock.warning)
    return _whole(found, _warned(parted, warnings), walked, everything=True)


def _streamed(parted: Split) -> list[Frame]:
    """Return the messages that the walk reassembled from segments, by the frame in which each ended."""
    return sorted(parted.from_streams, key=attrgetter("number"))


def _besides_streams(frames: Iterable[Frame], parted: Split) -> Iterator[Frame]:
    """Yield frames without their messages on connections that the walk has already reassembled."""
    read = {_ends(frame) for frame in parted.from_streams}
    for frame in frames:
        of_tcp = (
            frame.transport == "tcp" and "icmp" not in frame.protocols and "icmpv6" not in frame.protocols
        )
        if of_tcp and _ends(frame) in read:
            yield replace(frame, messages={}, protocols=("ip", "tcp", "stun"))
        else:
            yield frame


def _ends(frame: Frame) -> frozenset[tuple[str | None, int | None]]:
    return frozenset({(frame.src_addr, frame.src_port), (frame.dst_addr, frame.dst_port)})


@dataclass
class Passed:
    """Count and time range of the frames that tshark alone showed of a capture that cannot be walked."""

    frames: int = 0
    highest: int = 0
    times: list[int] = field(default_factory=list)  # the earliest and the latest; ns since 1970

    def by(self, frames: Iterable[Frame]) -> Iterator[Frame]:
        for frame in frames:
            self.frames += 1
            self.highest = max(self.highest, frame.number)
            times = (*self.times, frame.time)
            self.times = [min(times), max(times)]
            yield frame

    def noted(self, parted: Split) -> Split:
        """Return the result of a walk with these counts, valid up to the last frame shown."""
        unseen = self.highest - self.frames
        return replace(
            parted,
            packets=self.highest,
            first_time=self.times[0] if self.times else None,
            last_time=self.times[-1] if self.times else None,
            not_looked_at=unseen,
            unread=listed({NOT_WALKED: unseen}) if unseen else "",
        )


def _warned(parted: Split, warnings: Iterable[str]) -> Split:
    """Return the result with more warnings; of several files they are added to the last one."""
    files = (*parted.files[:-1], *(_warned(each, warnings) for each in parted.files[-1:]))
    return replace(parted, warnings=(*parted.warnings, *warnings), files=files)


def _part(path: Path, reduced: Path, options: Options, seen: Seen) -> tuple[Split, Path | None]:
    """Walk one file into its result and reduced file, None for the latter if it cannot be walked."""
    kept = None if options.all_packets else reduced
    keys = options.keylog is not None
    try:
        return split(path, kept, kept and aside(kept), keep_tls=keys, seen=seen), kept
    except NotWalkable as error:
        original = Split(format=_form(path), sha256=sha256(path))
        try:
            source = converted(path, _beside(reduced, "converted.pcapng"))
            parted = split(source, kept, kept and aside(kept), keep_tls=keys)
        except processes.TooMuchError:  # tshark, which decompresses by itself, would not end either
            raise
        except CaptureError as second:
            warning = f"not walked ({error}; {second}): read by tshark alone, media not measured"
            return replace(original, warnings=(warning,), walked=False), None
        return replace(parted, format=original.format, sha256=original.sha256), kept


def _plain(path: Path, target: Path) -> Path:
    return unpacked(path, target) if packed(path) else path


def _as_given(part: Split, given: tuple[Path, str], walked: Path) -> Split:
    """Return a file's result with the format and hash of the compressed file it came from."""
    path, _ = given
    return part if path == walked else replace(part, format=_form(path), sha256=sha256(path))


def aside(kept: Path) -> Path:
    """Return the path of the second file, for datagrams that need no tshark."""
    return _beside(kept, "direct")


def _beside(kept: Path, name: str) -> Path:
    return kept.with_name(f"{kept.stem}.{name}")


def _form(path: Path) -> str:
    with path.open("rb") as file:
        return capture_format(file.read(HEAD)) or "other"


def converted(path: Path, target: Path) -> Path:
    """Convert a capture to little-endian pcapng at ``target``, a truncated one as far as it goes.

    Raises CaptureError if editcap is missing or fails.
    """
    editcap = programs.companion("editcap")
    if editcap is None:
        raise CaptureError("editcap, which converts it, is not beside tshark")
    source = path.resolve()
    status, complaint = processes.make(
        target, source.stat().st_size, editcap, "-F", "pcapng", str(source), str(target)
    )
    cut = any(words in complaint for words in streaming.BROKEN_FILE)
    if not target.exists() or not target.stat().st_size or (status and not cut):
        raise CaptureError(f"editcap cannot convert it: {complaint.strip().splitlines()[-1:]}")
    return target


def _mapped(frames: Iterable[Frame], parted: Split) -> Iterator[Frame]:
    """Yield frames renumbered as in the original file; MappingError if a trusted time does not match."""
    guessed = np.isin(parted.kept_frames, parted.guessed_frames)
    for frame in frames:
        index = frame.number - 1
        in_range = index < len(parted.kept_times)
        if not in_range or (frame.time != parted.kept_times[index] and not guessed[index]):
            raise MappingError(f"frame {frame.number} of the reduced file is at another time")
        frame.number, frame.time = int(parted.kept_frames[index]), int(parted.kept_times[index])
        yield frame


def _marked(frames: Iterator[Frame], guessed: Array) -> Iterator[Frame]:
    """Yield frames, which are in order of number, with ``guessed`` set where their time is not their own."""
    ahead = iter(guessed.tolist())
    waiting = next(ahead, None)
    for frame in frames:
        while waiting is not None and waiting < frame.number:
            waiting = next(ahead, None)
        frame.guessed = waiting == frame.number
        yield frame


def _settled(frames: Iterator[Frame], clock: Clock, start: int | None) -> Iterator[Frame]:
    """Yield tshark's frames with implausible times replaced (read.limits)."""
    for frame in frames:
        frame.guessed = not believed(frame.time)
        frame.time = clock.follow(frame.time, start, frame.number)
        yield frame


def _decode_as(source: Path, options: Options, parted: Split) -> dict[str, str]:
    """Return decode-as rules: VXLAN on the port Linux first used, and SIP in TLS on any port."""
    rules = {f"udp.port=={OTV}": "vxlan"} if OTV in parted.tunnel_ports else {}
    if options.keylog is None and not parted.has_secrets:
        return rules
    return rules | sip_over_tls(source, options.keylog)


def _whole(found: Events, parted: Split, walked: Walked, *, everything: bool) -> Events:
    """Return the events of messages with those of the walk: media, the way in, the captures themselves."""
    files = walked.files
    parts = parted.files if len(files) > 1 else (parted,)
    rows = [_capture(each, *file, everything=everything) for each, file in zip(parts, files, strict=True)]
    _, first = files[0]
    media = zip(("rtp_streams", "rtp_seconds"), _media(parted, found), strict=True)
    whole = {
        **found,
        **{name: captured(each, first) for name, each in media if len(each)},
        **web.tables(parted.way_in, walked.inside, first),
        "captures": of_records(CAPTURES, rows),
    }
    if "sdp_media" in found:
        whole["sdp_media"] = _with_counts(parted, found["sdp_media"])
    if len(files) == 1:
        return whole
    recording = Recording.of([name for _, name in files], [each.packets for each in parts], first)
    held = tables(whole)
    return of_tables(Recordings((recording,), held.captures).apart(held).items())


def _media(parted: Split, found: Events) -> tuple[pa.Table, pa.Table]:
    """Return the walk's streams, and those of one or two packets on ports named in SDP."""
    if not len(parted.media.strays):
        return parted.rtp_streams, parted.rtp_seconds
    named = (("sdp_media", "port"), ("candidates", "port"), ("candidates", "related_port"))
    ports = {port for table, column in named for port in _known(found, table, column)}
    formats = {each for listed in _known(found, "sdp_media", "formats") for each in listed.split(",")}
    types = [int(each) for each in formats if each.isascii() and each.isdigit() and len(each) <= 3]
    more = few(parted.media, np.array(sorted(ports), np.int64), np.array(sorted(types), np.int64))
    streams, seconds = (
        with_columns(each, {"stream": pc.add(each["stream"], len(parted.rtp_streams))})
        for each in rtp_tables(more, fewest=1)
    )
    return (
        pa.concat_tables([parted.rtp_streams, streams]),
        pa.concat_tables([parted.rtp_seconds, seconds]),
    )


def _known(found: Events, table: str, column: str) -> list[Any]:
    """Return the values of a column that are known."""
    return found[table][column].drop_null().to_pylist() if table in found else []


def _with_counts(parted: Split, sdp_media: pa.Table) -> pa.Table:
    """Return the sections with the packets that may be UDPTL, if they are for fax, and those of ZRTP."""
    media, *ends = (sdp_media[name].to_pylist() for name in ("media", "connection_addr", "port"))
    fax, counts = "image" in media, parted.beside
    if not parted.walked or not (fax or counts.zrtp_from):
        return sdp_media
    places = [*zip(media, zip(*ends, strict=True), strict=True)]
    counted = {"fax_packets": counts.fax_to, "fax_packets_sent": counts.fax_from} if fax else {}
    columns = {
        column: [known.get(end, 0) if kind == "image" else None for kind, end in places]
        for column, known in ((name, by_end(each)) for name, each in counted.items())
    }
    zrtp = by_end(counts.zrtp_from)
    columns["zrtp_packets"] = [zrtp.get(end) for _, end in places]
    return with_columns(sdp_media, columns)


def _capture(parted: Split, path: Path, name: str, *, everything: bool) -> dict[str, object]:
    return {
        "capture": name,
        "path": readable(str(path)),
        "sha256": parted.sha256,
        "format": parted.format,
        "packets": parted.packets,
        "first_time": parted.first_time,
        "last_time": parted.last_time,
        "interfaces": ",".join(parted.interfaces),
        "link_types": ",".join(parted.link_types),
        "media_packets": parted.media_packets,
        "foreign_packets": 0 if everything else parted.foreign_packets,
        "dissected_packets": _dissected(parted, everything=everything),
        "packets_not_looked_at": parted.not_looked_at,
        "not_looked_at": parted.unread or None,
        "messages_cut": parted.messages_cut,
        "cut_short": parted.cut_short,
        "missing": parted.missing or None,
        "warnings": "\n".join(parted.warnings) or None,
    }


def _dissected(parted: Split, *, everything: bool) -> int:
    if everything:
        return parted.packets - (0 if parted.walked else parted.not_looked_at)
    return parted.packets - parted.media_packets - parted.foreign_packets
