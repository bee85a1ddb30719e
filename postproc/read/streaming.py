"""tshark's output as it comes, through pyshark: the only module that knows pyshark, EK's lines and PDML."""

import asyncio
import subprocess
from asyncio import StreamReader
from asyncio.subprocess import Process
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import orjson
import pyshark
from pyshark.packet.packet import Packet
from pyshark.tshark.output_parser.tshark_xml import TsharkXmlParser

from postproc.model.errors import CaptureError
from postproc.model.text import clean
from postproc.read import processes
from postproc.read.processes import Leash, leash
from postproc.read.tshark import BROKEN_FILE

Stream = TypeVar("Stream", bound="EkCapture")

CHUNK = 1 << 18  # bytes of tshark's output parsed together
PIPE = 1 << 20  # bytes that tshark may be ahead; it writes 4 KB at a time
PAUSE = 0.002  # seconds in which the pipe fills, instead of waking up for each piece
# Bytes; a frame of 256 KB, the most in a capture, takes 2 MB with all put together in it.
LONGEST_LINE = 1 << 26


@contextmanager
def of(
    kind: "type[Stream]",
    tshark: str,
    capture: Path,
    preferences: Mapping[str, str],
    **options: Any,  # noqa: ANN401
) -> "Iterator[Stream]":
    """A capture read by this tshark; it runs alone, and ends when the block is left or we are gone."""
    loop = asyncio.new_event_loop()
    with processes.empty_folder() as bare, leash() as tied:
        stream = kind(
            str(capture.absolute()),
            keep_packets=False,
            eventloop=loop,
            tshark_path=tshark,
            override_prefs=dict(preferences),
            **options,
        )
        stream.folder, stream.leash = bare, tied
        try:
            yield stream
        finally:
            stream.close()
            loop.close()


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
