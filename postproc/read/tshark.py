"""tshark as a stream of frames: the only module that knows pyshark, EK and PDML.

tshark runs with ``-T ek -x``: its dissectors say where a message begins and
ends (reassembly, decryption, heuristics), and ``NAME_raw`` holds the message's
bytes, one per occurrence, so that two SIP messages in a TCP segment stay two.
Everything else in the stream is filtered out by ``-j``.

For people who look closer, ``packets`` gives single frames with every field of every layer
(``-T pdml``). That is slow (2 ms a frame), so a display filter should say which frames are meant.
"""

import asyncio
import re
import subprocess
from asyncio import StreamReader
from asyncio.subprocess import Process
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import orjson
import pyshark
from pyshark.packet.packet import Packet
from pyshark.tshark.output_parser.tshark_xml import TsharkXmlParser

from postproc.model.errors import CaptureError, SetupError
from postproc.model.text import clean
from postproc.read import processes, programs
from postproc.read.frame import Frame, from_layers
from postproc.read.option_files import keylog_preference
from postproc.read.processes import Leash, leash

Place = tuple[str | None, int | None]
T = TypeVar("T")
Stream = TypeVar("Stream", bound="EkCapture")

OLDEST = (4, 0)
PREFERENCES = {
    "sdp.establish_conversation": "FALSE",  # else Call-IDs pile up on every reused media port
    "udp.try_heuristic_first": "TRUE",  # STUN on ports 30030, 32000, 32512 ...
    "tcp.try_heuristic_first": "TRUE",  # SIP on ports that belong to others
    "tcp.reassemble_out_of_order": "TRUE",
}
RELAYED_MEDIA = "stun.channel && udp.payload[4:2] >= 80:00"  # RTP in ChannelData (RFC 7983)
SIP_IN_SEGMENT = 'tcp.payload contains "SIP/2.0"'  # what tshark takes for a plain segment
# Where HTTPS is, its thousands of connections stay unseen; of TLS only what says how far a handshake came.
CLOSED = "(tcp.flags.fin == 1 || tcp.flags.reset == 1) && !(tcp.port == 443)"
SECURED = (
    "(tls.record.content_type in {20..22} || tls.record.opaque_type == 23 && tls.record.length == 19) "
    "&& !(tcp.port == 443)"
)
HEP = "udp.payload[0:4] == 48:45:50:33"
SIGNALLING = (
    f"sip || {SIP_IN_SEGMENT} || (stun && !({RELAYED_MEDIA})) || classicstun || dtls "
    f"|| {HEP} || icmp.type in {{3..5,11,12}} || icmpv6.type < 128 || {CLOSED} || {SECURED}"
)
TLS_DATA = "tls.handshake.type == 1 || tls.record.content_type == 23"
WANTED = (
    "frame frame.number frame.time_epoch frame.interface_id frame.protocols "
    "data dtls dtls.record dtls.handshake dtls.handshake.certificates dtls.handshake.certificate"
)
INSIDE_TURN = ("--enable-heuristic", "dtls_stun", "--enable-heuristic", "stun_turn")
BROKEN_FILE = ("cut short", "damaged or corrupt")  # said of the input after its last good frame
CHUNK = 1 << 18  # bytes of tshark's output parsed together
PIPE = 1 << 20  # bytes that tshark may be ahead; it writes 4 KB at a time
PAUSE = 0.002  # seconds in which the pipe fills, instead of waking up for each piece
LONGEST_LINE = (
    1 << 26
)  # bytes; a frame of 256 KB, the most in a capture, takes 2 MB with all put together in it


def executable() -> str:
    """Path of the tshark to run; SetupError when there is none."""
    return str(programs.tshark().path)


def version() -> str:
    """tshark's version, like "4.0.17"; SetupError when it is missing or too old."""
    return _version(_about())


def build() -> str:
    """What tells this tshark from any other: what it says of itself, and its file.

    Others of the same version may be made with other libraries, and then decrypt or
    unpack less. SetupError when it is missing or too old.
    """
    about = _about()
    file = Path(executable()).stat()
    return f"{_version(about)} {about.partition(' ')[2]} {file.st_size} {file.st_mtime_ns}"


def _version(about: str) -> str:
    found = re.search(r"(\d+)\.(\d+)\.(\d+)", about)
    if not found or tuple(map(int, found.groups()[:2])) < OLDEST:
        seen = found.group() if found else "unknown"
        raise SetupError(f"tshark {seen} is too old, 4.0 or later is needed; {programs.INSTALL}")
    return found.group()


def _about() -> str:
    """The line in which tshark, or what comes with it, tells its version.

    tshark loads all dissectors first. So it is asked itself only where it was set, by
    hand: that may be any program.
    """
    found = programs.tshark()
    asked = found.path if found.how == "setting" else programs.companion("editcap") or found.path
    about = processes.run(asked, "-v").stdout.partition("\n")[0]
    if found.how == "setting" and not about.startswith("TShark"):
        raise SetupError(f"{asked} is no tshark: it calls itself {about[:80]!r}")
    return about


def frames(
    capture: Path,
    keylog: Path | None = None,
    *,
    show: str = SIGNALLING,
    decode_as: Mapping[str, str] | None = None,
) -> Iterator[Frame]:
    """Yield the frames of a capture that the display filter ``show`` lets through, in file order.

    Raises CaptureError when tshark dies, hangs or refuses the file; the frames
    already yielded are good, and a file cut short is no error.
    """
    with streaming(
        EkCapture,
        capture,
        keylog,
        use_ek=True,
        include_raw=True,
        decode_as=dict(decode_as or {}),
        # Not as display_filter: pyshark would run tshark once more to see whether it knows -Y.
        custom_parameters=["-n", "-Y", show, "-j", WANTED, *INSIDE_TURN],
    ) as stream:
        for batch in stream:
            yield from map(from_layers, batch)
        stream.check()


@contextmanager
def streaming(
    kind: "type[Stream]",
    capture: Path,
    keylog: Path | None,
    **options: Any,  # noqa: ANN401
) -> "Iterator[Stream]":
    """A capture read by a tshark that runs alone, and ends when the block is left or we are gone."""
    loop = asyncio.new_event_loop()
    with processes.empty_folder() as bare, leash() as tied:
        stream = kind(
            str(capture.absolute()),
            keep_packets=False,
            eventloop=loop,
            tshark_path=executable(),
            override_prefs=PREFERENCES | keylog_preference(keylog),
            **options,
        )
        stream.folder, stream.leash = bare, tied
        try:
            yield stream
        finally:
            stream.close()
            loop.close()


def apart(work: Callable[[], T]) -> T:
    """Do the work where no event loop runs: Jupyter has one in its main thread."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return work()
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result()


class EkCapture(pyshark.FileCapture):  # type: ignore[misc]
    """pyshark's FileCapture that yields batches of EK ``layers`` dicts.

    pyshark starts, feeds and reaps the process; its own EK parser would lose
    all but one SIP message of a segment, and it hides tshark's stderr.
    """

    output = "ek"
    folder: Path  # empty, for tshark to run in
    leash: Leash
    status: int | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(*args, **kwargs)
        self.said = b""  # by tshark on stderr
        self._pause = 0.0
        self._size = self.input_filepath.stat().st_size

    def check(self) -> None:
        """Raise CaptureError when tshark did not come to a good end."""
        lines = self.said.decode(errors="replace").splitlines()
        complaint = "; ".join(line.strip() for line in lines if not line.startswith("Running as"))
        if self.status and not any(words in complaint for words in BROKEN_FILE):
            raise CaptureError(f"tshark failed ({self.status}): {clean(complaint[:300]) or 'no message'}")

    def deadline(self) -> float:
        """When tshark is stopped, by the loop's clock."""
        return float(self.eventloop.time() + processes.patience(self._size))

    def _setup_tshark_output_parser(self) -> "EkBatches | TsharkXmlParser":
        return EkBatches(self.deadline(), self._pause, processes.most(self._size))

    def _get_tshark_path(self) -> str:
        return str(self.tshark_path)  # pyshark would look into a config.ini of the current folder first

    async def _get_tshark_process(self, packet_count: int | None = None, stdin: None = None) -> Process:
        """Start tshark alone, within a memory limit."""
        process = await asyncio.create_subprocess_exec(
            self._get_tshark_path(),
            "-T",
            self.output,
            *self.get_parameters(packet_count),
            stdin=stdin or self.leash.stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            limit=1,  # so that a pipe is read when asked, not whenever a piece comes
            cwd=self.folder,
            env=processes.environment(self.folder),
        )
        self.leash.tie(process.pid)
        processes.limit_memory(process.pid, self._size)
        self._pause = PAUSE if _widened(process.stdout) else 0.0
        self._create_stderr_handling_task(process.stderr)
        self._running_processes.add(process)
        return process

    async def _handle_process_stderr_forever(self, stderr: asyncio.StreamReader) -> None:
        while said := await stderr.read(CHUNK):
            self.said = (self.said + said)[-CHUNK:]

    async def _cleanup_subprocess(self, process: Process) -> None:
        """Reap tshark: at the end of its output wait for it, else stop it."""
        if process.returncode is None and not self._eof_reached:
            process.kill()
            if process.stdout:  # a reader that is full has paused its pipe, and wait() waits for the pipe
                await process.stdout.read()
        self.status = await process.wait()
        self._running_processes.discard(process)


@dataclass
class EkBatches:
    """A pyshark output parser that returns all whole lines read so far at once."""

    deadline: float
    pause: float  # 0 where the pipe is small: it would stop tshark
    left: int  # bytes that tshark may still say

    async def get_packets_from_stream(
        self,
        stream: asyncio.StreamReader,
        existing: bytes,
        got_first_packet: bool = True,  # noqa: ARG002
    ) -> tuple[list[dict[str, Any]], bytes]:
        """Return (layers of each frame, rest of the last line); EOFError at the end."""
        try:
            async with asyncio.timeout_at(self.deadline):
                if self.pause:
                    await asyncio.sleep(self.pause)
                    read = await stream.read(CHUNK)
                else:
                    read = await stream.readexactly(CHUNK)
        except TimeoutError:
            raise CaptureError("tshark took too long and was stopped") from None
        except asyncio.IncompleteReadError as end:
            read = end.partial
        if not read:
            raise EOFError
        self.left -= len(read)
        if self.left < 0 or len(existing) > LONGEST_LINE:
            raise CaptureError("tshark says more of it than of any honest capture, and was stopped")
        *lines, rest = (existing + read).split(b"\n")
        return [layers for line in lines if (layers := _layers(line))], rest


def _layers(line: bytes) -> dict[str, Any] | None:
    """The layers of a packet line; None for an index line and for one that is no JSON."""
    if not line.startswith(b'{"timestamp'):
        return None
    try:
        layers: dict[str, Any] = orjson.loads(line)["layers"]
    except orjson.JSONDecodeError:
        return None
    return layers


def _widened(stdout: asyncio.StreamReader | None) -> bool:
    """Give a pipe room for what comes in a pause; False where that cannot be done."""
    try:
        import fcntl  # noqa: PLC0415  (not on Windows)

        pipe = stdout._transport.get_extra_info("pipe")  # type: ignore[union-attr]
        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE)  # Linux only
    except (ImportError, AttributeError, OSError, ValueError):  # ValueError: tshark is dead already
        return False
    return True


def sip_over_tls(source: Path, keylog: Path | None) -> dict[str, str]:
    """Decode-as rules for TLS servers whose decrypted data no dissector claims: SIP may be there."""
    servers: dict[frozenset[Place], int | None] = {}
    claimed: set[int | None] = {None}
    unclaimed: set[int | None] = set()
    for frame in frames(source, keylog, show=TLS_DATA):
        ends = frozenset([(frame.src_addr, frame.src_port), (frame.dst_addr, frame.dst_port)])
        port = servers.setdefault(ends, frame.dst_port)  # the first record is the client's
        (unclaimed if frame.protocols[-1] in ("tls", "data") else claimed).add(port)
    return {f"tls.port=={port}": "sip" for port in unclaimed - claimed}


def sip_messages(source: Path, keylog: Path | None = None) -> Mapping[int, tuple[bytes, ...]]:
    """The SIP messages in TLS, whole, by the number of the frame in which each ends.

    Raises CaptureError when tshark cannot read the capture.
    """
    rules = sip_over_tls(source, keylog)
    return {
        frame.number: tuple(frame.messages["sip"])
        for frame in frames(source, keylog, show="tls && sip", decode_as=rules)
        if "tls" in frame.protocols and frame.messages.get("sip")
    }


def packets(capture: Path, show: str, keylog: Path | None = None, limit: int | None = None) -> list[Packet]:
    """The frames that the display filter ``show`` lets through, ``limit`` at most, in file order.

    Works beside a running event loop, as in Jupyter. Raises CaptureError when the
    file is gone or tshark refuses it or the filter; of a file cut short the whole
    frames come.
    """
    if not capture.is_file():
        raise CaptureError(f"{capture}: the capture is not there any more")
    return apart(lambda: _read(capture, show, keylog, limit))


def _read(capture: Path, show: str, keylog: Path | None, limit: int | None) -> list[Packet]:
    options = {"custom_parameters": ["-n", "-Y", show, *INSIDE_TURN]}
    with streaming(PdmlCapture, capture, keylog, **options) as stream:
        found = list(islice(stream, limit))
        if limit is None or len(found) < limit:  # else tshark was stopped by us
            stream.check()
    return found


class PdmlCapture(EkCapture):
    """The same process and the same care, with pyshark's own packets as output."""

    output = "pdml"

    def _setup_tshark_output_parser(self) -> "PdmlPackets":
        return PdmlPackets(deadline=self.deadline())


class PdmlPackets(TsharkXmlParser):  # type: ignore[misc]
    """pyshark's parser, with an end to its patience."""

    def __init__(self, deadline: float) -> None:
        super().__init__()
        self._deadline = deadline

    async def get_packets_from_stream(
        self, stream: StreamReader, existing: bytes, got_first_packet: bool = True
    ) -> tuple[Packet | None, bytes]:
        try:
            async with asyncio.timeout_at(self._deadline):
                read: tuple[Packet | None, bytes] = await super().get_packets_from_stream(
                    stream, existing, got_first_packet
                )
        except TimeoutError:
            raise CaptureError("tshark took too long and was stopped") from None
        return read
