"""Captures sent again: into a file that grows, or to an interface, at their own speed."""

import socket
import subprocess
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from uuid import uuid4

from postproc.read.walk import open_container, windows


def packets(capture: Path) -> list[tuple[int, bytes]]:
    """Time in ns and bytes of each packet."""
    with FileIO(capture) as file:
        found = [
            (time_ns, bytes(window.data[start : start + size]))
            for window in windows(file, open_container(file))
            for time_ns, start, size in zip(
                window.time.tolist(), window.start.tolist(), window.captured.tolist(), strict=True
            )
        ]
    return sorted(found, key=lambda packet: packet[0])


def send(captures: Iterable[Path], interface: str) -> None:
    """Send Ethernet frames of captures, each at its own speed and begun 3 s after the one before."""
    frames = []
    for number, capture in enumerate(captures):
        held = packets(capture)
        frames += [(time_ns - held[0][0] + number * 3_000_000_000, data) for time_ns, data in held]
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as to:
        to.bind((interface, 0))
        begin = time.monotonic_ns()
        for after, data in sorted(frames, key=lambda frame: frame[0]):
            time.sleep(max((begin + after - time.monotonic_ns()) / 1e9, 0))
            to.send(data)


@contextmanager
def namespace() -> Iterator[str]:
    """A network namespace with a pair of interfaces that take what loopback takes, one and other."""
    name = f"watch-{uuid4().hex[:8]}"
    subprocess.run(["ip", "netns", "add", name], check=True)
    try:
        for command in (
            "link add name one type veth peer name other",
            "link set dev one mtu 65535 up",
            "link set dev other mtu 65535 up",
        ):
            subprocess.run(["ip", "-n", name, *command.split()], check=True)
        yield name
    finally:
        subprocess.run(["ip", "netns", "del", name], check=True)


if __name__ == "__main__":
    import sys

    send(map(Path, sys.argv[2:]), sys.argv[1])
