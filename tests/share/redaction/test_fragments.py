from postproc.share.redaction.fragments import Fragments

DATA = b"0123456789abcdef" * 4


def noted(*parts: tuple[int, bytes, bool], **changes: bool) -> Fragments:
    fragments = Fragments()
    for frame, (offset, data, more) in enumerate(parts, 1):
        fragments.note(frame, b"key", offset, more, data, cut=changes.get("cut", False))
    fragments.finish(lambda _, data: data[::-1])
    return fragments


def test_a_datagram_is_replaced_whole_and_parted_again():
    found = noted((0, DATA[:32], True), (32, DATA[32:], False)).places
    assert found == {1: DATA[:31:-1], 2: DATA[31::-1]}


def test_a_datagram_with_a_gap_or_a_cut_is_not_known():
    assert noted((0, DATA[:24], True), (32, DATA[32:], False)).places == {}
    assert noted((0, DATA[:32], True)).places == {}
    assert noted((0, DATA[:32], True), (32, DATA[32:], False), cut=True).places == {}


def test_a_second_copy_of_a_fragment_is_the_same():
    found = noted((0, DATA[:32], True), (0, DATA[:32], True), (32, DATA[32:], False)).places
    assert found[1] == found[2]


def test_overlapping_fragments_are_not_put_together():
    assert noted((0, DATA[:40], True), (32, DATA[32:], False)).places == {}
