import struct

from postproc.read.records import Described, Record, option, pieces
from postproc.show import pcapng_out


def written(folder, *blocks: bytes):
    path = folder / "a.pcapng"
    path.write_bytes(pcapng_out.section("us") + b"".join(blocks))
    with pieces(path) as found:
        return list(found)[1:]


def test_what_is_written_is_read_again(tmp_path):
    described, record = written(
        tmp_path,
        pcapng_out.interface(113, 96, option(9, b"\x09")),
        pcapng_out.packet(0, 1 << 40 | 5, b"abcde", 9, options=option(1, b"theirs"), comments=("ours",)),
    )
    assert described == Described(113, 96, option(9, b"\x09"))
    assert record == Record(
        1, 1 << 40 | 5, 0, 1 << 40 | 5, b"abcde", 9, option(1, b"theirs") + option(1, b"ours")
    )


def test_a_comment_is_one_line_and_no_longer_than_an_option():
    assert pcapng_out.comment("a\r\nb\x00\u2028c") == pcapng_out.comment("a b c")
    assert pcapng_out.comment(" \n") == b""
    assert struct.unpack_from("<HH", pcapng_out.comment("ä" * 70_000)) == (1, 65534)
    assert pcapng_out.comment("\udcff")[4:5] == b"?"


def test_without_options_there_is_no_end_of_options():
    assert pcapng_out.packet(0, 0, b"abcd", 4)[-8:-4] == b"abcd"
