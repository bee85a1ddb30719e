"""RTP and RTCP (RFC 3550): headers and reports stay, what is said, shown and dialled is null."""

import struct

RTCP_TYPES = range(192, 224)
SENDER, RECEIVER, BYE, FEEDBACK = 200, 201, 203, (205, 206)
REPORT_BLOCK = 24


def looks_like_rtp(payload: bytes) -> bool:
    """First byte 128 to 191 (RFC 7983)."""
    return len(payload) >= 8 and payload[0] >> 6 == 2


def media(payload: bytes) -> bytes:
    """An RTP or RTCP packet, whole or cut, without its content."""
    return _rtcp(payload) if payload[1] in RTCP_TYPES else _rtp(payload)


def _rtp(payload: bytes) -> bytes:
    end = 12 + 4 * (payload[0] & 15)
    if payload[0] & 0x10:  # a header extension: its own header stays
        end += 4
    padding = payload[-1:] if payload[0] & 0x20 and len(payload) > end else b""
    return payload[:end] + bytes(max(len(payload) - end - len(padding), 0)) + padding


def _rtcp(payload: bytes) -> bytes:
    """A compound packet of which all parts fit; of one that is encrypted the first eight bytes."""
    at, new = 0, b""
    while at + 8 <= len(payload) and payload[at] >> 6 == 2:
        size = 4 + 4 * struct.unpack_from(">H", payload, at + 2)[0]
        if at + size > len(payload):
            break
        new += _report(payload[at : at + size])
        at += size
    if at != len(payload):
        return payload[:8] + bytes(len(payload) - 8)
    return new


def _report(part: bytes) -> bytes:
    kind, count = part[1], part[0] & 31
    kept = {SENDER: 28 + count * REPORT_BLOCK, RECEIVER: 8 + count * REPORT_BLOCK, BYE: 4 + 4 * count}.get(
        kind, 8
    )
    kept = len(part) if kind in FEEDBACK else min(kept, len(part))
    return part[:kept] + bytes(len(part) - kept)
