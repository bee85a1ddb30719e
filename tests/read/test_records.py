import gzip
import struct

import pytest

from postproc.model.errors import CaptureError
from postproc.read.extract import frames_of
from postproc.read.records import Described, Other, Record, pieces
from postproc.wire.pcapng import option
from tests.read import wire

PACKET = wire.datagram(b"hello")


def read(folder, content: bytes, **options):
    path = folder / "capture"
    path.write_bytes(content)
    with pieces(path, **options) as found:
        return list(found)


@pytest.mark.parametrize(("nano", "resolution", "ticks"), [(False, 6, 1_500_000), (True, 9, 1_500_000_000)])
@pytest.mark.parametrize("order", ["<", ">"])
def test_classic_pcap_has_one_interface_and_ticks_of_its_own(tmp_path, order, nano, resolution, ticks):
    found = read(tmp_path, wire.pcap([(1_500_000_000, PACKET)], link_type=101, order=order, nano=nano))
    assert found[0] == Described(101, 262144, option(9, bytes([resolution])))
    assert found[1] == Record(1, 1_500_000_000, 0, ticks, PACKET, len(PACKET), b"")


def test_pcapng_keeps_order_comments_and_what_is_no_packet(tmp_path):
    commented = wire.enhanced(7, PACKET + bytes(-len(PACKET) % 4))
    secrets = wire.block(10, b"keys")
    found = read(
        tmp_path,
        wire.pcapng(
            wire.interface(name="lo"), commented, wire.interface(113), secrets, wire.enhanced(9, PACKET, 1)
        ),
    )
    kinds = [type(piece) for piece in found]
    assert kinds == [Other, Described, Record, Described, Other, Record]
    assert found[4] == Other(10, b"keys")
    assert (found[2].frame, found[5].frame, found[5].interface) == (1, 2, 1)


def test_a_packet_cut_by_the_snapshot_length_knows_its_size(tmp_path):
    found = read(tmp_path, wire.pcapng(wire.interface(), wire.enhanced(7, PACKET, original=1500)))
    assert found[-1].original == 1500
    assert found[-1].data == PACKET


def test_the_obsolete_packet_block_is_a_packet(tmp_path):
    assert read(tmp_path, wire.pcapng(wire.interface(), wire.obsolete(7, PACKET)))[-1].data == PACKET


def test_windows_change_nothing(tmp_path):
    content = wire.pcapng(
        wire.interface(), *(wire.enhanced(at, PACKET) for at in range(50)), wire.block(10, b"keys")
    )
    assert read(tmp_path, content, window=256) == read(tmp_path, content)


def test_a_packed_capture_is_converted(tmp_path):
    found = read(tmp_path, gzip.compress(wire.pcapng(wire.interface(), wire.enhanced(7, PACKET))))
    assert [piece.data for piece in found if isinstance(piece, Record)] == [PACKET]


def test_a_cut_capture_ends_with_its_last_whole_packet(tmp_path):
    content = wire.pcapng(wire.interface(), wire.enhanced(7, PACKET), wire.enhanced(8, PACKET))
    assert len([piece for piece in read(tmp_path, content[:-5]) if isinstance(piece, Record)]) == 1


@pytest.mark.parametrize("content", [b"", b"no capture at all, but long enough"])
def test_what_is_no_capture_is_said(tmp_path, content):
    with pytest.raises(CaptureError):
        read(tmp_path, content)
    with pytest.raises(CaptureError), pieces(tmp_path / "missing") as found:
        list(found)


def test_packets_before_their_interface_come_after_it(tmp_path):
    found = read(
        tmp_path, wire.pcapng(wire.enhanced(7, PACKET), wire.block(10, b"keys"), wire.interface(113))
    )
    assert [type(piece) for piece in found] == [Described, Other, Record, Other]
    assert found[0].link_type == 113


def test_an_interface_too_short_to_be_whole_is_counted(tmp_path):
    short = wire.block(1, b"\x01\0\0\0")
    found = read(tmp_path, wire.pcapng(short, wire.interface(113), wire.enhanced(7, PACKET, 1)))
    assert [piece.link_type for piece in found if isinstance(piece, Described)] == [1, 113]


def copied(path):
    with pieces(path) as found:
        return list(found)


@pytest.mark.parametrize("asked", [copied, lambda path: frames_of(path, [1])])
def test_a_capture_with_blocks_nobody_knows_is_named(tmp_path, asked):
    """What vendors put into blocks of their own cannot be judged: nothing is copied, nor redacted."""
    path = tmp_path / "a.pcapng"
    block = wire.block(0xBAD, struct.pack("<I", 32473) + b"somebody")
    path.write_bytes(wire.pcapng(wire.interface(), wire.enhanced(1, PACKET + bytes(-len(PACKET) % 4)), block))
    with pytest.raises(CaptureError, match=r"^a\.pcapng: blocks of type 0xbad, so that it cannot be copied"):
        asked(path)
