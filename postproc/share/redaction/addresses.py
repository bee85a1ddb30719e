"""Pseudonyms of IP and MAC addresses, each as long as its original, in text as in bytes.

An IPv4 octet is replaced with one of as many decimal digits, an IPv6 hexadecimal digit with another;
a zero that is not written stays, so that ``::`` keeps its place. The replacement depends on everything
before it: two pseudonyms share as many leading octets (IPv6: digits) as their originals. A prefix shared
inside an octet is lost. Networks that define the class of an address (private, CGNAT, documentation ...)
are kept apart. A value that may change always does, so that no address is its own pseudonym.
"""

import hashlib
import hmac
import re
from collections.abc import Iterator
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    collapse_addresses,
    ip_address,
    ip_network,
)

from postproc.model.addresses import CLASSES
from postproc.share.account import Kind, Tally

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# Besides the classes: common subnets in them, the networks of phone hotspots, NAT64 (RFC 6052).
ROUTED = (
    "172.20.10.0/28",
    "192.168.43.0/24",
    "192.168.137.0/24",
    "192.168.49.0/24",
    "192.0.0.0/29",
    "2000::/3",
    "fc00::/8",
    "fd00::/8",
    "fe80::/64",
    "64:ff9b::/96",
    "2001:db8::/32",
)
AS_IS = tuple(
    map(
        ip_network,
        (
            "0.0.0.0/32",
            "127.0.0.0/24",
            "224.0.0.0/23",
            "239.255.255.250/32",
            "255.255.255.255/32",
            "::/128",
            "::1/128",
        ),
    )
)
# Well-known groups (IANA: ipv6-multicast-addresses); others identify somebody like any address.
WELL_KNOWN = re.compile(r"ff0[1-f]::(?:[1-9a-f]|1[0-9a-f]|6[ab]|c|fb|101|1:[1-6])")
SOLICITED = ip_network("ff02::1:ff00:0/104")  # ends in three bytes of an address (RFC 4291, section 2.7.1)
MAPPED = IPv6Network("::ffff:0:0/96")  # ends in an IPv4 address (RFC 4291, section 2.5.5.2)
SCOPED = b"\x0f\x0f"  # multicast: flags and scope follow (RFC 4291, section 2.7)
KEPT: tuple[Network, ...] = (
    *AS_IS,
    SOLICITED,
    MAPPED,
    *(ip_network(text) for _, texts in CLASSES for text in texts),
    *map(ip_network, ROUTED),
)
GROUP_BIT, LOCAL_BIT = 1, 2  # of a MAC address's first byte
IPV4_GROUP, IPV6_GROUP, SOLICITED_GROUP = b"\x01\0\x5e", b"\x33\x33", b"\x33\x33\xff"
# Bridges, LLDP, CDP, PTP, broadcast (IEEE 802.1D, 802.1AB, IEEE 1588, Cisco's own).
PUBLIC_GROUPS = (b"\x01\x80\xc2\0\0", b"\x01\0\x0c\xcc\xcc", b"\x01\x1b\x19\0\0", b"\xff" * 5)
OCTET, DIGIT = 8, 4  # bits replaced at a time in IPv4 and in IPv6
ZONE = re.compile(rb"[A-Za-z\x80-\xff]")


class Addresses:
    """Map addresses to pseudonyms; ``seen`` and ``networks`` record every original with its pseudonym."""

    def __init__(self, key: bytes, tally: Tally | None = None) -> None:
        self._key, self._tally = key, tally or Tally()
        self._pseudonyms: dict[Address, Address] = {}
        self._tables: dict[tuple[int, bytes], bytes] = {}
        self._packed: dict[bytes, bytes] = {}
        self.seen: dict[Address, Address] = {}
        self.networks: dict[Address, Address] = {}
        self.macs: dict[bytes, bytes] = {}

    def text(self, addr: str) -> str:
        """Return the pseudonym in the notation of ``addr``, its zone blanked; ValueError for no address."""
        self._tally.replaced[Kind.ADDRESS] += 1
        bare, percent, zone = addr.partition("%")
        mapped = self.of(ip_address(bare))
        new = str(mapped) if isinstance(mapped, IPv4Address) else _written_like(bare, mapped)
        return new + percent + ZONE.sub(b"x", zone.encode(errors="surrogateescape")).decode()

    def network(self, addr: str, prefix: int) -> str:
        """Return the pseudonym of an IPv4 network as text; octets wholly outside the prefix stay."""
        network = IPv4Address(addr)
        if ip_network((addr, prefix), strict=False) in KEPT:
            return addr
        covered = (prefix + OCTET - 1) // OCTET
        mapped = IPv4Address(self.of_network(network).packed[:covered] + network.packed[covered:])
        if mapped != network:
            self.networks[network] = mapped
        return str(mapped)

    def of_network(self, addr: Address) -> Address:
        """Return the pseudonym of a network's address, without recording it in ``seen``."""
        return self._pseudonyms.get(addr) or self._mapped(addr)

    def image(self, network: Network) -> list[Network]:
        """Return the networks that hold the pseudonyms of the network's addresses and no other address."""
        if isinstance(network, IPv6Network) and network.subnet_of(MAPPED):
            inner = IPv4Network((network.network_address.packed[12:], network.prefixlen - 96))
            whole = int(MAPPED.network_address)
            return [
                IPv6Network((whole | int(each.network_address), each.prefixlen + 96))
                for each in self.image(inner)
            ]
        bits = OCTET if network.version == 4 else DIGIT
        whole = network.prefixlen + -network.prefixlen % bits
        parts = network.subnets(new_prefix=whole)
        images = (ip_network((self.of_network(part.network_address), whole), strict=False) for part in parts)
        return [*collapse_addresses(images)]  # type: ignore[type-var]

    def packed(self, addr: bytes) -> bytes:
        """Return the pseudonym of an address of 4 or 16 bytes."""
        if addr not in self._packed:
            self._packed[addr] = self.of(ip_address(addr)).packed
        self._tally.replaced[Kind.ADDRESS] += self._packed[addr] != addr
        return self._packed[addr]

    def of(self, addr: Address) -> Address:
        """Return the pseudonym of an address."""
        if addr not in self._pseudonyms:
            mapped = self._pseudonyms[addr] = self._mapped(addr)
            if mapped != addr:
                self.seen[addr] = mapped
        return self._pseudonyms[addr]

    def mac(self, addr: bytes) -> bytes:
        """Return a locally administered pseudonym; all zeros, well-known groups and other lengths stay."""
        if len(addr) != 6 or not any(addr) or addr[:5] in PUBLIC_GROUPS:
            return addr
        if addr not in self.macs:
            mapped = self._group(addr) if addr[0] & GROUP_BIT else self._station(addr)
            if mapped == addr:
                return addr
            self.macs[addr] = mapped
        self._tally.replaced[Kind.MAC] += 1
        return self.macs[addr]

    def _station(self, addr: bytes) -> bytes:
        """Begin with nibble 2: after MPLS, 4 and 6 mean IP, 0 and 1 a control word (RFC 4928, RFC 4385)."""
        digest = hmac.digest(self._key, b"mac" + addr, "sha256")[:6]
        return bytes([0x20 | digest[0] & 0x0C | LOCAL_BIT]) + digest[1:]

    def _group(self, addr: bytes) -> bytes:
        """Derive an IP group's MAC from the pseudonym of its IP address (RFC 1112, RFC 2464)."""
        if addr.startswith(SOLICITED_GROUP):
            solicited = IPv6Address(SOLICITED.network_address.packed[:13] + addr[3:])
            return SOLICITED_GROUP + self.of(solicited).packed[13:]
        if addr.startswith(IPV6_GROUP):
            return IPV6_GROUP + self.of(IPv6Address(b"\xff\x02" + bytes(10) + addr[2:])).packed[12:]
        if addr.startswith(IPV4_GROUP):
            return IPV4_GROUP + self.of(IPv4Address(b"\xe0" + addr[3:])).packed[1:]
        return bytes([addr[0] | LOCAL_BIT]) + self._station(addr)[1:]

    def _mapped(self, addr: Address) -> Address:
        if _says_nothing(addr):
            return addr
        if isinstance(addr, IPv6Address) and addr in MAPPED:
            return IPv6Address(addr.packed[:12] + self.of(IPv4Address(addr.packed[12:])).packed)
        new = self._replaced(addr)
        while _says_nothing(new):  # such addresses map to themselves: the next one in the cycle is free
            new = self._replaced(new)
        return new

    def _replaced(self, addr: Address) -> Address:
        """Replace each octet or digit, depending on those before it."""
        if isinstance(addr, IPv4Address):
            octets = addr.packed
            return IPv4Address(bytes(self._table(4, octets[:at])[octet] for at, octet in enumerate(octets)))
        digits = bytes(digit for byte in addr.packed for digit in (byte >> DIGIT, byte & 0xF))
        new = (self._table(6, digits[:at])[digit] for at, digit in enumerate(digits))
        return IPv6Address(bytes(high << DIGIT | low for high, low in zip(new, new, strict=True)))

    def _table(self, version: int, before: bytes) -> bytes:
        """Return the replacement of each octet or digit after ``before``: one cycle per kind."""
        table = self._tables.get((version, before))
        if table is None:
            kinds: dict[object, list[int]] = {}
            for value, kind in enumerate(_kinds(version, before)):
                kinds.setdefault(kind, []).append(value)
            seed = hmac.digest(self._key, bytes([version]) + before, "sha256")
            weights = hashlib.shake_256(seed).digest(4 << OCTET)
            new = bytearray(1 << (OCTET if version == 4 else DIGIT))
            for values in kinds.values():
                cycle = sorted(values, key=lambda value: (weights[4 * value : 4 * value + 4], value))
                for value, other in zip(cycle, [*cycle[1:], cycle[0]], strict=True):
                    new[value] = other
            table = self._tables[version, before] = bytes(new)
        return table


def _kinds(version: int, before: bytes) -> Iterator[object]:
    """Yield for each value after ``before`` its kind: its written length and the kept networks it is in."""
    bits = OCTET if version == 4 else DIGIT
    ranges = _ranges(version, bits, before)
    unwritten = version == 6 and not any(before[len(before) // 4 * 4 :])  # a zero that leads its group
    for value in range(1 << bits):
        if version == 6 and before.startswith(SCOPED) and len(before) < 2 * len(SCOPED):
            yield value
            continue
        written = len(str(value)) if version == 4 else bool(value) or not unwritten
        yield written, *(first <= value <= last for first, last in ranges)


def _ranges(version: int, bits: int, before: bytes) -> list[tuple[int, int]]:
    """Return the first and last value after ``before`` of each kept network longer than that prefix."""
    ranges, known_bits = set(), bits * len(before)
    prefix = sum(value << bits * place for place, value in enumerate(reversed(before)))
    for network in KEPT:
        size = network.max_prefixlen
        if network.version != version or network.prefixlen <= known_bits:
            continue
        first, last = int(network.network_address), int(network.broadcast_address)
        if first >> (size - known_bits) == prefix:
            shift, values = size - known_bits - bits, (1 << bits) - 1
            ranges.add((first >> shift & values, last >> shift & values))
    return sorted(ranges)


def _says_nothing(addr: Address) -> bool:
    """Whether an address identifies nobody: a well-known address, a netmask or a wildcard mask."""
    if any(addr in network for network in AS_IS if network.version == addr.version):
        return True
    if isinstance(addr, IPv6Address):
        return bool(WELL_KNOWN.fullmatch(str(addr)))
    return any(not ones & (ones + 1) for ones in (int(addr), int(addr) ^ 0xFFFFFFFF))


def _written_like(text: str, addr: IPv6Address) -> str:
    """Write the address like ``text``: digits per group, case, dotted IPv4 tail."""
    groups = addr.exploded.split(":")
    if "." in text:
        start = text.rindex(":") + 1
        return _groups_like(text[:start] + "0:0", [*groups[:6], "0", "0"])[:-3] + str(
            IPv4Address(addr.packed[12:])
        )
    return _groups_like(text, groups)


def _groups_like(text: str, groups: list[str]) -> str:
    front, gap, back = text.partition("::")
    parts = []
    for side, values in ((front, groups), (back, groups[-(back.count(":") + 1) :])):
        written = zip(side.split(":"), values, strict=False) if side else ()
        parts.append(":".join(f"{int(value, 16):0{len(old)}x}" for old, value in written))
    new = gap.join(parts) if gap else parts[0]
    return new.upper() if text.upper() == text else new
