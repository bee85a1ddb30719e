"""Single frames with every field of every layer, through pyshark, for interactive use.

tshark prints them as PDML, which is slow (2 ms a frame), so a display filter should select few frames.
No other module uses pyshark.
"""

import asyncio
import subprocess
from asyncio import StreamReader
from asyncio.subprocess import Process
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import pyshark
from pyshark.packet.packet import Packet
from pyshark.tshark.output_parser.tshark_xml import TsharkXmlParser

from postproc.model.errors import CaptureError
from postproc.read import processes, streaming
from postproc.read.option_files import keylog_preference
from postproc.read.processes import Leash, leash
from postproc.read.tshark import INSIDE_TURN, PREFERENCES, executable

T = TypeVar("T")


def packets(capture: Path, show: str, keylog: Path | None = None, limit: int | None = None) -> list[Packet]:
    """Return the frames that match the display filter ``show``, at most ``limit``, in file order.

    Works while an event loop is running, as in Jupyter. Raises CaptureError if the file is missing, or if
    tshark rejects it or the filter; of a truncated file the complete frames are returned.
    """
    if not capture.is_file():
        raise CaptureError(f"{capture}: the capture is not there any more")
    return _apart(lambda: _read(capture, show, keylog, limit))


def _apart(work: Callable[[], T]) -> T:
    """Run ``work`` in a thread without an event loop: Jupyter's main thread has one."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return work()
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result()


def _read(capture: Path, show: str, keylog: Path | None, limit: int | None) -> list[Packet]:
    with _opened(capture, PREFERENCES | keylog_preference(keylog), "-n", "-Y", show, *INSIDE_TURN) as stream:
        frames = list(islice(stream, limit))
        if limit is None or len(frames) < limit:  # otherwise we stopped tshark ourselves
            stream.check()
    return frames


@contextmanager
def _opened(capture: Path, preferences: Mapping[str, str], *arguments: str) -> Iterator["PdmlCapture"]:
    """Open a capture in an isolated tshark that ends with this block, or with this process."""
    loop = asyncio.new_event_loop()
    with processes.empty_folder() as bare, leash() as tied:
        stream = PdmlCapture(
            str(capture.absolute()),
            keep_packets=False,
            eventloop=loop,
            tshark_path=executable(),
            override_prefs=dict(preferences),
            # Not as display_filter, for which pyshark would start tshark once more to see if it has -Y.
            custom_parameters=list(arguments),
        )
        stream.folder, stream.leash = bare, tied
        try:
            yield stream
        finally:
            stream.close()
            loop.close()


class PdmlCapture(pyshark.FileCapture):  # type: ignore[misc]
    """pyshark's FileCapture with an isolated, limited tshark whose stderr is kept."""

    folder: Path  # empty, for tshark to run in
    leash: Leash
    status: int | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(*args, **kwargs)
        self.said = b""  # by tshark on stderr
        self._size = self.input_filepath.stat().st_size

    def check(self) -> None:
        """Raise CaptureError if tshark failed."""
        streaming.check(self.status, self.said)

    def deadline(self) -> float:
        """Return when tshark is stopped, by the loop's clock."""
        return float(self.eventloop.time() + processes.patience(self._size))

    def _setup_tshark_output_parser(self) -> "PdmlPackets":
        return PdmlPackets(deadline=self.deadline())

    def _get_tshark_path(self) -> str:
        return str(self.tshark_path)  # pyshark would first look for a config.ini in the current folder

    async def _get_tshark_process(self, packet_count: int | None = None, stdin: None = None) -> Process:
        """Start tshark isolated, within a memory limit."""
        process = await asyncio.create_subprocess_exec(
            self._get_tshark_path(),
            "-T",
            "pdml",
            *self.get_parameters(packet_count),
            stdin=stdin or self.leash.stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            limit=1,  # so that the pipe is read on demand, not whenever data arrives
            cwd=self.folder,
            env=processes.environment(self.folder),
        )
        self.leash.tie(process.pid)
        processes.limit_memory(process.pid, self._size)
        self._create_stderr_handling_task(process.stderr)
        self._running_processes.add(process)
        return process

    async def _handle_process_stderr_forever(self, stderr: asyncio.StreamReader) -> None:
        while chunk := await stderr.read(streaming.CHUNK):
            self.said = (self.said + chunk)[-streaming.CHUNK :]

    async def _cleanup_subprocess(self, process: Process) -> None:
        """Reap tshark: wait for it at the end of its output, otherwise stop it."""
        if process.returncode is None and not self._eof_reached:
            process.kill()
            if process.stdout:  # a reader that is full has paused its pipe, and wait() waits for the pipe
                await process.stdout.read()
        self.status = await process.wait()
        self._running_processes.discard(process)


class PdmlPackets(TsharkXmlParser):  # type: ignore[misc]
    """pyshark's parser with a deadline."""

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
            raise CaptureError(streaming.TOO_LONG) from None
        return read
