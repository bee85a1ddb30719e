"""Files of a ring buffer are found by what is in them, and walked as one."""

import gzip
import random
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from postproc.model.events import tables
from postproc.model.tables import TABLES
from postproc.read import capture, inputs, packed, processes, recordings
from postproc.read.option_files import Options
from postproc.read.recordings import planned
from postproc.read.split import BrokenChainError, Split
from tests.pieces import cut
from tests.read import wire
from tests.read.parted import split
from tests.read.test_split import as_pcapng, mixed_packets
from tests.read.wire import SECOND, START, Packet, datagram, stream


def two_interfaces(packets: list[Packet]) -> bytes:
    """Each packet's interface is told by its time."""
    interfaces = wire.interface(name="lo", resolution=9), wire.interface(name="eth0", resolution=9)
    return wire.pcapng(*interfaces, *(wire.enhanced(time, data, time % 2) for time, data in packets))


RINGS = (
    ["made/ring_buffer_00001_20261203000000.pcapng", "made/ring_buffer_00002_20261203000001.pcapng"],
    ["made/ring_gap_00001_20261203010000.pcapng", "made/ring_gap_00003_20261203010003.pcapng"],
)
WRITTEN: dict[str, Callable[[list[Packet]], bytes]] = {
    "pcap": wire.pcap,
    "nanoseconds": lambda packets: wire.pcap(packets, nano=True),
    "big-endian": lambda packets: wire.pcap(packets, order=">"),
    "pcapng": two_interfaces,
}


def files(folder: Path, *contents: bytes, seed: int = 1) -> list[Path]:
    """Files of these contents, in their order, with names that say nothing of it."""
    names = random.Random(seed).sample(range(1000), len(contents))
    paths = [folder / f"{name:03}" for name in names]
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content)
    return paths


def plan(folder: Path) -> list[list[str]]:
    captures, _ = inputs.find([folder])
    return [[each.name for each in recording] for recording in planned(captures)]


def parts(packets: list[Packet], count: int) -> list[list[Packet]]:
    size = -(-len(packets) // count)
    return [packets[start : start + size] for start in range(0, len(packets), size)]


def same(one: Split, other: Split) -> None:
    """What is left of a capture is the same, however many files it is in."""
    for name in ("kept_frames", "kept_times", "direct_frames", "direct_times", "guessed_frames"):
        assert getattr(one, name).tolist() == getattr(other, name).tolist(), name
    for name in ("packets", "media_packets", "foreign_packets", "first_time", "last_time", "not_looked_at"):
        assert getattr(one, name) == getattr(other, name), name
    pd.testing.assert_frame_equal(one.rtp_streams, other.rtp_streams)
    pd.testing.assert_frame_equal(one.rtp_seconds, other.rtp_seconds)


@pytest.mark.parametrize("written", WRITTEN.values(), ids=WRITTEN)
@pytest.mark.parametrize("count", [2, 5, 20])
def test_a_ring_buffer_is_one_recording_and_leaves_what_the_whole_leaves(tmp_path, written, count):
    whole = wire.parted(tmp_path, written(mixed_packets()), window=5000)
    (tmp_path / "ring").mkdir()
    ring = files(tmp_path / "ring", *map(written, parts(mixed_packets(), count)))
    assert plan(tmp_path / "ring") == [[path.name for path in ring]]
    found = split(ring, tmp_path / "kept of all", window=5000)
    same(found, whole)
    assert sum(each.media_packets for each in found.files) == whole.media_packets
    assert (tmp_path / "kept of all").read_bytes() == (tmp_path / "kept").read_bytes()


def test_packed_files_are_joined_by_their_ends_and_damaged_or_endless_ones_read_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(packed, "PIECE", 1000)  # the ends are of many pieces
    monkeypatch.setattr(recordings, "END", 2000)
    contents = [gzip.compress(wire.pcap(each), mtime=0) for each in parts(stream(range(400)), 4)]
    ring = [path.name for path in files(tmp_path, *contents)]
    assert plan(tmp_path) == [ring]
    (tmp_path / ring[3]).write_bytes(contents[3][:-20])
    assert plan(tmp_path) == [ring[:3], [ring[3]]]
    monkeypatch.setattr(processes, "most", lambda _: 3000)
    assert {len(each) for each in plan(tmp_path)} == {1}


@pytest.mark.parametrize("written", WRITTEN.values(), ids=WRITTEN)
def test_after_a_pause_a_file_goes_on_if_a_stream_does(tmp_path, written):
    again = START + 30 * SECOND
    for name, first in (("on", 500), ("new", 40_000)):
        (tmp_path / name).mkdir()
        later = stream(range(first, first + 50), start=again)
        files(tmp_path / name, written(stream(range(450, 500))), written(later))
    assert [len(each) for each in plan(tmp_path / "on")] == [2]
    assert [len(each) for each in plan(tmp_path / "new")] == [1, 1]


def test_captures_of_other_links_machines_and_times_are_read_by_themselves(tmp_path, pcaps):
    first, second = parts(stream(range(100)), 2)
    other = wire.pcapng(
        wire.interface(name="eth1"), *(wire.enhanced(at // 1000, data) for at, data in second)
    )
    files(tmp_path, wire.pcap(first), wire.pcap(second, nano=True), other, as_pcapng(stream(range(100))))
    assert {len(each) for each in plan(tmp_path)} == {1}
    assert [each for each in plan(pcaps) if len(each) > 1] == list(RINGS)


@pytest.mark.parametrize("written", WRITTEN.values(), ids=WRITTEN)
def test_a_file_that_is_cut_short_loses_what_it_lacks_only(tmp_path, written):
    contents = [written(each) for each in parts(stream(range(90)), 3)]
    contents[1] = contents[1][: len(contents[1]) // 2]
    ring = files(tmp_path, *contents)
    assert plan(tmp_path) == [[path.name for path in ring]]
    found = split(ring, None)
    assert [each.cut_short for each in found.files] == [False, True, False]
    assert found.rtp_streams["lost"].tolist() == [0]
    assert 70 < found.packets < 80
    assert "packets are missing" in found.files[2].warnings[0]


def test_what_is_lost_between_two_packets_in_two_files_is_lost(tmp_path):
    sent = stream(range(100))
    del sent[48:52]
    ring = files(tmp_path, *map(wire.pcap, (sent[:48], sent[48:])))
    found = split(ring, None)
    assert found.rtp_streams["lost"].tolist() == [4]
    assert found.warnings == ()


def test_what_a_missing_file_would_have_shown_is_not_lost(tmp_path):
    sent = stream(range(900))
    del sent[300:600]
    sent[400:403] = []
    first, second = files(tmp_path, *map(wire.pcap, (sent[:300], sent[300:])))
    assert [len(each) for each in plan(tmp_path)] == [2]
    found = split([first, second], None)
    assert found.rtp_streams[["packets", "expected", "lost"]].values.tolist() == [[597, 600, 3]]
    assert found.rtp_streams["max_gap_ms"].iloc[0] == 80
    assert found.rtp_seconds["lost"].sum() == 3
    assert found.files[0].warnings == ()
    assert "(6.0 s): the 300 of RTP among them are not counted as lost" in found.files[1].warnings[0]


def test_a_pause_that_nobody_spoke_in_is_no_gap(tmp_path):
    before, after = stream(range(50)), stream(range(50, 100), start=START + 20 * SECOND)
    found = split(files(tmp_path, wire.pcap(before), wire.pcap(after)), None)
    assert found.warnings == ()
    assert found.rtp_streams["max_gap_ms"].iloc[0] == 20_000 - 49 * 20


@pytest.mark.parametrize("broken", [0, 1, 2])
def test_the_file_is_named_that_keeps_others_from_being_read_as_one(tmp_path, broken):
    contents = [as_pcapng(each) for each in parts(mixed_packets(), 3)]
    contents[broken] += wire.block(0x0BAD, bytes(8))  # which may be packets
    with pytest.raises(BrokenChainError, match="0xbad") as error:
        split(files(tmp_path, *contents), tmp_path / "kept")
    assert error.value.place == broken


def test_interfaces_have_the_same_numbers_in_all_files(tmp_path):
    packet = [wire.enhanced(START // 1000, datagram(wire.rtp(1)))]
    names = (("lo", "eth0"), ("lo",), ("lo", "eth0", "wlan0"), ("eth0", "lo"))
    one, fewer, more, turned = files(
        tmp_path,
        *(wire.pcapng(*(wire.interface(name=name) for name in each), *packet) for each in names),
    )
    assert split([one, fewer, more], tmp_path / "kept").interfaces == ("lo", "eth0", "wlan0")
    alone = split(tmp_path / "kept", None)
    assert (alone.interfaces, alone.packets) == (("lo", "eth0", "wlan0"), 3)
    with pytest.raises(BrokenChainError, match="other interfaces"):
        split([one, turned], None)


@pytest.mark.parametrize("name", ["good.pcapng", "made/turn_channel.pcapng", "made/raw_ip.pcap"])
def test_tshark_alone_says_the_same_of_several_files(tmp_path, pcaps, name):
    made = cut(pcaps / name, 3, tmp_path)
    given = [(path, str(place)) for place, path in enumerate(made)]
    fast, slow = (tables(capture.read_files(given, Options(all_packets=every))) for every in (False, True))
    for table in TABLES:
        if table.name != "captures":
            pd.testing.assert_frame_equal(getattr(fast, table.name), getattr(slow, table.name))
    assert fast.captures["packets"].tolist() == slow.captures["packets"].tolist()


def test_a_frame_is_that_of_its_file(tmp_path, pcaps):
    whole = capture.read(pcaps / "good.pcapng", "whole").sip_messages
    made = cut(pcaps / "good.pcapng", 4, tmp_path)
    sizes = {
        str(place): capture.read(path, "").captures["packets"].iloc[0] for place, path in enumerate(made)
    }
    given = [(path, str(place)) for place, path in enumerate(made)]
    found = tables(capture.read_files(given)).sip_messages
    assert found["capture"].nunique() > 1
    before = {name: sum(sizes[str(each)] for each in range(int(name))) for name in sizes}
    assert (found["frame"] + found["capture"].map(before)).tolist() == whole["frame"].tolist()
