"""Real captures with less in them: what a worse place to capture, or a shorter time, would have left.

A pcapng (little-endian, as recorded) is read block by block; ``degraded`` writes those
packets that are to stay, in a file of their own, everything else as it was.
"""

import random
import re
import struct
from collections import Counter
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from itertools import product
from pathlib import Path
from typing import NamedTuple

SECTION, INTERFACE, PACKET = 0x0A0D0D0A, 1, 6
IF_NAME = 2
ETHERNET, MAGIC_COOKIE, PRIORITY = 14, b"\x21\x12\xa4\x42", b"\x00\x24\x00\x04"
SECOND = 10**9
GATEWAY = ip_address("10.0.50.20").packed  # leg 2 of every recorded capture goes there
SERVER = ip_address("10.0.50.118").packed


class Packet(NamedTuple):
    """A packet: its interface's name, its time in ns (as recorded), its bytes."""

    interface: str
    time: int
    data: bytes

    @property
    def source(self) -> bytes:
        return self.data[ETHERNET + 12 : ETHERNET + 16]

    @property
    def destination(self) -> bytes:
        return self.data[ETHERNET + 16 : ETHERNET + 20]

    @property
    def is_ipv4(self) -> bool:
        return self.data[ETHERNET - 2 : ETHERNET] == b"\x08\0"

    @property
    def flow(self) -> bytes:
        """Protocol, addresses and ports."""
        return self.data[ETHERNET + 9 : ETHERNET + 10] + self.data[ETHERNET + 12 : ETHERNET + 24]

    @property
    def is_check(self) -> bool:
        """A Binding Request with PRIORITY."""
        payload = self.data[ETHERNET + 28 :]
        return payload[:2] == b"\0\1" and payload[4:8] == MAGIC_COOKIE and PRIORITY in payload


Keep = Callable[[Packet], bool]


def blocks(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Type and whole bytes of each block."""
    place = 0
    while place < len(data):
        kind, length = struct.unpack_from("<II", data, place)
        yield kind, data[place : place + length]
        place += length


def packets(data: bytes) -> Iterator[tuple[bytes, Packet | None]]:
    """Every block, and the packet in it if there is one."""
    names: list[str] = []
    for kind, block in blocks(data):
        packet = None
        if kind == INTERFACE:
            names.append(_name(block))
        if kind == PACKET:
            interface, high, low, length = struct.unpack_from("<IIII", block, 8)
            packet = Packet(names[interface], high << 32 | low, block[28 : 28 + length])
        yield block, packet


def _name(block: bytes) -> str:
    place = 16
    while place + 4 <= len(block) - 4:
        code, length = struct.unpack_from("<HH", block, place)
        if code == IF_NAME:
            return block[place + 4 : place + 4 + length].decode()
        place += 4 + (length + 3) // 4 * 4
    return ""


def degraded(source: Path, target: Path, keep: Keep) -> Path:
    """Write the packets of a capture for which ``keep`` holds."""
    kept = (block for block, packet in packets(source.read_bytes()) if packet is None or keep(packet))
    target.write_bytes(b"".join(kept))
    return target


def without_loopback(_: bytes) -> Keep:
    return lambda packet: packet.interface != "lo"


def without_leg_2(_: bytes) -> Keep:
    return lambda packet: GATEWAY not in (packet.source, packet.destination)


def cut_3_s_after_the_first_check(data: bytes) -> Keep:
    times = (packet.time for _, packet in packets(data) if packet and packet.is_check)
    first = min(times, default=None)
    return lambda packet: first is None or packet.time <= first + 3 * SECOND


def every_second_sent_by_the_server_lost(_: bytes) -> Keep:
    return _every_second(lambda packet: packet.source == SERVER)


def every_second_sent_to_the_server_lost(_: bytes) -> Keep:
    return _every_second(lambda packet: packet.destination == SERVER)


def _every_second(concerned: Keep) -> Keep:
    """Of each flow's packets on eth0 the first stays, the second goes."""
    seen: Counter[bytes] = Counter()

    def keep(packet: Packet) -> bool:
        if packet.interface == "lo" or not concerned(packet):
            return True
        seen[packet.flow] += 1
        return seen[packet.flow] % 2 == 1

    return keep


DEGRADATIONS = (
    without_loopback,
    without_leg_2,
    cut_3_s_after_the_first_check,
    every_second_sent_by_the_server_lost,
    every_second_sent_to_the_server_lost,
)


# What may be missing from any capture: each yields a name and what stays.

Less = tuple[str, Keep]
SHARES, SEEDS = (0.05, 0.5), (1, 2)
CALL_ID = re.compile(rb"\r\nCall-ID:\s*([^\r]+)\r", re.IGNORECASE)


def everything_removable(data: bytes) -> Iterator[Less]:
    """The second half, packets by chance, each interface, each machine, each direction, each leg."""
    every = [packet for _, packet in packets(data) if packet]
    middle = sorted(packet.time for packet in every)[len(every) // 2]
    yield "the second half", lambda packet: packet.time <= middle
    yield "the first half", lambda packet: packet.time > middle
    for share, seed in product(SHARES, SEEDS):
        yield f"{share:.0%} by chance, seed {seed}", by_chance(share, seed)
    for interface in sorted({packet.interface for packet in every}):
        yield f"interface {interface}", lambda packet, name=interface: packet.interface != name
    for machine in sorted({packet.source for packet in every if packet.is_ipv4}):
        shown = str(ip_address(machine))
        yield f"from {shown}", lambda packet, addr=machine: packet.source != addr
        yield (
            f"from and to {shown}",
            lambda packet, addr=machine: addr not in (packet.source, packet.destination),
        )
    for call_id in sorted({found[1] for packet in every if (found := CALL_ID.search(packet.data))}):
        yield f"leg {call_id.decode()}", lambda packet, name=call_id: name not in packet.data


def by_chance(share: float, seed: int) -> Keep:
    chance = random.Random(seed)
    return lambda _: chance.random() >= share
