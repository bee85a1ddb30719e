"""Capture files of pcaps/ there and back, blocks that are made up, and our reading of what is written."""

import gzip
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postproc.read.records import Described, Record, pieces
from postproc.wire import MalformedError, pcapng
from postproc.wire.pcapng import Interface, Other, Packet, PcapHeader, PcapRecord, Section, option
from tests.wire.captured import PCAPS

BIG_ENDIAN = struct.pack(">IIIHHq", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, -1)
u16, u32 = st.integers(0, 2**16 - 1), st.integers(0, 2**32 - 1)
options = st.lists(st.builds(option, st.integers(1, 2**16 - 1), st.binary(max_size=20)), max_size=3).map(
    b"".join
)
BLOCKS = st.one_of(
    st.builds(Section, options),
    st.builds(Interface, u16, u32, options),
    st.builds(Packet, u32, st.integers(0, 2**64 - 1), st.binary(max_size=40), u32, options),
    st.builds(pcapng.Statistics, u32, st.integers(0, 2**64 - 1), options),
    st.builds(pcapng.Secrets, u32, st.binary(max_size=40)),
    st.builds(Other, st.integers(100, 2**31), st.binary(max_size=10).map(lambda body: body * 4)),
)


def contents():
    """Every capture of pcaps/, unpacked."""
    for path in sorted(PCAPS.rglob("*.pcap*")):
        yield path.name, gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def test_every_pcapng_is_packed_again_as_it_was():
    seen = 0
    for name, data in contents():
        if data.startswith(pcapng.MAGIC):
            assert b"".join(map(bytes, pcapng.blocks(data))) == data, name
            seen += 1
    assert seen > 20


def test_every_classic_pcap_is_packed_again_as_it_was():
    seen = set()
    for name, data in contents():
        if data[:4] in pcapng.PCAP_MAGIC:
            header, records = pcapng.parse_pcap(data)
            packed = bytes(header) + b"".join(record.pack(header.order) for record in records)
            assert data.startswith(packed), name
            assert packed == data or name == "cut_short.pcap"
            seen.add((header.order, header.digits))
    assert {("<", 6), ("<", 9), (">", 6)} <= seen


@given(st.lists(BLOCKS, max_size=6))
def test_blocks_there_and_back(blocks):
    blocks = [Section(), *blocks]
    assert list(pcapng.blocks(b"".join(map(bytes, blocks)))) == blocks


@given(
    st.sampled_from("<>"),
    st.sampled_from([6, 9]),
    u16,
    st.lists(st.builds(PcapRecord, u32, u32, st.binary(), u32)),
)
def test_pcap_there_and_back(order, digits, link_type, records):
    header = PcapHeader(link_type, order, digits)
    data = bytes(header) + b"".join(record.pack(order) for record in records)
    read, found = pcapng.parse_pcap(data)
    assert (read, list(found)) == (header, records)


@given(st.binary(max_size=80))
def test_whatever_follows_the_section_is_parsed_or_malformed(data):
    try:
        found = list(pcapng.blocks(bytes(Section()) + data))
    except MalformedError:
        return
    assert found[0] == Section()


@pytest.mark.parametrize("data", [b"", bytes(28), BIG_ENDIAN])
def test_what_is_no_little_endian_pcapng(data):
    with pytest.raises(MalformedError):
        list(pcapng.blocks(data))


def test_what_is_written_is_read_again(tmp_path):
    path = tmp_path / "a.pcapng"
    commented = option(1, b"theirs") + pcapng.comments(["ours"])
    blocks = [
        Section(),
        Interface(113, 96, option(9, b"\x09")),
        Packet(0, 1 << 40 | 5, b"abcde", 9, commented),
    ]
    path.write_bytes(b"".join(map(bytes, blocks)))
    with pieces(path) as found:
        _, described, record = found
    assert described == Described(113, 96, option(9, b"\x09"))
    assert record == Record(1, 1 << 40 | 5, 0, 1 << 40 | 5, b"abcde", 9, commented)


def test_a_comment_is_one_line_and_no_longer_than_an_option():
    assert pcapng.comment("a\r\nb\x00\u2028c") == pcapng.comment("a b c")
    assert pcapng.comment(" \n") == b""
    assert struct.unpack_from("<HH", pcapng.comment("ä" * 70_000)) == (1, 65534)
    assert pcapng.comment("\udcff")[4:5] == b"?"


def test_options_end_where_they_say_so_or_where_one_is_cut():
    assert pcapng.whole_options(option(1, b"abc") + option(0, b"") + b"rest") == option(1, b"abc")
    assert pcapng.whole_options(option(1, b"abc")[:-2]) == b""


def test_without_options_there_is_no_end_of_options():
    assert bytes(Packet(0, 0, b"abcd", 4))[-8:-4] == b"abcd"
