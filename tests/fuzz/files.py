"""The bytes of a capture file spoiled: blindly, or block by block with an eye to what they mean."""

import bz2
import gzip
import struct
from collections.abc import Callable
from random import Random

from tests.fuzz.kinds import NUMBERS, Kind, blob, hostile, kinds, number

SECTION, INTERFACE, OLD_PACKET, SIMPLE, NAMES, STATISTICS, ENHANCED, SECRETS, CUSTOM = (
    0x0A0D0D0A,
    1,
    2,
    3,
    4,
    5,
    6,
    10,
    0xBAD,
)
MAGIC = b"\x0a\x0d\x0d\x0a"


def bits_flipped(random: Random, data: bytes) -> bytes:
    spoiled = bytearray(data)
    for _ in range(random.choice((1, 4, 40))):
        spoiled[random.randrange(len(spoiled))] ^= 1 << random.randrange(8)
    return bytes(spoiled)


def bytes_set(random: Random, data: bytes) -> bytes:
    spoiled = bytearray(data)
    for _ in range(random.choice((1, 4, 40))):
        spoiled[random.randrange(len(spoiled))] = random.choice((0, 1, 127, 128, 255))
    return bytes(spoiled)


def number_set(random: Random, data: bytes) -> bytes:
    """Two, four or eight bytes somewhere become a number that is hard to count with."""
    size, order = random.choice((2, 4, 8)), random.choice("<>")
    at = random.randrange(max(1, len(data) - size))
    value = (number(random) & (1 << 8 * size) - 1).to_bytes(size, "little" if order == "<" else "big")
    return data[:at] + value + data[at + size :]


def piece_deleted(random: Random, data: bytes) -> bytes:
    at, size = random.randrange(len(data)), random.choice((1, 3, 4, 100, 5000))
    return data[:at] + data[at + size :]


def piece_doubled(random: Random, data: bytes) -> bytes:
    at, size = random.randrange(len(data)), random.choice((1, 3, 4, 100, 5000))
    return data[:at] + data[at : at + size] * 2 + data[at + size :]


def piece_inserted(random: Random, data: bytes) -> bytes:
    at = random.randrange(len(data))
    return data[:at] + random.choice((blob(random, 2000), hostile(random), bytes(4096))) + data[at:]


def piece_zeroed(random: Random, data: bytes) -> bytes:
    at, size = random.randrange(len(data)), random.choice((16, 500, 4096))
    return data[:at] + bytes(min(size, len(data) - at)) + data[at + size :]


def file_cut(random: Random, data: bytes) -> bytes:
    return data[: random.choice((random.randrange(40), random.randrange(len(data)), len(data) - 1))]


def file_continued(random: Random, data: bytes) -> bytes:
    """Something behind the end: garbage, the file once more, zeros of a disk that was full."""
    return data + random.choice((blob(random, 3000), data, bytes(5000)))


def packed(random: Random, data: bytes) -> bytes:
    """Compressed, whole or not, or only said to be."""
    whole = gzip.compress(data, mtime=0)
    odd = (
        whole,
        whole[: len(whole) // 2],
        whole + b"garbage",
        whole * 2,
        gzip.compress(whole, mtime=0),
        b"\x28\xb5\x2f\xfd" + data[:400],
        b"\x04\x22\x4d\x18" + data[:400],
        bz2.compress(data[:400]),
        whole[:10] + bytes(50) + whole[60:],
    )
    return random.choice(odd)


def magic_other(random: Random, data: bytes) -> bytes:
    magics = (
        b"\xa1\xb2\xc3\xd4",
        b"\xd4\xc3\xb2\xa1",
        b"\xa1\xb2\x3c\x4d",
        b"\x34\xcd\xb2\xa1",
        b"snoop\0\0\0",
        b"RTSS",
        b"GMBU",
        b"\x05VNF",
        b"XCP\0",
        b"iptrace 2.0",
        MAGIC,
    )
    magic = random.choice(magics)
    return magic + data[len(magic) :]


def blocks(data: bytes) -> list[bytes]:
    """The blocks of a sound little-endian pcapng."""
    found, at = [], 0
    while at + 12 <= len(data):
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        found.append(data[at : at + size])
        at += size
    return found


def block(kind: int, body: bytes) -> bytes:
    body += bytes(-len(body) % 4)
    return struct.pack("<II", kind, 12 + len(body)) + body + struct.pack("<I", 12 + len(body))


def _of_pcapng(
    change: Callable[[Random, list[bytes]], list[bytes]],
) -> Callable[[Random, bytes], bytes | None]:
    def changed(random: Random, data: bytes) -> bytes | None:
        return b"".join(change(random, blocks(data))) if data.startswith(MAGIC) else None

    changed.__name__ = change.__name__
    return changed


def _some(random: Random, held: list[bytes], change: Callable[[bytes], bytes]) -> list[bytes]:
    """One block becomes another, or some of them do."""
    chosen = {random.randrange(len(held)) for _ in range(random.choice((1, 1, 10)))}
    return [change(each) if at in chosen else each for at, each in enumerate(held)]


def block_length(random: Random, held: list[bytes]) -> list[bytes]:
    """A length that is wrong before, behind, or in both places."""

    def changed(each: bytes) -> bytes:
        said = struct.pack(
            "<I", random.choice((*NUMBERS, len(each) + 4, len(each) - 4, len(each) + 1)) & 0xFFFFFFFF
        )
        before, behind = random.choice(((said, said), (said, each[-4:]), (each[4:8], said)))
        return each[:4] + before + each[8:-4] + behind

    return _some(random, held, changed)


def block_kind(random: Random, held: list[bytes]) -> list[bytes]:
    kinds_ = (0, 1, 2, 3, 4, 5, 6, 9, 10, 11, 0xBAD, 0x40000BAD, 0x80000000, SECTION)
    return _some(random, held, lambda each: struct.pack("<I", random.choice(kinds_)) + each[4:])


def block_field(random: Random, held: list[bytes]) -> list[bytes]:
    """One of a block's first fields: of a packet interface, time, captured and original length."""

    def changed(each: bytes) -> bytes:
        at = 8 + 4 * random.randrange(5)
        return (
            each[:at] + struct.pack("<I", number(random) & 0xFFFFFFFF) + each[at + 4 :]
            if at < len(each)
            else each
        )

    return [
        value[:-4] + value[4:8] if len(value) % 4 == 0 else value for value in _some(random, held, changed)
    ]


def block_options(random: Random, held: list[bytes]) -> list[bytes]:
    """Options without an end, longer than the block, of unknown codes, thousands of them."""
    odd = (
        b"\x01\0\xff\xffshort",
        b"\x01\0\0\0" * 3000,
        b"\xff\xff\x04\0abcd",
        b"\x02\0\x03\0a\xffb\0",
        b"\x09\0\0\0",
        b"\x09\0\x01\0",
        b"\x0e\0\x08\0" + b"\xff" * 8,
        b"\x01\0\x04\0abcd" * 400,
    )

    def changed(each: bytes) -> bytes:
        return block(int.from_bytes(each[:4], "little"), each[8:-4] + random.choice(odd))

    return _some(random, held, changed)


def blocks_shuffled(random: Random, held: list[bytes]) -> list[bytes]:
    first, rest = held[:1], held[1:]
    return first + random.sample(rest, len(rest))


def block_dropped(random: Random, held: list[bytes]) -> list[bytes]:
    at = random.choice((0, 1, random.randrange(len(held))))
    return held[:at] + held[at + 1 :]


def block_added(random: Random, held: list[bytes]) -> list[bytes]:
    """Blocks of other kinds in between: names, secrets, statistics, custom ones, another section."""
    packet = next((each for each in held if each[:1] == b"\x06"), held[-1])
    data = packet[28:-4]
    names = b"\1\0" + struct.pack("<H", 4 + len(hostile(random)[:200])) + bytes([192, 0, 2, 9])
    odd = (
        block(SIMPLE, struct.pack("<I", len(data)) + data),
        block(OLD_PACKET, struct.pack("<HHIIII", 0, 0, 0, 0, len(data), len(data)) + data),
        block(NAMES, names + hostile(random)[:200] + b"\0\0\0\0\0"),
        block(SECRETS, struct.pack("<II", 0x544C534B, 40) + b"CLIENT_RANDOM zz zz\n\xff\xfe" + blob(random)),
        block(SECRETS, struct.pack("<II", number(random) & 0xFFFFFFFF, number(random) & 0xFFFFFFFF)),
        block(STATISTICS, blob(random, 60)),
        block(CUSTOM, blob(random, 60)),
        held[0],
        held[1],
        block(INTERFACE, struct.pack("<HHI", 1, 0, 0)),
    )
    at = random.randrange(1, len(held) + 1)
    return [*held[:at], random.choice(odd), *held[at:]]


def section_odd(random: Random, held: list[bytes]) -> list[bytes]:
    """Version, length or byte order of the section."""
    at, size = random.choice(((8, 4), (12, 2), (14, 2), (16, 8)))
    value = (number(random) & (1 << 8 * size) - 1).to_bytes(size, "little")
    odd = random.choice((value, b"\x1a\x2b\x3c\x4d")) if at == 8 else value
    return [held[0][:at] + odd + held[0][at + size :], *held[1:]]


def pcap_field(random: Random, data: bytes) -> bytes | None:
    """A field of a classic pcap's header, or of a record's."""
    if data.startswith(MAGIC) or len(data) < 40:
        return None
    at, size = random.choice(((4, 2), (6, 2), (16, 4), (20, 4), (24, 4), (28, 4), (32, 4), (36, 4)))
    value = number(random) & (1 << 8 * size) - 1
    return data[:at] + value.to_bytes(size, random.choice(("little", "big"))) + data[at + size :]


FILES: tuple[Kind[bytes], ...] = (
    *kinds(
        "bytes",
        bits_flipped,
        bytes_set,
        number_set,
        piece_deleted,
        piece_doubled,
        piece_inserted,
        piece_zeroed,
        file_cut,
        file_continued,
        packed,
        magic_other,
    ),
    *kinds(
        "blocks",
        *map(
            _of_pcapng,
            (
                block_length,
                block_kind,
                block_field,
                block_options,
                blocks_shuffled,
                block_dropped,
                block_added,
                section_odd,
            ),
        ),
        pcap_field,
    ),
)
