"""Follow a packet's headers from the link layer through tunnels to IP.

Every header has a kind: its ethertype if it has one, else a number above the ethertypes. An opener reads
headers of one kind at many positions at once and returns the kind and position of the next header.
Headers are opened until IP, something that never carries IP, or something unknown is reached
(https://www.tcpdump.org/linktypes.html, IEEE 802 numbers, IANA protocol numbers).
"""

from collections import Counter
from collections.abc import Callable, Mapping

import numpy as np

from postproc.read.arrays import Array, numbers, places
from postproc.read.container import LINK_TYPES, Interface, Window

IPV4, IPV6, UNCLEAR, FOREIGN = 0x0800, 0x86DD, -1, -2
VLAN, QINQ, OLD_QINQ = 0x8100, 0x88A8, 0x9100
BRIDGED, MPLS, MPLS_MULTICAST, PPPOE = 0x6558, 0x8847, 0x8848, 0x8864
GRE_PPP, ERSPAN, ERSPAN_3 = 0x880B, 0x88BE, 0x22EB
# Ethertypes that never carry a call: GRE keep-alives, ARP, RARP, IPX, slow protocols, PPPoE discovery,
# HomePlug, EAPOL, PROFINET, Realtek, LLDP, HomePlug AV, PTP, CFM, FRITZ!Powerline, loop detection.
NEVER_IP = (
    0x0000,
    0x0806,
    0x8035,
    0x8137,
    0x8809,
    0x8863,
    0x887B,
    0x888E,
    0x8892,
    0x8899,
    0x88CC,
    0x88E1,
    0x88F7,
    0x8902,
    0x8912,
    0x9000,
)
LONGEST_LLC = 1500  # an ethertype up to this is a length (IEEE 802.3, section 3.2.6)
SNAP, LLC_IP = 0xAAAA, 0x0606  # LLC service access points; the others (spanning tree, IS-IS, IPX) are not IP

LINK = 0x1_0000  # + number of the LINKTYPE registry
ETHERNET, PPP, WLAN, RADIOTAP = LINK + 1, LINK + 9, LINK + 105, LINK + 127
BY_VERSION = LINK + 101
PPP_PROTOCOL, IP_PROTOCOL, UDP_TUNNEL = 0x10_0000, 0x20_0000, 0x30_0000  # + number, number, port
LLC, WLAN_PADDED, WLAN_ENCRYPTED = range(0x40_0000, 0x40_0003)
DEEPEST = 24  # headers before IP, each label or VLAN tag counting; bounds the work on hostile packets
AF_INET, AF_INET6 = 2, (10, 23, 24, 28, 30)  # Linux, Windows, the BSDs

AH, GRE, ETHER_IP, MPLS_IN_IP = 51, 47, 97, 137
EXTENSIONS = (0, 43, 60, 135, 139, 140)  # of IPv6 (RFC 8200, section 4), fragments aside
VXLAN, OTV, VXLAN_GPE, GENEVE, GTP_U, TZSP = 4789, 8472, 4790, 6081, 2152, 37008
IN_IP = {4: IPV4, 41: IPV6, MPLS_IN_IP: MPLS} | {
    number: IP_PROTOCOL + number for number in (GRE, AH, ETHER_IP, *EXTENSIONS)
}
IN_UDP = (VXLAN, OTV, VXLAN_GPE, GENEVE, GTP_U, TZSP)

Opened = tuple[Array, Array]


def network_layer(window: Window, interfaces: list[Interface]) -> Opened:
    """Return for each packet IPV4, IPV6, FOREIGN or an unknown kind, and where that header starts."""
    at = window.start.copy()
    kind = np.full(len(at), LINK)
    link_type = np.array([interface.link_type for interface in interfaces])[window.interface]
    for number in {interface.link_type for interface in interfaces}:
        rows = places(link_type == number)
        kind[rows] = LINK + number
        if opener := OPENERS.get(LINK + number):
            kind[rows], at[rows] = opener(window.data, at[rows])
    further = np.flatnonzero((kind != IPV4) & (kind != IPV6))
    if len(further):
        end = (window.start + window.captured)[further]
        kind[further], at[further] = opened(window.data, kind[further], at[further], end)
    return kind, at


def opened(data: Array, kind: Array, at: Array, end: Array) -> Opened:
    """Follow headers of these kinds to IP, or as far as they are known.

    FOREIGN carries no IP, UNCLEAR ends before its header does; an unknown header keeps its kind.
    """
    waiting = np.arange(len(kind))
    for _ in range(DEEPEST):
        to_open = [number for number in np.unique(kind[waiting]).tolist() if number in OPENERS]
        if not to_open:
            break
        for number in to_open:
            rows = waiting[kind[waiting] == number]
            kind[rows], at[rows] = OPENERS[number](data, at[rows])
        waiting = waiting[(kind[waiting] != IPV4) & (kind[waiting] != IPV6)]
    kind[np.isin(kind, NEVER_IP)] = FOREIGN
    kind[at > end] = UNCLEAR
    return kind, at


def named(kind: int) -> str:
    """Return the name of a header that was not opened."""
    if kind == UNCLEAR:
        return "headers cut off or broken"
    if kind == WLAN_ENCRYPTED:
        return "encrypted 802.11"
    if IP_PROTOCOL <= kind < UDP_TUNNEL:
        return IP_NAMES.get(kind - IP_PROTOCOL, f"IP protocol {kind - IP_PROTOCOL}")
    if PPP_PROTOCOL <= kind < IP_PROTOCOL:
        return f"PPP protocol 0x{kind - PPP_PROTOCOL:04x}"
    if LINK <= kind < PPP_PROTOCOL:
        return f"link type {LINK_TYPES.get(kind - LINK, kind - LINK)}"
    return f"ethertype 0x{kind:04x}"


def listed(unread: Mapping[str, int]) -> str:
    """Format counts, largest first: ``esp 120; ethertype 0x8906 3``."""
    ordered = sorted(unread.items(), key=lambda each: (-each[1], each[0]))
    return "; ".join(f"{name} {count}" for name, count in ordered)


def count_unread(unread: Counter[str], kind: Array) -> None:
    """Count packets by the header that was not opened, into ``unread``."""
    for number, count in zip(*(each.tolist() for each in np.unique(kind, return_counts=True)), strict=True):
        unread[named(number)] += count


def _ethernet(data: Array, at: Array) -> Opened:
    return _by_ethertype(numbers(data, at + 12), at + 14)


def _linux_sll(data: Array, at: Array) -> Opened:
    return _by_ethertype(numbers(data, at + 14), at + 16)


def _linux_sll2(data: Array, at: Array) -> Opened:
    return _by_ethertype(numbers(data, at), at + 20)


def _vlan(data: Array, at: Array) -> Opened:
    return _by_ethertype(numbers(data, at + 2), at + 4)


def _by_ethertype(kind: Array, at: Array) -> Opened:
    short = kind <= LONGEST_LLC
    if short.any():
        kind = np.where(short, LLC, kind)
    return kind, at


def _llc(data: Array, at: Array) -> Opened:
    """IEEE 802.2, and SNAP with an ethertype in it (RFC 1042)."""
    access, control = numbers(data, at), numbers(data, at + 2, "u1")
    organisation = numbers(data, at + 3) << 8 | numbers(data, at + 5, "u1")
    snap = (access == SNAP) & (control == 3) & np.isin(organisation, (0, 0x0000F8))
    kind = np.where(snap, numbers(data, at + 6), np.where(access == LLC_IP, IPV4, FOREIGN))
    return kind, at + np.where(snap, 8, 3)


def _loopback(data: Array, at: Array) -> Opened:
    """An address family in the byte order of the capturing machine; for LOOP big-endian."""
    family = numbers(data, at, "<u4")
    swapped = np.flatnonzero(family > 0xFFFF)
    family[swapped] = numbers(data, at[swapped], ">u4")
    kind = np.where(family == AF_INET, IPV4, UNCLEAR)
    return np.where(np.isin(family, AF_INET6), IPV6, kind), at + 4


def _by_version(data: Array, at: Array) -> Opened:
    version = numbers(data, at, "u1") >> 4
    return np.where(version == 4, IPV4, np.where(version == 6, IPV6, UNCLEAR)), at


def _ppp(data: Array, at: Array) -> Opened:
    """RFC 1661 and 1662: address and control may be omitted, a protocol may be one byte."""
    at = at + 2 * (numbers(data, at) == 0xFF03)
    first = numbers(data, at, "u1")
    short = first & 1 == 1
    protocol = np.where(short, first, numbers(data, at))
    kind = PPP_PROTOCOL + protocol
    kind[protocol >= 0x8000] = FOREIGN  # control protocols: LCP, IPCP, PAP ...
    for number, known in ((0x21, IPV4), (0x57, IPV6), (0x281, MPLS), (0x31, ETHERNET)):
        kind[protocol == number] = known
    return kind, at + np.where(short, 1, 2) + 2 * (protocol == 0x31)  # RFC 3518: flags and type before it


def _ppp_hdlc(data: Array, at: Array) -> Opened:
    """PPP in HDLC, or Cisco HDLC, which begins with an address of its own (RFC 1547, section 4.3.1)."""
    kind, inside = _ppp(data, at)
    cisco = np.isin(numbers(data, at, "u1"), (0x0F, 0x8F))
    return np.where(cisco, numbers(data, at + 2), kind), np.where(cisco, at + 4, inside)


def _cisco_hdlc(data: Array, at: Array) -> Opened:
    return numbers(data, at + 2), at + 4


def _ppp_with_direction(data: Array, at: Array) -> Opened:
    return _ppp(data, at + 1)


def _pppoe(data: Array, at: Array) -> Opened:
    """RFC 2516, section 4: session packets; the header is six bytes."""
    session = numbers(data, at) == 0x1100
    return np.where(session, PPP, UNCLEAR), at + 6


def _mpls(data: Array, at: Array) -> Opened:
    """RFC 3032; after the last label comes IP, or Ethernet with or without a control word (RFC 4448).

    The first four bits are 4 or 6 for IP, 0 for a control word, 1 for an associated channel (RFC 4385, RFC
    5586). Ethernet without a control word may begin with any bits: its ethertype decides then.
    """
    more = numbers(data, at + 2, "u1") & 1 == 0
    at = at + 4
    nibble = numbers(data, at, "u1") >> 4
    bare = _is_ethernet(data, at)
    worded = (nibble == 0) & ~bare & _is_ethernet(data, at + 4)
    by_nibble = ((0, UNCLEAR), (1, FOREIGN), (4, IPV4), (6, IPV6))
    kind = np.select([nibble == bits for bits, _ in by_nibble], [each for _, each in by_nibble], ETHERNET)
    kind[bare | worded] = ETHERNET
    return np.where(more, MPLS, kind), np.where(~more & worded, at + 4, at)


def _is_ethernet(data: Array, at: Array) -> Array:
    """Return where an Ethernet header is plausible: a known ethertype, and the IP version it announces."""
    kind, version = numbers(data, at + 12), numbers(data, at + 14, "u1") >> 4
    plausible: Array = np.isin(kind, INSIDE_ETHERNET)
    plausible &= ((kind != IPV4) | (version == 4)) & ((kind != IPV6) | (version == 6))
    tagged = (kind == VLAN) | (kind == QINQ)
    plausible &= ~tagged | np.isin(numbers(data, at + 16), INSIDE_ETHERNET)
    return plausible


def _gre(data: Array, at: Array) -> Opened:
    """RFC 2784, 2890; version 1 is PPTP's (RFC 2637, section 4.1)."""
    flags, kind = numbers(data, at), numbers(data, at + 2)
    present = [(flags & bit != 0).astype(np.int64) for bit in (0xC000, 0x2000, 0x1000, 0x0080)]
    pptp = flags & 7 == 1
    size = 4 + 4 * (present[0] + present[1] + present[2] + present[3] * pptp)
    kind = np.where(pptp & (kind == GRE_PPP), PPP, kind)
    # ERSPAN type I has no header of its own; only the missing sequence number tells it from type II.
    return np.where((kind == ERSPAN) & (present[2] == 0), ETHERNET, kind), at + size


def _ether_ip(data: Array, at: Array) -> Opened:
    """RFC 3378, section 3."""
    return np.where(numbers(data, at, "u1") >> 4 == 3, ETHERNET, UNCLEAR), at + 2


def _erspan(data: Array, at: Array) -> Opened:
    return np.where(numbers(data, at, "u1") >> 4 == 1, ETHERNET, UNCLEAR), at + 8


def _erspan_3(data: Array, at: Array) -> Opened:
    """12 bytes, 8 more if the last bit is set; the mirrored frame may be IP (frame type 2)."""
    last = numbers(data, at + 10)
    kind = np.where(last >> 10 & 31 == 2, BY_VERSION, ETHERNET)
    return kind, at + 12 + 8 * (last & 1)


def _vxlan(data: Array, at: Array) -> Opened:
    """RFC 7348, section 5: the I flag, possibly with the group policy flag; the last reserved byte is 0."""
    sound = np.isin(numbers(data, at, "u1"), (0x08, 0x88)) & (numbers(data, at + 7, "u1") == 0)
    return np.where(sound, ETHERNET, UNCLEAR), at + 8


def _vxlan_gpe(data: Array, at: Array) -> Opened:
    flags, following = numbers(data, at, "u1"), numbers(data, at + 3, "u1")
    kind = np.full(len(at), UNCLEAR)
    for number, known in ((1, IPV4), (2, IPV6), (3, ETHERNET)):
        kind[(following == number) & (flags & 0x0C == 0x0C)] = known
    return kind, at + 8


def _geneve(data: Array, at: Array) -> Opened:
    """RFC 8926, section 3.4."""
    first, kind = numbers(data, at, "u1"), numbers(data, at + 2)
    sound = (first >> 6 == 0) & np.isin(kind, (BRIDGED, IPV4, IPV6, MPLS))  # others may use the port too
    kind = np.where(sound, kind, UNCLEAR)
    return kind, at + 8 + 4 * (first & 63)


def _gtp_u(data: Array, at: Array) -> Opened:
    """3GPP TS 29.281, section 5: a G-PDU carries IP; extension headers are multiples of four bytes."""
    flags, message = numbers(data, at, "u1"), numbers(data, at + 1, "u1")
    sound = (flags >> 4 == 3) & (message == 0xFF)
    extended = flags & 4 != 0
    following = np.where(extended, numbers(data, at + 11, "u1"), 0)
    at = at + 8 + 4 * (flags & 7 != 0)
    for _ in range(DEEPEST):
        more = np.flatnonzero(sound & (following != 0))
        if not len(more):
            break
        at[more] += 4 * np.maximum(numbers(data, at[more], "u1"), 1)
        following[more] = numbers(data, at[more] - 1, "u1")
    kind, at = _by_version(data, at)
    return np.where(sound, kind, UNCLEAR), at


def _tzsp(data: Array, at: Array) -> Opened:
    """TaZmen Sniffer Protocol: a tag list up to the tag 1; tag 0 is padding."""
    sound = (numbers(data, at, "u1") == 1) & (numbers(data, at + 1, "u1") <= 1)
    protocol = numbers(data, at + 2)
    protocol = np.where(protocol == 18, 105, protocol)  # 802.11, the only one that is no LINKTYPE
    sound &= np.isin(protocol, (1, 105, 119, 127))
    at = at + 4
    open_ = sound.copy()
    for _ in range(DEEPEST):
        rows = np.flatnonzero(open_)
        if not len(rows):
            break
        tag = numbers(data, at[rows], "u1")
        at[rows] += np.where(tag <= 1, 1, 2 + numbers(data, at[rows] + 1, "u1"))
        open_[rows] = tag != 1
    return np.where(sound & ~open_, LINK + protocol, UNCLEAR), at


def _radiotap(data: Array, at: Array) -> Opened:
    """https://www.radiotap.org: a flag says whether the 802.11 header is padded to a multiple of four."""
    size, present = numbers(data, at + 2, "<u2"), numbers(data, at + 4, "<u4")
    flags_at = at + 8
    word = present.copy()
    for _ in range(DEEPEST):
        more = word >> 31 == 1
        if not more.any():
            break
        word = np.where(more, numbers(data, flags_at, "<u4"), 0)
        flags_at = flags_at + 4 * more
    clock = present & 1 != 0  # eight bytes, at a multiple of eight
    flags_at = np.where(clock, at + (flags_at - at + 7) // 8 * 8 + 8, flags_at)
    padded = (present & 2 != 0) & (numbers(data, flags_at, "u1") & 0x20 != 0)
    return np.where(padded, WLAN_PADDED, WLAN), at + size


def _ppi(data: Array, at: Array) -> Opened:
    return LINK + numbers(data, at + 4, "<u4"), at + numbers(data, at + 2, "<u2")


def _prism(data: Array, at: Array) -> Opened:
    return np.full(len(at), WLAN), at + numbers(data, at + 4, "<u4")


def _wlan(data: Array, at: Array) -> Opened:
    """IEEE 802.11, section 9.3.2: data frames; a fourth address and QoS control extend the header."""
    control, flags = numbers(data, at, "u1"), numbers(data, at + 1, "u1")
    subtype = control >> 4
    quality = subtype & 8 != 0
    size = 24 + 6 * (flags & 3 == 3) + 2 * quality + 4 * (quality & (flags & 0x80 != 0))
    grouped = quality & (numbers(data, at + size - 2 - 4 * (flags & 0x80 != 0), "u1") & 0x80 != 0)
    carries = (control >> 2 & 3 == 2) & (subtype & 4 == 0)
    kind = np.where(flags & 0x40 != 0, WLAN_ENCRYPTED, LLC)
    return np.where(carries, kind, FOREIGN), at + size + 14 * grouped  # the first of an A-MSDU


def _wlan_padded(data: Array, at: Array) -> Opened:
    kind, inside = _wlan(data, at)
    return kind, at + (inside - at + 3) // 4 * 4


def _authentication(data: Array, at: Array) -> Opened:
    """RFC 4302, section 2."""
    return _by_protocol(numbers(data, at, "u1")), at + 4 * (numbers(data, at + 1, "u1") + 2)


def _extension(data: Array, at: Array) -> Opened:
    return _by_protocol(numbers(data, at, "u1")), at + 8 * (numbers(data, at + 1, "u1") + 1)


def _by_protocol(protocol: Array) -> Array:
    kind = IP_PROTOCOL + protocol
    for number, known in IN_IP.items():
        kind[protocol == number] = known
    return kind


IP_NAMES = {
    50: "ESP",
    55: "IP protocol 55 (mobile IP)",
    94: "IP protocol 94 (IPIP)",
    98: "ENCAP",
    108: "IPComp",
    115: "L2TPv3",
    136: "UDP-Lite",
}
INSIDE_ETHERNET = (IPV4, IPV6, VLAN, QINQ, MPLS, PPPOE, 0x0806, 0x88CC)
OPENERS: Mapping[int, Callable[[Array, Array], Opened]] = {
    LINK + 0: _loopback,
    ETHERNET: _ethernet,
    PPP: _ppp,
    LINK + 12: _by_version,
    LINK + 14: _by_version,
    LINK + 50: _ppp_hdlc,
    LINK + 51: _pppoe,
    BY_VERSION: _by_version,
    LINK + 104: _cisco_hdlc,
    WLAN: _wlan,
    LINK + 108: _loopback,
    LINK + 113: _linux_sll,
    LINK + 119: _prism,
    RADIOTAP: _radiotap,
    LINK + 192: _ppi,
    LINK + 204: _ppp_with_direction,
    LINK + 219: _mpls,
    LINK + 228: _by_version,
    LINK + 229: _by_version,
    LINK + 276: _linux_sll2,
    VLAN: _vlan,
    QINQ: _vlan,
    OLD_QINQ: _vlan,
    LLC: _llc,
    BRIDGED: _ethernet,
    PPPOE: _pppoe,
    MPLS: _mpls,
    MPLS_MULTICAST: _mpls,
    ERSPAN: _erspan,
    ERSPAN_3: _erspan_3,
    WLAN_PADDED: _wlan_padded,
    IP_PROTOCOL + GRE: _gre,
    IP_PROTOCOL + AH: _authentication,
    IP_PROTOCOL + ETHER_IP: _ether_ip,
    **{IP_PROTOCOL + number: _extension for number in EXTENSIONS},
    UDP_TUNNEL + VXLAN: _vxlan,
    UDP_TUNNEL + OTV: _vxlan,
    UDP_TUNNEL + VXLAN_GPE: _vxlan_gpe,
    UDP_TUNNEL + GENEVE: _geneve,
    UDP_TUNNEL + GTP_U: _gtp_u,
    UDP_TUNNEL + TZSP: _tzsp,
}
