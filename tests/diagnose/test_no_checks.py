"""Candidates on both sides, but no connectivity checks."""

import pytest

from postproc.diagnose.rules.no_checks import RULE
from tests.builders import GATEWAY, SERVER
from tests.diagnose.scenes import (
    CLIENT_PUBLIC,
    asked,
    candidate,
    check,
    plain_stream,
    section,
    stream,
    told_both,
)

QUIET = {"bindings": [], "pairs": [], "dtls": [], "rtp_streams": [plain_stream(GATEWAY, SERVER)]}


def test_no_request_while_other_media_of_the_server_is_seen_is_suspect():
    (found,) = asked(RULE, **QUIET)
    assert (found.verdict, round(found.facts["seconds"])) == ("suspect", 20)
    assert "kein Binding Request" in told_both(found, RULE)["de"]["title"]


def test_without_any_media_of_the_server_nothing_can_be_told():
    (found,) = asked(RULE, **QUIET | {"rtp_streams": []})
    assert found.verdict == "cannot_tell"
    assert "capture on the media server" in told_both(found, RULE)["en"]["detail"]


@pytest.mark.parametrize(
    ("asked_at", "verdict"),
    [
        ("198.51.100.3", "suspect"),  # where STUN of the server is seen, its checks would be
        (SERVER, "cannot_tell"),
    ],
)
def test_stun_at_the_sip_server_itself_says_nothing_of_media_that_go_past_it(asked_at, verdict):
    """A capture at the SIP server shows how both phones learn their addresses, and not their checks."""
    discovery = [
        check(purpose="discovery", src_addr=source, dst_addr=asked_at, transaction_id=source)
        for source in (GATEWAY, CLIENT_PUBLIC)
    ]
    phone = candidate("server", GATEWAY, "private", related_addr=GATEWAY)
    offered = [candidate("client", CLIENT_PUBLIC, "documentation"), phone]
    (found,) = asked(RULE, **QUIET | {"rtp_streams": [], "bindings": discovery}, candidates=offered)
    assert found.verdict == verdict


def test_rtp_one_way_does_not_stand_for_checks_and_both_ways_does():
    sent, back = stream("server_to_client"), stream("client_to_server")
    (found,) = asked(RULE, **QUIET | {"rtp_streams": [sent]})
    assert (found.verdict, found.leg) == ("suspect", 1)
    assert asked(RULE, **QUIET | {"rtp_streams": [sent, back]}) == []


def test_silent_when_one_request_was_sent():
    assert asked(RULE, **QUIET | {"bindings": [check(outcome="unanswered")]}) == []


def test_silent_when_only_one_side_has_candidates():
    assert asked(RULE, candidates=[candidate("client", "198.51.100.77", "documentation")], **QUIET) == []


def test_silent_when_the_capture_ends_too_soon():
    assert asked(RULE, captures=[{"last_time": 2.0}], **QUIET) == []


def test_silent_where_both_sides_are_lite_and_neither_sends_any():
    said = [section(ice_lite=True), section(sdp_owner="FreeSWITCH", ufrag="server", time=0.2, frame=5)]
    assert asked(RULE, sdp_media=said, **QUIET) != []
    said[1] |= {"ice_lite": True}
    assert asked(RULE, sdp_media=said, **QUIET) == []
