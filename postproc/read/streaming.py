"""tshark's output as it comes, in lines of EK: the layers of many frames at a time."""

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
PIPE = 1 << 20  # bytes that tshark may be ahead; it writes 4 KB at a time
PAUSE = 0.002  # seconds in which the pipe fills, instead of waking up for each piece
# Bytes; a frame of 256 KB, the most in a capture, takes 2 MB with all put together in it.
LONGEST_LINE = 1 << 26
BROKEN_FILE = ("cut short", "damaged or corrupt")  # said of the input after its last good frame
TOO_LONG = "tshark took too long and was stopped"
TOO_MUCH = "tshark says more of it than of any honest capture, and was stopped"


def layers(
    tshark: str, capture: Path, preferences: Mapping[str, str], *arguments: str
) -> Generator[dict[str, Any], None, None]:
    """Yield the layers of a capture's frames as this tshark tells them, with ``NAME_raw`` for their bytes.

    It runs alone, and ends when nobody reads on. Raises CaptureError when it dies, hangs, refuses the
    file or says too much of it; of a file cut short the whole frames come.
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
    """The preferences as tshark's arguments."""
    for name, value in preferences.items():
        yield from ("-o", f"{name}:{value}")


def check(status: int | None, said: bytes) -> None:
    """Raise CaptureError when tshark, which said this on stderr, did not come to a good end."""
    lines = said.decode(errors="replace").splitlines()
    complaint = "; ".join(line.strip() for line in lines if not line.startswith("Running as"))
    if status and not any(words in complaint for words in BROKEN_FILE):
        raise CaptureError(f"tshark failed ({status}): {clean(complaint[:300]) or 'no message'}")


@dataclass
class _Started:
    """A tshark that runs, what it has said on stderr, and whether it was stopped for taking too long."""

    process: subprocess.Popen[bytes]
    said: bytes = b""
    late: Event = field(default_factory=Event)

    def listen(self) -> None:
        while said := cast(BufferedReader, self.process.stderr).read1(CHUNK):
            self.said = (self.said + said)[-CHUNK:]

    def stop(self) -> None:
        self.late.set()
        self.process.kill()


@contextmanager
def _running(command: list[str], size: int) -> Iterator[_Started]:
    """Run a tshark over a file of so many bytes alone, within its limits; it has ended when this is left."""
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
            process.kill()  # nothing is killed that has been waited for
            listening.join()


def _batches(stdout: BufferedReader, left: int) -> Iterator[list[dict[str, Any]]]:
    """The layers in all whole lines read at a time; ``left``: bytes that tshark may say."""
    wide, rest = _widened(stdout), b""
    while True:
        if wide:
            time.sleep(PAUSE)
        # A small pipe would stop tshark in a pause: it is read until there is enough to parse.
        read = stdout.read1(CHUNK) if wide else stdout.read(CHUNK)
        if not read:
            return
        left -= len(read)
        if left < 0 or len(rest) > LONGEST_LINE:
            raise CaptureError(TOO_MUCH)
        *lines, rest = (rest + read).split(b"\n")
        yield [found for line in lines if (found := _layers(line))]


def _layers(line: bytes) -> dict[str, Any] | None:
    """The layers of a packet line; None for an index line and for one that is no JSON."""
    if not line.startswith(b'{"timestamp'):
        return None
    try:
        found: dict[str, Any] = orjson.loads(line)["layers"]
    except orjson.JSONDecodeError:
        return None
    return found


def _widened(stdout: BufferedReader) -> bool:
    """Give a pipe room for what comes in a pause; False where that cannot be done."""
    try:
        import fcntl  # noqa: PLC0415  (not on Windows)

        fcntl.fcntl(stdout, fcntl.F_SETPIPE_SZ, PIPE)  # Linux only
    except (ImportError, AttributeError, OSError):
        return False
    return True
