"""ICMP errors and the packet they quote (RFC 792, RFC 4443) -> rows of icmp_errors."""

from typing import Any

from postproc.model import constants
from postproc.read.frame import Frame
from postproc.wire import MalformedError, ip, stun
from postproc.wire.ip import ICMP, ICMPV6, TCP, UDP, IcmpMessage, written
from postproc.wire.transport import UDP_HEADER

TRANSPORTS = {UDP: "udp", TCP: "tcp"}
ERRORS = constants.icmp_types("icmp.errors")
PORTS = 4  # bytes: the least that a quote is of use with
LAYERS = {"icmp": (ICMP, 4), "icmpv6": (ICMPV6, 6)}


def row(frame: Frame) -> dict[str, Any] | None:
    """The error as one row; None when it is no error or quotes neither UDP nor TCP."""
    for layer, (protocol, version) in LAYERS.items():
        for data in frame.messages.get(layer, []):
            try:
                message = ip.parse_icmp(protocol, data)
                quote = _quote(message) if (version, message.kind) in ERRORS else None
            except MalformedError:
                continue
            if quote:
                return quote | {
                    "frame": frame.number,
                    "time": frame.time,
                    "reporter": frame.src_addr,
                    "version": version,
                    "type": message.kind,
                    "code": message.code,
                }
    return None


def _quote(message: IcmpMessage) -> dict[str, Any] | None:
    packet = message.quoted()
    segment = packet.payload
    behind = packet.fragment is not None and packet.fragment.offset > 0  # without the ports
    if packet.protocol not in TRANSPORTS or len(segment) < PORTS or behind:
        return None
    return {
        "src_addr": written(packet.source),
        "src_port": int.from_bytes(segment[0:2]),
        "dst_addr": written(packet.destination),
        "dst_port": int.from_bytes(segment[2:4]),
        "transport": TRANSPORTS[packet.protocol],
        "transaction_id": _transaction(segment[UDP_HEADER:]) if packet.protocol == UDP else None,
    }


def _transaction(datagram: bytes) -> str | None:
    has_cookie = len(datagram) >= stun.HEADER and datagram[4:8] == stun.COOKIE
    return stun.parse(datagram).transaction.hex() if has_cookie else None
