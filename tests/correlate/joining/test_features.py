import numpy as np

from tests.correlate.conversation import invite
from tests.correlate.scenes import facts_of


def test_times_are_seconds_and_unknown_ones_nan():
    found = facts_of(
        {"time": 5.0, "invite_time": 5.5, "answer_time": 8.0}, {"time": 6.0, "invite_time": None}
    )
    assert found.start.tolist() == [0.5, 1.0]
    assert found.invited.tolist() == [True, False]
    assert found.answer[0] == 3.0
    assert np.isnan(found.answer[1])


def test_recordings_are_those_of_the_captures():
    assert facts_of({}, {"capture": "b"}, recordings={"a.pcapng": 3}).recording.tolist() == [3, 4]


def test_rows_of_one_call_id_are_one_node():
    assert facts_of({"call_id": "a"}, {"call_id": "b"}, {"call_id": "a", "capture": "b"}).node.tolist() == [
        0,
        1,
        0,
    ]


def test_a_failure_is_a_final_status_from_400_but_the_answer_to_a_cancel():
    found = facts_of(*({"final_status": status} for status in (486, 487, 200, None)))
    assert found.failure.tolist() == [486, -1, -1, -1]


def test_who_ended_is_a_place_in_the_parties():
    found = facts_of(*({"ended_by": by} for by in ("uac", "uas", None)))
    assert found.ended_by.tolist() == [0, 1, -1]


def test_the_target_is_the_last_request_uri_without_parameters():
    rows = [
        invite(0, call_id="c0", request_uri="sip:1@old"),
        invite(1, call_id="c0", request_uri="sip:1@x;user=phone"),
        invite(0, call_id="c1", request_uri="sip:1@x"),
    ]
    found = facts_of({}, {}, {}, messages=rows)
    assert found.target[0] == found.target[1] >= 0
    assert found.target[2] == -1


def test_no_legs():
    assert len(facts_of()) == 0
