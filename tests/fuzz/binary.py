"""STUN, TURN, DTLS, RTP, RTCP and ICMP spoiled: the payload of one packet in, another one out."""

import struct
from collections.abc import Callable
from random import Random

from tests.fuzz.kinds import Kind, blob, hostile, kinds, number

COOKIE = bytes.fromhex("2112a442")
CODES = (
    0x0001,
    0x0006,
    0x0008,
    0x0009,
    0x000C,
    0x000D,
    0x0012,
    0x0013,
    0x0014,
    0x0015,
    0x0016,
    0x0020,
    0x0024,
    0x0025,
    0x8020,
    0x8022,
    0x8028,
    0x8029,
    0x802A,
    0x802B,
    0xFFFF,
)
Attribute = tuple[int, bytes]


def attributes(message: bytes) -> list[Attribute]:
    found, at = [], 20
    while at + 4 <= len(message):
        code, size = struct.unpack_from(">HH", message, at)
        found.append((code, message[at + 4 : at + 4 + size]))
        at += 4 + size + (-size & 3)
    return found


def _stun(head: bytes, attributes: list[Attribute]) -> bytes:
    body = b"".join(
        struct.pack(">HH", code, len(value)) + value + bytes(-len(value) & 3) for code, value in attributes
    )[:65_500]
    return head[:2] + struct.pack(">H", len(body)) + head[4:20] + body


def _changed(
    change: Callable[[Random, list[Attribute]], list[Attribute]],
) -> Callable[[Random, bytes], bytes | None]:
    def changed(random: Random, message: bytes) -> bytes | None:
        found = attributes(message)
        return _stun(message, change(random, found)) if found else None

    changed.__name__ = change.__name__
    return changed


def attribute_dropped(random: Random, held: list[Attribute]) -> list[Attribute]:
    at = random.randrange(len(held))
    return held[:at] + held[at + 1 :]


def attribute_doubled(random: Random, held: list[Attribute]) -> list[Attribute]:
    return held + [random.choice(held)] * random.choice((1, 1, 500))


def attributes_shuffled(random: Random, held: list[Attribute]) -> list[Attribute]:
    return random.sample(held, len(held))


def attribute_value(random: Random, held: list[Attribute]) -> list[Attribute]:
    at = random.randrange(len(held))
    value = random.choice((b"", blob(random), hostile(random)[:2000], held[at][1][:-1], held[at][1] + b"\0"))
    return [*held[:at], (held[at][0], value), *held[at + 1 :]]


def attribute_added(random: Random, held: list[Attribute]) -> list[Attribute]:
    value = random.choice((b"", blob(random), hostile(random)[:2000]))
    return [(random.choice(CODES), value), *held]


def attribute_code(random: Random, held: list[Attribute]) -> list[Attribute]:
    at = random.randrange(len(held))
    return [*held[:at], (random.choice(CODES), held[at][1]), *held[at + 1 :]]


def attribute_length(random: Random, message: bytes) -> bytes | None:
    """The length of the first attribute says something else than how long it is."""
    if len(message) < 24:
        return None
    return message[:22] + struct.pack(">H", number(random) & 0xFFFF) + message[24:]


def stun_length(random: Random, message: bytes) -> bytes:
    return message[:2] + struct.pack(">H", number(random) & 0xFFFF) + message[4:]


def stun_type(random: Random, message: bytes) -> bytes:
    methods = (0x0001, 0x0011, 0x0101, 0x0111, 0x0003, 0x0113, 0x0016, 0x0017, 0x0009, 0x3FFF, 0x0000)
    return struct.pack(">H", random.choice(methods)) + message[2:]


def stun_cookie(random: Random, message: bytes) -> bytes:
    return message[:4] + random.choice((bytes(4), b"\xff" * 4, random.randbytes(4))) + message[8:]


def stun_transaction(random: Random, message: bytes) -> bytes:
    return message[:8] + random.choice((bytes(12), b"\xff" * 12, random.randbytes(12))) + message[20:]


def stun_nested(random: Random, message: bytes) -> bytes:
    """The message as data of an indication, several times over."""
    for _ in range(random.choice((1, 2, 40))):
        message = _stun(b"\x00\x16\0\0" + COOKIE + random.randbytes(12), [(0x0013, message[:60_000])])
    return message


def channel_wrapped(random: Random, message: bytes) -> bytes:
    for _ in range(random.choice((1, 1, 20))):
        length = random.choice((len(message), len(message), number(random))) & 0xFFFF
        message = struct.pack(">HH", random.choice((0x4000, 0x4FFF, 0x7FFF)), length) + message
    return message


def record_length(random: Random, datagram: bytes) -> bytes:
    return datagram[:11] + struct.pack(">H", number(random) & 0xFFFF) + datagram[13:]


def record_version(random: Random, datagram: bytes) -> bytes:
    return datagram[:1] + random.choice((b"\xfe\xff", b"\xfe\xfc", b"\x03\x03", b"\0\0")) + datagram[3:]


def record_content(random: Random, datagram: bytes) -> bytes:
    return bytes([random.choice((20, 21, 22, 23, 24, 25, 26, 32, 47, 63))]) + datagram[1:]


def record_epoch(random: Random, datagram: bytes) -> bytes:
    return datagram[:3] + struct.pack(">H", random.choice((0, 1, 2, 65_535))) + datagram[5:]


def handshake_number(random: Random, datagram: bytes) -> bytes | None:
    """Type, length, sequence, offset or length of the fragment: one of them becomes another."""
    if len(datagram) < 25:
        return None
    at, size = random.choice(((13, 1), (14, 3), (17, 2), (19, 3), (22, 3)))
    value = (number(random) & (1 << 8 * size) - 1).to_bytes(size)
    return datagram[:at] + value + datagram[at + size :]


def record_repeated(random: Random, datagram: bytes) -> bytes:
    return datagram * random.choice((2, 5, max(2, 20_000 // max(1, len(datagram)))))


def certificate_garbage(random: Random, datagram: bytes) -> bytes | None:
    """Bytes of the first certificate become others; the lengths around it stay."""
    at = datagram.find(b"\x30\x82")
    if at < 0:
        return None
    spoiled = bytearray(datagram)
    for _ in range(random.choice((1, 30))):
        spoiled[random.randrange(at, len(spoiled))] = random.randrange(256)
    return bytes(spoiled)


def alert_odd(random: Random, _: bytes) -> bytes:
    body = random.choice((b"", b"\x02", bytes([random.randrange(256), random.randrange(256)]), blob(random)))
    return b"\x15\xfe\xfd" + bytes(8) + struct.pack(">H", len(body)) + body


def rtp_sequence(random: Random, packet: bytes) -> bytes:
    return packet[:2] + struct.pack(">H", random.choice((0, 65_535, random.randrange(65_536)))) + packet[4:]


def rtp_timestamp(random: Random, packet: bytes) -> bytes:
    return packet[:4] + struct.pack(">I", random.choice((0, 2**32 - 1, random.randrange(2**32)))) + packet[8:]


def rtp_ssrc(random: Random, packet: bytes) -> bytes:
    return (
        packet[:8] + struct.pack(">I", random.choice((0, 2**32 - 1, random.randrange(2**32)))) + packet[12:]
    )


def rtp_type(random: Random, packet: bytes) -> bytes:
    return packet[:1] + bytes([random.randrange(256)]) + packet[2:]


def rtp_flags(random: Random, packet: bytes) -> bytes:
    """Padding, extension and number of contributors as they like, whatever there is room for."""
    return bytes([0x80 | random.randrange(64)]) + packet[1:]


def rtp_cut(random: Random, packet: bytes) -> bytes:
    return packet[: random.randrange(len(packet) + 1)]


def rtcp_odd(random: Random, packet: bytes) -> bytes:
    """A compound of reports whose lengths and texts are anything."""
    made = b""
    for _ in range(random.choice((1, 3, 30))):
        body = random.choice((blob(random, 40), b"\x01\xff" + hostile(random)[:255]))
        length = random.choice((len(body) // 4, number(random))) & 0xFFFF
        made += struct.pack(">BBH", 0x80 | random.randrange(64), random.randrange(192, 224), length) + body
    return made + packet[8:]


def icmp_type(random: Random, message: bytes) -> bytes:
    return bytes([random.choice((1, 3, 4, 5, 11, 12, 0, 255)), random.randrange(256)]) + message[2:]


def icmp_quote_cut(random: Random, message: bytes) -> bytes:
    return message[: 8 + random.randrange(max(1, len(message) - 7))]


def icmp_quote_odd(random: Random, message: bytes) -> bytes:
    """The header of the quoted packet: version, length, fragment, protocol become others."""
    spoiled = bytearray(message)
    for at in (8, 10, 14, 17):
        if at < len(spoiled) and random.random() < 0.5:
            spoiled[at] = random.randrange(256)
    return bytes(spoiled)


def icmp_of_icmp(random: Random, message: bytes) -> bytes:
    quoted = (
        b"\x45\0" + struct.pack(">H", 20 + len(message)) + bytes(4) + b"\x40\x01\0\0" + bytes(8) + message
    )
    return bytes([3, random.randrange(16)]) + bytes(6) + quoted


STUN: tuple[Kind[bytes], ...] = kinds(
    "stun",
    *map(
        _changed,
        (
            attribute_dropped,
            attribute_doubled,
            attributes_shuffled,
            attribute_value,
            attribute_added,
            attribute_code,
        ),
    ),
    attribute_length,
    stun_length,
    stun_type,
    stun_cookie,
    stun_transaction,
    stun_nested,
    channel_wrapped,
)
DTLS: tuple[Kind[bytes], ...] = kinds(
    "dtls",
    record_length,
    record_version,
    record_content,
    record_epoch,
    handshake_number,
    record_repeated,
    certificate_garbage,
    alert_odd,
)
RTP: tuple[Kind[bytes], ...] = kinds(
    "rtp", rtp_sequence, rtp_timestamp, rtp_ssrc, rtp_type, rtp_flags, rtp_cut, rtcp_odd, channel_wrapped
)
ICMP: tuple[Kind[bytes], ...] = kinds("icmp", icmp_type, icmp_quote_cut, icmp_quote_odd, icmp_of_icmp)
