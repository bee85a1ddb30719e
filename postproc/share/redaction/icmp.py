"""ICMP (RFC 792, RFC 4443, RFC 4861): what errors quote, and the addresses neighbours ask for."""

from collections.abc import Callable

from postproc.share.redaction import ip
from postproc.share.redaction.addresses import Addresses
from postproc.share.redaction.ip import ICMPV6, Packet

ERRORS = {ip.ICMP: (3, 4, 5, 11, 12), ICMPV6: (1, 2, 3, 4)}
REDIRECT = 5
TARGETED = {135: 1, 136: 1, 137: 2}  # neighbour discovery: how many addresses follow the header
HEADER = 8

Quoted = Callable[[Packet], bytes]


def icmp(packet: Packet, addresses: Addresses, quoted: Quoted) -> bytes:
    """A message as long as before, its checksum not yet set."""
    message = packet.payload
    if len(message) < HEADER:
        return message[:4] + bytes(max(len(message) - 4, 0))
    head, rest = message[:HEADER], message[HEADER:]
    if packet.protocol == ip.ICMP and message[0] == REDIRECT:
        head = head[:4] + addresses.packed(head[4:8])
    if message[0] in ERRORS[packet.protocol]:
        told = bytes(2) + head[6:8] if packet.protocol == ip.ICMP else head[4:8]  # size that fits, or place
        return head[:4] + told + _quote(rest, addresses, quoted)
    if packet.protocol == ICMPV6 and message[0] in TARGETED:
        end = 16 * TARGETED[message[0]]
        targets = [rest[at : at + 16] for at in range(0, end, 16)]
        if all(len(target) == 16 for target in targets):
            return head + b"".join(map(addresses.packed, targets)) + bytes(len(rest) - end)
    return head + bytes(len(rest))


def _quote(rest: bytes, addresses: Addresses, quoted: Quoted) -> bytes:
    packet = ip.parse(rest)
    if packet is None:
        return bytes(len(rest))
    source, destination = map(addresses.packed, (packet.source, packet.destination))
    new = ip.header(packet, source, destination) + quoted(packet)
    return new + bytes(len(rest) - len(new))
