"""ICMP errors and the packet they quote (RFC 792, RFC 4443) -> rows of icmp_errors."""

from socket import AF_INET, AF_INET6, inet_ntop
from typing import Any

from postproc.model import constants
from postproc.read import stun
from postproc.read.frame import Frame

PROTOCOLS = {17: "udp", 6: "tcp"}
ERRORS = constants.icmp_types("icmp.errors")


def row(frame: Frame) -> dict[str, Any] | None:
    """The error as one row; None when it is no error or quotes neither UDP nor TCP."""
    for name, version in (("icmp", 4), ("icmpv6", 6)):
        for message in frame.messages.get(name, []):
            quote = _quote(message[8:])
            if len(message) >= 8 and (version, message[0]) in ERRORS and quote:
                return quote | {
                    "frame": frame.number,
                    "time": frame.time,
                    "reporter": frame.src_addr,
                    "version": version,
                    "type": message[0],
                    "code": message[1],
                }
    return None


def _quote(packet: bytes) -> dict[str, Any] | None:
    version = packet[0] >> 4 if packet else 0
    if version == 4 and len(packet) >= 28:
        src, dst = inet_ntop(AF_INET, packet[12:16]), inet_ntop(AF_INET, packet[16:20])
        return _ports(src, dst, packet[9], packet[(packet[0] & 15) * 4 :])
    if version == 6 and len(packet) >= 48:
        src, dst = inet_ntop(AF_INET6, packet[8:24]), inet_ntop(AF_INET6, packet[24:40])
        return _ports(src, dst, packet[6], packet[40:])
    return None


def _ports(src: str, dst: str, protocol: int, segment: bytes) -> dict[str, Any] | None:
    if protocol not in PROTOCOLS or len(segment) < 4:
        return None
    message = segment[8:]
    is_stun = protocol == 17 and len(message) >= 20 and message[4:8] == stun.COOKIE
    return {
        "src_addr": src,
        "src_port": int.from_bytes(segment[0:2]),
        "dst_addr": dst,
        "dst_port": int.from_bytes(segment[2:4]),
        "transport": PROTOCOLS[protocol],
        "transaction_id": stun.transaction_id(message) if is_stun else None,
    }
