"""Which files are captures, what they are called, and what is said of the others."""

import gzip
import os
import tempfile
from pathlib import Path

import pytest

from postproc.read import inputs
from postproc.read.inputs import find

PCAP = bytes.fromhex("d4c3b2a1020004000000000000000000ffff000001000000")
PCAPNG = bytes.fromhex("0a0d0d0a")


def put(path: Path, content: bytes = PCAP) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def names(*paths: Path, skip: Path | None = None) -> list[str]:
    return [capture.name for capture in find(paths, skip)[0]]


def reasons(*paths: Path) -> dict[str, str]:
    return {left_out.path.name: left_out.reason for left_out in find(paths)[1]}


@pytest.mark.parametrize(
    "head",
    [
        PCAP,
        PCAPNG,
        bytes.fromhex("a1b2c3d4"),
        bytes.fromhex("4d3cb2a1"),
        bytes.fromhex("a1b23c4d"),
        bytes.fromhex("34cdb2a1"),
        b"snoop\0\0\0\0\0\0\2",
        b"GMBU",
        b"RTSS",
        b"TRSNIFF data    \x1a",
        b"XCP\0",
        gzip.compress(PCAPNG * 9, mtime=0),
    ],
)
def test_a_capture_in_a_folder_is_known_by_its_first_bytes(tmp_path, head):
    put(tmp_path / "trace", head)
    assert names(tmp_path) == ["trace"]


@pytest.mark.parametrize(
    "head", [b"", b"hello", b"snoopy\0\0", gzip.compress(b"log line", mtime=0), b"\x1f\x8b", b"\xd4\xc3"]
)
def test_any_other_file_is_passed_over_silently(tmp_path, head):
    put(tmp_path / "good.pcap")
    put(tmp_path / "notes", head)
    assert (names(tmp_path), reasons(tmp_path)) == (["good.pcap"], {})


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.pcap", b"", "empty file"),
        ("a.PCAPNG", b"INVITE sip:a@b", inputs.NOT_A_CAPTURE),
        ("a.pcap.gz", gzip.compress(b"text", mtime=0), "gzip file without a capture in it"),
        ("a.cap.gz", b"\x1f\x8b\x08 broken", "damaged gzip file"),
    ],
)
def test_a_file_that_bears_a_captures_extension_is_listed_with_a_reason(tmp_path, name, content, reason):
    put(tmp_path / name, content)
    assert reasons(tmp_path) == {name: reason}
    assert reasons(tmp_path / name) == {name: reason}


def test_more_than_one_capture_are_several_in_one_folder_or_in_two(tmp_path):
    for path in ("a/1.pcap", "a/notes.txt", "b/2.pcap"):
        put(tmp_path / path, b"text" if path.endswith("txt") else PCAP)
    assert not inputs.several([tmp_path / "a"])
    assert inputs.several([tmp_path])
    assert inputs.several([tmp_path / "a", tmp_path / "b" / "2.pcap"])
    assert not inputs.several([tmp_path], skip=tmp_path / "b")


def test_a_file_given_by_name_is_listed_whatever_it_is_called(tmp_path):
    assert reasons(put(tmp_path / "notes.txt", b"text")) == {"notes.txt": inputs.NOT_A_CAPTURE}


def test_other_packers_are_believed_where_the_name_says_capture(tmp_path):
    zstd = bytes.fromhex("28b52ffd")
    put(tmp_path / "a.pcapng.zst", zstd)
    put(tmp_path / "b.tar.zst", zstd)
    assert names(tmp_path) == ["a.pcapng.zst"]


def test_a_truncated_gzip_is_a_capture_when_its_beginning_is_one(tmp_path):
    whole = gzip.compress(PCAP + os.urandom(5000))
    put(tmp_path / "a.pcap.gz", whole[:3000])
    assert names(tmp_path) == ["a.pcap.gz"]


def test_links_to_nothing_say_where_they_point(tmp_path):
    (tmp_path / "a.pcap").symlink_to("gone.pcap")
    (tmp_path / "b.pcap").symlink_to("b.pcap")
    (tmp_path / "note").symlink_to("gone")
    assert reasons(tmp_path) == {
        "a.pcap": "dangling link to gone.pcap",
        "b.pcap": "too many levels of symbolic links",
    }


def test_a_missing_input_is_listed(tmp_path):
    assert reasons(tmp_path / "no.pcap") == {"no.pcap": "no such file or folder"}


def test_a_folder_named_like_a_capture_is_listed_and_searched(tmp_path):
    put(tmp_path / "x.pcap" / "inside.pcap")
    assert names(tmp_path) == ["x.pcap/inside.pcap"]
    assert reasons(tmp_path) == {"x.pcap": "a folder, not a capture; the files in it are looked at"}
    assert reasons(tmp_path / "x.pcap") == {}


def test_a_named_pipe_is_not_opened(tmp_path):
    os.mkfifo(tmp_path / "live.pcap")
    os.mkfifo(tmp_path / "other")
    assert reasons(tmp_path) == {"live.pcap": "not a regular file"}


def test_an_empty_folder_is_listed_and_one_with_other_files_is_passed_over(tmp_path):
    put(tmp_path / "good.pcap")
    put(tmp_path / "logs" / "x.log", b"text")
    (tmp_path / "nothing").mkdir()
    assert reasons(tmp_path) == {"nothing": "empty folder"}


def test_a_folder_given_in_which_there_is_no_capture_is_listed(tmp_path):
    put(tmp_path / "logs" / "x.log", b"text")
    assert reasons(tmp_path) == {tmp_path.name: "no capture in this folder"}


@pytest.fixture
def public_folder():
    """A folder that others may look into, which pytest's own is not."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture
def ordinary_user():
    """The test as a user without privileges, if it is run by root."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    yield
    os.seteuid(0)


def test_what_may_not_be_read_is_listed(public_folder, request):
    put(public_folder / "good.pcap")
    put(public_folder / "secret.pcap").chmod(0)
    put(public_folder / "closed" / "a.pcap").parent.chmod(0)
    request.getfixturevalue("ordinary_user")
    assert names(public_folder) == ["good.pcap"]
    assert reasons(public_folder) == {
        "closed": "folder not looked into: permission denied",
        "secret.pcap": "permission denied",
    }


def test_link_loops_end_and_real_folders_give_the_names(tmp_path):
    put(tmp_path / "b" / "a.pcap")
    (tmp_path / "b" / "up").symlink_to(tmp_path)
    (tmp_path / "a").symlink_to(tmp_path / "b")
    assert names(tmp_path) == ["b/a.pcap"]


def test_a_linked_folder_elsewhere_is_searched(tmp_path):
    put(tmp_path / "far" / "a.pcap")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "link").symlink_to(tmp_path / "far")
    assert names(tmp_path / "in") == ["link/a.pcap"]


def test_names_are_relative_to_the_deepest_common_folder(tmp_path):
    one, two = put(tmp_path / "mon" / "x.pcap"), put(tmp_path / "tue" / "x.pcap")
    assert names(one, two) == ["mon/x.pcap", "tue/x.pcap"]
    assert names(one) == ["x.pcap"]
    assert names(tmp_path) == ["mon/x.pcap", "tue/x.pcap"]
    assert names(tmp_path / "mon", two) == ["mon/x.pcap", "tue/x.pcap"]
    assert names(tmp_path / "tue" / ".." / "mon") == ["x.pcap"]


def test_an_input_that_is_not_there_does_not_change_the_names(tmp_path):
    assert names(put(tmp_path / "a" / "x.pcap"), Path("/nonexistent/y.pcap")) == ["x.pcap"]


def test_the_same_file_given_twice_is_one_capture(tmp_path):
    capture = put(tmp_path / "a.pcap")
    assert names(tmp_path, capture, capture) == ["a.pcap"]


def test_the_folder_of_results_is_not_searched(tmp_path):
    put(tmp_path / "a.pcap")
    put(tmp_path / "out" / "export.pcap")
    assert names(tmp_path, skip=tmp_path / "out") == ["a.pcap"]
    assert [left_out.path.name for left_out in find([tmp_path], tmp_path / "out")[1]] == []


def test_captures_come_in_the_order_of_their_names(tmp_path):
    for name in ("b/1.pcap", "a.pcap", "c.pcap", "a/z.pcap"):
        put(tmp_path / name)
    assert names(tmp_path) == sorted(["b/1.pcap", "a.pcap", "c.pcap", "a/z.pcap"])


def test_names_that_are_no_text_stay_apart(tmp_path):
    for name in (b"\xff.pcap", b"\xfe.pcap"):
        put(Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)))
    assert names(tmp_path) == ["\\xfe.pcap", "\\xff.pcap"]


def test_hashes_are_those_of_the_bytes_and_a_vanished_file_is_listed(tmp_path):
    put(tmp_path / "a.pcap", PCAP)
    put(tmp_path / "b.pcap", PCAP)
    captures, _ = find([tmp_path])
    (tmp_path / "b.pcap").unlink()
    hashed, lost = inputs.hashed(captures, threads=2)
    assert [capture.sha256 for capture in hashed] == [inputs.sha256(tmp_path / "a.pcap")]
    assert [(left_out.path.name, left_out.reason) for left_out in lost] == [
        ("b.pcap", "no such file or directory")
    ]
