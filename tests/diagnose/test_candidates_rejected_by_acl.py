"""488 at once: none of the candidates is accepted."""

from dataclasses import replace

import pytest

from postproc.diagnose.rules.candidates_rejected_by_acl import RULE
from postproc.model.acl import built
from tests.diagnose.refusals import CAUSE_88, at_once, log, offer, passed_on, refused_leg, response
from tests.diagnose.scenes import (
    CLIENT_PRIVATE,
    CLIENT_PUBLIC,
    XPHONE,
    asked,
    candidate,
    foreign,
    message,
    told_both,
)

UNSUITABLE = "sofia/xphone/721@10.0.50.5 no suitable candidates found."
REFUSED = {"reason_header": CAUSE_88}


def test_without_log_and_lists_it_is_a_suspicion():
    (found,) = asked(RULE, **at_once(488, **REFUSED))
    assert (found.verdict, found.leg) == ("suspect", 1)
    assert found.facts["candidates"] == ["host 192.168.178.34:50000", "srflx 198.51.100.77:50000"]
    told = told_both(found, RULE)
    assert "opus/48000, PCMA/8000" in told["en"]["detail"]
    assert "488 No at once" in told["en"]["title"]


def test_the_log_makes_it_certain():
    lines = [
        log("candidate", "NO candidate ACL defined, Defaulting to wan.auto", 5),
        log(
            "candidate",
            "Drop audio Candidate cid: 1 proto: udp type: host addr: 192.168.178.34:50000 (no acl)",
            6,
        ),
        log("media", UNSUITABLE),
    ]
    (found,) = asked(RULE, **at_once(488, after=0.2), log_events=lines)
    assert (found.verdict, found.facts["lists"]) == ("fault", ["wan.auto"])
    assert found.facts["log"][0] == f"fs.log:7 {UNSUITABLE[:-1]}"
    assert "wan.auto" in told_both(found, RULE)["de"]["title"]


def test_a_log_that_names_no_list_is_certain_too():
    (found,) = asked(RULE, **at_once(488), log_events=[log("media", UNSUITABLE)])
    assert found.verdict == "fault"
    assert told_both(found, RULE)["en"]["title"].startswith("The server accepts none of the candidates")


def test_lists_that_deny_every_candidate_make_it_certain():
    lists = {"media": built("media", False, allow=["203.0.113.0/24"])}
    known = replace(XPHONE, candidate_acl=("media",), lists=lists)
    (found,) = asked(RULE, known, **at_once(488, **REFUSED))
    assert (found.verdict, found.facts["lists"]) == ("fault", ["media"])
    assert "(media)" in told_both(found, RULE)["en"]["title"]


def test_silent_when_the_lists_let_a_candidate_in():
    lists = {"media": built("media", False, allow=["198.51.100.0/24"])}
    known = replace(XPHONE, candidate_acl=("media",), lists=lists)
    assert asked(RULE, known, **at_once(488, **REFUSED)) == []


def test_an_offer_without_public_candidates_is_remarked():
    (found,) = asked(
        RULE, **at_once(488, **REFUSED, candidates=[candidate("client", CLIENT_PRIVATE, "private")])
    )
    assert found.tags == {"only-private", "listed", "unlisted"}
    assert "STUN server" in told_both(found, RULE)["en"]["causes"]


def test_silent_when_the_log_names_another_reason():
    lines = [log("media", "CODEC NEGOTIATION ERROR.  SDP:")]
    assert asked(RULE, **at_once(488, **REFUSED), log_events=lines) == []


def test_silent_without_candidates_or_without_a_usual_codec():
    assert asked(RULE, **at_once(488, **REFUSED, candidates=[])) == []
    assert asked(RULE, **at_once(488, **REFUSED, sdp_media=[offer(formats="96", codecs="96=AMR/8000")])) == []


def test_silent_when_the_server_offered_and_the_client_refused():
    own = [candidate("server", "203.0.113.10", "documentation", offer_answer="offer")]
    assert asked(RULE, **at_once(488, **REFUSED, candidates=own)) == []


def stock(after=0.08, **changes):
    """A FreeSWITCH as it is installed: 100 Trying, and 488 when the dial plan looks at the offer."""
    messages = [
        message(1, "INVITE", 0.0),
        response(1, 100, 0.003),
        response(1, 488, after, reason_header=CAUSE_88),
        message(1, "ACK", after + 0.001),
    ]
    private = [candidate("client", CLIENT_PRIVATE, "private")]
    return at_once(488) | {"sip_messages": messages, "candidates": private} | changes


@pytest.mark.parametrize("after", [0.025, 0.08, 3.0])
def test_without_a_list_for_candidates_private_ones_are_denied_after_100_whenever_the_dial_plan_looks(after):
    (found,) = asked(RULE, **stock(after))
    assert (found.verdict, found.confidence, found.tags) == ("suspect", 0.7, {"unlisted", "only-private"})
    told = told_both(found, RULE)
    assert told["en"]["title"] == (
        "488 No: probably no list is configured for candidates, and wan.auto denies every candidate offered"
        " (host 192.168.178.34:50000)."
    )
    assert "apply-candidate-acl: localnet.auto, rfc1918.auto" in told["de"]["remedies"]
    assert "das Profil neu starten" in told["de"]["remedies"]
    assert "reload the lists" not in told["en"]["remedies"]


def test_of_a_system_that_is_not_known_it_is_less_sure():
    plain = refused_leg(1, 488, role="single", uac_agent="Phone/1", uas_agent="Proxy/2")
    (found,) = asked(RULE, **stock(legs=[plain], sdp_media=[offer(sdp_owner="-")]))
    assert found.confidence == 0.5


def test_a_match_of_codecs_in_the_log_takes_the_blame_from_them():
    error = log("media", "CODEC NEGOTIATION ERROR.  SDP:", 9)
    match = log("codec", "Audio Codec Compare [opus:116:48000:20:0:1] ++++ is saved as a match", 8)
    assert asked(RULE, **stock(log_events=[error])) == []
    (found,) = asked(RULE, **stock(log_events=[match, error]))
    assert found.verdict == "suspect"


@pytest.mark.parametrize(
    "changes",
    [
        {"candidates": [candidate("client", CLIENT_PUBLIC, "documentation", "srflx")]},  # wan.auto lets it in
        {
            "candidates": [candidate("client", CLIENT_PRIVATE, "private", transport="tcp")]
        },  # none is looked at
        {"candidates": []},
        {"log_events": [log("media", "a=crypto in RTP/AVP, refer to rfc3711")]},
        {"sip_messages": [message(1, "INVITE", 0.0), response(1, 100, 0.003), response(1, 488, 0.02)]},
        {
            "sip_messages": [
                message(1, "INVITE", 0.0),
                response(1, 183, 0.01),
                response(1, 488, 0.02, reason_header=CAUSE_88),
            ]
        },
    ],
)
def test_silent_after_100_where_wan_auto_is_not_the_reason(changes):
    assert asked(RULE, **stock(**changes)) == []


def test_silent_after_100_where_the_lists_for_candidates_are_known():
    known = replace(XPHONE, candidate_acl=("any_v4.auto",))
    assert asked(RULE, known, **stock()) == []


def test_silent_when_the_other_side_refused_or_it_took_time():
    assert asked(RULE, **passed_on(488)) == []
    assert asked(RULE, **at_once(488, after=0.3, **REFUSED)) == []


def test_silent_on_another_system_that_gives_no_reason():
    plain = refused_leg(1, 488, role="single", uac_agent="Phone/1", uas_agent="Proxy/2")
    owner = [offer(sdp_owner="-")]
    assert asked(RULE, **at_once(488, legs=[plain], sdp_media=owner)) == []


def test_silent_on_good_and_foreign_calls():
    assert asked(RULE) == []
    assert asked(RULE, base=foreign()) == []


def test_the_real_488_with_its_log_and_without(judged):
    (bare,), (logged,) = (
        judged("acl_488", log=with_log).tables.calls.itertuples() for with_log in (False, True)
    )
    assert (bare.verdict, logged.verdict) == ("suspect", "fault")
    assert bare.cause == logged.cause == "candidates-rejected-by-acl"
    assert "192.168.178.34:35672" in logged.headline
    assert list(judged("acl_488", log=True).tables.findings["name"]) == ["candidates-rejected-by-acl"]
