"""Logs, access lists, deployment files and answers spoiled: as bytes, as lines, and as what they mean."""

import gzip
import lzma
import re
from random import Random

from tests.fuzz.kinds import Kind, blob, digits, hostile, kinds

TIME = re.compile(rb"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+")
ODD_TIMES = (
    b"0000-00-00 00:00:00.000000",
    b"9999-12-31 23:59:59.999999",
    b"2026-02-30 25:61:61.999999",
    b"1969-12-31 23:59:59.000000",
    b"2262-04-12 00:00:00.000000",
    b"2026-11-22 22:38:46.1",
    b"2026-11-22 22:38:46." + b"9" * 400,
    b"2026-11-22T22:38:46.000000",
)
ENTITIES = (
    b'<!DOCTYPE a [<!ENTITY b "cc"><!ENTITY c "&b;&b;&b;&b;">]>',
    b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]>',
    b'<!DOCTYPE a SYSTEM "http://evil.example/a.dtd">',
)
NETWORKS = (
    b"0.0.0.0/0",
    b"::/0",
    b"10.0.0.0/33",
    b"10.0.0.1/-1",
    b"300.0.0.0/8",
    b"10.0.0.0/255.0.255.0",
    b"/",
    b"",
    b"1.2.3.4",
    b"fe80::1%eth0/64",
    b"$${local_ip_v4}/32",
    b"10.0.0.0/8,::/0,x",
    b"\xd9\xa1.2.3.4/8",
)
VALUES = (
    b"true",
    b"[]",
    b"[[]]",
    b"{}",
    b"0",
    b"-1",
    b"1e400",
    b"inf",
    b"nan",
    b"99999999999999999999",
    b'""',
    b"1979-05-27T07:32:00Z",
    b'"(a+)+$"',
    b'"["',
    b'"\\u0000"',
    b'["30000-99999"]',
    b"[0, 65536]",
    b"'''\n'''",
)


def _lines(data: bytes) -> list[bytes]:
    return data.split(b"\n")


def text_bits(random: Random, data: bytes) -> bytes:
    spoiled = bytearray(data)
    for _ in range(random.choice((1, 10, 100))):
        spoiled[random.randrange(len(spoiled))] = random.choice(
            (0, 10, 34, 39, 60, 92, 255, random.randrange(256))
        )
    return bytes(spoiled)


def text_cut(random: Random, data: bytes) -> bytes:
    return data[: random.choice((0, 1, random.randrange(len(data))))]


def lines_dropped(random: Random, data: bytes) -> bytes:
    held = _lines(data)
    at = random.randrange(len(held))
    return b"\n".join(held[:at] + held[at + random.choice((1, 5, 100)) :])


def lines_doubled(random: Random, data: bytes) -> bytes:
    held = _lines(data)
    at = random.randrange(len(held))
    return b"\n".join(held[:at] + held[at : at + 20] * random.choice((2, 50)) + held[at:])


def lines_shuffled(random: Random, data: bytes) -> bytes:
    held = _lines(data)
    at = random.randrange(len(held))
    some = held[at : at + 200]
    random.shuffle(some)
    return b"\n".join(held[:at] + some + held[at + 200 :])


def line_hostile(random: Random, data: bytes) -> bytes:
    """Words of some lines become hostile ones."""
    held = _lines(data)
    for _ in range(random.choice((1, 20))):
        at = random.randrange(len(held))
        words = held[at].split(b" ")
        words[random.randrange(len(words))] = hostile(random)
        held[at] = b" ".join(words)
    return b"\n".join(held)


def line_long(random: Random, data: bytes) -> bytes:
    held = _lines(data)
    at = random.randrange(len(held))
    held[at] += random.choice((b"x", b"a b", b"<(", b"\xc3")) * random.choice((3000, 300_000))
    return b"\n".join(held)


def numbers_other(random: Random, data: bytes) -> bytes:
    found = list(re.finditer(rb"\d+", data))
    for each in sorted(
        random.sample(found, min(len(found), random.choice((1, 10)))), key=lambda at: -at.start()
    ):
        data = data[: each.start()] + digits(random) + data[each.end() :]
    return data


def encoded(random: Random, data: bytes) -> bytes:
    """In another encoding, with or without a mark that says so; or packed."""
    text = data.decode("utf-8", "replace")
    made = (
        text.encode("utf-16"),
        text.encode("utf-16-be"),
        text.encode("utf-16-le")[:-1],
        text.encode("utf-32"),
        b"\xef\xbb\xbf" + data,
        text.encode("latin-1", "replace"),
        data.replace(b"\n", b"\r\n"),
        data.replace(b"\n", b"\r"),
        gzip.compress(data, mtime=0)[:-9],
        gzip.compress(data, mtime=0),
        lzma.compress(data)[: len(data) // 20],
        b"BZh" + data,
    )
    return random.choice(made)


def nothing_but(random: Random, _: bytes) -> bytes:
    return random.choice((b"", b"\0" * 5000, blob(random, 3000), b"\n" * 5000, hostile(random)))


def times_odd(random: Random, data: bytes) -> bytes:
    found = list(TIME.finditer(data))
    if not found:
        return b"2026-13-45 22:38:46.000000 [DEBUG] x.c:1 y\n" + data
    count = random.choice((1, 20, len(found)))
    for each in sorted(random.sample(found, min(len(found), count)), key=lambda at: -at.start()):
        data = data[: each.start()] + random.choice(ODD_TIMES) + data[each.end() :]
    return data


def channels_mixed(random: Random, data: bytes) -> bytes:
    """Lines claim to be of other channels, or of none."""
    found = sorted(set(re.findall(rb"[0-9a-f]{8}-[0-9a-f-]{27}", data)))
    if not found:
        return hostile(random) + b" " + data
    other = random.choice((*found, b"00000000-0000-0000-0000-000000000000", b"", hostile(random)))
    return data.replace(random.choice(found), other, random.choice((1, 50, -1)))


def element_deep(random: Random, data: bytes) -> bytes:
    depth = random.choice((50, 5000))
    at = data.find(b"<network-lists>") + len(b"<network-lists>")
    return data[:at] + b"<list name='x'>" * depth + b"</list>" * depth + data[at:]


def doctype_added(random: Random, data: bytes) -> bytes:
    head, mark, rest = data.partition(b"?>\n")
    return head + mark + random.choice(ENTITIES) + (rest or head).replace(b"10.", b"&b;", 1)


def network_odd(random: Random, data: bytes) -> bytes:
    found = list(re.finditer(rb"[\d.]+/\d+", data))
    if not found:
        return data + random.choice(NETWORKS)
    each = random.choice(found)
    return data[: each.start()] + random.choice(NETWORKS) + data[each.end() :]


def attribute_value_odd(random: Random, data: bytes) -> bytes:
    found = list(re.finditer(rb'="[^"]*"', data))
    if not found:
        return data + b'<x y="' + hostile(random) + b'"/>'
    each = random.choice(found)
    return data[: each.start()] + b'="' + hostile(random) + b'"' + data[each.end() :]


def value_odd(random: Random, data: bytes) -> bytes:
    """A value of a settings file becomes one of another type, or one out of range."""
    found = list(re.finditer(rb"(?m)= *(.+)$", data))
    if not found:
        return data + b"\nx = " + random.choice(VALUES)
    each = random.choice(found)
    return data[: each.start(1)] + random.choice(VALUES) + data[each.end(1) :]


def key_odd(random: Random, data: bytes) -> bytes:
    odd = random.choice((b'"' + hostile(random)[:200].replace(b'"', b"'") + b'"', b"x", b"a.b.c", b"'\\'"))
    return re.sub(rb"(?m)^(\w+)( *=)", lambda found: odd + found[2], data, count=random.choice((1, 0)))


def deep_array(random: Random, data: bytes) -> bytes:
    depth = random.choice((50, 3000))
    return b"x = " + b"[" * depth + b"]" * depth + b"\n" + data


COMMON = (
    text_bits,
    text_cut,
    lines_dropped,
    lines_doubled,
    lines_shuffled,
    line_hostile,
    line_long,
    numbers_other,
    encoded,
    nothing_but,
)
TEXTS: tuple[Kind[bytes], ...] = (
    *kinds("log", *COMMON, times_odd, channels_mixed),
    *kinds("acl", *COMMON, element_deep, doctype_added, network_odd, attribute_value_odd),
    *kinds("deployment", *COMMON, value_odd, key_odd, deep_array, network_odd),
    *kinds("answers", *COMMON, value_odd, key_odd, deep_array),
)
