"""No ClientHello though checks succeeded."""

import pytest

from postproc.diagnose.rules.dtls_not_started import RULE
from tests.builders import SERVER
from tests.diagnose.scenes import asked, check, good, message, section, told_both, verdict

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


def renewed(now="sha-256 CC", *, until=20.0, first=3.0, shaken=(0.5,), **changes):
    """A re-INVITE at 10 s whose answer names another certificate, and the streams of before until then."""
    ends = {"from_tag": "f", "to_tag": "t"}
    theirs = {"sdp_owner": "FreeSWITCH", "connection_addr": SERVER, "ufrag": "server", "setup": "active"}
    sip = [
        message(1, "INVITE", 0.0, frame=1, cseq=1, from_tag="f"),
        message(1, 200, 3.0, frame=5, cseq=1, has_sdp=True, **ends),
        message(1, "INVITE", 9.9, frame=40, cseq=2, **ends),
        message(1, 200, 10.0, frame=41, cseq=2, has_sdp=True, **ends),
    ]
    said = [
        section(frame=1),
        section(frame=5, time=3.0, **theirs | {"fingerprint": "sha-256 BB"}),
        section(frame=40, time=9.9),
        section(frame=41, time=10.0, **theirs | {"fingerprint": now}),
    ]
    streams = [row | {"last_time": until, "first_time": first} for row in good()["rtp_streams"]]
    handshake = dict(good()["dtls"][0])
    shakes = [handshake | {"started": at, "time": at} for at in shaken]
    return {"sip_messages": sip, "sdp_media": said, "rtp_streams": streams, "dtls": shakes} | changes


def test_another_certificate_in_the_call_and_no_new_handshake():
    (found,) = asked(RULE, **renewed())
    assert (found.verdict, found.confidence, found.tags) == ("suspect", 0.7, {"renewed"})
    assert found.evidence.frames == (5, 41)
    told = told_both(found, RULE)
    assert "from frame 41 on, and no DTLS handshake follows: media go on for 10 s" in told["en"]["title"]
    assert "neue DTLS-Assoziation" in told["de"]["detail"]
    row = verdict(**renewed())
    assert (row.verdict, row.cause) == ("suspect", "dtls-not-started")


@pytest.mark.parametrize(
    "scene",
    [
        renewed("sha-256 bb"),
        renewed("SHA-256 BB"),
        renewed("sha-1 CC"),
        renewed(None),
        renewed(until=10.5),
        renewed(first=10.1),
        renewed(shaken=(0.5, 10.2)),
        renewed(shaken=()),
    ],
    ids=[
        "the same",
        "as large",
        "another hash",
        "none",
        "the end",
        "new streams",
        "a handshake",
        "never seen",
    ],
)
def test_silent_where_the_session_is_the_one_described_or_not_seen(scene):
    assert all("renewed" not in found.tags for found in asked(RULE, **scene))
