"""The hash of a file on the way: the same however the file is read."""

import hashlib

from hypothesis import given, settings
from hypothesis import strategies as st

from postproc.read.hashing import PIECE, Hashing

CONTENT = bytes(range(256)) * 40
STEPS = st.lists(st.tuples(st.sampled_from(["into", "read", "seek"]), st.integers(0, 12_000)), max_size=8)


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_the_hash_is_that_of_all_bytes_whatever_was_read_before(tmp_path_factory, steps):
    path = tmp_path_factory.getbasetemp() / "hashed"
    path.write_bytes(CONTENT)
    with Hashing(path) as file:
        for step, number in steps:
            if step == "into":
                at, buffer = file.tell(), bytearray(number)
                got = file.readinto(buffer)
                assert buffer[:got] == CONTENT[at : at + got]
            else:
                {"read": file.read, "seek": file.seek}[step](number)
        assert file.sha256() == hashlib.sha256(CONTENT).hexdigest()


def test_a_file_walked_to_its_end_is_not_read_again(tmp_path):
    path = tmp_path / "walked"
    path.write_bytes(CONTENT)
    with Hashing(path) as file:
        while file.readinto(bytearray(1000)):
            pass
        path.write_bytes(b"x" * len(CONTENT))
        assert file.sha256() == hashlib.sha256(CONTENT).hexdigest()


def test_more_than_a_piece_may_be_left(tmp_path):
    path = tmp_path / "large"
    path.write_bytes(bytes(2 * PIECE + 5))
    with Hashing(path) as file:
        assert file.sha256() == hashlib.sha256(bytes(2 * PIECE + 5)).hexdigest()
