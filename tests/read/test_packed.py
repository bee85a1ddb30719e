"""Files packed by gzip: unpacked byte for byte, or their ends alone, and never without bound."""

import gzip
import shutil

import pytest

from postproc.model.errors import CaptureError
from postproc.read import packed, processes

CONTENT = bytes(range(256)) * 40


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "a.pcap.gz"
    path.write_bytes(gzip.compress(CONTENT))
    return path


def test_all_of_it_is_unpacked_whatever_its_pieces(file, tmp_path, monkeypatch):
    monkeypatch.setattr(packed, "PIECE", 7)
    assert packed.packed(file)
    target = packed.unpacked(file, tmp_path / "a.pcap")
    assert target.read_bytes() == CONTENT
    assert not packed.packed(target)


@pytest.mark.parametrize("size", [1, 100, 6000, 20_000])
def test_of_the_ends_alone_the_middle_is_a_hole(file, tmp_path, monkeypatch, size):
    monkeypatch.setattr(packed, "PIECE", 7)
    found = packed.ends_alone(file, tmp_path / "ends", size).read_bytes()
    assert (len(found), found[:size], found[-size:]) == (len(CONTENT), CONTENT[:size], CONTENT[-size:])
    assert not any(found[size:-size])


def test_what_is_damaged_is_told(file, tmp_path):
    file.write_bytes(file.read_bytes()[:-9])
    for work in (packed.unpacked, lambda *paths: packed.ends_alone(*paths, 10)):
        with pytest.raises(CaptureError, match="damaged gzip file"):
            work(file, tmp_path / "a.pcap")


def test_what_unpacks_to_more_than_any_capture_or_than_there_is_room_is_stopped(file, tmp_path, monkeypatch):
    with monkeypatch.context() as full:
        full.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(0, 0, len(CONTENT)))
        with pytest.raises(processes.TooMuchError, match="too little temporary space"):
            packed.unpacked(file, tmp_path / "a.pcap")
        packed.ends_alone(file, tmp_path / "ends", 10)  # takes none
    monkeypatch.setattr(processes, "IMPLIED_OUTPUT", 0)
    monkeypatch.setattr(processes, "OUTPUT_SHARE", 1)
    for work in (packed.unpacked, lambda *paths: packed.ends_alone(*paths, 10)):
        with pytest.raises(processes.TooMuchError, match=r"larger than 0\.0 GB, from \d+ bytes"):
            work(file, tmp_path / "a.pcap")
