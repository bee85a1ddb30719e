"""A call with all rows that are its own."""

import pytest

from postproc.diagnose.evidence.case import cases, evidence, found_by
from postproc.diagnose.rules import no_media, one_way_media
from tests.builders import SERVER
from tests.diagnose.scenes import (
    CLIENT_PORT,
    CLIENT_PUBLIC,
    SERVER_PORT,
    XPHONE,
    check,
    foreign,
    good,
    leg,
    message,
    scene,
    section,
    stream,
    tables,
)

FLOW = {"src_addr": SERVER, "src_port": SERVER_PORT, "dst_addr": CLIENT_PUBLIC, "dst_port": CLIENT_PORT}
LATER = {"call": 2, "legs": 1, "start": 100.0}


def two_calls(**changes):
    base = good()
    second = leg(1, call=2, call_id="c@x", time=100.0, invite_time=100.0, answer_time=101.0, end_time=110.0)
    held = {
        "calls": [*base["calls"], LATER],
        "legs": [*base["legs"], second],
        "sip_messages": [*base["sip_messages"], message(1, "INVITE", 100.0, call_id="c@x", frame=99)],
    }
    return cases(tables(**held | changes), XPHONE)


def test_calls_come_by_number_each_with_its_own_rows():
    first, second = two_calls()
    assert (first.number, second.number) == (1, 2)
    assert [row.frame for row in second.sip_messages] == [99]
    assert (second.bindings, second.rtp_streams, second.sdp_media) == ((), (), ())
    assert len(first.sip_messages) == 7


def test_rows_stand_in_order_of_time():
    case = scene(bindings=[check(time=5.0), check(time=1.0)])
    assert [row.time for row in case.bindings] == sorted(row.time for row in case.bindings)


def test_second_captures_of_a_packet_are_left_out():
    twice = [message(1, "INVITE", 0.0, frame=1), message(1, "INVITE", 0.001, frame=2, copy_of=1)]
    assert [row.frame for row in scene(sip_messages=twice).sip_messages] == [1]


def test_icmp_errors_and_dtls_belong_to_the_call_whose_flow_they_are_of():
    row = {**FLOW, "time": 1.5, "type": 3, "code": 3, "version": 4}
    first, second = two_calls(
        icmp_errors=[row], dtls_messages=[{**FLOW, "time": 1.6, "handshake_type": "client_hello"}]
    )
    assert (len(first.icmp_errors), len(first.dtls_messages)) == (1, 1)
    assert (second.icmp_errors, second.dtls_messages) == ((), ())


@pytest.mark.parametrize(("time", "count"), [(24.0, 1), (26.0, 0)])
def test_but_only_within_five_seconds_of_the_calls_life(time, count):
    row = {**FLOW, "time": time, "type": 3, "code": 3, "version": 4}
    first, _ = two_calls(icmp_errors=[row])
    assert len(first.icmp_errors) == count


def test_a_flow_two_calls_used_one_after_the_other_is_each_ones_in_its_time():
    late = {"call": 2, "first_time": 101.0, "last_time": 109.0, "time": 101.0}
    errors = [{**FLOW, "time": moment, "type": 3, "code": 3, "version": 4} for moment in (2.0, 105.0)]
    first, second = two_calls(rtp_streams=[stream(), stream(**late)], icmp_errors=errors)
    assert [len(case.icmp_errors) for case in (first, second)] == [1, 1]


def test_products_name_themselves_in_agents_owners_and_stun_software():
    assert scene().products == {"xphone", "freeswitch"}
    assert scene(base=foreign()).products == frozenset()
    said = [{"transaction_id": "t", "software": "FreeSWITCH (1.10)", "time": 1.0}]
    case = scene(base=foreign(), bindings=[check(transaction_id="t")], stun_messages=said)
    assert (case.software, case.products) == (("FreeSWITCH (1.10)",), {"freeswitch"})


def test_the_clients_leg_is_the_one_with_ice_checks_or_its_candidates():
    assert scene().client_legs == [1]
    assert scene(sdp_media=[], candidates=[], dtls=[], bindings=[check(leg=2)]).client_legs == [2]
    handshake = good()["dtls"][0] | {"leg": 2}
    assert scene(sdp_media=[], candidates=[], bindings=[], dtls=[handshake]).client_legs == [2]
    assert scene(sdp_media=[section("b@x")], candidates=[], bindings=[], dtls=[]).client_legs == [2]
    assert scene(base=foreign()).client_legs == []


def test_a_call_without_sip_is_judged_as_one_leg_without_a_number():
    assert scene(legs=[]).judged_legs == [None]


def test_the_last_capture_ends_the_view():
    assert scene(captures=[]).last_time is None
    assert scene().last_time is not None


def test_evidence_is_the_frames_of_the_first_rows_capture():
    case = scene(
        bindings=[check(frame=7), check(time=2.0, frame=3), check(time=3.0, frame=9, capture="b.pcapng")]
    )
    found = evidence(None, *case.bindings, more=[12])
    assert (found.capture, found.frames, found.time) == ("a.pcapng", (3, 7, 12), case.bindings[0].time)


def test_evidence_needs_a_row():
    with pytest.raises(ValueError, match="needs a row"):
        evidence(None)


def test_what_other_calls_refute_is_not_found():
    (case, *_) = two_calls(rtp_streams=[])
    assert not found_by(case, one_way_media.RULE)
    assert found_by(case, one_way_media.RULE, no_media.RULE)
    case.refuted = frozenset({no_media.RULE.name})
    assert not found_by(case, one_way_media.RULE, no_media.RULE)
