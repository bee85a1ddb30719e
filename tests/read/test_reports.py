"""RTCP reports: what receivers say of the streams that pass the capture point."""

import struct

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from postproc.read import reports
from postproc.wire.rtp import RtcpPacket, sender_report, source_description
from tests.read import wire
from tests.read.wire import DESTINATION, SECOND, SOURCE, START, stream

SENT, REPORTER = 1, 9  # SSRCs
RECEIVER_REPORT = 201
NAMES = ["reports", "unreported", "reported_lost", "reported_expected"]


def back(payload, at, source=5000, target=4000):
    """A datagram from the stream's receiver to its sender, and its time."""
    packet = wire.ipv4(wire.udp(payload, source, target), source=DESTINATION, destination=SOURCE)
    return START + round(at * SECOND), wire.ethernet(packet)


def receiver_report(*blocks):
    words = [REPORTER, *(word for block in blocks for word in block)]
    return bytes(RtcpPacket(RECEIVER_REPORT, len(blocks), struct.pack(f">{len(words)}I", *words)))


def heard(highest, lost=0, ssrc=SENT):
    return receiver_report((ssrc, lost & 0xFFFFFF, highest, 0, 0, 0))


def encrypted(sources, kind=RECEIVER_REPORT):
    """SRTCP: header and SSRC in clear, then ciphertext, index and tag, which no whole words follow."""
    size = (24 if kind == 200 else 4) + 24 * sources
    body = REPORTER.to_bytes(4) + bytes(range(7, 7 + size - 4))
    return bytes(RtcpPacket(kind, sources, body)) + b"\xe5" * 14


def row(tmp_path, *said, packets=1000):
    found = wire.parted(tmp_path, wire.pcap(sorted([*stream(range(packets)), *said]), nano=True))
    return found.rtp_streams.iloc[0], found


def seconds(time):
    return (time - pd.Timestamp(START, tz="UTC")).total_seconds()


def test_a_stream_that_arrives(tmp_path):
    told, found = row(tmp_path, *(back(heard(50 * at), at) for at in (5, 10, 15, 20)))
    assert told[NAMES].tolist() == [4, 0, 0, 750]
    assert (seconds(told.reported_until), told.report_frame) == (20, 1004)
    assert found.foreign_packets == 4  # they are still no signalling


def test_a_stream_that_arrives_no_more(tmp_path):
    told, _ = row(tmp_path, *(back(heard(min(50 * at, 320)), at) for at in (5, 10, 15, 20)))
    assert (told.reports, told.unreported, seconds(told.reported_until)) == (4, 2, 10)


@pytest.mark.parametrize(("set_back", "unreported"), [(0, 2), (12, 0)])
def test_where_the_clock_is_set_back_reports_accuse_nobody(tmp_path, set_back, unreported):
    """Reports of the second half, with higher numbers, stand before those of the first by time."""
    said = [back(heard(min(50 * at, 320)), at) for at in (5, 10, 15, 20)]
    packets = sorted([*stream(range(1000)), *said])
    shifted = [(time - set_back * SECOND * (time - START > 14 * SECOND), data) for time, data in packets]
    found = wire.parted(tmp_path, wire.pcap(shifted, nano=True))
    assert found.rtp_streams["unreported"].max() == unreported


def test_loss_is_counted_between_the_first_report_and_the_last(tmp_path):
    """Of what was before, the capture may know nothing; what the receiver got twice counts negative."""
    told, _ = row(tmp_path, back(heard(250, lost=40), 5), back(heard(500, lost=60), 10))
    assert (told.reported_lost, told.reported_expected) == (20, 250)
    told, _ = row(tmp_path, back(heard(250, lost=2), 5), back(heard(500, lost=-1), 10))
    assert told.reported_lost == -3


def test_in_srtcp_the_number_of_sources_tells(tmp_path):
    told, _ = row(tmp_path, back(encrypted(1), 5), back(encrypted(0), 10), back(encrypted(0), 15))
    assert (told.reports, told.unreported, seconds(told.reported_until)) == (3, 2, 5)
    assert told[["reported_lost", "reported_expected"]].isna().all()


def test_who_never_names_a_source_says_nothing(tmp_path):
    told, _ = row(tmp_path, *(back(encrypted(0), at) for at in (5, 10, 15)))
    assert (told.reports, told.unreported) == (3, 0)
    assert pd.isna(told.reported_until)


def test_who_always_reports_0_says_nothing(tmp_path):
    told, _ = row(tmp_path, *(back(heard(0), at) for at in (5, 10, 15)))
    assert (told.reports, told.unreported) == (3, 0)


def test_browsers_name_sources_in_receiver_reports_only(tmp_path):
    told, _ = row(
        tmp_path,
        back(encrypted(1), 5),
        *(back(encrypted(0, kind=200), at) for at in (7, 10, 13)),
        back(encrypted(1), 15),
    )
    assert (told.unreported, seconds(told.reported_until)) == (0, 15)


def test_a_stream_that_pauses_is_not_missed(tmp_path):
    said = [back(heard(99), at) for at in (3, 8, 13)]
    packets = [*stream(range(100)), *stream(range(100, 200), start=START + 14 * SECOND)]
    found = wire.parted(tmp_path, wire.pcap(sorted([*packets, *said]), nano=True))
    assert found.rtp_streams.iloc[0].unreported == 0


@pytest.mark.parametrize(
    ("report", "ports", "counted"),
    [
        (heard(250), (5001, 4001), 1),  # the next ports
        (heard(250), (6000, 6100), 1),  # others, but it names the stream
        (encrypted(1), (5001, 4001), 1),
        (encrypted(1), (6000, 6100), 0),
        (heard(250, ssrc=77), (5000, 4000), 0),  # a relay may have changed the SSRC
        (receiver_report(), (5000, 4000), 1),
    ],
)
def test_which_reports_are_about_a_stream(tmp_path, report, ports, counted):
    told, _ = row(tmp_path, back(report, 5, *ports))
    assert told.reports == counted


def test_a_compound_and_what_is_in_turn(tmp_path):
    compound = bytes(sender_report(REPORTER, (0, 0, 0, 0, 0), [(SENT, 0, 250, 0, 0, 0)]))
    compound += bytes(source_description(REPORTER, b"phone"))
    told, _ = row(tmp_path, back(compound, 5))
    assert (told.reports, seconds(told.reported_until)) == (1, 5)
    told, _ = row(tmp_path, back(wire.channel_data(compound), 5))
    assert told.reports == 1


def test_without_reports_nothing_is_said(tmp_path):
    told, _ = row(tmp_path)
    assert told[[*NAMES, "reported_until", "report_frame"]].isna().all()


def test_of_a_compound_longer_than_any_only_the_beginning_is_read(tmp_path):
    told, _ = row(tmp_path, back(heard(250) * 100, 5))
    assert (told.reports, pd.isna(told.reported_expected)) == (1, True)


def test_reports_beyond_a_limit_are_counted(tmp_path, monkeypatch):
    monkeypatch.setattr(reports, "MOST", 2)
    told, found = row(tmp_path, *(back(heard(50 * at), at) for at in (5, 10, 15)))
    assert told.reports == 2
    assert found.warnings == ("1 RTCP report left out",)


@given(st.binary(max_size=80), st.booleans())
def test_any_bytes(data, whole):
    for kind in (b"\x81\xc8", b"\x80\xc9"):
        assert all(len(said) == 3 for said in reports._parsed(kind + data, whole=whole))


def ahead(*blocks, at, source=4000, target=5000):
    """A report of the stream's sender to its receiver."""
    packet = wire.ipv4(
        wire.udp(receiver_report(*blocks), source, target), source=SOURCE, destination=DESTINATION
    )
    return START + round(at * SECOND), wire.ethernet(packet)


def of(ssrc, highest, lost=0):
    return (ssrc, lost & 0xFFFFFF, highest, 0, 0, 0)


def test_what_its_sender_receives_of_a_stream_that_is_not_in_the_capture(tmp_path):
    said = [ahead(of(7, 100 + 50 * at, at // 5), at=at) for at in (5, 10, 15)]
    assert row(tmp_path, *said)[0].sender_received == 500 - 2
    said = [ahead(of(7, 100 + 50 * at), at=at, source=4001, target=5001) for at in (5, 10, 15)]
    assert row(tmp_path, *said)[0].sender_received == 500
    two = [ahead(of(7, 50 * at), of(8, 10 * at), at=at) for at in (5, 10)]
    assert row(tmp_path, *two)[0].sender_received == 250 + 50


def test_one_report_and_reports_on_what_is_in_the_capture_tell_nothing_of_that(tmp_path):
    assert pd.isna(row(tmp_path, ahead(of(7, 300), at=5))[0].sender_received)
    assert pd.isna(row(tmp_path, *(back(heard(50 * at), at) for at in (5, 10)))[0].sender_received)
    late = [ahead(of(7, 50 * at), at=at) for at in (5, 40)]
    assert pd.isna(row(tmp_path, *late)[0].sender_received)
