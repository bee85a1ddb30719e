"""The final response that refused a call, and who sent it."""

import pytest

from postproc.diagnose.evidence.signalling import q850, rejection
from tests.builders import GATEWAY, SERVER
from tests.diagnose.refusals import CAUSE_88, at_once, passed_on, refused_leg, response
from tests.diagnose.scenes import leg, message, scene


def test_the_servers_own_refusal():
    case = scene(**at_once(403))
    found = rejection(case)
    assert (found.status, found.phrase, found.after_ms) == (403, "403 No", 2.0)
    assert found.own(case)
    assert found.origin is found.response


def test_a_refusal_passed_on_goes_back_to_the_other_leg():
    case = scene(**passed_on(500, first=503))
    found = rejection(case)
    assert (found.status, found.origin.status, found.origin.src_addr) == (500, 503, GATEWAY)
    assert found.asked_on
    assert not found.own(case)


def test_the_time_counts_from_the_invite_that_was_refused():
    messages = [
        message(1, "INVITE", 0.0),
        response(1, 407, 0.01),
        message(1, "INVITE", 1.0, cseq=2),
        response(1, 503, 1.02, cseq=2),
    ]
    found = rejection(scene(**at_once(503, sip_messages=messages)))
    assert (round(found.after_ms), found.unasked) == (20, False)


def test_of_several_hops_the_first_to_refuse_counts():
    hops = [response(1, 404, 0.01, src_addr="10.0.0.9", dst_addr=SERVER), response(1, 404, 0.02)]
    found = rejection(scene(**at_once(404, sip_messages=[message(1, "INVITE", 0.0), *hops])))
    assert found.response.src_addr == "10.0.0.9"


@pytest.mark.parametrize(
    "legs",
    [
        [leg(1)],
        [refused_leg(1, 486)],
        [refused_leg(1, 503, state="cancelled")],
        [refused_leg(1, 302)],
        [refused_leg(2, 503)],
        [],
    ],
    ids=["answered", "busy", "cancelled", "redirected", "no first leg", "no leg"],
)
def test_no_refusal(legs):
    assert rejection(scene(**at_once(503, legs=legs))) is None


def test_the_cause_is_that_of_the_response_else_of_its_origin():
    assert rejection(scene(**at_once(488, reason_header=CAUSE_88))).cause == 88
    scenes = passed_on(503)
    scenes["sip_messages"][4] |= {"reason_header": "Q.850;cause=41"}
    assert rejection(scene(**scenes)).cause == 41


@pytest.mark.parametrize(
    ("header", "cause"),
    [
        (CAUSE_88, 88),
        ("SIP;cause=503, q.850 ;text=x;cause = 27", 27),
        ("SIP;cause=487", None),
        ("Q.850;cause=99999", None),
        ("Q.850;text=<script>", None),
        (None, None),
    ],
)
def test_q850(header, cause):
    assert q850(header) == cause
