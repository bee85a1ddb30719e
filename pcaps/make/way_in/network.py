"""Three network namespaces: a phone outside, a reverse proxy in the DMZ, an inner server behind it."""

import ctypes
import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from signal import SIGINT
from time import sleep

PHONE, DMZ, INNER = "203.0.113.20", "198.51.100.10", "10.20.0.5"
SPACES = {PHONE: "legs-phone", DMZ: "legs-dmz", INNER: "legs-inner"}
# "@" becomes the scenario's number: captures of equal interfaces, close in time, pass for a ring buffer.
SETTING = f"""
link add out@ netns {SPACES[PHONE]} type veth peer name dmz@ netns {SPACES[DMZ]}
link add in@ netns {SPACES[INNER]} type veth peer name lan@ netns {SPACES[DMZ]}
-n {SPACES[PHONE]} addr add {PHONE}/32 dev out@
-n {SPACES[DMZ]} addr add {DMZ}/32 dev dmz@
-n {SPACES[DMZ]} addr add 10.20.0.10/24 dev lan@
-n {SPACES[INNER]} addr add {INNER}/24 dev in@
-n {SPACES[PHONE]} link set out@ up
-n {SPACES[DMZ]} link set dmz@ up
-n {SPACES[DMZ]} link set lan@ up
-n {SPACES[INNER]} link set in@ up
-n {SPACES[PHONE]} route add {DMZ} dev out@
-n {SPACES[DMZ]} route add {PHONE} dev dmz@
-n {SPACES[INNER]} route add {DMZ} dev in@
"""
NEW_NET = 0x40000000  # CLONE_NEWNET of sched.h


def ip(words: str) -> None:
    subprocess.run(["ip", *words.split()], check=True)


def inside(machine: str) -> list[str]:
    """Return the prefix of a command that is to run on this machine."""
    return ["ip", "netns", "exec", SPACES[machine]]


@contextmanager
def network(number: int) -> Iterator[None]:
    """Create the namespaces and links; ``number`` is part of the interface names."""
    with ExitStack() as made:
        for name in SPACES.values():
            ip(f"netns add {name}")
            made.callback(ip, f"netns del {name}")
            ip(f"-n {name} link set lo up")
        for line in SETTING.strip().splitlines():
            ip(line.replace("@", str(number)))
        for machine in SPACES:
            with on(machine):  # saves 12 bytes per packet
                Path("/proc/sys/net/ipv4/tcp_timestamps").write_text("0", encoding="ascii")
        yield


@contextmanager
def on(machine: str) -> Iterator[None]:
    """Move this thread to the machine's network namespace: sockets opened meanwhile belong to it."""
    libc = ctypes.CDLL(None, use_errno=True)

    def enter(path: str) -> None:
        space = os.open(path, os.O_RDONLY)
        try:
            if libc.setns(space, NEW_NET):
                raise OSError(ctypes.get_errno(), path)
        finally:
            os.close(space)

    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    enter(f"/run/netns/{SPACES[machine]}")
    try:
        yield
    finally:
        enter(f"/proc/self/fd/{home}")
        os.close(home)


@contextmanager
def filtered(machine: str, port: int) -> Iterator[None]:
    """Drop answers from this TCP port silently, like a firewall."""
    rule = f"ipproto tcp sport {port} blackhole"
    ip(f"-n {SPACES[machine]} rule add {rule}")
    try:
        yield
    finally:
        ip(f"-n {SPACES[machine]} rule del {rule}")


@contextmanager
def recorded(machine: str, path: Path, interfaces: Sequence[str]) -> Iterator[None]:
    """Capture TCP and ICMP on these interfaces of the machine; RuntimeError if dumpcap does not start."""
    chosen = [word for name in interfaces for word in ("-i", name)]
    command = [*inside(machine), "dumpcap", "-q", *chosen, "-f", "tcp or icmp", "-w", str(path)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        while not (line := process.stderr.readline()).startswith("File:"):
            if not line:
                raise RuntimeError(f"dumpcap: status {process.wait()}")
        sleep(0.3)
        try:
            yield
            sleep(0.5)  # until dumpcap has written the last packets
        finally:
            process.send_signal(SIGINT)
