"""Media that begins long after the answer."""

from postproc.diagnose.rules.late_media import RULE
from tests.diagnose.scenes import asked, check, good, section, stream, told_both, verdict


def both(first: float):
    return [stream(first_time=first, time=first), stream("client_to_server", first_time=first, time=first)]


def test_media_held_up_by_dtls_is_suspect():
    late = [dict(good()["dtls"][0]) | {"completed": 7.0}]
    found, _ = asked(RULE, rtp_streams=both(7.1), dtls=late)
    assert (found.verdict, found.tags) == ("suspect", {"ice"})
    assert "4,1 s nach dem Abheben" in told_both(found, RULE)["de"]["title"]
    assert verdict(rtp_streams=both(7.1), dtls=late).verdict == "suspect"


def test_media_held_up_by_checks_is_suspect():
    found, _ = asked(RULE, rtp_streams=both(9.0), bindings=[check(time=8.5)])
    assert found.facts["ice"] == 5.5


def test_a_sender_that_begins_late_is_but_noted():
    found, _ = asked(RULE, rtp_streams=both(6.0))
    assert (found.verdict, found.tags) == ("note", {"sender"})


def test_silent_when_media_is_prompt():
    assert asked(RULE, rtp_streams=both(3.4)) == []


def test_silent_on_hold():
    held = [*good()["sdp_media"], section(direction="inactive", time=3.0)]
    assert asked(RULE, rtp_streams=both(9.0), sdp_media=held) == []
