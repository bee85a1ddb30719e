"""No ClientHello though checks succeeded."""

from postproc.diagnose.rules.dtls_not_started import RULE
from tests.diagnose.scenes import asked, check, section, told_both

READY = {"dtls": [], "rtp_streams": []}


def test_answered_checks_without_a_client_hello_are_a_fault_of_the_side_that_had_to_begin():
    (found,) = asked(RULE, **READY)
    assert (found.verdict, found.facts["side"], found.facts["answered"]) == ("fault", "server", 2)
    assert "kein ClientHello" in told_both(found, RULE)["de"]["title"]


def test_without_a_role_both_may_be_waiting():
    both = [section(), section(sdp_owner="FreeSWITCH", ufrag="server", setup="actpass", time=0.2, frame=5)]
    (found,) = asked(RULE, sdp_media=both, **READY)
    assert (found.verdict, found.tags) == ("suspect", {"nobody"})


def test_silent_when_dtls_was_not_agreed():
    plain = [section(fingerprint=None), section(ufrag="server", fingerprint=None, time=0.2)]
    assert asked(RULE, sdp_media=plain, **READY) == []


def test_silent_when_no_check_was_answered():
    assert asked(RULE, bindings=[check(outcome="unanswered")], **READY) == []


def test_silent_when_the_capture_ends_at_once():
    assert asked(RULE, captures=[{"last_time": 2.0}], **READY) == []


def test_silent_when_media_flows_all_the_same():
    assert asked(RULE, dtls=[]) == []
