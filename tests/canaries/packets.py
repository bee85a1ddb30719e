"""Packets of every protocol that may stand in a capture of calls, with canaries in them; and the capture."""

import struct
from collections.abc import Callable
from ipaddress import ip_address

from tests.canaries import sip
from tests.canaries.seeds import COOKIE, Canaries
from tests.read import wire

CLIENT, SERVER = "10.0.0.1", "198.51.100.2"
ICMP, ICMPV6, GRE = 1, 58, 47
RTP_PORT, SIP_PORT = 4000, 5060
Datagram = Callable[..., bytes]


def capture(canaries: Canaries) -> bytes:
    """A pcapng with all of them, and canaries in its own blocks."""
    word = canaries.word
    packets = [
        *_of_sip(canaries),
        *_datagrams(canaries),
        *_tcp(canaries),
        *_below(canaries),
        *_carried(canaries),
    ]
    comment = wire.option(1, word("packet comment").encode())
    head = struct.pack("<IIIII", 0, 0, 9, 14, 14)
    return wire.pcapng(
        wire.interface(name=word("interface"), resolution=9),
        wire.block(
            1,
            struct.pack("<HHI", 1, 0, 0)
            + wire.option(3, word("interface description").encode())
            + wire.option(12, word("operating system").encode())
            + wire.option(0, b""),
        ),
        *(wire.enhanced(number * 10**6, packet) for number, packet in enumerate(packets, 1)),
        wire.block(6, head + bytes(16) + comment + wire.option(0, b"")),
        wire.block(
            4,
            struct.pack("<HH", 1, 24)
            + ip_address(canaries.addr("name resolution")).packed
            + word("name resolution").encode().ljust(20, b"\0"),
        ),
        wire.block(10, struct.pack("<II", 0x544C534B, 12) + word("secrets").encode().ljust(12)),
        wire.block(
            5,
            struct.pack("<III", 0, 0, 0) + wire.option(1, word("statistics").encode()) + wire.option(0, b""),
        ),
    )


def _of_sip(canaries: Canaries) -> list[bytes]:
    texts = sip.messages(canaries, sip.description(canaries))
    in_udp = [wire.datagram(text, SIP_PORT, SIP_PORT) for text in texts]
    whole = f"OPTIONS sip:{canaries.word('fragment')}@a.de SIP/2.0\r\nSubject: {canaries.word('fragment')}\r\n\r\n"
    segment = wire.udp(whole.encode().ljust(72, b"\r"), SIP_PORT, SIP_PORT)
    parts = [
        wire.ethernet(wire.ipv4(segment[:40], fragment=0x2000)),
        wire.ethernet(wire.ipv4(segment[40:], fragment=5)),
    ]
    return [
        *in_udp,
        *parts,
        wire.ethernet(wire.ipv4(canaries.word("lost fragment").encode() * 4, fragment=0x2000 | 9)),
    ]


def _datagrams(canaries: Canaries) -> list[bytes]:
    """Everything in UDP but SIP."""
    made = [wire.datagram(payload, 33_000, 33_001) for payload in (*_stun(canaries), *_dtls(canaries))]
    for first in range(256):  # a protocol nobody knows may begin with anything
        text = canaries.word(f"first byte {first}").encode()
        made.append(wire.datagram(bytes([first]) + text + bytes([0, first]) + text * 3, 1812, 1813))
    for number, payload in enumerate(_names(canaries)):
        made.append(wire.datagram(payload, 40_000 + number, 53))
    return [*made, *_media(canaries)]


def _names(canaries: Canaries) -> list[bytes]:
    """DNS, LLMNR, NetBIOS, DHCP, syslog, SSDP, SNMP: what computers call themselves and each other."""
    made = []
    for ident in (0x0001, 0x8012, 0x80C8, 0x8F12, 0x9C01, 0xBF08, 0x4001):
        name = (
            b"".join(bytes([9]) + canaries.word(f"DNS {ident:x}").encode() for _ in range(3)) + b"\0\0\1\0\1"
        )
        made.append(struct.pack(">HHHHHH", ident, 0x0100, 1, 0, 0, 0) + name)
    netbios = b"".join(
        bytes([65 + (b >> 4), 65 + (b & 15)]) for b in canaries.word("NBNS").upper().encode().ljust(16)
    )
    made += [
        struct.pack(">HHHHHH", 0x8A01 + n, 0x0110, 1, 0, 0, 0) + b" " + netbios + b"\0\0\x20\0\1"
        for n in range(4)
    ]
    dhcp = (
        b"\1\1\6\0"
        + bytes(24)
        + canaries.mac("DHCP")
        + bytes(10)
        + canaries.word("DHCP server").encode().ljust(192, b"\0")
    )
    made.append(
        dhcp + bytes.fromhex("63825363") + b"\x0c\x09" + canaries.word("DHCP option").encode() + b"\xff"
    )
    made.append(f"<13>Nov 1 00:00:00 {canaries.word('syslog host')} {canaries.word('syslog')}".encode())
    made.append(
        f"NOTIFY * HTTP/1.1\r\nLOCATION: http://{canaries.addr('SSDP')}/{canaries.word('SSDP')}\r\n".encode()
    )
    return [*made, b"\x30\x26\2\1\1\4\x09" + canaries.word("SNMP").encode()]


def _stun(canaries: Canaries) -> list[bytes]:
    """Each attribute that is text, that is unknown, padding, ids; what TURN carries."""
    word = canaries.word
    made = []
    for kind in (
        0x0006,
        0x0014,
        0x0015,
        0x8022,
        0x8003,
        0x0026,
        0x7FFE,
        0x8FFF,
        0x8030,
        0x0016,
        0x0008,
        0x8028,
        0x001E,
    ):
        made.append(_message(_attribute(kind, word(f"STUN {kind:#06x}").encode())))
    made.append(
        _message(_attribute(6, f"{word('ufrag')}:{word('ufrag')}".encode()), _attribute(0x24, bytes(4)))
    )
    made.append(_message(_attribute(9, b"\0\0\4\3" + word("STUN error").encode()), kind=0x0111))
    masked = bytes(a ^ b for a, b in zip(ip_address(canaries.addr("XOR")).packed, COOKIE, strict=True))
    made.append(_message(_attribute(0x20, b"\0\1\0\1" + masked), kind=0x0101))
    made.append(
        _message(_attribute(0x01, b"\0\1\0\1" + ip_address(canaries.addr("MAPPED")).packed), kind=0x0101)
    )
    made.append(_message(transaction=COOKIE + word("transaction").encode().ljust(12)))
    made.append(_message(kind=0x0101, transaction=word("old transaction").encode().ljust(16)))
    made.append(_message(_attribute(0x13, word("TURN data").encode()), kind=0x0016))
    inner = f"OPTIONS sip:{word('SIP in TURN')}@a.de SIP/2.0\r\n\r\n".encode()
    made.append(_message(_attribute(0x13, inner), kind=0x0017))
    made.append(_message(_attribute(0x0C, b"\x40\x05\0\0"), kind=0x0009))
    made += [wire.channel_data(word("channel data").encode(), 0x4000 + number) for number in (5, 6)]
    return [*made, wire.channel_data(made[0]), _message() + word("behind STUN").encode()]


def _attribute(kind: int, value: bytes) -> bytes:
    return struct.pack(">HH", kind, len(value)) + value + bytes(-len(value) % 4)


def _message(*attributes: bytes, kind: int = 1, transaction: bytes = COOKIE + bytes(12)) -> bytes:
    body = b"".join(attributes)
    return struct.pack(">HH", kind, len(body)) + transaction + body


def _dtls(canaries: Canaries) -> list[bytes]:
    """Hellos with names, identities and keys of PSK, certificates, tickets, cookies, what is no DTLS."""
    word = canaries.word
    text = lambda place: word(f"DTLS {place}").encode()  # noqa: E731
    name = text("server name")
    extensions = b"".join(
        struct.pack(">HH", kind, len(value)) + value
        for kind, value in (
            (0, struct.pack(">HBH", len(name) + 3, 0, len(name)) + name),
            (16, struct.pack(">HB", 10, 9) + text("ALPN")),
            (14, b"\0\2\0\1\x09" + text("MKI")),
            (10, b"\0\x0a" + text("groups") + b"\0"),
            (13, b"\0\x0a" + text("algorithms") + b"\0"),
            (35, text("ticket")),
            (44, text("cookie")),
            (51, text("share")),
            (41, text("pre-shared key")),
            (0x7777, text("unknown extension")),
        )
    )
    counted = lambda value: bytes([len(value)]) + value  # noqa: E731
    random = text("random").ljust(32, b"\0")
    hello = b"\xfe\xfd" + random + counted(text("session id")) + counted(text("hello cookie")) + b"\0\x0a"
    hello += (
        text("suites")
        + b"\0"
        + counted(text("compression"))
        + struct.pack(">H", len(extensions))
        + extensions
    )
    answer = (
        b"\xfe\xfd"
        + random
        + counted(text("session id"))
        + b"\xc0\x2b\0"
        + struct.pack(">H", len(extensions))
    )
    certificate = b"\x30\x0d\x06\x0b\x2b\x06" + text("OID") + b""
    named = b"\x30" + bytes([11]) + b"\x0c\x09" + text("subject")
    chain = b"".join(len(each).to_bytes(3) + each for each in (certificate, named, text("no DER")))
    identity = text("PSK identity")
    bodies = {
        1: hello,
        2: answer + extensions,
        3: b"\xfe\xff" + counted(text("verify cookie")),
        4: text("session ticket"),
        11: len(chain).to_bytes(3) + chain,
        12: struct.pack(">H", 9) + text("PSK hint"),
        13: b"\1\1\0\2\4\3\0\x0b" + b"\0\x09" + text("authority"),
        14: text("done"),
        15: b"\4\3\0\x09" + text("signature"),
        16: struct.pack(">H", len(identity)) + identity,
        20: text("finished"),
        22: text("status"),
        99: text("unknown"),
    }
    made = [_record(22, _handshake(kind, body)) for kind, body in bodies.items()]
    made += [_record(22, _handshake(16, counted(text("public key")))), _record(22, _handshake(1, hello)[:40])]
    made += [_record(22, _handshake(12, b"\3\0\x17\x09" + text("point") + b"\4\3\0\x09" + text("signature")))]
    made += [_record(kind, text(f"record {kind}")) for kind in (20, 21, 22, 23, 24, 26)]
    return [
        *made,
        _record(22, text("encrypted"), epoch=1),
        made[0] + text("behind"),
        b"\x16\xfe\xfd" + text("no record"),
    ]


def _handshake(kind: int, body: bytes) -> bytes:
    return bytes([kind]) + len(body).to_bytes(3) + bytes(2) + bytes(3) + len(body).to_bytes(3) + body


def _record(kind: int, content: bytes, epoch: int = 0) -> bytes:
    return struct.pack(">BHHHIH", kind, 0xFEFD, epoch, 0, 1, len(content)) + content


def _media(canaries: Canaries) -> list[bytes]:
    """A stream, and what is said in it: contributors, extensions, names, typed text, dialled digits."""
    word = lambda place: canaries.word(f"RTP {place}").encode()  # noqa: E731
    heads = [struct.pack(">BBHII", 0x80, 98, number, 160 * number, 7) for number in range(1, 8)]
    packets = [head + word("speech") for head in heads[:4]]
    packets.append(b"\x83" + heads[4][1:] + word("contributors").ljust(12) + word("speech"))
    packets.append(b"\x90" + heads[5][1:] + b"\xbe\xde\0\4" + word("extension").ljust(16) + word("T.140"))
    packets.append(b"\xa0" + heads[6][1:] + word("padding"))
    reports = [
        struct.pack(">BBHI", 0x81, kind, 4, 7) + content.ljust(12, b"\0")
        for kind, content in (
            (202, b"\1\x09" + word("SDES")),
            (203, b"\x09" + word("BYE")),
            (204, word("APP")),
            (207, word("XR")),
            (192, word("old RTCP")),
            (210, word("unknown RTCP")),
        )
    ]
    sender = struct.pack(">BBHI", 0x80, 200, 9, 7) + bytes(20) + word("sender extension").ljust(12, b"\0")
    return [wire.datagram(packet, RTP_PORT, RTP_PORT + 2) for packet in (*packets, *reports, sender)]


def _tcp(canaries: Canaries) -> list[bytes]:
    """HTTP, TLS and WebSocket, SIP before and behind what is none, options."""
    word = canaries.word
    name = word("TLS server name").encode()
    hello = (
        b"\x16\3\1\0\x50\1\0\0\x4c\3\3" + bytes(32) + b"\0\0\2\x13\1\1\0\0\x12\0\0\0\x0e\0\x0c\0\0\x09" + name
    )
    request = f"OPTIONS sip:{word('SIP over TCP')}@a.de SIP/2.0\r\nContent-Length: 0\r\n\r\n"
    texts = [
        f"GET /{word('HTTP path')} HTTP/1.1\r\nHost: {canaries.host('HTTP host')}\r\n\r\n".encode(),
        hello,
        b"\x81\x09" + word("WebSocket").encode(),
        f"{word('before SIP')}\r\n{request}{word('behind SIP')}".encode(),
        f"HTTP/1.1 200 OK\r\n\r\n{request}{word('in HTTP')}\r\n".encode(),
    ]
    made = [wire.segment(text, 50_000 + number, 5061 + number) for number, text in enumerate(texts)]
    made += [wire.segment(text, 52_000 + number, 5061) for number, text in enumerate(_tls(canaries))]
    odd = b"\x02\x0b" + word("TCP option").encode() + b"\0" + word("behind options").encode()
    return [*made, wire.segment(b"", 51_000, 5060, options=odd.ljust(24, b"\0"))]


def _tls(canaries: Canaries) -> list[bytes]:
    """Connections that begin as TLS does: messages of a handshake, alerts, what is sealed, what is none of it."""
    text = lambda place: canaries.word(f"TLS {place}").encode()  # noqa: E731
    hello = (
        b"\3\3" + text("random").ljust(32, b"\0") + b"\x09" + text("session id") + b"\0\x0a" + text("suites")
    )
    hello += b"\0\x09" + text("compression")
    extensions = b"".join(
        struct.pack(">HH", kind, 9) + text(f"extension {kind}") for kind in (0, 10, 16, 35, 41, 51, 0x7777)
    )
    certificate = b"\x30" + bytes([11]) + b"\x0c\x09" + text("subject")
    chain = b"".join(len(each).to_bytes(3) + each for each in (certificate, text("no DER")))
    bodies = {
        1: hello + struct.pack(">H", len(extensions)) + extensions,
        2: text("server hello"),
        4: text("new ticket"),
        11: len(chain).to_bytes(3) + chain,
        12: text("server key"),
        13: text("authority"),
        16: text("client key"),
    }
    started = b"\x16\3\1\0\4\x0e\0\0\0"
    record = lambda kind, content: struct.pack(">BHH", kind, 0x303, len(content)) + content  # noqa: E731
    made = [record(22, bytes([kind]) + len(body).to_bytes(3) + body) for kind, body in bodies.items()]
    made += [started + record(kind, text(f"record {kind}")) for kind in (20, 21, 22, 23, 24)]
    change = started + record(20, b"\1")
    return [
        *made,
        change + record(22, text("finished")),
        change + record(21, text("sealed")),
        started + text("behind"),
    ]


def _carried(canaries: Canaries) -> list[bytes]:
    """What HEP copies, in all of its chunks and versions; STUN, ChannelData and RFC 4571 in TCP."""
    word = lambda place: canaries.word(f"carried {place}").encode()  # noqa: E731
    chunk = lambda kind, value, vendor=0: struct.pack(">HHH", vendor, kind, 6 + len(value)) + value  # noqa: E731
    hep = lambda *chunks: b"HEP3" + (6 + len(b"".join(chunks))).to_bytes(2) + b"".join(chunks)  # noqa: E731
    addr = lambda place: ip_address(canaries.addr(f"carried {place}")).packed  # noqa: E731
    ends = chunk(3, addr("source")) + chunk(4, addr("destination"))
    request = b"OPTIONS sip:" + word("SIP") + b"@a.de SIP/2.0\r\nContent-Length: 0\r\n\r\n"
    older = struct.pack(">BBBBHH", 2, 28, 2, 17, 5060, 5060) + addr("old") + addr("old")
    copies = [
        hep(ends, chunk(15, request)),
        hep(ends, *(chunk(kind, word(f"chunk {kind}")) for kind in range(1, 40) if kind not in (3, 4, 5, 6))),
        hep(ends, chunk(15, request), chunk(3, word("vendor"), 7)),
        hep(ends, chunk(15, hep(ends, chunk(15, word("nested"))))),
        hep(ends, chunk(15, request))[:-4] + word("behind"),
        older + struct.pack("<IIHH", 1, 2, 7, 0) + request,
    ]
    text = _message(_attribute(0x8022, word("software")), _attribute(0x7FFE, word("attribute")))
    tie = word("between")
    streams = [
        (text + tie + text, 3478),
        (wire.channel_data(word("channel").ljust(12)) * 2, 3478),
        (len(text).to_bytes(2) + text + b"\0\x0c" + b"\x80" + word("framed").ljust(11) + tie, 31802),
        (copies[1] + copies[0] + tie, 9060),
        (text[:-6], 31804),
    ]
    return [
        *(wire.datagram(copy, 50_100, 9060) for copy in copies),
        *(wire.segment(data, 53_000 + number, port) for number, (data, port) in enumerate(streams)),
    ]


def _below(canaries: Canaries) -> list[bytes]:
    """Ethernet, ARP, LLDP, CDP, VLAN, IP options and extensions, ICMP and what it quotes, unknown protocols."""
    word = lambda place: canaries.word(place).encode()  # noqa: E731
    arp = bytes.fromhex("0001080006040001") + canaries.mac("ARP") + ip_address(canaries.addr("ARP")).packed
    arp += canaries.mac("ARP target") + ip_address(canaries.addr("ARP target")).packed
    plain = wire.ipv4(wire.udp(b"x", 9, 9))
    ends = {"source": canaries.addr("source"), "destination": canaries.addr("destination")}
    six = {"source": canaries.addr6("source"), "destination": canaries.addr6("destination")}
    quoted = wire.ipv4(wire.udp(word("quoted in ICMP"), 9, 9), **ends)
    quotes = [
        wire.ipv4(b"\3\3\0\0\0\0\0\0" + each, ICMP)
        for each in (
            quoted,
            quoted[:30],
            wire.ipv4(word("quoted GRE"), GRE),
            wire.ipv4(wire.tcp(word("quoted TCP")), 6),
            wire.ipv4(word("quoted fragment"), fragment=7),
            word("quoted nothing"),
        )
    ]
    stations = canaries.mac("Ethernet") + canaries.mac("Ethernet")
    solicited = b"\x33\x33\xff" + ip_address(six["source"]).packed[13:] + stations[:6]
    return [
        stations + b"\x08\x00" + plain + word("trailer"),
        stations + b"\x08\x06" + arp + word("ARP trailer"),
        bytes.fromhex("0180c200000e") + stations[6:] + b"\x88\xcc\2\x0a\7" + word("LLDP"),
        bytes.fromhex("01000ccccccc") + stations[6:] + b"\0\x20\xaa\xaa\3\0\0\x0c\x20\0" + word("CDP"),
        stations + b"\x81\0\0\7\x08\0" + plain + word("VLAN"),
        stations + b"\x88\x64\x11\0\0\1\0\x20\xc0\x21" + word("PPPoE"),
        b"CANARY" + stations[6:] + b"\x12\x34" + word("unknown Ethernet type"),
        wire.ethernet(wire.ipv4(wire.udp(b"x"), options=b"\x44\x0c" + word("IP option") + b"\0", **ends)),
        wire.ethernet(wire.ipv4(word("GRE"), GRE)),
        wire.ethernet(wire.ipv4(b"\x08\0\0\0\0\0\0\0" + word("ping"), ICMP)),
        solicited
        + b"\x86\xdd"
        + wire.ipv6(b"\x11\1\1\x0c" + word("hop by hop") + b"\0\0\0" + wire.udp(b"x"), 0, **six),
        wire.ethernet(wire.ipv6(b"\x11\1\0\0" + word("routing") + b"\0\0\0" + wire.udp(b"x"), 43, **six)),
        wire.ethernet(wire.ipv6(word("unknown in IPv6"), 99, **six)),
        wire.ethernet(
            wire.ipv6(
                b"\x87\0\0\0\0\0\0\0" + ip_address(six["source"]).packed + b"\1\1" + canaries.mac("NDP"),
                ICMPV6,
            )
        ),
        *map(wire.ethernet, quotes),
        stations[:9],
        word("no frame"),
    ]
