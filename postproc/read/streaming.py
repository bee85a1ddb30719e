"""Read tshark's EK output while it runs: the layers of many frames at a time."""

import subprocess
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BufferedReader
from pathlib import Path
from threading import Event, Thread, Timer
from typing import Any, cast

import orjson

from postproc.model.errors import CaptureError
from postproc.model.text import clean
from postproc.read import processes
from postproc.read.processes import leash

CHUNK = 1 << 18  # bytes of tshark's output parsed together
PIPE = 1 << 20  # bytes that the pipe buffers; tshark writes 4 KB at a time
PAUSE = 0.002  # s in which the pipe fills, instead of waking up for each write
# Bytes; a frame of 256 KB, the largest in a capture, takes 2 MB including reassembled data.
LONGEST_LINE = 1 << 26
BROKEN_FILE = ("cut short", "damaged or corrupt")  # tshark's messages after the last good frame
TOO_LONG = "tshark took too long and was stopped"
TOO_MUCH = "tshark says more of it than of any honest capture, and was stopped"


def layers(
    tshark: str, capture: Path, preferences: Mapping[str, str], *arguments: str
) -> Generator[dict[str, Any], None, None]:
    """Yield the layers of a capture's frames from an isolated tshark; ``NAME_raw`` has their bytes.

    tshark ends when the generator is closed. Raises CaptureError if it dies, hangs, rejects the file or
    prints too much; of a truncated file the complete frames are yielded.
    """
    size = capture.stat().st_size
    command = [tshark, "-T", "ek", "-x", *arguments, *options(preferences), "-r", str(capture.absolute())]
    with _running(command, size) as started:
        for batch in _batches(cast(BufferedReader, started.process.stdout), processes.most(size)):
            yield from batch
        status = started.process.wait()
        if started.late.is_set():
            raise CaptureError(TOO_LONG)
    check(status, started.said)


def options(preferences: Mapping[str, str]) -> Iterator[str]:
    """Yield the preferences as arguments of tshark."""
    for name, value in preferences.items():
        yield from ("-o", f"{name}:{value}")


def check(status: int | None, said: bytes) -> None:
    """Raise CaptureError if tshark failed; ``said`` is its stderr."""
    lines = said.decode(errors="replace").splitlines()
    complaint = "; ".join(line.strip() for line in lines if not line.startswith("Running as"))
    if status and not any(words in complaint for words in BROKEN_FILE):
        raise CaptureError(f"tshark failed ({status}): {clean(complaint[:300]) or 'no message'}")


@dataclass
class _Started:
    """A running tshark, its stderr so far, and whether it was stopped for taking too long."""

    process: subprocess.Popen[bytes]
    said: bytes = b""
    late: Event = field(default_factory=Event)

    def listen(self) -> None:
        while chunk := cast(BufferedReader, self.process.stderr).read1(CHUNK):
            self.said = (self.said + chunk)[-CHUNK:]

    def stop(self) -> None:
        self.late.set()
        self.process.kill()


@contextmanager
def _running(command: list[str], size: int) -> Iterator[_Started]:
    """Run an isolated tshark over a file of ``size`` bytes within limits; it has ended when this is left."""
    with (
        processes.empty_folder() as folder,
        leash() as tied,
        subprocess.Popen(
            command,
            stdin=tied.stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=CHUNK,
            cwd=folder,
            env=processes.environment(folder),
        ) as process,
    ):
        tied.tie(process.pid)
        processes.limit_memory(process.pid, size)
        started = _Started(process)
        listening = Thread(target=started.listen, daemon=True)
        listening.start()
        timer = Timer(processes.patience(size), started.stop)
        timer.daemon = True
        timer.start()
        try:
            yield started
        finally:
            timer.cancel()
            process.kill()  # does nothing if the process has been waited for
            listening.join()


def _batches(stdout: BufferedReader, allowance: int) -> Iterator[list[dict[str, Any]]]:
    """Yield the layers in all complete lines read at a time; ``left``: bytes that tshark may print."""
    wide, rest = _widened(stdout), b""
    while True:
        if wide:
            time.sleep(PAUSE)
        # A small pipe would block tshark during a pause, so it is read until there is enough to parse.
        read = stdout.read1(CHUNK) if wide else stdout.read(CHUNK)
        if not read:
            return
        allowance -= len(read)
        if allowance < 0 or len(rest) > LONGEST_LINE:
            raise CaptureError(TOO_MUCH)
        *lines, rest = (rest + read).split(b"\n")
        yield [parsed for line in lines if (parsed := _layers(line))]


def _layers(line: bytes) -> dict[str, Any] | None:
    """Return the layers of a packet line; None for an index line or invalid JSON."""
    if not line.startswith(b'{"timestamp'):
        return None
    try:
        parsed: dict[str, Any] = orjson.loads(line)["layers"]
    except orjson.JSONDecodeError:
        return None
    return parsed


def _widened(stdout: BufferedReader) -> bool:
    """Enlarge the pipe's buffer; return False where the system does not allow it."""
    try:
        import fcntl  # noqa: PLC0415  (not on Windows)

        fcntl.fcntl(stdout, fcntl.F_SETPIPE_SZ, PIPE)  # Linux only
    except (ImportError, AttributeError, OSError):
        return False
    return True
