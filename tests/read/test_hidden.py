"""Tunnels that nobody here opens are counted: what is missing from a call may be in them."""

from pathlib import Path

import pytest

from postproc import pipeline
from postproc.model.messages import in_language
from postproc.read import deployment
from postproc.read.records import Described, Record, pieces
from postproc.wire import ip, link, pcapng
from tests.read import wire
from tests.read.wire import START

GOOD = Path(__file__).parents[2] / "pcaps" / "good.pcapng"
WIREGUARD = b"\4\0\0\0" + bytes(28) + b"\x55" * 64
HIDDEN = {
    "WireGuard": (WIREGUARD, 51820),
    "ESP in UDP": (b"\xc0\xff\xee\1\0\0\0\1" + bytes(80), 4500),
    "L2TP": (b"\x40\2\0\x40" + bytes(60), 1701),
    "OpenVPN": (b"\x48" + bytes(80), 1194),
}
NO_TUNNEL = {
    "IKE on the port of ESP": (bytes(4) + b"\1" * 60, 4500),
    "a keep-alive of NAT": (b"\xff", 4500),
    "a control message of L2TP": (b"\xc8\2\0\x14" + bytes(16), 1701),
    "a handshake of OpenVPN": (b"\x38" + bytes(40), 1194),
    "SIP on the port of HEP": (b"OPTIONS sip:a@example.org SIP/2.0\r\n\r\n", 9060),
    "a handshake of WireGuard": (b"\1\0\0\0" + bytes(144), 51820),
}


@pytest.mark.parametrize("name", HIDDEN)
def test_a_tunnel_is_counted_by_its_name(tmp_path, name):
    payload, port = HIDDEN[name]
    packets = [(START + n, wire.datagram(payload, destination=port)) for n in range(2)]
    found = wire.parted(tmp_path, wire.pcap(packets, nano=True))
    assert (found.not_looked_at, found.unread) == (2, f"{name} 2")


@pytest.mark.parametrize(("payload", "port"), NO_TUNNEL.values(), ids=NO_TUNNEL)
def test_what_is_no_data_of_a_tunnel_is_not_counted(tmp_path, payload, port):
    found = wire.parted(tmp_path, wire.pcap([(START, wire.datagram(payload, destination=port))]))
    assert found.not_looked_at == 0


@pytest.mark.parametrize(
    ("payload", "port", "unread"),
    [
        (wire.channel_data(wire.rtp(1))[:-2], 3478, "TURN over TCP 1"),
        (b"\x17\3\3\0\x40" + bytes(64), 5349, "TURN over TLS 1"),
        (wire.channel_data(wire.rtp(1))[:-2], 445, ""),
        (b"\0\1\0\0\x21\x12\xa4\x42" + bytes(12), 3478, ""),
    ],
    ids=["channel data that began before", "TLS", "another port", "a STUN message"],
)
def test_turn_over_tcp_that_is_not_read_is_counted(tmp_path, payload, port, unread):
    found = wire.parted(tmp_path, wire.pcap([(START, wire.segment(payload, destination=port))]))
    assert found.unread == unread


def test_a_call_whose_media_may_be_in_a_tunnel_cannot_be_judged(tmp_path):
    """Without the tunnel the same packets are a fault: an answered call and no media."""
    silent, hidden = (_without_media(tmp_path / name, tunnel) for name, tunnel in (("s", False), ("h", True)))
    assert [_verdict(silent), _verdict(hidden)] == ["fault", "cannot_tell"]


def _verdict(path):
    (call,) = pipeline.run([path], deployment=deployment.read("xphone"), jobs=1).calls.itertuples()
    return call.verdict


def _without_media(path, tunnel):
    """good.pcapng with its RTP left out, or in WireGuard."""
    out, links = [bytes(pcapng.Section())], []
    with pieces(GOOD) as found:
        for piece in found:
            if isinstance(piece, Described):
                links.append(piece.link_type)
                out.append(bytes(pcapng.Interface(piece.link_type, piece.snaplen, piece.options)))
            elif isinstance(piece, Record) and (packet := _kept(links[piece.interface], piece.data, tunnel)):
                out.append(
                    bytes(pcapng.Packet(piece.interface, piece.ticks, packet, len(packet), piece.options))
                )
    path.write_bytes(b"".join(out))
    return path


def _kept(link_type, data, tunnel):
    frame = link.parse(link_type, data)
    if not frame.is_ip:
        return data
    packet = ip.parse(frame.payload)
    if packet.protocol != 17 or len(packet.payload) < 60 or packet.payload[8] >> 6 != 2:
        return data
    return (
        data[: len(data) - len(frame.payload)] + wire.ipv4(wire.udp(WIREGUARD, 51820, 51820))
        if tunnel
        else None
    )


def cut(*packets):
    """A capture of packets of which so many bytes were captured."""
    blocks = [wire.enhanced(START // 1000, data[:kept], original=len(data)) for data, kept in packets]
    return wire.pcapng(wire.interface(), *blocks)


SIP, STUN, DTLS = 60, 52, 56  # bytes captured: link, IP and UDP headers have 42
INVITE = b"INVITE sip:a@example.org SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1\r\n\r\n"
CHECK = b"\0\1\0\x10\x21\x12\xa4\x42" + bytes(28)
HELLO = b"\x16\xfe\xff" + bytes(60)


def test_messages_of_which_the_snapshot_length_left_the_beginning_are_counted(tmp_path):
    sent = (INVITE, SIP), (INVITE, 999), (CHECK, STUN), (CHECK, 49), (HELLO, DTLS), (wire.rtp(1), 60)
    found = wire.parted(tmp_path, cut(*((wire.datagram(data), kept) for data, kept in sent)))
    in_tcp = wire.parted(tmp_path, cut((wire.segment(INVITE, destination=5060), 80)))
    assert (found.messages_cut, in_tcp.messages_cut) == (3, 1)
    (warning,) = found.warnings
    assert "(DTLS 1; SIP 1; STUN 1); capture whole packets" in warning
    assert "(DTLS 1; SIP 1; STUN 1); ganze Pakete" in in_language(warning, "de")


def test_half_a_description_is_none(tmp_path):
    """What it lacks is not in the capture; the message's other fields are."""
    body = b"v=0\r\nc=IN IP4 192.0.2.1\r\nm=audio 4000 RTP/AVP 0\r\na=sendrecv\r\n"
    head = INVITE[:-2] + b"Call-ID: a\r\nCSeq: 1 INVITE\r\nFrom: <sip:b@example.org>;tag=b\r\n"
    head += b"To: <sip:a@example.org>\r\nContent-Type: application/sdp\r\n"
    whole = wire.datagram(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
    path = tmp_path / "cut.pcapng"
    for kept, sections in ((len(whole), 1), (len(whole) - 12, 0)):
        path.write_bytes(cut((whole, kept)))
        tables = pipeline.run([path], jobs=1, report=False).tables
        (row,) = tables.sip_messages.itertuples()
        assert (row.has_sdp, row.cut_short, len(tables.sdp_media)) == (bool(sections), not sections, sections)
