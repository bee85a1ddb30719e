"""One frame from tshark's EK output: addresses, and the bytes of each message in it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from socket import AF_INET, AF_INET6, inet_ntop
from typing import Any

import pandas as pd

from postproc.read.limits import OUTSIDE
from postproc.wire.hep import MAGIC as HEP

NAMES = ("sip", "stun", "classicstun", "dtls", "icmp", "icmpv6", "tls", "data")
LAYERS = {name: f"{name}_raw" for name in NAMES}
NETWORKS, TRANSPORTS = frozenset({"ip", "ipv6"}), frozenset({"udp", "tcp", "sctp"})


@dataclass(slots=True)
class Frame:
    """A frame as tshark dissected it: addresses, and the bytes of each message in it by protocol."""

    number: int
    time: int  # ns since the epoch; as it comes from tshark it may be any number
    interface: int
    protocols: tuple[str, ...]
    src_addr: str | None
    src_port: int | None
    dst_addr: str | None
    dst_port: int | None
    transport: str | None
    ip: bytes  # innermost IP header
    header: bytes  # UDP, TCP or SCTP header
    packet: bytes  # the whole frame
    messages: Mapping[str, list[bytes]]
    certificates: tuple[str, ...] = field(default=())
    guessed: bool = False  # the time is not the packet's own, which is implausible (read.limits)
    arrived: int | None = None  # capture time of a HEP copy that has a time of its own
    cut_short: bool = False  # the message is incomplete: the capture lacks IP fragments or the packet's end


def from_layers(layers: Mapping[str, Any]) -> Frame:
    head = layers["frame"]
    protocols = tuple(str(head.get("frame_frame_protocols", "")).split(":"))
    path = _outside_quotes(protocols)
    network, transport = _last(path, NETWORKS), _last(path, TRANSPORTS)
    ip, ports = _raw(layers, f"{network}_raw"), _raw(layers, f"{transport}_raw")
    ip_header, header = ip[-1] if ip else b"", ports[-1] if ports else b""
    packet = _raw(layers, "frame_raw")
    src, dst = addresses(ip_header)
    return Frame(
        int(head["frame_frame_number"]),
        nanoseconds(str(head["frame_frame_time_epoch"])),
        int(head.get("frame_frame_interface_id", 0)),
        protocols,
        src,
        _port(header[0:2]),
        dst,
        _port(header[2:4]),
        transport,
        ip_header,
        header,
        packet[0] if packet else b"",
        _messages(layers),
        _certificates(layers),
        cut_short=_size(head, "frame_frame_cap_len") < _size(head, "frame_frame_len"),
    )


def _size(head: Mapping[str, Any], name: str) -> int:
    value = head.get(name)
    return int(value) if isinstance(value, str) else 0  # a field not asked for is no text


def _messages(layers: Mapping[str, Any]) -> dict[str, list[bytes]]:
    """Return the messages by protocol; of data that tshark does not dissect, those in HEP."""
    by_protocol = {name: _raw(layers, key) for name, key in LAYERS.items() if layers.get(key)}
    copies = [data for data in by_protocol.pop("data", []) if data.startswith(HEP)]
    return by_protocol | {"hep": copies} if copies else by_protocol


def _outside_quotes(protocols: tuple[str, ...]) -> tuple[str, ...]:
    """Return the protocols before ICMP: after it comes a quoted packet."""
    if "icmp" not in protocols and "icmpv6" not in protocols:
        return protocols
    return protocols[: min(at for at, name in enumerate(protocols) if name in ("icmp", "icmpv6"))]


def _last(protocols: tuple[str, ...], names: frozenset[str]) -> str | None:
    for name in reversed(protocols):
        if name in names:
            return name
    return None


def _raw(layers: Mapping[str, Any], key: str) -> list[bytes]:
    value = layers.get(key)
    if isinstance(value, str):
        return [bytes.fromhex(value)]
    return [bytes.fromhex(text) for text in value or [] if isinstance(text, str)]


def addresses(header: bytes) -> tuple[str | None, str | None]:
    """Return source and destination of an IP header; None if it is too short."""
    if len(header) >= 20 and header[0] >> 4 == 4:
        return inet_ntop(AF_INET, header[12:16]), inet_ntop(AF_INET, header[16:20])
    if len(header) >= 40 and header[0] >> 4 == 6:
        return inet_ntop(AF_INET6, header[8:24]), inet_ntop(AF_INET6, header[24:40])
    return None, None


def _port(two: bytes) -> int | None:
    return int.from_bytes(two) if len(two) == 2 else None


def _certificates(layers: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the DER of each certificate in a reassembled Certificate message, in hex."""
    dtls = layers.get("dtls")
    value = dtls.get("dtls_dtls_handshake_certificate_raw") if isinstance(dtls, dict) else None
    return tuple(value if isinstance(value, list) else [value] if isinstance(value, str) else [])


def nanoseconds(epoch: str) -> int:
    """Parse ns since the epoch from "seconds.fraction", or from an ISO time, which newer tshark may print."""
    if "T" in epoch:
        try:
            return int(pd.Timestamp(epoch).value)
        except ValueError:  # a year that pandas does not know
            return OUTSIDE
    seconds, _, fraction = epoch.partition(".")
    sign = -1 if seconds.startswith("-") else 1
    return int(seconds) * 1_000_000_000 + sign * int(fraction.ljust(9, "0")[:9] or 0)
