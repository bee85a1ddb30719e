"""An answer that lacks what its offer demands."""

import pytest

from postproc.diagnose.rules.answer_mismatch import RULE
from tests.builders import APP, SERVER
from tests.diagnose.scenes import asked, good, leg, message, section, told_both, verdict

NONE = {"rtp_streams": [], "dtls": [], "bindings": [], "pairs": []}


def answered(offer, answer, reason=None, after=0.03):
    """A leg of one answered INVITE, ended by its caller."""
    return NONE | {
        "legs": [leg(1, role="single", answer_time=3.0, end_time=3.0 + after)],
        "sip_messages": [
            message(1, "INVITE", 0.0, frame=1, from_tag="a", cseq=1),
            message(1, 200, 3.0, frame=5, from_tag="a", to_tag="b", cseq=1, has_sdp=True),
            message(1, "BYE", 3.0 + after, frame=9, from_tag="a", to_tag="b", cseq=2, reason_header=reason),
        ],
        "sdp_media": [
            section(rtcp_mux=True, **offer),
            section(sdp_owner="root", time=3.0, frame=5, **({"setup": "active", "rtcp_mux": True} | answer)),
        ],
    }


PLAIN = {"proto": "RTP/AVP", "fingerprint": None, "setup": None, "ufrag": None}
SDES = {"proto": "RTP/SAVP", "fingerprint": None, "setup": None, "ufrag": None}


@pytest.mark.parametrize(
    ("offer", "answer", "lack"),
    [
        ({}, {"rtcp_mux": False}, ["a=rtcp-mux"]),
        ({}, {"fingerprint": None}, ["a=fingerprint"]),
        ({}, {"fingerprint": None, "crypto": "AES_CM_128_HMAC_SHA1_80"}, ["a=fingerprint"]),
        ({}, PLAIN, ["UDP/TLS/RTP/SAVPF"]),
        (SDES | {"crypto": "AES_CM_128_HMAC_SHA1_80"}, SDES, ["a=crypto"]),
        (SDES | {"crypto": "A,B"}, SDES | {"crypto": "C"}, ["a=crypto A | a=crypto B"]),
        (
            SDES | {"crypto": "A,B,A", "crypto_tags": "1,2,3"},
            SDES | {"crypto": "B", "crypto_tags": "1"},
            ["a=crypto:2 B"],
        ),
        ({"setup": "active"}, {"setup": "active"}, ["a=setup:passive"]),
    ],
)
def test_what_is_missing_is_named_and_a_bye_that_says_488_makes_it_a_fault(offer, answer, lack):
    (found,) = asked(RULE, **answered(offer, answer, 'SIP ;cause=488; text="Not Acceptable Here"'))
    assert (found.verdict, found.facts["lack"]) == ("fault", lack)
    told = told_both(found, RULE)
    assert told["en"]["title"].startswith(f"The answer from {SERVER} on leg 1 lacks what the offer demands")
    assert f"{APP} ended the leg 30 ms after the answer by BYE" in told["en"]["detail"]


def test_it_is_the_cause_of_the_call():
    row = verdict(**answered({}, {"rtcp_mux": False}, "Q.850;cause=88"))
    assert (row.verdict, row.cause) == ("fault", "answer-mismatch")


def test_without_a_reason_it_is_a_suspicion():
    (found,) = asked(RULE, **answered({}, PLAIN, after=20.0))
    assert (found.verdict, found.confidence) == ("suspect", 0.7)


def test_a_bye_at_once_by_who_offered_refuses_it_without_a_reason():
    (found,) = asked(RULE, **answered({}, {"rtcp_mux": False}))
    assert found.verdict == "suspect"
    assert "after the answer by BYE." in told_both(found, RULE)["en"]["detail"]


@pytest.mark.parametrize(
    "scene",
    [
        answered({}, {"rtcp_mux": False}, after=20.0),  # legal: RTCP goes on a port of its own
        answered({}, {}, "Q.850;cause=88", after=2.01),
        answered({}, {}, "Q.850;cause=16"),
        answered(PLAIN | {"crypto": "AES_CM_128_HMAC_SHA1_80"}, PLAIN, after=20.0),  # SRTP was an option
        answered({}, {"port": 0}, after=20.0),
        answered({}, PLAIN) | {"rtp_streams": good()["rtp_streams"]},
        good(),
    ],
)
def test_silent(scene):
    assert asked(RULE, **scene) == []


def delayed(*more, invite=False, answer=False, **ack):
    """An INVITE without SDP, an offer in the 200, and an ACK."""
    return NONE | {
        "legs": [leg(1, role="single", answer_time=3.0, end_time=20.0)],
        "sip_messages": [
            message(1, "INVITE", 0.0, frame=1, cseq=1, has_sdp=invite),
            message(1, 200, 3.0, frame=5, cseq=1, has_sdp=True),
            message(1, "ACK", 3.1, frame=6, cseq=1, has_sdp=answer) | ack,
            *more,
        ],
        "sdp_media": [section(sdp_owner="root", time=3.0, frame=5)],
    }


def test_an_ack_without_the_answer_to_a_200_that_offers():
    (found,) = asked(RULE, **delayed())
    assert (found.verdict, found.tags, found.evidence.frames) == ("fault", {"ack"}, (1, 5, 6))
    told = told_both(found, RULE)
    assert told["en"]["title"] == f"The ACK from {APP} on leg 1 lacks the answer to the offer in the 200 OK."
    assert "early offer" in told["en"]["remedies"]


@pytest.mark.parametrize(("nth", "method"), [(0, "INVITE"), (2, "ACK")])
def test_a_body_that_content_length_cuts_off(nth, method):
    scene = delayed()
    scene["sip_messages"][nth] |= {"sdp_lost": True}
    (found,) = asked(RULE, **scene)
    assert (found.verdict, found.confidence, found.tags) == ("fault", 0.85, {"cut"})
    told = told_both(found, RULE)
    assert f"The {method} of {APP} announces SDP" in told["en"]["detail"]
    assert f"Im {method} von {APP} ist SDP angekündigt" in told["de"]["detail"]
    assert ("took the INVITE" in told["en"]["title"]) == (method == "INVITE")
    assert "early offer" not in told["en"]["remedies"]


@pytest.mark.parametrize(
    "scene",
    [
        delayed(invite=True),
        delayed(answer=True),
        delayed(method="BYE"),
        delayed(message(1, "PRACK", 1.0, frame=4, cseq=2, has_sdp=True)),
    ],
)
def test_silent_where_the_answer_came_or_none_was_due(scene):
    assert asked(RULE, **scene) == []


def empty(*more, **changes):
    """An offer, and a 200 without a body."""
    scene = delayed(*more, invite=True)
    scene["sip_messages"][1] |= {"has_sdp": False} | changes
    return scene | {"sdp_media": [section()]}


def test_a_200_without_the_answer_that_is_due():
    (found,) = asked(RULE, **empty())
    assert (found.verdict, found.confidence, found.tags, found.evidence.frames) == (
        "suspect",
        0.75,
        {"empty"},
        (1, 5),
    )
    told = told_both(found, RULE)
    assert told["en"]["title"].startswith(f"The 200 OK from {SERVER} on leg 1 answers an INVITE that offers")
    assert "ALG" in told["de"]["causes"]
    row = verdict(**empty())
    assert (row.verdict, row.cause) == ("suspect", "answer-mismatch")


@pytest.mark.parametrize(
    "scene",
    [
        empty(message(1, 183, 1.0, frame=4, cseq=1, has_sdp=True)),  # answered early
        empty(cut_short=True),
        empty(status=486),
        empty(cseq_method="CANCEL"),
        empty() | {"rtp_streams": good()["rtp_streams"]},
    ],
)
def test_silent_where_the_answer_came_elsewhere_or_media_flow(scene):
    assert asked(RULE, **scene) == []


def test_a_suite_that_was_not_offered_counts_though_packets_go_both_ways():
    scene = answered(SDES | {"crypto": "A"}, SDES | {"crypto": "B"}, after=20.0)
    scene["rtp_streams"] = good()["rtp_streams"]
    (found,) = asked(RULE, **scene)
    assert (found.verdict, found.tags) == ("suspect", {"keys", "encryption"})
    assert "Packets go both ways" in told_both(found, RULE)["en"]["detail"]
    row = verdict(**scene)
    assert (row.verdict, row.cause) == ("suspect", "answer-mismatch")


@pytest.mark.parametrize(
    "reason", ["Q.850;cause=88", "Q.850;cause=58 (X-Asterisk-HangupCauseCode)", "SIP;cause=488"]
)
def test_a_description_refused_at_once_for_a_reason_that_is_not_to_be_seen(reason):
    (found,) = asked(RULE, **answered({}, {}, reason, after=2.0))
    assert (found.verdict, found.confidence, found.tags) == ("suspect", 0.75, {"refused"})
    told = told_both(found, RULE)
    assert told["en"]["title"].startswith(
        f"{APP} does not accept what {SERVER} describes on leg 1: BYE 2000 ms later"
    )
    assert "console" in told["en"]["remedies"]
    assert "encryption on both sides" not in told["en"]["remedies"]


def test_a_reason_that_is_only_passed_on_refuses_nothing_here():
    scene = answered({}, {}, "Q.850;cause=88")
    assert asked(RULE, **scene)
    scene["legs"].append(leg(2, answer_time=3.0, end_time=3.02))
    scene["sip_messages"].insert(2, message(2, "BYE", 3.02, frame=8, cseq=2, reason_header="Q.850;cause=88"))
    assert asked(RULE, **scene) == []


def renegotiated(offer, answer, reason=None, after=0.06):
    """A call with audio both ways, and a second offer and answer in it, after which its offerer ends it."""
    scene = answered({}, {}) | {"rtp_streams": good()["rtp_streams"]}
    scene["sip_messages"][2:] = [
        message(1, "INVITE", 12.0, frame=40, from_tag="a", to_tag="b", cseq=3, has_sdp=True),
        message(1, 200, 12.1, frame=41, from_tag="a", to_tag="b", cseq=3, has_sdp=True),
        message(1, "BYE", 12.1 + after, frame=42, from_tag="a", to_tag="b", cseq=4, reason_header=reason),
    ]
    scene["legs"][0]["end_time"] = 12.1 + after
    scene["sdp_media"] += [
        section(time=12.0, frame=40, rtcp_mux=True, **offer),
        section(time=12.1, frame=41, **({"setup": "active", "rtcp_mux": True, "sdp_owner": "root"} | answer)),
    ]
    return scene


HOLD = {"direction": "sendonly"}


@pytest.mark.parametrize(
    ("changed", "tags"),
    [({}, None), ({"fingerprint": "sha-256 AB:CD"}, {"setup"}), ({"port": 4000}, {"setup"})],
)
def test_the_role_in_a_later_answer_counts_only_if_a_new_handshake_is_due(changed, tags):
    """baresip answers every later offer with actpass: DTLS goes on in the roles that it has."""
    scene = renegotiated({"setup": "active"} | changed, {"setup": "actpass"}, after=9.0)
    found = asked(RULE, **scene | NONE)
    assert [each.tags & {"setup"} for each in found] == ([tags] if tags else [])
    for each in found:
        told_both(each, RULE)


@pytest.mark.parametrize(
    ("offer", "answer", "reason", "after", "tag"),
    [
        (HOLD, {"direction": "sendrecv"}, None, 0.5, "direction"),
        (HOLD, {"direction": "sendonly"}, "SIP;cause=488", 1.9, "direction"),
        ({"direction": "inactive"}, {"direction": "recvonly"}, None, 0.1, "direction"),
        (HOLD, PLAIN | HOLD, "SIP;cause=488", 0.1, "profile"),
        ({}, PLAIN, None, 20.0, "profile"),  # both had agreed on SRTP
        ({}, {"ufrag": "abc"}, "SIP;cause=488", 0.1, "ice"),
        (HOLD, {"direction": "inactive"}, "SIP;cause=488", 0.1, "refused"),
    ],
)
def test_a_later_answer_counts_though_media_came_before(offer, answer, reason, after, tag):
    (found,) = asked(RULE, **renegotiated(offer, answer, reason, after))
    assert tag in found.tags
    assert found.evidence.frames[-1] in (41, 42)
    told_both(found, RULE)


@pytest.mark.parametrize(
    "scene",
    [
        renegotiated(HOLD, {"direction": "recvonly"}),
        renegotiated(HOLD, {"direction": "inactive"}),
        renegotiated(HOLD, {"direction": "sendrecv"}, after=0.51),  # a person may hang up so soon
        renegotiated({}, {"fingerprint": None}, after=0.06),
        renegotiated({}, {"ufrag": "abcd"}, after=0.06),
        renegotiated({}, {}, "SIP;cause=488", after=2.01),
    ],
)
def test_silent_in_a_later_exchange(scene):
    assert asked(RULE, **scene) == []


def test_silent_where_the_holder_hands_the_call_on_and_hangs_up():
    scene = renegotiated(HOLD, {"direction": "sendrecv"}, after=0.3)
    scene["sip_messages"].insert(4, message(1, "REFER", 12.2, frame=45, from_tag="a", to_tag="b", cseq=4))
    assert asked(RULE, **scene) == []


def with_video(*order, after=0.08, **changes):
    """An offer of audio and video, the answer's sections in this order, and the end of the leg."""
    scene = answered({}, {}, after=after) | changes
    ask, answer = scene["sdp_media"]
    video = {"media": "video", "port": 9}
    sections = {"audio": answer, "video": answer | video}
    return scene | {"sdp_media": [ask, ask | video, *(sections[kind] for kind in order)]}


@pytest.mark.parametrize("order", [("video", "audio"), ("audio",)])
def test_sections_in_another_order_or_left_out_refused_at_once(order):
    (found,) = asked(RULE, **with_video(*order))
    assert (found.verdict, found.tags) == ("suspect", {"sections"})
    listed = ", ".join(f"m={kind}" for kind in order)
    assert f"Offered is m=audio, m=video, answered {listed}." in told_both(found, RULE)["en"]["detail"]


@pytest.mark.parametrize(
    "scene",
    [with_video("audio", "video"), with_video("audio", after=0.6), with_video("video", "audio", after=20.0)],
    ids=["in order", "a person hangs up", "taken all the same"],
)
def test_silent_about_sections_that_nobody_minds(scene):
    assert asked(RULE, **scene) == []


def unanswered_change(method="UPDATE", after=0.5, reason=None, **changes):
    """A change at 9 s whose 200 holds no SDP, and the BYE of who asked for it."""
    scene = answered({}, {})
    told = {"from_tag": "a", "to_tag": "b", "cseq": 2}
    change = [
        message(1, method, 9.0, frame=7, **told) | {"has_sdp": True},
        message(1, 200, 9.1, frame=8, **told) | {"cseq_method": method} | changes,
        message(1, "BYE", 9.1 + after, frame=9, reason_header=reason, **told | {"cseq": 3}),
    ]
    return scene | {
        "sip_messages": [*scene["sip_messages"][:2], *change],
        "rtp_streams": good()["rtp_streams"],
    }


@pytest.mark.parametrize(("method", "said"), [("UPDATE", "UPDATE"), ("INVITE", "re-INVITE")])
def test_a_change_whose_200_holds_no_answer_counts_though_media_came_before(method, said):
    (found,) = asked(RULE, **unanswered_change(method))
    assert (found.verdict, found.confidence, found.tags) == ("suspect", 0.75, {"empty"})
    assert found.evidence.frames == (7, 8, 9)
    told = told_both(found, RULE)
    assert f"accepts a change by {said} that offers, and holds no SDP" in told["en"]["title"]
    assert "keine gültige Sitzung" in told["de"]["detail"]


@pytest.mark.parametrize(
    "changes",
    [
        {"after": 0.6},
        {"reason": "Q.850;cause=16"},
        {"has_sdp": True},
        {"cut_short": True},
        {"status": 488},
    ],
)
def test_silent_where_a_change_is_answered_or_the_call_goes_on(changes):
    assert all("empty" not in found.tags for found in asked(RULE, **unanswered_change(**changes)))
