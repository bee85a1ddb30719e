"""Packets that are missing in the capture itself, told from packets lost in the network."""

from postproc.diagnose.evidence.view import holes, leaky
from tests.diagnose.scenes import check, foreign, good, leg, message, scene


def without(*frames: int):
    return [row for row in good()["sip_messages"] if row["frame"] not in frames]


def test_silent_where_everything_is_there():
    assert holes(scene()) == []
    assert holes(scene(base=foreign())) == []


def test_a_binding_success_without_a_request_is_one():
    answers = [check(time=1.0 + n, outcome="response_only") for n in range(2)]
    assert len(holes(scene(bindings=answers))) == 2
    assert leaky(scene(bindings=answers))


def test_a_response_without_its_request_is_one():
    (found,) = holes(scene(sip_messages=[*without(30), message(2, 200, 20.1, cseq=2, cseq_method="BYE")]))
    assert found.cseq_method == "BYE"


def test_an_ack_of_nothing_is_one_and_one_alone_proves_nothing():
    case = scene(sip_messages=[*without(20), message(2, "ACK", 3.1, cseq=1, cseq_method="ACK")])
    assert [row.method for row in holes(case)] == ["ACK"]
    assert not leaky(case)


def test_a_capture_that_starts_in_mid_call_lacks_its_beginning_only():
    late = scene(
        legs=[leg(2, state="starts_mid_call", call_id="b@x")], sip_messages=[message(2, 200, 3.0, cseq=1)]
    )
    assert holes(late) == []
