"""Calls in HEP: the packets that agents copied, at their own ends and times, each once."""

import struct
import zlib
from pathlib import Path

import pandas as pd
import pytest

from pcaps.make.builders import tunnels
from postproc import pipeline
from postproc.read import deployment
from postproc.read.capture import read
from postproc.read.option_files import Options
from postproc.wire import hep, ip
from postproc.wire.hep import Copy
from postproc.wire.ip import packed
from tests.read import wire
from tests.read.wire import START

GOOD = Path(__file__).parents[2] / "pcaps" / "good.pcapng"
AGENT, HOMER = ("192.0.2.1", 50000), ("192.0.2.2", 9060)
SECOND = 10**9
MESSAGE = (
    b"OPTIONS sip:a@example.org SIP/2.0\r\nVia: SIP/2.0/UDP 10.1.1.1;branch=z9hG4bK1\r\nCall-ID: c1\r\n"
    b"CSeq: 1 OPTIONS\r\nFrom: <sip:b@example.org>;tag=1\r\nTo: <sip:a@example.org>\r\n\r\n"
)


def copied(time: int | None, payload: bytes = MESSAGE, **changes) -> bytes:
    ends = {"source": packed("10.1.1.1"), "destination": packed("10.1.1.2")} | changes
    return bytes(Copy(ends["source"], 5060, ends["destination"], 5080, ip.UDP, hep.SIP, payload, time))


def datagram(payload: bytes, port: int = 9060) -> bytes:
    return wire.datagram(payload, destination=port)


def plain() -> bytes:
    return wire.ethernet(wire.ipv4(wire.udp(MESSAGE, 5060, 5080), source="10.1.1.1", destination="10.1.1.2"))


def tables(tmp_path, *packets, options=None):
    path = tmp_path / "hep.pcap"
    path.write_bytes(wire.pcap(packets, nano=True))
    return read(path, path.name, options or Options())


@pytest.mark.parametrize("options", [Options(), Options(all_packets=True)], ids=["fast", "all"])
@pytest.mark.parametrize("port", [9060, 4711])
def test_a_message_has_the_ends_and_the_time_that_the_agent_saw(tmp_path, port, options):
    row = tables(
        tmp_path, (START, datagram(copied(START - 40_000_000), port)), options=options
    ).sip_messages.iloc[0]
    ends = (row.src_addr, row.src_port, row.dst_addr, row.dst_port, row.transport)
    assert ends == ("10.1.1.1", 5060, "10.1.1.2", 5080, "udp")
    assert (row.time.value, row.frame) == (START - 40_000_000, 1)


def test_without_a_time_of_its_own_a_copy_has_that_of_its_packet(tmp_path):
    assert tables(tmp_path, (START, datagram(copied(None)))).sip_messages.iloc[0].time.value == START


def test_an_older_version_is_read_on_its_port_only(tmp_path):
    head = struct.pack(">BBBBHH", 1, 16, 2, 17, 5060, 5080) + packed("10.1.1.1") + packed("10.1.1.2")
    on_port, elsewhere = (
        tables(tmp_path, (START, datagram(head + MESSAGE, port))).sip_messages for port in (9060, 4711)
    )
    assert [len(on_port), len(elsewhere)] == [1, 0]


SEEN = {
    "the packet, then its copy": ([(0, plain()), (5, datagram(copied(START)))], {2: 1}),
    "the copy first in the file": ([(0, datagram(copied(START - 1000))), (0, plain())], {1: 2}),
    "an agent whose clock is wrong": ([(0, plain()), (5, datagram(copied(START + SECOND * 900)))], {2: 1}),
    "two agents": ([(0, datagram(copied(START))), (7, datagram(copied(START + 9000)))], {2: 1}),
    "the message sent again": ([(0, plain()), (500, datagram(copied(START + SECOND // 2)))], {}),
    "between other ends": ([(0, plain()), (5, datagram(copied(START, source=packed("10.1.1.9"))))], {}),
}


@pytest.mark.parametrize(("packets", "copies"), SEEN.values(), ids=SEEN)
def test_a_packet_counts_once(tmp_path, packets, copies):
    found = tables(tmp_path, *((START + ms * 1_000_000, packet) for ms, packet in packets)).sip_messages
    marked = found[found.copy_of.notna()]
    assert dict(zip(marked.frame.tolist(), marked.copy_of.tolist(), strict=True)) == copies
    assert len(found) == 2


def test_media_that_an_agent_copies_is_measured_between_its_ends(tmp_path):
    packets = [
        (START + n * 20_000_000, datagram(copied(START + n * 20_000_000, wire.rtp(n)))) for n in range(20)
    ]
    row = tables(tmp_path, *packets).rtp_streams.iloc[0]
    assert (row.src_addr, row.dst_port, row.packets, row.lost) == ("10.1.1.1", 5080, 20, 0)


def chunked(kind: int, value: bytes) -> bytes:
    """The copy of a message, its payload in a chunk of another kind."""
    whole = copied(START, b"")[:-6] + struct.pack(">HHH", 0, kind, 6 + len(value)) + value
    return hep.MAGIC + len(whole).to_bytes(2) + whole[6:]


@pytest.mark.parametrize(
    ("payload", "unread"),
    [
        (chunked(hep.COMPRESSED, zlib.compress(MESSAGE)), "HEP 1"),
        (copied(START)[:-20], "HEP 1"),
        (copied(START, b'{"sender_information":{}}'), None),
        (chunked(13, b"\0\0"), None),
    ],
    ids=["compressed", "not whole", "a report about media", "nothing but a header"],
)
def test_what_is_no_packet_is_nothing_and_what_cannot_be_opened_is_counted(tmp_path, payload, unread):
    found = tables(tmp_path, (START, datagram(payload)))
    told = found.captures.iloc[0].not_looked_at
    assert (None if pd.isna(told) else told) == unread
    assert found.sip_messages.empty


def in_hep(path: Path, *, sip_only: bool) -> bytes:
    """What good.pcapng carries in UDP and TCP, as an agent copies it."""
    packets = []
    for time, packet in tunnels.ip_packets(GOOD.read_bytes()):
        found = ip.parse(packet)
        size = (
            8 if found.protocol == ip.UDP else (found.payload[12] >> 4) * 4 if found.protocol == ip.TCP else 0
        )
        carries = size and len(found.payload) > size
        if carries and (b"SIP/2.0" in found.payload or not sip_only):
            packets.append((time + 1_000_000, tunnels.ethernet(tunnels.udp(9060, tunnels.hep(packet, time)))))
    path.write_bytes(wire.pcap(packets, nano=True))
    return path


@pytest.fixture(scope="module")
def good():
    return pipeline.run([GOOD], deployment=deployment.read("xphone"), jobs=1)


SAME = ["src_addr", "src_port", "dst_addr", "dst_port", "call_id", "cseq", "status", "transport"]


def test_a_good_call_in_hep_is_ok_with_the_same_messages_and_media(tmp_path, good):
    run = pipeline.run(
        [in_hep(tmp_path / "all.pcap", sip_only=False)], deployment=deployment.read("xphone"), jobs=1
    )
    assert run.calls.verdict.tolist() == ["ok"]
    assert run.sip_messages[SAME].to_numpy().tolist() == good.sip_messages[SAME].to_numpy().tolist()
    assert run.rtp_streams.packets.tolist() == good.rtp_streams.packets.tolist()


def test_that_hep_carries_no_media_is_no_fault(tmp_path):
    run = pipeline.run(
        [in_hep(tmp_path / "sip.pcap", sip_only=True)], deployment=deployment.read("xphone"), jobs=1
    )
    assert run.calls.verdict.tolist() == ["cannot_tell"]
    assert not set(run.findings.verdict) & {"fault", "suspect"}
