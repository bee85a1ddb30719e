"""Run dumpcap on interfaces with a ring buffer."""

import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from postproc.model.errors import SetupError
from postproc.read import processes, programs

FILES = 16  # of the ring: with more, less is dropped at a time, and there are more files to follow
STARTS_WITHIN = 0.5  # s in which dumpcap fails if it lacks permission
STOPS_WITHIN = 5.0  # s to write its last packets
PERMISSION = (
    "this user may not capture. On Debian and Ubuntu: `sudo dpkg-reconfigure wireshark-common` (answer yes), "
    "then `sudo usermod -aG wireshark $USER` and log in again. Elsewhere: `sudo setcap "
    "cap_net_raw,cap_net_admin+eip {dumpcap}`. Neither makes this program run as root"
)


@dataclass
class Capturing:
    """A running dumpcap."""

    process: "subprocess.Popen[bytes]"
    said: Path
    program: Path

    def check(self) -> None:
        """Raise SetupError with its message if it has ended by itself."""
        if self.process.poll() is not None:
            raise SetupError(_why(self.said, self.program))

    def stop(self) -> None:
        """Let it write its last packets and end."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(STOPS_WITHIN)
            except subprocess.TimeoutExpired:
                self.process.kill()


@contextmanager
def capturing(interfaces: Sequence[str], ring: Path, megabytes: int) -> Iterator[Capturing]:
    """Run dumpcap on ``interfaces`` with a ring buffer of ``megabytes``; SetupError if it cannot capture."""
    program = programs.companion("dumpcap")
    if program is None:
        raise SetupError("no dumpcap beside tshark: install Wireshark's command line tools")
    size = max(megabytes * 1000 // FILES, 1)
    where = [part for each in interfaces for part in ("-i", each)]
    said = ring.parent / "dumpcap"
    with (
        processes.leash() as tied,
        said.open("wb") as complaints,
        subprocess.Popen(
            [
                program,
                "-q",
                *where,
                "-b",
                f"filesize:{size}",
                "-b",
                f"files:{FILES}",
                "-w",
                ring / "live.pcapng",
            ],
            stdin=tied.stdin,
            stdout=subprocess.DEVNULL,
            stderr=complaints,
        ) as process,
    ):
        running = Capturing(process, said, program)
        try:
            tied.tie(process.pid)
            try:
                process.wait(STARTS_WITHIN)
            except subprocess.TimeoutExpired:
                yield running
            else:
                running.check()
        finally:
            running.stop()


def _why(said: Path, program: Path) -> str:
    text = " ".join(said.read_text(errors="replace").split())
    if "permission" in text.lower() or "Operation not permitted" in text:
        return PERMISSION.format(dumpcap=program)
    return f"dumpcap ended: {text[:400] or 'without a word'}"
