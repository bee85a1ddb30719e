"""The small file against tshark itself: its frames are the capture's, at the same times."""

import json
import subprocess

import pandas as pd
import pytest

from postproc.model.tables import RTP_SECONDS, RTP_STREAMS
from postproc.read.split import Split
from tests.read import wire
from tests.read.parted import split
from tests.read.wire import SECOND, START, datagram, segment, stream

INVITE = b"INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/TCP c\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\n\r\n"
CALL_TRAFFIC = {"sip", "stun", "classicstun", "dtls", "icmp", "icmpv6"}


def seen_by_tshark(path, *options):
    """Number, time in ns and protocols of each frame."""
    fields = ("-e", "frame.number", "-e", "frame.time_epoch", "-e", "frame.protocols")
    command = [
        "tshark",
        "-n",
        "-r",
        str(path),
        "-o",
        "udp.try_heuristic_first:TRUE",
        *options,
        "-T",
        "fields",
    ]
    done = subprocess.run([*command, *fields], capture_output=True, text=True, check=True)
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    return [(int(number), int(time.replace(".", "")), set(kind.split(":"))) for number, time, kind in rows]


def mixed_packets():
    """SIP over UDP and TCP among media and a file share, in the order of the wire."""
    sip = [(START + n * SECOND // 7, datagram(INVITE, 5060, 5060)) for n in range(20)]
    share = [(START + 1 + n * SECOND // 50, segment(b"\0\0\0\x04\xfeSMB" + bytes(n))) for n in range(100)]
    tcp = [(START + 2 + n * SECOND // 5, segment(INVITE, destination=9000)) for n in range(10)]
    return sorted([*sip, *share, *tcp, *stream(range(100))])


def as_pcapng(packets):
    """Two interfaces with clocks of their own, written by turns."""
    interfaces = [
        wire.interface(name="lo", resolution=9),
        wire.interface(name="eth0", resolution=6, offset=-5),
    ]
    ticks = [lambda time: time, lambda time: time // 1000 + 5_000_000]
    blocks = [
        wire.enhanced(ticks[place % 2](time), data, place % 2) for place, (time, data) in enumerate(packets)
    ]
    blocks[30:30] = [wire.block(4, bytes(4))]
    return wire.pcapng(*interfaces, *blocks, wire.block(5, bytes(12)))


CAPTURES = {
    "pcapng": as_pcapng,
    "pcap": wire.pcap,
    "nanoseconds": lambda packets: wire.pcap(packets, nano=True),
    "big-endian": lambda packets: wire.pcap(packets, order=">"),
}


@pytest.mark.parametrize("written", CAPTURES.values(), ids=CAPTURES)
def test_frames_of_the_small_file_are_those_of_the_capture(tmp_path, written):
    found = wire.parted(tmp_path, written(mixed_packets()), window=5000)
    assert (found.packets, found.media_packets, found.foreign_packets) == (230, 100, 100)
    small, whole = (seen_by_tshark(tmp_path / name) for name in ("kept", "capture"))
    assert [number for number, *_ in small] == list(range(1, 31))
    assert [time for _, time, _ in small] == found.kept_times.tolist()
    assert [whole[frame - 1][1:] for frame in found.kept_frames] == [row[1:] for row in small]
    assert (min(row[1] for row in whole), max(row[1] for row in whole)) == (found.first_time, found.last_time)
    assert sum("sip" in protocols for *_, protocols in whole) > 20
    assert sum("sip" in protocols for *_, protocols in small) == sum("sip" in row[2] for row in whole)


@pytest.mark.parametrize(
    "name",
    ["made/qinq.pcapng", "made/sll2.pcapng", "made/turn_channel.pcapng", "good.pcapng", "made/raw_ip.pcap"],
)
def test_what_speaks_of_a_call_is_never_left_out(tmp_path, pcaps, name):
    found = split(pcaps / name, tmp_path / "kept")
    whole = seen_by_tshark(pcaps / name)
    speaks = [number for number, _, protocols in whole if protocols & CALL_TRAFFIC]
    assert speaks
    assert set(speaks) <= set(found.kept_frames)
    assert found.packets == len(whole)


def test_measuring_alone_gives_the_same_media_and_writes_nothing(tmp_path):
    content = as_pcapng(mixed_packets())
    found = wire.parted(tmp_path, content)
    alone = split(tmp_path / "capture", None)
    pd.testing.assert_frame_equal(found.rtp_streams, alone.rtp_streams)
    pd.testing.assert_frame_equal(found.rtp_seconds, alone.rtp_seconds)
    assert (alone.packets, alone.first_time, alone.interfaces) == (
        found.packets,
        found.first_time,
        found.interfaces,
    )
    assert (alone.media_packets, alone.foreign_packets, len(alone.kept_frames)) == (0, 0, 0)
    assert {path.name for path in tmp_path.iterdir()} == {"capture", "kept"}


def test_tables_conform_to_their_schema(tmp_path):
    found = wire.parted(tmp_path, wire.pcap(stream(range(100))))
    assert found.rtp_streams.dtypes.astype(str).to_dict() == RTP_STREAMS.empty().dtypes.astype(str).to_dict()
    assert found.rtp_seconds.dtypes.astype(str).to_dict() == RTP_SECONDS.empty().dtypes.astype(str).to_dict()


def test_a_split_of_nothing_has_empty_tables():
    nothing = Split()
    assert (len(nothing.rtp_streams), len(nothing.rtp_seconds), nothing.packets) == (0, 0, 0)
    assert nothing.rtp_streams.column_names == RTP_STREAMS.names


@pytest.mark.parametrize("name", ["good", "two_calls", "server_view", "codec_488"])
def test_media_of_a_real_server_as_its_ends_counted_it(pcaps, name):
    """What the agents sent, from their own logs, per SSRC, wherever nothing was lost on the way."""
    streams = split(pcaps / f"{name}.pcapng", None).rtp_streams.set_index("ssrc")
    for call in json.loads((pcaps / f"{name}.truth.json").read_text())["calls"]:
        leg_1, leg_2 = call["media"]["leg1"], call["media"]["leg2"]
        assert streams.expected[leg_1["client_ssrc"]] == leg_1["srtp_sent_by_client"]
        if leg_2["freeswitch_ssrcs"]:
            assert streams.packets[leg_2["gateway_ssrc"]] == leg_2["rtp_sent_by_gateway"]
            assert streams.packets[leg_2["freeswitch_ssrcs"][0]] == leg_2["rtp_received_by_gateway"]
