"""Pseudonyms of IP and MAC addresses.

Prefix-preserving (Xu et al., "Prefix-preserving IP address anonymization", 2002)
by netconan: two addresses share as many leading bits as before. No bit is
changed that makes an address private, public, CGNAT, link-local ..., so that its
class stays; the last one always changes, so that none is its own pseudonym.
"""

import hmac
import re
from collections.abc import Iterable
from functools import cached_property
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from netconan.ip_anonymization import IpAnonymizer, IpV6Anonymizer

from postproc.model.addresses import CLASSES
from postproc.share.redaction.tally import Kind, Tally

# Besides the classes: what is usual there, where other addresses are embedded, what phones give as hotspots.
ROUTED = (
    "172.20.10.0/28", "192.168.43.0/24", "192.168.137.0/24", "192.168.49.0/24", "192.0.0.0/29",
    "2000::/3", "fc00::/8", "fd00::/8", "fe80::/64", "64:ff9b::/96", "2001:db8::/32",
)  # fmt: skip
AS_IS = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/32", "127.0.0.0/24", "224.0.0.0/23", "239.255.255.250/32", "255.255.255.255/32",
        "::/128", "::1/128",
    )
)  # fmt: skip
# Groups that everybody joins (IANA: ipv6-multicast-addresses); others are as telling as any address.
WELL_KNOWN = re.compile(r"ff0[1-f]::(?:[1-9a-f]|1[0-9a-f]|6[ab]|c|fb|101|1:[1-6])")
SOLICITED = ip_network("ff02::1:ff00:0/104")  # ends in three bytes of an address (RFC 4291, section 2.7.1)
EMBEDDING = (ip_network("::ffff:0:0/96"), ip_network("64:ff9b::/96"))
GROUP_BIT, LOCAL_BIT = 1, 2  # of a MAC address's first byte
IPV4_GROUP, IPV6_GROUP, SOLICITED_GROUP = b"\x01\0\x5e", b"\x33\x33", b"\x33\x33\xff"
# Groups of bridges, of discovery, of time, of everybody (IEEE 802.1D, 802.1AB, Cisco's own).
PUBLIC_GROUPS = (b"\x01\x80\xc2\0\0", b"\x01\0\x0c\xcc\xcc", b"\x01\x1b\x19\0\0", b"\xff" * 5)

Address = IPv4Address | IPv6Address


class Addresses:
    """Maps addresses; ``seen`` has every one that got another, with it, ``networks`` the same of networks."""

    def __init__(self, key: bytes, tally: Tally | None = None) -> None:
        self._key, self._tally = key, tally or Tally()
        self._packed: dict[bytes, bytes] = {}
        self.seen: dict[Address, Address] = {}
        self.networks: dict[Address, Address] = {}
        self.macs: dict[bytes, bytes] = {}

    def text(self, addr: str) -> str:
        """The pseudonym of an address as text, its zone dropped; ValueError if it is none."""
        self._tally.replaced[Kind.ADDRESS] += 1
        return str(self.of(ip_address(addr.partition("%")[0])))

    def network(self, addr: str, prefix: int) -> str:
        """The pseudonym of a network: the bits behind its prefix are null."""
        network = IPv4Address(addr)
        kept = int(self._mapped(network)) >> (32 - prefix) << (32 - prefix)
        mapped = IPv4Address(kept | int(network) & (1 << (32 - prefix)) - 1)
        if mapped != network:
            self.networks[network] = mapped
        return str(mapped)

    def packed(self, addr: bytes) -> bytes:
        """The same for the 4 or 16 bytes of an address."""
        if addr not in self._packed:
            self._packed[addr] = self.of(ip_address(addr)).packed
        self._tally.replaced[Kind.ADDRESS] += self._packed[addr] != addr
        return self._packed[addr]

    def of(self, addr: Address) -> Address:
        if addr not in self.seen:
            mapped = self._mapped(addr)
            if mapped == addr:
                return addr
            self.seen[addr] = mapped
        return self.seen[addr]

    def mac(self, addr: bytes) -> bytes:
        """Another address, locally administered; nulls stay, and groups that everybody joins."""
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
        digest = hmac.digest(self._key, b"mac" + addr, "sha256")[:6]
        return bytes([digest[0] & ~GROUP_BIT & 0xFF | LOCAL_BIT]) + digest[1:]

    def _group(self, addr: bytes) -> bytes:
        """A group of IP (RFC 1112, RFC 2464) ends in bytes of its address: they follow it."""
        if addr.startswith(SOLICITED_GROUP):
            return (
                SOLICITED_GROUP
                + self.of(IPv6Address(SOLICITED.network_address.packed[:13] + addr[3:])).packed[13:]
            )
        if addr.startswith(IPV6_GROUP):
            return IPV6_GROUP + self.of(IPv6Address(b"\xff\x02" + bytes(10) + addr[2:])).packed[12:]
        if addr.startswith(IPV4_GROUP):
            return IPV4_GROUP + self.of(IPv4Address(b"\xe0" + addr[3:])).packed[1:]
        return bytes([addr[0] | LOCAL_BIT]) + self._station(addr)[1:]

    def _mapped(self, addr: Address) -> Address:
        if any(addr in network for network in AS_IS if network.version == addr.version):
            return addr
        if isinstance(addr, IPv4Address):
            return addr if self._v4._is_mask(int(addr)) else IPv4Address(self._v4.anonymize(int(addr)))
        return self._of_v6(addr)

    def _of_v6(self, addr: IPv6Address) -> Address:
        if any(addr in network for network in EMBEDDING):
            inner = self.of(IPv4Address(int(addr) & 0xFFFFFFFF))
            return IPv6Address(int(addr) >> 32 << 32 | int(inner))
        if addr in SOLICITED:
            digest = hmac.digest(self._key, b"solicited" + addr.packed, "sha256")
            return IPv6Address(addr.packed[:13] + digest[:3])
        if addr.is_multicast:
            if WELL_KNOWN.fullmatch(str(addr)):
                return addr
            digest = hmac.digest(self._key, b"group" + addr.packed, "sha256")
            return IPv6Address(addr.packed[:2] + digest[:14])
        return IPv6Address(self._v6.anonymize(int(addr)))

    @cached_property
    def _v4(self) -> IpAnonymizer:
        return IpAnonymizer("", preserve_prefixes=[], salter=_Salter(self._key, 32, _networks(4)))

    @cached_property
    def _v6(self) -> IpV6Anonymizer:
        return IpV6Anonymizer("", salter=_Salter(self._key, 128, _networks(6)))


class _Salter:
    """Says of each prefix whether the bit behind it is turned."""

    def __init__(self, key: bytes, length: int, kept: Iterable[str]) -> None:
        self._key, self._last = key, length - 1
        self._kept = {bits[:count] for bits in kept for count in range(len(bits))}

    def __call__(self, _: str, head: str) -> int:
        if len(head) == self._last:
            return 1
        if head in self._kept:
            return 0
        return hmac.digest(self._key, f"{self._last}:{head}".encode(), "sha256")[0] & 1


def _networks(version: int) -> list[str]:
    """The leading bits of each class of addresses."""
    texts = [text for _, networks in CLASSES for text in networks] + list(ROUTED)
    networks = [ip_network(text) for text in texts]
    return [
        f"{int(network.network_address):0{network.max_prefixlen}b}"[: network.prefixlen]
        for network in networks
        if network.version == version
    ]
