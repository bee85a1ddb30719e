"""Connectivity checks of which none is answered."""

from postproc.diagnose.rules.no_binding_success import RULE
from tests.diagnose.refusals import at_once, response
from tests.diagnose.scenes import (
    CLIENT_PRIVATE,
    asked,
    candidate,
    check,
    message,
    section,
    unanswered,
    verdict,
)

HOTSPOT = "172.20.10.2"


def test_unanswered_requests_of_the_server_are_a_fault():
    (found,) = asked(RULE, bindings=unanswered(6), rtp_streams=[])
    assert (found.rule, found.verdict, found.leg) == ("no-binding-success", "fault", 1)
    assert found.facts["unanswered_to_client"] == found.facts["sent_to_client"] == 6
    assert len(found.evidence.frames) == 6


def test_a_server_that_repeats_one_request_with_one_transaction_id_is_seen_as_well():
    """RFC 8445, section 14.3: retransmissions bear the same ID; rtpengine, libnice and browsers keep to it."""
    tried = [check(outcome="unanswered", requests=7, last_time=9.0)]
    (found,) = asked(RULE, bindings=tried, rtp_streams=[])
    assert found.facts["unanswered_to_client"] == found.facts["sent"] == 7


def test_a_private_hotspot_address_and_no_public_one_tried_are_named():
    tried = unanswered(6, dst_addr=HOTSPOT)
    (found,) = asked(RULE, bindings=tried, rtp_streams=[])
    assert found.tags == {"hotspot", "private-target"}
    assert (found.facts["hotspot"], found.facts["hotspot_addr"]) == ("iPhone", HOTSPOT)


def test_unanswered_requests_of_both_sides_are_counted_apart():
    (found,) = asked(RULE, bindings=[*unanswered(6), *unanswered(3, "client_to_server")], rtp_streams=[])
    assert (found.facts["unanswered"], found.facts["unanswered_to_server"]) == (9, 3)


def test_requests_left_open_by_the_end_of_the_capture_count_with_the_unanswered():
    tried = [*unanswered(4), check(time=9.0, outcome="pending")]
    (found,) = asked(RULE, bindings=tried, rtp_streams=[])
    assert found.facts["unanswered"] == found.facts["sent"] == 5


def test_it_is_but_a_suspicion_where_no_sip_proves_sight_both_ways():
    alone = [row | {"leg": None} for row in unanswered(6)]
    (found,) = asked(RULE, bindings=alone, rtp_streams=[], legs=[], sip_messages=[], sdp_media=[])
    assert found.verdict == "suspect"


def test_a_capture_of_one_direction_only_leaves_it_open():
    one_way = [
        message(2, "INVITE", 0.3),
        message(2, "ACK", 3.0, to_tag="g"),
        message(2, "BYE", 20.0, to_tag="g"),
    ]
    row = verdict(bindings=unanswered(6), rtp_streams=[], dtls=[], pairs=[], sip_messages=one_way)
    assert (row.verdict, row.cause) == ("cannot_tell", "one-direction-only")


def test_the_call_gets_it_as_cause():
    row = verdict(bindings=unanswered(6), rtp_streams=[], dtls=[], pairs=[])
    assert (row.verdict, row.cause) == ("fault", "no-binding-success")
    assert row.headline.startswith("No Binding Success: 6 of 6 Binding Requests were never answered.")


def test_silent_when_one_check_was_answered():
    assert asked(RULE, bindings=[*unanswered(6), check("client_to_server")]) == []


def test_silent_when_too_few_requests_were_seen():
    assert asked(RULE, bindings=unanswered(2), rtp_streams=[]) == []


def test_silent_when_nothing_was_asked():
    assert asked(RULE, bindings=[], rtp_streams=[]) == []


def test_silent_about_a_call_that_is_refused_before_the_other_side_is_told_where_to_answer():
    """rtpengine checks what the caller offers while the callee refuses; the caller never gets its password."""
    asked_for = [message(1, "INVITE", 0.0, has_sdp=True), response(1, 400, 0.2), message(1, "ACK", 0.3)]
    refused = {**at_once(400), "sip_messages": asked_for, "bindings": unanswered(6)}
    assert asked(RULE, **refused) == []
    early = section(time=0.1, frame=5, sdp_owner="FreeSWITCH")
    answered = [*refused["sdp_media"], early]
    ringing = message(1, 183, 0.1, frame=5, has_sdp=True)
    told = {"sdp_media": answered, "sip_messages": [*asked_for, ringing]}
    assert len(asked(RULE, **refused | told)) == 1


def test_silent_on_the_good_call():
    assert asked(RULE) == []


def test_private_targets_of_a_client_without_private_candidates_are_not_remarked():
    tried = unanswered(3, dst_addr=CLIENT_PRIVATE)
    offered = [candidate("client", "198.51.100.77", "documentation")]
    (found,) = asked(RULE, bindings=tried, candidates=offered, rtp_streams=[])
    assert "private-target" not in found.tags
