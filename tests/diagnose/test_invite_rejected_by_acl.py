"""403 at once: an access list of the server."""

from dataclasses import replace

import pytest

from postproc.diagnose.rules.invite_rejected_by_acl import RULE
from postproc.model.acl import built
from tests.builders import APP, SERVER
from tests.diagnose.refusals import at_once, log, passed_on, refused_leg, response
from tests.diagnose.scenes import XPHONE, asked, foreign, message, told_both

REJECTED = f'IP {APP} Rejected by acl "xphone_servers"'


def test_without_a_log_it_is_a_suspicion_with_its_reasons():
    (found,) = asked(RULE, **at_once(403))
    assert (found.verdict, found.leg, found.evidence.frames) == ("suspect", 1, (1, 2))
    assert (found.facts["address"], found.facts["server"], found.facts["after_ms"]) == (APP, SERVER, 2.0)
    told = told_both(found, RULE)
    assert "no challenge" in told["en"]["detail"]
    assert "Klärung: Das Log" in told["de"]["detail"]


def test_the_log_makes_it_certain_and_names_list_and_address():
    (found,) = asked(RULE, **at_once(403), log_events=[log("acl", REJECTED)])
    assert found.verdict == "fault"
    assert found.facts["lists"] == ["xphone_servers"]
    told = told_both(found, RULE)
    assert told["en"]["title"] == f'The server\'s access list "xphone_servers" rejects {APP}: 403 Forbidden.'
    assert f"fs.log:7 {REJECTED}" in told["de"]["detail"]


def test_a_log_line_without_a_list_still_names_the_address():
    line = f"IP/Port {APP} 5060 Rejected by acls and auth-calls-acl-only flag is set, rejecting call"
    (found,) = asked(RULE, **at_once(403), log_events=[log("acl", line)])
    assert (found.verdict, found.facts["address"]) == ("fault", APP)
    assert told_both(found, RULE)["en"]["title"] == f"The server's access lists reject {APP}: 403 Forbidden."


def test_the_log_convinces_even_where_something_provisional_came_before():
    messages = [message(1, "INVITE", 0.0), response(1, 100, 0.001), response(1, 403, 0.2)]
    (found,) = asked(RULE, **at_once(403, sip_messages=messages), log_events=[log("acl", REJECTED)])
    assert found.verdict == "fault"


def test_another_calls_line_proves_nothing():
    (found,) = asked(RULE, **at_once(403), log_events=[log("acl", REJECTED, call_id="other@x")])
    assert found.verdict == "suspect"


def test_falling_back_to_digest_is_not_it():
    messages = [
        message(1, "INVITE", 0.0),
        response(1, 407, 0.01),
        message(1, "INVITE", 0.02, cseq=2),
        response(1, 403, 0.03, cseq=2),
    ]
    lines = [log("acl", f"{REJECTED}. Falling back to Digest auth.")]
    assert asked(RULE, **at_once(403, sip_messages=messages), log_events=lines) == []


@pytest.mark.parametrize("allowed", [True, False])
def test_the_deployments_lists_decide_where_they_are_known(allowed):
    lists = {"peers": built("peers", False, allow=[f"{APP}/32"] if allowed else ["203.0.113.0/24"])}
    known = replace(XPHONE, signalling_acl=("peers",), lists=lists)
    found = asked(RULE, known, **at_once(403))
    if allowed:
        assert found == []
    else:
        assert (found[0].verdict, found[0].facts["list"]) == ("fault", "peers")
        told_both(found[0], RULE)


def test_a_server_that_is_no_freeswitch_is_suspected_less():
    plain = refused_leg(1, 403, role="single", uac_agent="Phone/1", uas_agent="Proxy/2")
    (found,) = asked(RULE, **at_once(403, legs=[plain]))
    (usual,) = asked(RULE, **at_once(403))
    assert found.confidence < usual.confidence


def test_silent_when_it_took_its_time_or_asked_somebody():
    assert asked(RULE, **at_once(403, after=0.3)) == []
    assert asked(RULE, **passed_on(403)) == []


@pytest.mark.parametrize("status", [404, 488, 503])
def test_silent_on_other_failures(status):
    assert asked(RULE, **at_once(status)) == []


def test_silent_on_good_and_foreign_calls():
    assert asked(RULE) == []
    assert asked(RULE, base=foreign()) == []


def test_the_real_403_with_its_log_and_without(judged):
    (bare,), (logged,) = (
        judged("acl_403", log=with_log).tables.calls.itertuples() for with_log in (False, True)
    )
    assert (bare.verdict, logged.verdict) == ("suspect", "fault")
    assert bare.cause == logged.cause == "invite-rejected-by-acl"
    assert '"xphone_servers"' in logged.headline
    assert "10.0.50.118" in logged.headline
    assert len(judged("acl_403").tables.findings) == len(judged("acl_403", log=True).tables.findings) == 1
