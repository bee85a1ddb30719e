"""RTP streams measured: numbers that wrap, get lost, come twice, late, or start again."""

import random
import struct

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postproc.read import media
from postproc.read.rtp import PACKET
from tests.read import wire
from tests.read.wire import SECOND, START, datagram, rtp, stream

MS = 10**6


def measured(tmp_path, packets, **options):
    return wire.parted(tmp_path, wire.pcap(packets, nano=True), **options)


def only_row(tmp_path, packets, **options):
    found = measured(tmp_path, packets, **options)
    assert len(found.rtp_streams) == 1
    return found.rtp_streams.iloc[0]


def counts(row):
    return {name: row[name] for name in ("packets", "expected", "lost", "duplicates", "reordered")}


def test_a_clean_stream(tmp_path):
    found = measured(tmp_path, stream(range(100, 200), ssrc=0xDEADBEEF, payload_type=0))
    row = found.rtp_streams.iloc[0]
    assert counts(row) == {"packets": 100, "expected": 100, "lost": 0, "duplicates": 0, "reordered": 0}
    assert (row.frame, row.stream, row.ssrc, row.payload_type, row.clock_rate) == (1, 0, 0xDEADBEEF, 0, 8000)
    assert (row.src_addr, row.src_port, row.dst_addr, row.dst_port) == (
        wire.SOURCE,
        4000,
        wire.DESTINATION,
        5000,
    )
    assert (row.jitter_ms, row.max_gap_ms, row.bytes, row.relayed) == (0, 20, 100 * 32, False)
    assert row.first_time == row.time == pd.Timestamp(START, tz="UTC")
    assert row.last_time == pd.Timestamp(START + 99 * 20 * MS, tz="UTC")
    assert row[["capture", "call", "leg", "direction", "codec", "secured"]].isna().all()
    assert (found.media_packets, found.foreign_packets, len(found.kept_frames)) == (100, 0, 0)


def test_numbers_wrap(tmp_path):
    row = only_row(tmp_path, stream(range(65500, 65600)))
    assert counts(row) == {"packets": 100, "expected": 100, "lost": 0, "duplicates": 0, "reordered": 0}


def test_numbers_wrap_again_and_again(tmp_path):
    row = only_row(tmp_path, stream(range(0, 200_000, 3), every=MS))
    assert (row.packets, row.expected, row.lost) == (66_667, 199_999, 133_332)


def test_what_is_missing_is_lost(tmp_path):
    row = only_row(tmp_path, stream(n for n in range(65480, 65580) if n not in {65500, 65535, 65536, 65550}))
    assert counts(row) == {"packets": 96, "expected": 100, "lost": 4, "duplicates": 0, "reordered": 0}
    assert row.max_gap_ms == 20  # the next one came in time


def test_an_outage_is_loss_and_a_gap(tmp_path):
    packets = stream(range(50)) + stream(range(550, 600), start=START + 11 * SECOND)
    row = only_row(tmp_path, packets)
    assert (row.packets, row.lost, row.max_gap_ms) == (100, 500, 11_000 - 49 * 20)


def test_a_packet_captured_twice_counts_once(tmp_path):
    packets = [packet for time, data in stream(range(50)) for packet in ((time, data), (time + 1000, data))]
    found = measured(tmp_path, packets)
    row = found.rtp_streams.iloc[0]
    assert counts(row) == {"packets": 50, "expected": 50, "lost": 0, "duplicates": 50, "reordered": 0}
    assert (row.bytes, row.jitter_ms, row.max_gap_ms) == (50 * 32, 0, 20)
    assert found.media_packets == 100


def test_a_copy_that_lags_behind_is_a_copy(tmp_path):
    clean = stream(range(100))
    packets = sorted(
        [*clean, *((time + 310 * MS, data) for time, data in clean)], key=lambda packet: packet[0]
    )
    assert counts(only_row(tmp_path, packets)) == {
        "packets": 100,
        "expected": 100,
        "lost": 0,
        "duplicates": 100,
        "reordered": 0,
    }


def test_the_same_number_later_than_a_second_is_no_copy(tmp_path):
    packets = [*stream(range(100)), (START + 100 * 20 * MS, datagram(rtp(45)))]
    row = only_row(tmp_path, packets)
    assert (row.packets, row.duplicates, row.reordered) == (101, 0, 1)
    packets[-1] = (START + 100 * 20 * MS, datagram(rtp(55)))
    row = only_row(tmp_path, packets)
    assert (row.packets, row.duplicates, row.reordered) == (100, 1, 0)


def test_late_packets_are_reordered_not_lost(tmp_path):
    numbers = [*range(20), 21, 20, *range(22, 40), 43, 41, 42, 40, *range(44, 60)]
    row = only_row(tmp_path, stream(numbers))
    assert counts(row) == {"packets": 60, "expected": 60, "lost": 0, "duplicates": 0, "reordered": 4}


@pytest.mark.parametrize("window", [150, 1 << 23], ids=["packet by packet", "at once"])
@pytest.mark.parametrize("jitter_ms", [100, 300])
def test_a_stream_is_one_however_much_jitter_mixes_it(tmp_path, jitter_ms, window):
    """Most packets come behind later ones; what looks like RTP by chance is no row all the same."""
    chance = random.Random(7)
    at = [START + MS * (20 * number + chance.randrange(jitter_ms)) for number in range(400)]
    mixed = sorted((time, datagram(rtp(number))) for number, time in enumerate(at))
    found = measured(tmp_path, mixed, window=window)
    assert (found.rtp_streams.packets.tolist(), found.rtp_streams.lost.tolist()) == ([400], [0])
    assert found.rtp_streams.reordered[0] > 150
    noise = [(time, datagram(rtp(chance.randrange(1 << 16)))) for time in sorted(at)]
    assert measured(tmp_path, noise, window=window).rtp_streams.empty


@pytest.mark.parametrize("back_ms", [600, 1_500, 60_000])
def test_a_clock_that_is_set_back_loses_nothing(tmp_path, back_ms):
    packets = stream(range(100)) + stream(range(100, 200), start=START + (2000 - back_ms) * MS)
    row = only_row(tmp_path, packets)
    assert counts(row) == {"packets": 200, "expected": 200, "lost": 0, "duplicates": 0, "reordered": 0}
    assert row.first_time <= row.last_time


def test_loss_is_seen_beside_a_clock_that_is_set_back(tmp_path):
    packets = stream(n for n in range(100) if n != 40) + stream(range(103, 200), start=START + SECOND)
    assert only_row(tmp_path, packets).lost == 4


def test_a_stream_whose_first_packet_is_late(tmp_path):
    row = only_row(tmp_path, stream([1, 0, *range(2, 20)]))
    assert counts(row) == {"packets": 20, "expected": 20, "lost": 0, "duplicates": 0, "reordered": 1}


each_alone = pytest.mark.parametrize("window", [150, 1 << 23], ids=["packet by packet", "at once"])


@each_alone
@pytest.mark.parametrize("again", [20_000, 40_000, 63_000, 5_200 - 150])
def test_a_sender_that_starts_again_has_lost_nothing(tmp_path, again, window):
    three_seconds = 24_000  # as far as the timestamps go on, so that they are no use either
    packets = stream(range(5_000, 5_200)) + [
        (START + place * 20 * MS, datagram(rtp(again + place - 200, (5_000 + place) * 160 + three_seconds)))
        for place in range(200, 400)
    ]
    row = only_row(tmp_path, packets, window=window)
    assert counts(row) == {"packets": 400, "expected": 400, "lost": 0, "duplicates": 0, "reordered": 0}
    assert row.jitter_ms == 0


@each_alone
def test_loss_on_both_sides_of_a_restart_counts(tmp_path, window):
    numbers = [*range(100, 150), *range(152, 200), *range(30_000, 30_050), *range(30_053, 30_100)]
    assert only_row(tmp_path, stream(numbers), window=window).lost == 5


@each_alone
@pytest.mark.parametrize("copied", [False, True])
def test_a_stray_packet_is_no_restart(tmp_path, window, copied):
    packets = stream([*range(50), 40_000, *range(51, 100)])
    packets[50:51] = [packets[50]] * (1 + copied)
    assert counts(only_row(tmp_path, packets, window=window)) == {
        "packets": 100,
        "expected": 101,
        "lost": 1,
        "duplicates": copied,
        "reordered": 0,
    }


@each_alone
def test_stray_packets_next_but_one_to_each_other_are_two(tmp_path, window):
    row = only_row(tmp_path, stream([*range(50), 40_000, 51, 40_010, *range(53, 100)]), window=window)
    assert counts(row) == {"packets": 100, "expected": 102, "lost": 2, "duplicates": 0, "reordered": 0}


@each_alone
def test_a_stray_packet_at_the_end_is_one_packet(tmp_path, window):
    packets = [*stream([*range(50), 40_000]), *stream(range(50, 60), ssrc=2, start=START + 2 * SECOND)]
    rows = measured(tmp_path, packets, window=window).rtp_streams
    assert rows[["packets", "expected", "lost"]].values.tolist() == [[51, 51, 0], [10, 10, 0]]


def test_streams_are_told_apart_by_addresses_ports_and_ssrc(tmp_path):
    packets = [
        *stream(range(10)),
        *stream(range(10), ssrc=2),
        *stream(range(10), source=4002),
        *stream(range(10), destination=5002),
        *(
            (time, wire.ethernet(wire.ipv4(wire.udp(rtp(n)), source="10.0.0.9")))
            for n, (time, _) in enumerate(stream(range(10)))
        ),
    ]
    found = measured(tmp_path, packets)
    assert len(found.rtp_streams) == 5
    assert found.rtp_streams.packets.tolist() == [10] * 5
    assert found.rtp_streams.stream.tolist() == list(range(5))
    assert found.rtp_streams.frame.tolist() == [1, 11, 21, 31, 41]


@each_alone
def test_interfaces_are_no_part_of_the_key_and_out_of_order(tmp_path, window):
    packets = stream(range(100))
    blocks = [wire.enhanced(time, data, place % 2) for place, (time, data) in enumerate(packets)]
    batches = [blocks[0:20:2], blocks[1:20:2], blocks[21:40:2], blocks[20:40:2], blocks[40:]]
    interfaces = [wire.interface(resolution=9), wire.interface(resolution=9)]
    found = wire.parted(
        tmp_path, wire.pcapng(*interfaces, *(block for batch in batches for block in batch)), window=window
    )
    row = found.rtp_streams.iloc[0]
    assert counts(row) == {"packets": 100, "expected": 100, "lost": 0, "duplicates": 0, "reordered": 0}
    assert (row.max_gap_ms, row.jitter_ms) == (20, 0)


def test_the_payload_type_of_most_packets_and_of_the_last(tmp_path):
    packets = [(n * 20 * MS, datagram(rtp(n, n * 160, payload_type=8 if n < 30 else 0))) for n in range(50)]
    (row,) = measured(tmp_path, packets).rtp_streams.itertuples()
    assert (row.payload_type, row.last_payload_type) == (8, 0)


@pytest.mark.parametrize(
    ("clock", "step"),
    [
        (8000, 160),
        (16000, 320),
        (24000, 480),
        (32000, 640),
        (44100, 882),
        (48000, 960),
        (90000, 1800),
    ],
)
def test_the_clock_of_a_dynamic_payload_type_is_measured(tmp_path, clock, step):
    rng = random.Random(clock)
    packets = [
        (time + rng.randrange(4 * MS), datagram(rtp(number, number * step, payload_type=111)))
        for number, (time, _) in enumerate(stream(range(200)))
    ]
    row = only_row(tmp_path, packets)
    assert row.clock_rate == clock
    assert 0.5 < row.jitter_ms < 2.5


@pytest.mark.parametrize(
    ("payload_type", "clock"), [(0, 8000), (6, 16000), (9, 8000), (10, 44100), (34, 90000)]
)
def test_static_payload_types_have_the_clock_of_rfc_3551(tmp_path, payload_type, clock):
    step = clock // 50
    packets = [
        (time, datagram(rtp(n, n * step, payload_type=payload_type)))
        for n, (time, _) in enumerate(stream(range(50)))
    ]
    row = only_row(tmp_path, packets)
    assert (row.clock_rate, row.jitter_ms) == (clock, 0)


def test_a_pause_in_which_timestamps_stand_still_does_not_spoil_the_clock(tmp_path):
    def opus(numbers, start):
        return [
            (start + place * 20 * MS, datagram(rtp(n, n * 960, payload_type=111)))
            for place, n in enumerate(numbers)
        ]

    packets = opus(range(500), START) + opus(range(500, 1000), START + 22 * SECOND)
    assert only_row(tmp_path, packets).clock_rate == 48000


def test_before_the_first_step_there_is_no_jitter(tmp_path):
    packets = [*stream(range(1)), *stream(range(100, 120), start=START + 2 * SECOND)]
    seconds = measured(tmp_path, packets).rtp_seconds
    assert seconds.second.tolist() == [0, 2]
    assert seconds.jitter_ms.isna().tolist() == [True, False]


def test_a_clock_that_is_none_leaves_jitter_open(tmp_path):
    packets = [
        (time, datagram(rtp(n, n * 60, payload_type=96))) for n, (time, _) in enumerate(stream(range(50)))
    ]
    found = measured(tmp_path, packets)
    assert found.rtp_streams[["clock_rate", "jitter_ms"]].isna().all(axis=None)
    assert found.rtp_seconds.jitter_ms.isna().all()


def rfc_3550_jitter(arrivals_ms, timestamps_ms):
    """Section 6.4.1, word by word."""
    jitter, seen = 0.0, []
    for place in range(1, len(arrivals_ms)):
        transit = [arrivals_ms[i] - timestamps_ms[i] for i in (place - 1, place)]
        jitter += (abs(transit[1] - transit[0]) - jitter) / 16
        seen.append(jitter)
    return seen


def test_jitter_is_that_of_rfc_3550(tmp_path):
    rng = random.Random(7)
    delays = [rng.randrange(30 * MS) for _ in range(400)]
    packets = [(time + delay, data) for (time, data), delay in zip(stream(range(400)), delays, strict=True)]
    found = measured(tmp_path, packets)
    numbered = sorted(zip((time for time, _ in packets), range(400), strict=True))
    seen = rfc_3550_jitter([time / MS for time, _ in numbered], [20.0 * number for _, number in numbered])
    assert found.rtp_streams.jitter_ms[0] == pytest.approx(sum(seen) / len(seen), rel=1e-5)
    ends = {
        (time - numbered[0][0]) // SECOND: jitter
        for (time, _), jitter in zip(numbered[1:], seen, strict=True)
    }
    assert found.rtp_seconds.jitter_ms.tolist() == pytest.approx(list(ends.values()), rel=1e-5)


def test_telephone_events_and_comfort_noise_are_left_out_of_jitter(tmp_path):
    packets = stream(range(100))
    for place in range(40, 50):  # an event repeats its timestamp
        packets[place] = (packets[place][0], datagram(rtp(place, 40 * 160, payload_type=101)))
    packets[70] = (packets[70][0] + 9 * MS, datagram(rtp(70, 0, payload_type=13)))
    row = only_row(tmp_path, packets)
    assert (row.packets, row.payload_type, row.jitter_ms) == (100, 8, 0)


def test_payload_types_that_take_turns_within_a_second(tmp_path):
    packets = [
        (time, datagram(rtp(n, n // 2 * 160, payload_type=(8, 101)[n % 2])))
        for n, (time, _) in enumerate(stream(range(101)))
    ]
    found = measured(tmp_path, packets)
    assert found.rtp_streams[["packets", "payload_type", "lost"]].values.tolist() == [[101, 8, 0]]
    assert found.rtp_seconds.packets.tolist() == [50, 50, 1]


def test_a_talkspurt_whose_timestamps_count_no_silence_is_no_jitter(tmp_path):
    late = stream(range(100, 200), start=START + 7 * SECOND, marker=False)
    late[0] = (late[0][0], datagram(rtp(100, marker=True)))
    assert only_row(tmp_path, stream(range(100)) + late).jitter_ms == 0


def test_seconds_count_from_the_first_packet(tmp_path):
    lost = {60, 61, 120}
    numbers = [n for n in range(150) if n not in lost]
    packets = [(START + SECOND // 3 + 20 * MS * n, datagram(rtp(n))) for n in numbers]
    packets.append((START + SECOND // 3 + 9 * SECOND, datagram(rtp(150))))
    seconds = measured(tmp_path, packets).rtp_seconds
    assert seconds.stream.tolist() == [0] * 4
    assert seconds.second.tolist() == [0, 1, 2, 9]
    assert seconds.packets.tolist() == [50, 48, 49, 1]
    assert seconds.lost.tolist() == [0, 2, 1, 0]
    assert seconds.frame.tolist() == [1, 51, 99, 148]
    assert seconds.time[1] == pd.Timestamp(packets[50][0], tz="UTC")
    assert seconds.capture.isna().all()


def test_a_few_packets_are_listed_but_stay(tmp_path):
    found = measured(tmp_path, stream(range(3)))
    assert (found.rtp_streams.packets.tolist(), found.media_packets) == ([3], 0)
    assert found.kept_frames.tolist() == [1, 2, 3]


def test_two_packets_are_no_stream(tmp_path):
    found = measured(tmp_path, stream(range(2)))
    assert (len(found.rtp_streams), found.media_packets, len(found.kept_frames)) == (0, 0, 2)


def test_eight_packets_in_order_are_proof_seven_are_not(tmp_path):
    assert measured(tmp_path, stream(range(7))).media_packets == 0
    assert measured(tmp_path, stream(range(8))).media_packets == 8


def test_more_than_a_tenth_out_of_order_is_no_proof(tmp_path):
    numbers = list(range(100))
    for place in range(0, 99, 6):
        numbers[place : place + 2] = numbers[place + 1], numbers[place]
    found = measured(tmp_path, stream(numbers))
    assert (found.rtp_streams.packets.tolist(), found.media_packets) == ([100], 0)


def test_numbers_by_chance_are_no_stream(tmp_path):
    rng = random.Random(3)
    found = measured(tmp_path, stream(rng.randrange(65536) for _ in range(500)))
    assert (len(found.rtp_streams), found.media_packets, len(found.kept_frames)) == (0, 0, 500)


def test_a_length_field_that_hardly_changes_is_no_stream(tmp_path):
    rng = random.Random(4)
    found = measured(tmp_path, stream(100 + rng.randrange(4) for _ in range(500)))
    assert found.media_packets == 0


def test_many_senders_of_a_packet_each_are_no_streams(tmp_path):
    found = measured(tmp_path, [(START + n, datagram(rtp(n, ssrc=n), 1024 + n)) for n in range(5000)])
    assert (len(found.rtp_streams), len(found.kept_frames)) == (0, 5000)


def test_packets_long_before_a_stream_begins_do_not_count(tmp_path):
    early = (START - 40 * SECOND, datagram(rtp(0)))
    assert only_row(tmp_path, [early, *stream(range(50, 80))]).packets == 30
    early = (START - 20 * SECOND, datagram(rtp(40)))
    assert counts(only_row(tmp_path, [early, *stream(range(50, 80))])) == {
        "packets": 31,
        "expected": 40,
        "lost": 9,
        "duplicates": 0,
        "reordered": 0,
    }


def with_first_two_bytes(packets, first, second):
    return [(time, data[:42] + bytes([first, second]) + data[44:]) for time, data in packets]


@pytest.mark.parametrize("first", [0, 1, 16, 20, 22, 63, 64, 79, 80, 127, 192, 255])
def test_first_bytes_that_are_not_rtp_never_are_media(tmp_path, first):
    found = measured(tmp_path, with_first_two_bytes(stream(range(50)), first, 8))
    assert (found.media_packets, len(found.kept_frames)) == (0, 50)
    assert not len(found.rtp_streams)


@pytest.mark.parametrize("second", [192, 200, 201, 207, 223])
def test_rtcp_is_never_media(tmp_path, second):
    found = measured(tmp_path, with_first_two_bytes(stream(range(50)), 0x80, second))
    assert (found.media_packets, len(found.kept_frames)) == (0, 0)


@pytest.mark.parametrize("second", [0, 127, 128, 191, 224, 255])
def test_every_other_payload_type_is(tmp_path, second):
    assert measured(tmp_path, with_first_two_bytes(stream(range(50)), 0x80, second)).media_packets == 50


def test_contributing_sources_must_fit(tmp_path):
    fits = stream(range(20), contributors=5, payload=b"")
    assert measured(tmp_path, fits).media_packets == 20
    too_many = with_first_two_bytes(fits, 0x86, 8)
    assert measured(tmp_path, too_many).media_packets == 0


def relayed(packets, channel=0x4001, length=None):
    return [
        (time, datagram(wire.channel_data(data[42:], channel, length) + bytes(length or 0), 50000, 3478))
        for time, data in packets
    ]


@pytest.mark.parametrize("channel", [0x4000, 0x4FFF])
def test_rtp_in_turn_channel_data_is_measured_and_stays(tmp_path, channel):
    found = measured(tmp_path, relayed(stream(range(50), ssrc=9), channel))
    row = found.rtp_streams.iloc[0]
    assert (row.ssrc, row.src_port, row.dst_port, row.relayed) == (9, 50000, 3478, True)
    assert (row.packets, row.lost, row.bytes) == (50, 0, 50 * 32)
    assert (found.media_packets, len(found.kept_frames)) == (0, 50)


def indicated(packets, kind=0x0016, *, first=(), length=None):
    """RTP in Send or Data indications: ``first`` are the attributes before DATA."""

    def message(payload):
        size = len(payload) if length is None else length
        data = b"".join(first) + struct.pack(">HH", 0x0013, size) + payload + bytes(-len(payload) % 4)
        return struct.pack(">HHI", kind, len(data), 0x2112A442) + bytes(12) + data

    return [(time, datagram(message(data[42:]), 50000, 3478)) for time, data in packets]


PEER_ATTRIBUTE = bytes.fromhex("001200080001542b" + "ea12d542")
SOFTWARE = bytes.fromhex("80220003") + b"abc\0"


@pytest.mark.parametrize("kind", [0x0016, 0x0017])
@pytest.mark.parametrize("first", [(), (PEER_ATTRIBUTE,), (SOFTWARE, PEER_ATTRIBUTE)])
def test_rtp_in_turn_indications_is_measured_and_stays(tmp_path, kind, first):
    found = measured(tmp_path, indicated(stream(range(50), ssrc=9), kind, first=first))
    (row,) = found.rtp_streams.itertuples()
    assert (row.ssrc, row.src_port, row.dst_port, row.relayed) == (9, 50000, 3478, True)
    assert (row.packets, row.lost, row.bytes) == (50, 0, 50 * 32)
    assert (found.media_packets, len(found.kept_frames)) == (0, 50)


@pytest.mark.parametrize("changed", [{"kind": 0x0006}, {"length": 400}, {"first": (SOFTWARE,) * 6}])
def test_what_only_looks_like_an_indication_of_media_is_not(tmp_path, changed):
    assert not len(measured(tmp_path, indicated(stream(range(50)), **changed)).rtp_streams)


@pytest.mark.parametrize(("captured", "streams"), [(57, 0), (58, 1)])
def test_channel_data_needs_its_rtp_header(tmp_path, captured, streams):
    packets = relayed(stream(range(20)))
    blocks = [wire.enhanced(time, data[:captured], original=len(data)) for time, data in packets]
    found = wire.parted(tmp_path, wire.pcapng(wire.interface(resolution=9), *blocks))
    assert (len(found.rtp_streams), len(found.kept_frames)) == (streams, 20)


@pytest.mark.parametrize(("channel", "length"), [(0x5000, None), (0x3FFF, None), (0x4001, 31), (0x4001, 90)])
def test_what_only_looks_like_channel_data_is_not(tmp_path, channel, length):
    packets = [
        (time, datagram(wire.channel_data(data[42:], channel, length) + bytes(3 if length == 31 else 0)))
        for time, data in stream(range(50))
    ]
    assert not len(measured(tmp_path, packets).rtp_streams)


def test_relayed_and_plain_streams_of_one_ssrc_are_two(tmp_path):
    plain = stream(range(20), source=50000, destination=3478)
    found = measured(tmp_path, plain + relayed(stream(range(20))))
    assert found.rtp_streams.relayed.tolist() == [False, True]
    assert found.media_packets == 20


def test_time_that_goes_back_is_survived(tmp_path):
    packets = stream(range(50)) + stream(range(50, 100), start=START - 3600 * SECOND)
    row = only_row(tmp_path, packets)
    assert (row.packets, row.lost) == (100, 0)


def test_absurd_times_are_survived(tmp_path):
    blocks = [wire.enhanced(2**63 + n, data) for n, (_, data) in enumerate(stream(range(50)))]
    found = wire.parted(tmp_path, wire.pcapng(wire.interface(resolution=9), *blocks), window=500)
    assert found.rtp_streams.packets.tolist() == [50]


plans = st.lists(
    st.one_of(
        st.integers(1, 3).map(lambda step: ("step", step)),
        st.integers(-5, 60).map(lambda step: ("step", step)),
        st.integers(0, 65535).map(lambda number: ("jump", number)),
        st.just(("step", 0)),
        st.just(("pause", 0)),
    ),
    max_size=120,
)


def packets_of(plan, ssrc, payload_types):
    """Packets as a plan says, 10 ms apart, with copies, jumps and long pauses."""
    number, time = 65_000, START + ssrc
    packets = []
    for place, (kind, value) in enumerate(plan):
        number = value if kind == "jump" else number + value
        time += 40 * SECOND if kind == "pause" else 10 * MS
        packet = rtp(number, ssrc=ssrc, payload_type=payload_types[place % len(payload_types)])
        packets.append((time, datagram(packet)))
    return packets


def assert_same_media(some, other):
    pd.testing.assert_frame_equal(some.rtp_streams, other.rtp_streams, rtol=1e-4)
    pd.testing.assert_frame_equal(some.rtp_seconds, other.rtp_seconds, rtol=1e-4)
    assert some.kept_frames.tolist() == other.kept_frames.tolist()


@settings(max_examples=25, deadline=None)
@given(
    st.lists(plans, min_size=1, max_size=3),
    st.lists(st.sampled_from([8, 101, 111]), min_size=1, max_size=3),
    st.integers(100, 5000),
    st.randoms(use_true_random=False),
)
def test_windows_of_any_size_measure_the_same(tmp_path_factory, plans, payload_types, window, rng):
    folder = tmp_path_factory.mktemp("windows")
    packets = [packet for ssrc, plan in enumerate(plans) for packet in packets_of(plan, ssrc, payload_types)]
    packets.sort(key=lambda packet: packet[0] + rng.randrange(400 * MS))  # no more out of order than allowed
    assert_same_media(measured(folder, packets), measured(folder, packets, window=window))


def lossy_streams(seconds):
    """Two streams at once; one in ten packets is lost, one in ten late, the other stream loses none."""
    rng = random.Random(1)
    lossy = [packet for packet in stream(range(50 * seconds), ssrc=1, payload_type=111) if rng.random() > 0.1]
    late = [(time + 70 * MS * (rng.random() < 0.1), data) for time, data in lossy]
    return sorted(late + stream(range(50 * seconds), ssrc=2, payload_type=0))


def test_merging_the_sums_of_seconds_early_changes_nothing(tmp_path, monkeypatch):
    packets = lossy_streams(30)
    rarely = measured(tmp_path, packets, window=2000)
    monkeypatch.setattr("postproc.read.seconds.MERGE_AT", 10)
    monkeypatch.setattr("postproc.read.seconds.WORTH", 2)
    assert_same_media(rarely, measured(tmp_path, packets, window=2000))
    assert len(rarely.rtp_seconds) == 60


def test_a_crowd_of_candidates_does_not_keep_a_stream_from_being_recognised(tmp_path, monkeypatch):
    monkeypatch.setattr("postproc.read.media.CROWD", 50)
    crowd = [(START + n * MS, datagram(rtp(n, ssrc=1000 + n), 1024 + n)) for n in range(2000)]
    found = measured(tmp_path, sorted([*crowd, *stream(range(100))]), window=2000)
    assert found.rtp_streams.packets.tolist() == [100]
    assert (found.media_packets, len(found.kept_frames)) == (100, 2000)


def test_of_a_candidate_that_is_no_stream_only_a_few_packets_are_remembered():
    rng = random.Random(5)
    seen = media.Media()
    for window in range(50):
        packets = np.zeros(100, PACKET)
        packets["key"], packets["sequence"] = 7, [rng.randrange(65536) for _ in range(100)]
        packets["time"] = START + (window * 100 + np.arange(100)) * 20 * MS
        media.add(seen, packets)
        assert len(seen.candidates) <= media.TRIED
    assert (seen.streams.count, len(seen.candidates)) == (0, media.TRIED)
