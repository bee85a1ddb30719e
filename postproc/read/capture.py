"""A capture -> its event tables, by the fast path or, where that fails, by tshark alone.

A capture is a file, or several that go on from each other (read.recordings) and are read as one.

The fast path shows tshark only what is neither media nor foreign TCP; the
frame numbers and times of what tshark returns are checked against the file.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from heapq import merge
from operator import attrgetter
from pathlib import Path

import numpy as np
import pandas as pd

from postproc import memory
from postproc.files import scratch
from postproc.model.errors import CaptureError
from postproc.model.recordings import Recording, Recordings
from postproc.model.tables import CAPTURES, RTP_SECONDS, RTP_STREAMS, Tables
from postproc.read import payloads, processes, programs, streaming, tshark, web
from postproc.read.arrays import Array
from postproc.read.container import NotWalkable
from postproc.read.decrypted import Decrypted, decrypted
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
Files = Sequence[tuple[Path, str]]  # the files of a capture by time, each with its name
NOT_WALKED = "all but signalling, in a file that cannot be walked"


class MappingError(CaptureError):
    """The reduced file and the capture do not agree: the fast path is not to be trusted."""


@dataclass(frozen=True)
class Walked:
    """A capture after the walk: what it found, and the reduced file with what tshark must see.

    ``kept`` is None where tshark has to read the capture itself.
    """

    files: Files
    parted: Split
    kept: Path | None
    decode_as: Mapping[str, str]
    inside: tuple[Decrypted, ...] = ()  # TLS of the way in, where there are keys


def read(path: Path, name: str, options: Options = AS_USUAL, seen: Seen = lambda _: None) -> Tables:
    """Read one file into event tables, ``capture`` being ``name``; see ``read_files``."""
    return read_files([(path, name)], options, seen)


def read_files(files: Files, options: Options = AS_USUAL, seen: Seen = lambda _: None) -> Tables:
    """Read a capture into event tables.

    ``seen`` is told now and then how many bytes of its files have been looked at.
    Raises CaptureError when they hold no packets that can be read, of several files also where they cannot
    be read as one; and SetupError when tshark is missing.
    """
    with scratch.folder() as folder:
        walked = walk(files, folder, options, seen)
        memory.give_back()
        return dissected(walked, options)


def dissected(walked: Walked, options: Options) -> Tables:
    """The tables of a capture that has a tshark of its own. Raises CaptureError as ``read_files`` does."""
    if walked.kept and not options.all_packets:
        try:
            return joined(walked, _shown(walked, walked.kept, options))
        except MappingError as error:
            if len(walked.files) > 1:
                raise
            why = f"read by tshark alone, which is slower: {error}"
            walked = replace(walked, parted=_warned(walked.parted, [why]), kept=None)
    return _by_tshark_alone(walked, options)


def walk(files: Files, folder: Path, options: Options, seen: Seen = lambda _: None) -> Walked:
    """Walk a capture; what is kept of it goes to ``folder``. Raises CaptureError as ``read_files`` does."""
    if len(files) == 1:
        path, _ = files[0]
        parted, kept = _part(path, folder, options, seen)
        return _opened(Walked(files, parted, kept, _decode_as(kept or path, options, parted)), options)
    kept, paths = (
        folder / "kept.pcapng",
        [_plain(path, folder / f"{n}.unpacked") for n, (path, _) in enumerate(files)],
    )
    direct = None if options.all_packets else aside(kept)
    keys, every = options.keylog is not None, options.all_packets
    parted = split(paths, kept, direct, keep_tls=keys, everything=every, seen=seen)
    parted = replace(parted, files=tuple(map(_as_given, parted.files, files, paths)))
    return _opened(Walked(files, parted, kept, _decode_as(kept, options, parted)), options)


def _opened(walked: Walked, options: Options) -> Walked:
    """The same with what the keys show of the way in; frames are numbered as in the capture."""
    parted = walked.parted
    if (options.keylog is None and not parted.has_secrets) or not parted.way_in.every:
        return walked
    seen = list(decrypted(walked.kept or walked.files[0][0], options.keylog))
    frames = (each.frame for each in seen)
    for _ in _mapped(frames, parted) if walked.kept else frames:
        pass  # numbered where they stand
    return replace(walked, inside=tuple(seen))


def joined(walked: Walked, shown: Iterable[Frame]) -> Tables:
    """The tables of a capture of whose reduced file tshark showed these frames.

    Raises MappingError where they are not those that were kept.
    """
    parted, kept = walked.parted, walked.kept
    direct = payloads.direct_frames(aside(kept), parted.direct_frames, parted.direct_times) if kept else ()
    frames = merge(_mapped(shown, parted), direct, _streamed(parted), key=attrgetter("number"))
    told: list[str] = []
    found = events(_marked(frames, parted.guessed_frames), walked.files[0][1], told)
    return _tables(found, _warned(parted, told), walked, everything=False)


def _shown(walked: Walked, kept: Path, options: Options) -> Iterable[Frame]:
    """What tshark shows of the reduced file; where no packet was kept there is nothing to ask it."""
    if not len(walked.parted.kept_frames):
        return ()
    return tshark.frames(kept, options.keylog, decode_as=walked.decode_as)


def _by_tshark_alone(walked: Walked, options: Options) -> Tables:
    """The tables by what tshark shows of the file, or of the one in which all packets of several are."""
    (path, name), parted, clock, passed = walked.files[0], walked.parted, Clock(), Passed()
    shown = tshark.frames(walked.kept or path, options.keylog, decode_as=walked.decode_as)
    if walked.kept:
        shown = _marked(_mapped(shown, parted), parted.guessed_frames)
    else:
        shown = _settled(shown, clock, parted.first_time)
    frames: Iterable[Frame] = passed.by(shown)
    if parted.walked:
        frames = merge(_besides_streams(frames, parted), _streamed(parted), key=attrgetter("number"))
    told: list[str] = []
    found = events(frames, name, told)
    if not parted.walked:
        parted = passed.noted(parted)
    if clock.warning and not len(parted.guessed_frames):  # else the walk has said so, of every packet
        told.append(clock.warning)
    return _tables(found, _warned(parted, told), walked, everything=True)


def _streamed(parted: Split) -> list[Frame]:
    """What the walk put together from segments, by the frames in which it ended."""
    return sorted(parted.from_streams, key=attrgetter("number"))


def _besides_streams(frames: Iterable[Frame], parted: Split) -> Iterator[Frame]:
    """Frames without what tshark, too, finds in connections whose messages the walk has put together."""
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
    """What tshark alone showed of a capture that nobody could walk: signalling, and the numbers of frames."""

    frames: int = 0
    highest: int = 0
    times: list[int] = field(default_factory=list)  # the earliest and the latest

    def by(self, frames: Iterable[Frame]) -> Iterator[Frame]:
        for frame in frames:
            self.frames += 1
            self.highest = max(self.highest, frame.number)
            times = (*self.times, frame.time)
            self.times = [min(times), max(times)]
            yield frame

    def noted(self, parted: Split) -> Split:
        """The numbers that a walk would have counted, as far as the last frame shown."""
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
    """The same with more warnings; of several files they are the last one's."""
    files = (*parted.files[:-1], *(_warned(each, warnings) for each in parted.files[-1:]))
    return replace(parted, warnings=(*parted.warnings, *warnings), files=files)


def _part(path: Path, folder: Path, options: Options, seen: Seen) -> tuple[Split, Path | None]:
    """Measure media and write what tshark must see; convert first what cannot be walked."""
    kept = None if options.all_packets else folder / "kept.pcapng"
    keys = options.keylog is not None
    try:
        return split(path, kept, kept and aside(kept), keep_tls=keys, seen=seen), kept
    except NotWalkable as error:
        original = Split(format=_form(path), sha256=sha256(path))
        try:
            source = converted(path, folder / "converted.pcapng")
            parted = split(source, kept, kept and aside(kept), keep_tls=keys)
        except processes.TooMuchError:  # tshark, which unpacks by itself, would find no end, either
            raise
        except CaptureError as second:
            warning = f"not walked ({error}; {second}): read by tshark alone, media not measured"
            return replace(original, warnings=(warning,), walked=False), None
        return replace(parted, format=original.format, sha256=original.sha256), kept


def _plain(path: Path, target: Path) -> Path:
    return unpacked(path, target) if packed(path) else path


def _as_given(part: Split, given: tuple[Path, str], walked: Path) -> Split:
    """What was found in a file, with the form and hash of the one it was unpacked from."""
    path, _ = given
    return part if path == walked else replace(part, format=_form(path), sha256=sha256(path))


def aside(kept: Path) -> Path:
    """Where that goes which tshark need not see."""
    return kept.with_name("direct")


def _form(path: Path) -> str:
    with path.open("rb") as file:
        return capture_format(file.read(HEAD)) or "other"


def converted(path: Path, target: Path) -> Path:
    """The capture as little-endian pcapng; a cut one as far as it goes."""
    editcap = programs.companion("editcap")
    if editcap is None:
        raise CaptureError("editcap, which converts it, is not beside tshark")
    source = path.resolve()
    status, said = processes.make(
        target, source.stat().st_size, editcap, "-F", "pcapng", str(source), str(target)
    )
    cut = any(words in said for words in streaming.BROKEN_FILE)
    if not target.exists() or not target.stat().st_size or (status and not cut):
        raise CaptureError(f"editcap cannot convert it: {said.strip().splitlines()[-1:]}")
    return target


def _mapped(frames: Iterable[Frame], parted: Split) -> Iterator[Frame]:
    """Frames with the numbers of the original file, each checked by its time if that is believed."""
    guessed = np.isin(parted.kept_frames, parted.guessed_frames)
    for frame in frames:
        index = frame.number - 1
        known = index < len(parted.kept_times)
        if not known or (frame.time != parted.kept_times[index] and not guessed[index]):
            raise MappingError(f"frame {frame.number} of the reduced file is at another time")
        frame.number, frame.time = int(parted.kept_frames[index]), int(parted.kept_times[index])
        yield frame


def _marked(frames: Iterator[Frame], guessed: Array) -> Iterator[Frame]:
    """Frames in the order of their numbers, marked where their time is not their own."""
    ahead = iter(guessed.tolist())
    waiting = next(ahead, None)
    for frame in frames:
        while waiting is not None and waiting < frame.number:
            waiting = next(ahead, None)
        frame.guessed = waiting == frame.number
        yield frame


def _settled(frames: Iterator[Frame], clock: Clock, start: int | None) -> Iterator[Frame]:
    """Frames as tshark alone shows them, with times that can be reckoned with."""
    for frame in frames:
        frame.guessed = not believed(frame.time)
        frame.time = clock.follow(frame.time, start, frame.number)
        yield frame


def _decode_as(source: Path, options: Options, parted: Split) -> dict[str, str]:
    """What tshark would not know: VXLAN on the port Linux first gave it, and SIP in TLS on any port."""
    known = {f"udp.port=={OTV}": "vxlan"} if OTV in parted.tunnel_ports else {}
    if options.keylog is None and not parted.has_secrets:
        return known
    return known | sip_over_tls(source, options.keylog)


def _tables(tables: Tables, parted: Split, walked: Walked, *, everything: bool) -> Tables:
    files = walked.files
    rtp_streams, rtp_seconds = _media(parted, tables)
    parts = parted.files if len(files) > 1 else (parted,)
    rows = [_capture(each, *file, everything=everything) for each, file in zip(parts, files, strict=True)]
    _, first = files[0]
    whole = tables.with_(
        rtp_streams=RTP_STREAMS.captured(rtp_streams, first),
        rtp_seconds=RTP_SECONDS.captured(rtp_seconds, first),
        captures=CAPTURES.rows(rows),
        **web.tables(parted.way_in, walked.inside, first),
    )
    if len(files) == 1:
        return whole
    recording = Recording.of([name for _, name in files], [each.packets for each in parts], first)
    return Recordings((recording,), whole.captures).apart(whole)


def _media(parted: Split, tables: Tables) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The streams of the walk, and those of one or two packets on ports that SDP names."""
    if not len(parted.media.strays):
        return parted.rtp_streams, parted.rtp_seconds
    described, offered = tables.sdp_media, tables.candidates
    named = pd.concat([described["port"], offered["port"], offered["related_port"]]).dropna()
    formats = described["formats"].dropna().str.split(",").explode()
    types = formats[formats.str.fullmatch(r"[0-9]{1,3}")].astype("int64").unique()
    streams, seconds = rtp_tables(few(parted.media, named.unique().astype("int64"), types), fewest=1)
    if streams.empty:
        return parted.rtp_streams, parted.rtp_seconds
    first = len(parted.rtp_streams)
    return (
        pd.concat([parted.rtp_streams, streams.assign(stream=streams["stream"] + first)]),
        pd.concat([parted.rtp_seconds, seconds.assign(stream=seconds["stream"] + first)]),
    )


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
        "cut_short": parted.cut_short,
        "missing": parted.missing or None,
        "warnings": "\n".join(parted.warnings) or None,
    }


def _dissected(parted: Split, *, everything: bool) -> int:
    if everything:
        return parted.packets - (0 if parted.walked else parted.not_looked_at)
    return parted.packets - parted.media_packets - parted.foreign_packets
