"""From rules to the call's verdict: what is asked of a call at all."""

import pytest

from tests.diagnose.scenes import check, good, leg, message, section, unanswered, verdict

OFFER = [message(1, "INVITE", 0.0, frame=1)]
ANSWERED_EARLY = [*OFFER, message(1, 183, 0.2, frame=5, has_sdp=True)]
OFFERED = [section()]
BOTH = [*OFFERED, section(sdp_owner="FreeSWITCH", ufrag="server", setup="active", time=0.2, frame=5)]


def unneeded(status, *, bindings, sip=OFFER, sdp=OFFERED):
    """A call that ended before an answer, whose server tried the client's candidates all the same."""
    call = {**good()["calls"][0], "final_status": status, "answer": None}
    ended = leg(1, final_status=status, state="failed", answer_time=None)
    return verdict(
        calls=[call],
        legs=[ended],
        sip_messages=[*sip, message(1, status, 4.0, frame=9)],
        sdp_media=list(sdp),
        bindings=bindings,
        rtp_streams=[],
        pairs=[],
        dtls=[],
    )


@pytest.mark.parametrize("status", [480, 486, 487, 603])
@pytest.mark.parametrize("bindings", [unanswered(6), [check(outcome="error", error_code=401)] * 4])
def test_a_call_that_never_needed_the_network_is_not_judged_by_it(status, bindings):
    """The client, never told the server's candidates, could not have opened its NAT."""
    row = unneeded(status, bindings=bindings)
    assert (row.verdict, row.cause is None or row.isna()["cause"]) == ("ok", True)


def test_with_both_descriptions_exchanged_it_did_need_it():
    row = unneeded(486, bindings=unanswered(6), sip=ANSWERED_EARLY, sdp=BOTH)
    assert (row.verdict, row.cause) == ("fault", "no-binding-success")


def test_a_refusal_that_is_no_everyday_end_is_judged_by_it():
    assert unneeded(500, bindings=unanswered(6)).verdict == "fault"
