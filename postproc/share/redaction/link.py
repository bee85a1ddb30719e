"""Link layers: hardware addresses are replaced; where the IP packet starts (https://www.tcpdump.org/linktypes.html)."""

from postproc.share.redaction.addresses import Addresses

IPV4, IPV6, ARP, NOTHING = 0x0800, 0x86DD, 0x0806, 0
IP_TYPES = (IPV4, IPV6)
PPPOE, PPP = 0x8864, {0x0021: IPV4, 0x0057: IPV6}  # RFC 2516
VLAN_TAGS = (0x8100, 0x88A8, 0x9100)
RAW, LOOPBACK = (12, 14, 101, 228, 229), (0, 108)
ETHERNET, SLL, SLL2 = 1, 113, 276
AF_INET, AF_INET6 = 2, (10, 23, 24, 28, 30)


def link(link_type: int, data: bytes, addresses: Addresses) -> tuple[int, int, bytes]:
    """What follows (IPV4, IPV6 or NOTHING), where, and the new head up to there.

    Of what is no IP packet the head is all that may stay.
    """
    if link_type in RAW:
        return {4: IPV4, 6: IPV6}.get(data[0] >> 4 if data else 0, NOTHING), 0, b""
    if link_type in LOOPBACK and len(data) >= 4:
        kind = _family(data[:4])
        return kind, 4, data[:4] if kind else b""
    if link_type == ETHERNET and len(data) >= 14:
        macs = addresses.mac(data[:6]) + addresses.mac(data[6:12])
        return _typed(data, 12, 14, macs, addresses)
    if link_type == SLL and len(data) >= 16:
        return _typed(data, 14, 16, data[:6] + _hardware(data[6:14], data[5], addresses), addresses)
    if link_type == SLL2 and len(data) >= 20:
        kind = int.from_bytes(data[:2])
        head = data[:12] + _hardware(data[12:20], data[11], addresses)
        return (kind if kind in IP_TYPES else NOTHING), 20, head
    return NOTHING, 0, b""


def _typed(data: bytes, type_at: int, at: int, head: bytes, addresses: Addresses) -> tuple[int, int, bytes]:
    """Follow VLAN tags to what they tag."""
    kind = int.from_bytes(data[type_at : type_at + 2])
    while kind in VLAN_TAGS and at + 4 <= len(data):
        kind, at = int.from_bytes(data[at + 2 : at + 4]), at + 4
    if kind == PPPOE and at + 8 <= len(data):
        kind, at = PPP.get(int.from_bytes(data[at + 6 : at + 8]), NOTHING), at + 8
    head += data[type_at:at]
    if kind == ARP:
        return NOTHING, at, head + _arp(data[at:], addresses)
    return (kind if kind in IP_TYPES else NOTHING), at, head


def _hardware(field: bytes, length: int, addresses: Addresses) -> bytes:
    return addresses.mac(field[:6]) + bytes(2) if length == 6 else bytes(8)


def _family(head: bytes) -> int:
    family = int.from_bytes(head, "little")
    family = int.from_bytes(head) if family > 0xFFFF else family
    return IPV4 if family == AF_INET else IPV6 if family in AF_INET6 else NOTHING


def _arp(packet: bytes, addresses: Addresses) -> bytes:
    """Ethernet and IPv4 (RFC 826), the only ones that ARP carries today."""
    if len(packet) < 28 or packet[:6] != bytes.fromhex("000108000604"):
        return b""
    new = packet[:8]
    for at in (8, 18):
        new += addresses.mac(packet[at : at + 6]) + addresses.packed(packet[at + 6 : at + 10])
    return new
