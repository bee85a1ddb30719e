"""A ring buffer is one recording; files of the same time are vantage points."""

import pandas as pd
import pytest

from postproc.model.findings import Evidence
from postproc.model.loading import FrameNumber
from postproc.model.merged import Recording, Recordings
from postproc.model.recordings import (
    File,
    chains,
    joined,
    overlapping,
    recordings,
    views,
)
from postproc.model.tables import Tables
from tests.builders import bindings, captures, rows, sip_messages
from tests.correlate.conversation import ask, invite


def file(name: str, first: float | None, last: float | None, **fields: object) -> dict:
    return {"capture": name, "first_time": first, "last_time": last, **fields}


def numbers(*files: dict, calls: tuple[dict, ...] = ()) -> dict[str, int]:
    return recordings(captures(*files), sip_messages(*calls)).to_dict()


def together(*files: dict, calls: tuple[dict, ...] = ()) -> bool:
    return len(set(numbers(*files, calls=calls).values())) == 1


def test_no_captures_make_no_recordings():
    assert numbers() == {}


def test_files_that_follow_each_other_are_one_recording():
    assert together(file("1", 0, 100), file("2", 100, 200), file("3", 201, 300))


def test_the_order_in_which_files_are_given_does_not_matter():
    given = [file("3", 201, 300), file("9", 5000, 6000), file("1", 0, 100), file("2", 100, 200)]
    assert numbers(*given) == numbers(*reversed(given)) == {"1": 0, "2": 0, "3": 0, "9": 1}


def test_overlapping_files_are_vantage_points():
    assert numbers(file("client", 5, 90), file("server", 0, 100)) == {"server": 0, "client": 1}


def test_two_ring_buffers_at_the_same_time_are_two_recordings():
    files = [file("a1", 0, 100), file("b1", 1, 101), file("a2", 100, 200), file("b2", 101, 201)]
    assert numbers(*files) == {"a1": 0, "a2": 0, "b1": 1, "b2": 1}


@pytest.mark.parametrize("other", [{"interfaces": "lo"}, {"link_types": "NULL"}, {"interfaces": None}])
def test_other_interfaces_are_another_recording(other: dict):
    assert not together(file("1", 0, 100), file("2", 100, 200, **other))


def test_files_without_interface_names_go_by_link_type():
    plain = {"interfaces": "", "link_types": "ETHERNET"}
    assert together(file("1", 0, 100, **plain), file("2", 100, 200, **plain))


def test_a_pause_of_a_minute_is_allowed():
    assert together(file("1", 0, 100), file("2", 160, 200))
    assert not together(file("1", 0, 100), file("2", 161, 200))


@pytest.mark.parametrize("later", [ask("BYE", 9000), ask("ACK", 9000)])
def test_any_pause_is_allowed_while_a_call_goes_on(later: dict):
    files = [file("1", 0, 100), file("2", 9000, 9100)]
    assert together(*files, calls=(invite(50, capture="1"), later | {"capture": "2"}))
    assert not together(*files, calls=(invite(50, capture="1"), later | {"capture": "2", "call_id": "b"}))


def test_a_phone_registering_with_the_same_call_id_all_day_is_no_call_going_on():
    registered = [ask("REGISTER", 50, capture="1"), ask("REGISTER", 9000, capture="2")]
    assert not together(file("1", 0, 100), file("2", 9000, 9100), calls=tuple(registered))


def test_a_shared_call_does_not_join_overlapping_files():
    both = (invite(50, capture="1"), invite(50, capture="2"))
    assert not together(file("1", 0, 100), file("2", 40, 140), calls=both)


def test_a_call_going_on_tells_which_of_two_recordings_it_was():
    files = [file("a", 0, 100), file("b", 50, 110), file("c", 120, 200)]
    calls = (invite(20, capture="a"), ask("BYE", 150, capture="c"))
    assert numbers(*files) == {"a": 0, "b": 1, "c": 1}
    assert numbers(*files, calls=calls) == {"a": 0, "b": 1, "c": 0}


def test_packets_out_of_order_at_the_end_of_a_file_are_no_overlap():
    assert together(file("1", 0, 100.2), file("2", 100, 200))
    assert not together(file("1", 0, 101), file("2", 100, 200))


def test_very_short_captures_of_the_same_moment_are_vantage_points():
    assert not together(file("1", 0, 0.3), file("2", 0.01, 0.31))
    assert not together(file("1", 0, 0), file("2", 0, 0))


def test_captures_without_packets_stand_alone_and_last():
    assert numbers(file("x", None, None), file("y", None, None), file("a", 0, 1)) == {"a": 0, "x": 1, "y": 2}


def test_recordings_overlap_when_they_share_a_moment():
    table = captures(
        file("1", 0, 100),
        file("2", 100, 200),
        file("v", 150, 160),
        file("l", 500, 600),
        file("e", None, None),
    )
    number = recordings(table, sip_messages())
    overlap = overlapping(table, number)
    one, vantage, late, empty = (number[name] for name in ("1", "v", "l", "e"))
    assert overlap(one, vantage)
    assert overlap(vantage, one)
    assert not overlap(one, late)
    assert not overlap(late, empty)
    assert overlap(empty, empty)


def test_ten_thousand_files_side_by_side_are_told_apart_quickly():
    table = captures(file("0", 0, 100))
    many = pd.concat([table] * 10_000, ignore_index=True)
    many["capture"] = pd.Series(range(len(many))).astype("string")
    many["first_time"] += pd.to_timedelta(range(len(many)), unit="ms")
    many["last_time"] += pd.to_timedelta(range(len(many)), unit="ms")
    assert recordings(many, sip_messages()).nunique() == 10_000


def test_captures_that_show_the_same_messages_are_no_files_of_one_recording():
    """One clock is a minute off, so that the one seems to follow the other."""
    asks = [f"{number:024x}" for number in range(6)]
    held = {"near": asks, "far": asks[1:], "next": asks[5:]}
    messages = rows(
        "stun_messages",
        *(
            {"capture": name, "transaction_id": ask, "kind": "request"}
            for name, ids in held.items()
            for ask in ids
        ),
    )
    assert views(Tables(stun_messages=messages)) == {"near": {"far"}, "far": {"near"}}
    files = captures(file("near", 0, 10), file("far", 11, 20), file("next", 21, 30))
    assert recordings(files, sip_messages(), {"near": {"far"}, "far": {"near"}}).to_dict() == {
        "near": 0,
        "far": 1,
        "next": 1,
    }


RING = Recording.of(["a", "b", "c"], [10, 20, 5])


def in_ring() -> Recordings:
    return Recordings((RING,), captures(file("a", 0, 1), file("b", 1, 2), file("c", 2, 3)))


@pytest.mark.parametrize(
    ("frame", "place"), [(1, ("a", 1)), (10, ("a", 10)), (11, ("b", 1)), (30, ("b", 20)), (31, ("c", 1))]
)
def test_a_frame_of_a_recording_is_one_of_a_file(frame: int, place: tuple[str, int]):
    found = in_ring().evidence(Evidence(RING.name, (frame, frame + 100)))
    assert (found.capture, found.frames[0]) == place


def test_facts_name_the_file_of_a_frame_that_is_not_that_of_the_evidence():
    given = {"frame": FrameNumber(12), "others": (FrameNumber(11), FrameNumber(3)), "count": 12}
    assert in_ring().facts(given, Evidence(RING.name, (12,))) == {
        "frame": 2,
        "others": (1, "3 (a)"),
        "count": 12,
    }
    assert in_ring().facts(given, Evidence("elsewhere", (12,))) == given


def test_recordings_in_place_of_captures_and_back():
    tables = Tables().with_(
        captures=captures(*(file(name, n, n + 1, packets=10) for n, name in enumerate("cab"))),
        sip_messages=sip_messages(
            *({"capture": name, "frame": frame} for name, frame in (("c", 9), ("a", 2), ("b", 10)))
        ),
        bindings=bindings({"capture": "a", "frame": 8, "response_frame": 12}),
    )
    whole, recorded = joined(tables)
    assert whole.captures[["capture", "packets"]].values.tolist() == [["c … b", 30]]
    assert whole.sip_messages[["capture", "frame"]].values.tolist() == [
        ["c … b", 9],
        ["c … b", 12],
        ["c … b", 30],
    ]
    assert whole.bindings[["frame", "response_frame"]].values.tolist() == [[18, 22]]
    apart = recorded.apart(whole)
    assert apart.captures["recording"].tolist() == [0, 0, 0]
    for name in ("sip_messages", "bindings"):
        pd.testing.assert_frame_equal(getattr(apart, name), getattr(tables, name))


def test_files_that_were_read_as_one_are_one_whatever_they_show():
    given = captures(file("1", 0, 10, recording=4), file("2", 3000, 3010, recording=4), file("3", 5000, 5001))
    _, recorded = joined(Tables().with_(captures=given))
    assert [each.files for each in recorded.several] == [("1", "2")]


def test_an_end_that_dumpcap_wrote_out_of_order_is_the_next_file_all_the_same():
    assert together(file("1", 0, 1.2), file("2", 1.1, 1.25))
    assert not together(file("long", 0, 100), file("inside", 99.9, 99.95))


def test_of_two_rings_side_by_side_each_file_goes_on_from_the_nearest():
    files = [
        file("x/1", 0, 100),
        file("y/1", 0.02, 100.02),
        file("x/2", 100.01, 200),
        file("y/2", 100.03, 200),
    ]
    assert numbers(*files) == {"x/1": 0, "x/2": 0, "y/1": 1, "y/2": 1}


@pytest.mark.parametrize(
    ("shown", "expected"), [(True, [["a1", "a2"], ["b1"]]), (None, [["a1", "b1"], ["a2"]])]
)
def test_times_alone_join_no_file_to_one_that_goes_on_in_another(shown, expected):
    """Another place's first file begins before the file that goes on from the one that ends then."""
    spans = {"a1": (0, 10_000), "b1": (10_000, 20_000), "a2": (10_001, 20_000)}
    files = [File(*span, name, ("", "")) for name, span in spans.items()]

    def goes_on(earlier: File, later: File) -> bool | None:
        return shown if (earlier.capture, later.capture) == ("a1", "a2") else None

    assert [[file.capture for file in chain] for chain in chains(files, goes_on)] == expected
