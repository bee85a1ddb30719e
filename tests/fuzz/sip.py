"""SIP messages and session descriptions spoiled; lengths are wrong only where that is the point."""

import re
from collections.abc import Callable
from random import Random

from tests.fuzz.kinds import Kind, blob, digits, hostile, kinds

COMPACT = {
    b"via": b"v",
    b"from": b"f",
    b"to": b"t",
    b"call-id": b"i",
    b"contact": b"m",
    b"content-length": b"l",
    b"content-type": b"c",
    b"subject": b"s",
    b"supported": b"k",
}
TEXT_HEADERS = (
    b"Call-ID",
    b"From",
    b"To",
    b"Via",
    b"Contact",
    b"User-Agent",
    b"Server",
    b"Reason",
    b"X-Session",
    b"P-Asserted-Identity",
    b"Subject",
    b"Content-Type",
    b"CSeq",
    b"Replaces",
    b"Session-ID",
)
STATUSES = (
    b"000",
    b"099",
    b"100",
    b"180",
    b"199",
    b"200",
    b"299",
    b"302",
    b"404",
    b"488",
    b"603",
    b"700",
    b"999",
)
BOUNDARY = b"frontier"


def _parts(message: bytes) -> tuple[list[bytes], bytes]:
    head, _, body = message.partition(b"\r\n\r\n")
    return head.split(b"\r\n"), body


def _whole(lines: list[bytes], body: bytes) -> bytes:
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def sized(message: bytes) -> bytes:
    """The message with a Content-Length that is right, so that it is read on."""
    lines, body = _parts(message)
    kept = [line for line in lines if not re.match(rb"(?i)(content-length|l)[ \t]*:", line)]
    return _whole([*kept, b"Content-Length: %d" % len(body)], body)


def _headers(
    change: Callable[[Random, list[bytes]], list[bytes] | None],
) -> Callable[[Random, bytes], bytes | None]:
    """A change of the header lines, the start line left alone."""

    def changed(random: Random, message: bytes) -> bytes | None:
        lines, body = _parts(message)
        made = change(random, lines[1:]) if len(lines) > 1 else None
        return None if made is None else _whole([lines[0], *made], body)

    changed.__name__ = change.__name__
    return changed


def _one(random: Random, lines: list[bytes], change: Callable[[bytes], list[bytes]]) -> list[bytes]:
    at = random.randrange(len(lines))
    return [*lines[:at], *change(lines[at]), *lines[at + 1 :]]


def header_dropped(random: Random, lines: list[bytes]) -> list[bytes]:
    return _one(random, lines, lambda _: [])


def header_doubled(random: Random, lines: list[bytes]) -> list[bytes]:
    return _one(random, lines, lambda line: [line, line])


def headers_shuffled(random: Random, lines: list[bytes]) -> list[bytes]:
    return random.sample(lines, len(lines))


def header_emptied(random: Random, lines: list[bytes]) -> list[bytes]:
    return _one(random, lines, lambda line: [line.partition(b":")[0] + b":"])


def header_hostile(random: Random, lines: list[bytes]) -> list[bytes]:
    return _one(random, lines, lambda line: [line.partition(b":")[0] + b": " + hostile(random)])


def header_added(random: Random, lines: list[bytes]) -> list[bytes]:
    added = random.choice(TEXT_HEADERS) + b": " + hostile(random)
    return _one(random, lines, lambda line: [added, line])


def header_many(random: Random, lines: list[bytes]) -> list[bytes]:
    return _one(random, lines, lambda line: [line] * random.choice((20, 300)))


def header_long(random: Random, lines: list[bytes]) -> list[bytes]:
    return _one(random, lines, lambda line: [line + b"a" * random.choice((300, 20_000))])


def header_folded(random: Random, lines: list[bytes]) -> list[bytes]:
    return _one(random, lines, lambda line: [line[: len(line) // 2], b" \t" + line[len(line) // 2 :]])


def headers_compact(_: Random, lines: list[bytes]) -> list[bytes] | None:
    split = [line.partition(b":") for line in lines]
    made = [COMPACT.get(name.lower(), name) + colon + value for name, colon, value in split]
    return made if made != lines else None


def header_number(random: Random, lines: list[bytes]) -> list[bytes]:
    """A number in a header becomes another: CSeq, ports, lengths, expiry, tags."""
    return _one(random, lines, lambda line: [re.sub(rb"\d+", lambda _: digits(random), line, count=1)])


def header_nul(random: Random, lines: list[bytes]) -> list[bytes]:
    return _one(random, lines, lambda line: [line[:8] + b"\0\xff\xc3(" + line[8:]])


def start_line_odd(random: Random, message: bytes) -> bytes:
    lines, body = _parts(message)
    odd = (
        b"INVITE sip:" + hostile(random).replace(b"\r", b"").replace(b"\n", b"") + b" SIP/2.0",
        b"SIP/2.0 " + random.choice(STATUSES) + b" " + hostile(random).split(b"\r")[0].split(b"\n")[0],
        b"SIP/2.0 " + digits(random),
        b"INVITE  SIP/2.0",
        blob(random, 12).hex().encode() + b" sip:a@b SIP/2.0",
        b"SIP/3.0 200 OK",
        lines[0].lower(),
    )
    return _whole([random.choice(odd), *lines[1:]], body)


def status_odd(random: Random, message: bytes) -> bytes | None:
    if not message.startswith(b"SIP/2.0 "):
        return None
    return b"SIP/2.0 " + random.choice(STATUSES) + message[11:]


def method_other(random: Random, message: bytes) -> bytes | None:
    if message.startswith(b"SIP/2.0 "):
        return None
    method = message.partition(b" ")[0]
    return message.replace(method, random.choice((b"BYE", b"CANCEL", b"ACK", b"UPDATE", b"REFER", b"x")))


def length_wrong(random: Random, message: bytes) -> bytes:
    lines, body = _parts(sized(message))
    return _whole([*lines[:-1], b"Content-Length: " + digits(random)], body)


def line_ends_bare(_: Random, message: bytes) -> bytes:
    return message.replace(b"\r\n", b"\n")


def message_twice(_: Random, message: bytes) -> bytes:
    return message + message


def keep_alive_before(random: Random, message: bytes) -> bytes:
    return b"\r\n" * random.randint(1, 4) + message


def message_cut(random: Random, message: bytes) -> bytes:
    return message[: random.randrange(len(message))]


def body_multipart(random: Random, message: bytes) -> bytes | None:
    """The body as a part of several, its boundary right, missing, or another one."""
    lines, body = _parts(message)
    if not body:
        return None
    told = random.choice((BOUNDARY, b"other", b'"' + BOUNDARY, b"", b"x" * 300))
    kept = [line for line in lines if not re.match(rb"(?i)(content-type|c)[ \t]*:", line)]
    kind = b"Content-Type: multipart/" + random.choice((b"mixed", b"related", b"")) + b";boundary=" + told
    parts = b"\r\n--" + BOUNDARY + b"\r\nContent-Type: application/sdp\r\n\r\n" + body + b"\r\n"
    repeated = parts * random.choice((1, 1, 50)) + b"--" + BOUNDARY + random.choice((b"--\r\n", b"\r\n", b""))
    return sized(_whole([*kept, kind], hostile(random) + repeated))


def body_other(random: Random, message: bytes) -> bytes:
    lines, _ = _parts(message)
    return sized(_whole(lines, random.choice((hostile(random), blob(random, 600), b"v=0\r\n" * 500))))


def _described(
    change: Callable[[Random, list[bytes]], list[bytes] | None],
) -> Callable[[Random, bytes], bytes | None]:
    """A change of the lines of a session description, its length right again."""

    def changed(random: Random, message: bytes) -> bytes | None:
        lines, body = _parts(message)
        if not body.startswith(b"v="):
            return None
        made = change(random, body.rstrip(b"\r\n").split(b"\r\n"))
        return None if made is None else sized(_whole(lines, b"\r\n".join(made) + b"\r\n"))

    changed.__name__ = change.__name__
    return changed


def sdp_line_dropped(random: Random, lines: list[bytes]) -> list[bytes]:
    return _one(random, lines, lambda _: [])


def sdp_line_doubled(random: Random, lines: list[bytes]) -> list[bytes]:
    return _one(random, lines, lambda line: [line] * random.choice((2, 2, 3000 // len(lines))))


def sdp_shuffled(random: Random, lines: list[bytes]) -> list[bytes]:
    return random.sample(lines, len(lines))


def sdp_number(random: Random, lines: list[bytes]) -> list[bytes] | None:
    numbered = [at for at, line in enumerate(lines) if re.search(rb"\d", line)]
    if not numbered:
        return None
    at = random.choice(numbered)
    found = random.choice(list(re.finditer(rb"\d+", lines[at])))
    changed = lines[at][: found.start()] + digits(random) + lines[at][found.end() :]
    return [*lines[:at], changed, *lines[at + 1 :]]


def sdp_word(random: Random, lines: list[bytes]) -> list[bytes]:
    """One word of a line becomes a hostile one."""

    def changed(line: bytes) -> list[bytes]:
        words = line.split(b" ")
        words[random.randrange(len(words))] = hostile(random)
        return [b" ".join(words)]

    return _one(random, lines, changed)


def candidate_odd(random: Random, lines: list[bytes]) -> list[bytes]:
    """A candidate with one field exchanged, left out or doubled."""
    fields = b"1 1 udp 2130706431 192.0.2.9 40000 typ host raddr 10.0.0.9 rport 40001 generation 0".split()
    at = random.randrange(len(fields))
    odd = ([], [fields[at]] * 2, [hostile(random)], [digits(random)], [b"a.local"], [b"::ffff:1.2.3.4"])
    fields[at : at + 1] = random.choice(odd)
    return [*lines, b"a=candidate:" + b" ".join(fields)]


def candidates_many(random: Random, lines: list[bytes]) -> list[bytes]:
    count = random.choice((50, 400))
    made = [b"a=candidate:%d 1 udp %d 192.0.2.%d %d typ host" % (n, n, n % 250, n) for n in range(count)]
    return lines + made


def sections_many(random: Random, lines: list[bytes]) -> list[bytes]:
    return lines + [b"m=audio %d RTP/AVP 0 8" % (n * 2) for n in range(random.choice((20, 300)))]


def attribute_odd(random: Random, lines: list[bytes]) -> list[bytes]:
    """An attribute that the analysis reads, with nothing, garbage or a hostile value in it."""
    names = (
        b"ice-ufrag",
        b"ice-pwd",
        b"fingerprint",
        b"setup",
        b"mid",
        b"rtpmap",
        b"fmtp",
        b"rtcp",
        b"rtcp-mux",
        b"crypto",
        b"candidate",
        b"sendonly",
        b"group",
        b"ssrc",
        b"ptime",
        b"extmap",
        b"",
    )
    value = random.choice((b"", digits(random), hostile(random), digits(random) + b" " + hostile(random)))
    return [*lines, b"a=" + random.choice(names) + b":" + value]


SIP: tuple[Kind[bytes], ...] = (
    *kinds(
        "sip",
        *map(
            _headers,
            (
                header_dropped,
                header_doubled,
                headers_shuffled,
                header_emptied,
                header_hostile,
                header_added,
                header_many,
                header_long,
                header_folded,
                headers_compact,
                header_number,
                header_nul,
            ),
        ),
        start_line_odd,
        status_odd,
        method_other,
        length_wrong,
        line_ends_bare,
        message_twice,
        keep_alive_before,
        message_cut,
        body_multipart,
        body_other,
    ),
    *kinds(
        "sdp",
        *map(
            _described,
            (
                sdp_line_dropped,
                sdp_line_doubled,
                sdp_shuffled,
                sdp_number,
                sdp_word,
                candidate_odd,
                candidates_many,
                sections_many,
                attribute_odd,
            ),
        ),
    ),
)
