"""An INVITE without any response."""

import pytest

from postproc.diagnose.rules.no_response import RULE
from postproc.model import causes
from tests.builders import APP
from tests.diagnose.refusals import NO_MEDIA, call, passed_on, refused_leg, response
from tests.diagnose.scenes import (
    CLIENT_PUBLIC,
    GATEWAY,
    SERVER,
    asked,
    foreign,
    leg,
    message,
    told_both,
    verdict,
)

TIMES = (0.3, 0.8, 1.8, 3.8, 7.8)


def invites(*times, **changes):
    return [
        message(2, "INVITE", time, frame=10 + n, branch="z9hG4bKx", contact="sip:1@192.0.2.9") | changes
        for n, time in enumerate(times)
    ]


def silent_gateway(*sip, **changes):
    """Leg 1 gets 408 after 32 s; leg 2 is what is given."""
    first = [
        message(1, "INVITE", 0.0, frame=1),
        response(1, 100, 0.01, frame=2),
        response(1, 408, 32.0, frame=40),
    ]
    trying = {"final_status": None, "final_reason": None, "state": "trying", "end_time": None}
    return (
        NO_MEDIA
        | {
            "calls": [call(408, legs=2)],
            "legs": [refused_leg(1, 408, end_time=32.0), refused_leg(2, 408) | trying],
            "sip_messages": [*first, *sip],
        }
        | changes
    )


def test_a_gateway_that_is_silent_is_a_fault_and_what_the_caller_hears_follows():
    scene = silent_gateway(*invites(*TIMES))
    (found,) = asked(RULE, **scene)
    assert (found.verdict, found.leg, found.tags) == ("fault", 2, {"hop", "dropped", "silent"})
    assert found.evidence.frames == (10, 11, 12, 13, 14)
    shown = told_both(found, RULE)
    assert shown["en"]["title"] == f"{GATEWAY} does not answer the INVITE: {SERVER} sent it 5 times in 8 s."
    assert "Auf Leg 2 kam nicht einmal 100 Trying zurück." in shown["de"]["detail"]
    row = verdict(**scene)
    assert (row.verdict, row.cause) == ("fault", "no-response")


def test_answers_that_the_sender_does_not_get_are_told_from_silence():
    answers = [
        message(2, 100, time + 0.01, branch="z9hG4bKx", reason="Trying", dst_port=5999) for time in TIMES
    ]
    (found,) = asked(RULE, **silent_gateway(*invites(*TIMES), *answers))
    assert found.tags == {"hop", "dropped", "unheard"}
    shown = told_both(found, RULE)
    assert "The responses went to 10.0.50.118:5999 (first: 100 Trying)" in shown["en"]["detail"]
    assert "rport" in shown["de"]["causes"]


def refusals(count, **changes):
    ends = {"src_addr": SERVER, "src_port": 5060, "dst_addr": GATEWAY, "dst_port": 5060}
    error = {"call": 1, "leg": 2, "reporter": GATEWAY, "version": 4, "type": 3, "code": 3, "transport": "udp"}
    return [error | ends | {"time": 0.31 + n, "frame": 50 + n} | changes for n in range(count)]


def test_one_that_icmp_refuses_needs_no_repetition():
    (found,) = asked(RULE, **silent_gateway(*invites(0.3), icmp_errors=refusals(1)))
    assert (found.verdict, found.tags) == ("fault", {"hop", "refused"})
    assert found.evidence.frames == (10, 50)
    shown = told_both(found, RULE)
    assert (
        f"{GATEWAY} reports by ICMP that it cannot be delivered (port unreachable)." in shown["en"]["detail"]
    )


@pytest.mark.parametrize(
    ("sip", "errors"),
    [
        (invites(0.3, 0.8), refusals(1)),
        (invites(0.3), refusals(1, code=4)),
        (invites(0.3), refusals(1, src_port=5099)),
        (invites(0.3), refusals(1, time=0.2)),
        ([*invites(0.3), message(2, 100, 0.5, branch="z9hG4bKx", reason="Trying")], refusals(1)),
    ],
)
def test_silent_about_icmp_that_is_not_the_last_word_on_it(sip, errors):
    assert asked(RULE, **silent_gateway(*sip, icmp_errors=errors)) == []


def test_over_tcp_it_is_sent_once():
    (found,) = asked(RULE, **silent_gateway(*invites(0.3, transport="tcp")))
    assert "over TCP" in told_both(found, RULE)["en"]["title"]


def test_an_invite_that_is_not_complete_is_waited_for():
    scene = silent_gateway(*invites(0.3, transport="tcp", cut_short=True))
    (found,) = asked(RULE, **scene)
    assert (found.verdict, found.tags) == ("fault", {"hop", "unfinished"})
    shown = told_both(found, RULE)
    assert "Content-Length is larger than the body" in shown["en"]["causes"]
    assert "SIP-ALG im Router abschalten" in shown["de"]["remedies"]
    (whole,) = asked(RULE, **silent_gateway(*invites(0.3, transport="tcp")))
    assert "unfinished" not in whole.tags


def test_a_gateway_tried_before_the_one_that_answered_is_a_note():
    legs = [leg(1, answer_time=9.0), leg(2, answer_time=9.0)]
    sip = [*invites(*TIMES), message(2, "INVITE", 8.5, branch="z9hG4bKy", cseq=2, dst_addr="10.0.50.21")]
    (found,) = asked(RULE, **silent_gateway(*sip, legs=legs))
    assert found.verdict == "note"


GIVEN_UP = (0.3, 0.8, 1.8, 3.8, 7.8)


def renewed(*times, transport="udp", ended=32.4, by=SERVER, **changes):
    """A re-INVITE on leg 2 that stood, and the BYE of one side."""
    bye = message(2, "BYE", ended, to_tag="t", frame=90, src_addr=by)
    return silent_gateway(*invites(*times, to_tag="t", transport=transport), bye, **STOOD, **changes)


STOOD = {"legs": [leg(1, answer_time=0.1), leg(2, answer_time=0.1)]}


@pytest.mark.parametrize("scene", [renewed(*GIVEN_UP), renewed(0.3, transport="tls")])
def test_a_re_invite_without_any_answer_ends_the_call(scene):
    (found,) = asked(RULE, **scene)
    assert (found.verdict, found.leg, found.tags) == ("fault", 2, {"hop", "dropped", "renewal"})
    assert found.evidence.frames[-1] == 90
    assert "ended the call 32 s after it" in told_both(found, RULE)["en"]["detail"]


def through_proxy(*times, bye_by=CLIENT_PUBLIC, ended=5.4):
    """The proxy's timer ends before timer B: it says 408 to who asked, who then gives the call up."""
    asks = {"to_tag": "t", "src_addr": CLIENT_PUBLIC, "dst_addr": SERVER, "cseq": 7}
    asked_first = message(2, "INVITE", 0.29, frame=9, branch="z9hG4bKfirst", **asks)
    told = message(
        2, 408, 5.3, frame=80, branch="z9hG4bKfirst", src_addr=SERVER, dst_addr=CLIENT_PUBLIC, cseq=7
    )
    trying = message(2, 100, 0.295, frame=9, branch="z9hG4bKfirst", dst_addr=CLIENT_PUBLIC, cseq=7)
    bye = message(2, "BYE", ended, to_tag="t", frame=90, src_addr=bye_by)
    passed = invites(*times, to_tag="t", cseq=7)
    return silent_gateway(asked_first, trying, *passed, told, bye, **STOOD)


def test_a_re_invite_that_a_proxy_gives_up_on_ends_the_call():
    (found,) = asked(RULE, **through_proxy(*GIVEN_UP[:4]))
    assert (found.verdict, found.tags) == ("fault", {"hop", "dropped", "renewal"})
    assert found.evidence.frames == (10, 11, 12, 13, 90)
    for harmless in (through_proxy(*GIVEN_UP[:4], bye_by=GATEWAY), through_proxy(*GIVEN_UP[:4], ended=30.0)):
        assert asked(RULE, **harmless) == []


@pytest.mark.parametrize(
    "scene",
    [
        renewed(*GIVEN_UP, by=GATEWAY),  # the other side hung up
        renewed(*GIVEN_UP, ended=20.0),
        renewed(*GIVEN_UP, ended=60.0),  # it went on
        renewed(0.3, 0.8, 1.8),
    ],
)
def test_silent_about_a_re_invite_that_did_no_harm(scene):
    assert asked(RULE, **scene) == []


def test_silent_about_a_re_invite_that_was_refused():
    scene = renewed(*GIVEN_UP)
    refused = message(2, 500, 8.0, branch="z9hG4bKx", reason="Server Internal Error")
    assert asked(RULE, **scene | {"sip_messages": [*scene["sip_messages"], refused]}) == []


@pytest.mark.parametrize(
    "sip",
    [
        invites(0.3, 0.8, 1.8),  # the caller gave up before it was sure
        invites(0.3, 0.31, 0.32, 0.33),  # copies, not repetitions
        [*invites(0.3, 0.8, 1.8), *invites(3.8, branch="z9hG4bKy", dst_addr="10.0.50.21")],  # another gateway
        [*invites(*TIMES, to_tag="t1")],  # a re-INVITE: the call stands
        [*invites(0.3, transport="tcp"), message(2, 180, 5.0, branch="z9hG4bKx")],
        [*invites(0.3, transport="udp")],  # the capture may have lost the rest
    ],
)
def test_silent(sip):
    assert asked(RULE, **silent_gateway(*sip)) == []


def test_silent_where_the_capture_ends_before_timer_b():
    captures = [{"first_time": 0.0, "last_time": 20.0}]
    assert asked(RULE, **silent_gateway(*invites(0.3, transport="tls"), captures=captures)) == []


def test_silent_on_a_refusal_that_was_heard():
    assert asked(RULE, **passed_on(503)) == []


def test_a_lost_re_invite_does_not_deny_the_legs():
    """The walk would otherwise say that the second leg is missing from a call that stood."""
    assert RULE.variant({"hop", "dropped", "renewal"}).breaks == "session"
    assert {RULE.variant({tag}).breaks for tag in ("silent", "unheard", "refused")} == {"next_hop"}
    assert causes.step("session") != "legs" == causes.step("next_hop")


def pracked(*answers, times=(0.6, 1.1, 2.1, 4.1), **changes):
    """The gateway's 183 wants a PRACK, and is repeated although one came."""
    ringing = [
        message(2, 183, time, frame=20 + n, cseq=1, to_tag="t", reason="Session Progress")
        for n, time in enumerate(times)
    ]
    prack = message(2, "PRACK", 0.7, frame=30, cseq=2, to_tag="t") | changes
    return silent_gateway(*invites(0.3, cseq=1), *ringing, prack, *answers)


def test_a_prack_that_is_not_answered():
    (found,) = asked(RULE, **pracked())
    assert (found.verdict, found.leg, found.tags) == ("suspect", 2, {"hop", "prack"})
    assert found.evidence.frames == (20, 21, 22, 23, 30)
    told = told_both(found, RULE)
    assert told["en"]["title"].startswith(f"{GATEWAY} does not answer the PRACK of {SERVER} on leg 2")
    assert "100rel" in told["en"]["remedies"]


@pytest.mark.parametrize(
    "scene",
    [
        pracked(message(2, 200, 0.8, frame=31, cseq=2, cseq_method="PRACK", to_tag="t")),
        pracked(message(2, 400, 9.0, frame=31, cseq=2, cseq_method="PRACK", to_tag="t")),
        pracked(times=(0.6, 1.1, 4.1)),
        pracked(times=(0.6, 0.65, 0.66, 0.68)),
        pracked(method="UPDATE"),
    ],
)
def test_silent_where_the_prack_is_answered_or_little_is_repeated(scene):
    assert all("prack" not in found.tags for found in asked(RULE, **scene))


def test_silent_where_the_connection_itself_was_ended_at_once():
    sent = invites(0.3, transport="tcp", src_port=40000, dst_port=5060)
    ended = {"src_addr": GATEWAY, "dst_addr": SERVER, "src_port": 5060, "dst_port": 40000, "event": "reset"}
    for time, count in ((0.31, 0), (5.0, 1)):
        events = [ended | {"time": time, "frame": 60}]
        scene = silent_gateway(*sent, captures=[{"last_time": 60.0}], connection_events=events)
        assert len(asked(RULE, **scene)) == count


def unacknowledged(*more, times=(0.6, 1.1, 2.1, 4.1), rseq=7, status=504):
    """The gateway repeats a 183 that wants a PRACK, and refuses the call."""
    told = {"cseq": 1, "to_tag": "t"}
    ringing = [
        message(2, 183, time, frame=20 + n, rseq=rseq, reason="Session Progress", **told)
        for n, time in enumerate(times)
    ]
    refused = message(2, status, 32.7, frame=60, reason="Server Time-out", **told)
    return silent_gateway(*invites(0.3, cseq=1), *ringing, refused, *more)


def test_a_prack_that_never_comes():
    (found,) = asked(RULE, **unacknowledged())
    assert (found.verdict, found.leg, found.tags) == ("suspect", 2, {"unacknowledged"})
    assert found.evidence.frames == (20, 21, 22, 23, 60)
    shown = told_both(found, RULE)["en"]
    assert shown["title"].startswith(f"{SERVER} never sends the PRACK")
    assert "it did so with 504" in shown["detail"]


@pytest.mark.parametrize(
    "scene",
    [
        unacknowledged(message(2, "PRACK", 5.0, frame=31, cseq=2, to_tag="t")),
        unacknowledged(rseq=None),
        unacknowledged(status=486),
        unacknowledged(times=(0.6, 1.1, 4.1)),
    ],
)
def test_silent_where_no_prack_is_due_or_one_came(scene):
    assert all("unacknowledged" not in found.tags for found in asked(RULE, **scene))


def strayed(
    method="BYE", times=(20.0, 20.5, 21.5, 23.5), target="192.168.178.34", peer="192.0.2.10", answer=None
):
    """The called side's request goes to a Contact behind NAT; the caller's INVITE had come from elsewhere."""
    base = foreign()
    told = {"call_id": "a@x", "to_tag": "t"}
    sip = [
        message(1, "INVITE", 0.0, frame=1, src_addr=peer, dst_addr="192.0.2.20", cseq=1),
        message(1, 200, 3.0, frame=21, src_addr="192.0.2.20", dst_addr=peer, cseq=1),
        *(
            message(1, method, at, frame=40 + n, cseq=2, **told, src_addr="192.0.2.20", dst_addr=target)
            for n, at in enumerate(times)
        ),
    ]
    if answer:
        sip.append(
            message(
                1, 200, 24.0, frame=60, cseq=2, cseq_method=method, src_addr=answer, dst_addr="192.0.2.20"
            )
        )
    return {"base": base, "sip_messages": sip}


@pytest.mark.parametrize(("method", "name"), [("BYE", "BYE"), ("INVITE", "re-INVITE")])
def test_a_request_to_a_contact_behind_nat(method, name):
    (found,) = [each for each in asked(RULE, **strayed(method)) if "contact" in each.tags]
    assert found.tags == {"astray", "contact"}
    assert (found.verdict, found.evidence.frames) == ("suspect", (40, 41, 42, 43))
    shown = told_both(found, RULE)["en"]
    assert f"its {name} on leg 1 to 192.168.178.34, from where nothing ever came" in shown["title"]
    assert "its SIP comes from 192.0.2.10" in shown["detail"]
    assert ("the call is over" in shown["detail"]) == (method == "BYE")


def test_a_prack_to_a_contact_behind_nat_explains_the_refusal():
    scene = strayed("PRACK", times=(1.0, 1.5, 2.5, 4.5))
    scene["sip_messages"][1] |= {"status": 504, "reason": "Server Time-out", "time": 33.0}
    (found,) = [each for each in asked(RULE, **scene) if "contact" in each.tags]
    assert (found.verdict, found.tags) == ("suspect", {"early", "contact"})
    told = told_both(found, RULE)
    assert "Until a PRACK is answered the call cannot go on" in told["en"]["detail"]
    assert "fix_nated_contact" in told["en"]["remedies"]


@pytest.mark.parametrize(
    "scene",
    [
        strayed(times=(20.0, 20.5, 21.5)),
        strayed(target="192.0.2.10"),
        strayed(target="198.51.100.1"),
        strayed(peer="192.168.178.1"),
        strayed(answer="192.168.178.34"),
    ],
    ids=["little repeated", "where it came from", "public", "a proxy in that network", "answered"],
)
def test_silent_where_a_request_in_the_call_arrives_or_may(scene):
    assert all("contact" not in found.tags for found in asked(RULE, **scene))


def refused_bye(status=481, *, until=60.0, own=None, theirs=None, again=None, tag="f", route=None):
    """The called side's BYE is refused, and media goes on; ``theirs``: when the other side hangs up.

    ``own``: when the called side's own media ends, if that is not when the other's does.
    """
    one, other = "192.0.2.10", "192.0.2.20"
    bye = message(1, "BYE", 20.0, frame=40, cseq=2, to_tag="t", from_tag=tag, src_addr=other, dst_addr=one)
    answer = {"cseq": 2, "cseq_method": "BYE", "src_addr": one, "dst_addr": other}
    sip = [
        message(1, "INVITE", 0.0, frame=1, src_addr=one, dst_addr=other, cseq=1, record_route=route),
        message(1, 200, 3.0, frame=21, src_addr=other, dst_addr=one, cseq=1),
        bye,
        message(1, status, 20.1, frame=41, reason="Call/Transaction Does Not Exist", **answer),
    ]
    if again:
        sip += [bye | {"time": again, "cseq": 3}, message(1, 200, again + 0.1, **answer | {"cseq": 3})]
    if theirs:
        sip.append(message(1, "BYE", theirs, frame=50, cseq=5, src_addr=one, dst_addr=other))
    streams = [
        dict(row) | {"last_time": (own or until) if row["src_addr"] == other else until}
        for row in foreign()["rtp_streams"]
    ]
    return {"base": foreign(), "sip_messages": sip, "rtp_streams": streams}


@pytest.mark.parametrize(
    ("scene", "seconds", "words"),
    [
        (refused_bye(), 40, None),
        (refused_bye(theirs=75.0, tag=None), 55, "no tag in From"),
        (refused_bye(route="sip:192.0.2.1;lr"), 40, "by way of sip:192.0.2.1;lr"),
    ],
)
def test_a_bye_that_the_other_side_does_not_recognise(scene, seconds, words):
    (found,) = [each for each in asked(RULE, **scene) if "bye" in each.tags]
    assert (found.verdict, found.leg, found.evidence.frames[:2]) == ("suspect", 1, (40, 41))
    shown = told_both(found, RULE)["en"]
    assert f"481 Call/Transaction Does Not Exist and went on for {seconds} s" in shown["title"]
    assert words is None or words in shown["detail"]


@pytest.mark.parametrize("status", [482, 483])
def test_a_bye_that_goes_in_circles(status):
    (found,) = [each for each in asked(RULE, **refused_bye(status=status)) if "bye" in each.tags]
    assert "looped" in found.tags
    told = told_both(found, RULE)["en"]
    assert "goes in circles at 192.0.2.10" in told["detail"]
    assert "loose_route" in told["remedies"]


@pytest.mark.parametrize("status", [401, 407])
def test_a_bye_that_is_to_be_sent_again_with_credentials_and_is_not(status):
    (found,) = [each for each in asked(RULE, **refused_bye(status=status)) if "challenged" in each.tags]
    assert (found.verdict, found.leg, found.evidence.frames[:2]) == ("suspect", 1, (40, 41))
    told = told_both(found, RULE)
    assert "It asks for credentials" in told["en"]["detail"]
    assert "has_totag" in told["de"]["remedies"]
    silent = (refused_bye(status=status, again=20.5), refused_bye(status=status, until=22.0))
    assert all("challenged" not in each.tags for scene in silent for each in asked(RULE, **scene))


@pytest.mark.parametrize(
    "scene",
    [
        refused_bye(until=22.0),
        refused_bye(theirs=20.05),
        refused_bye(status=200),
        refused_bye(again=20.5),
        refused_bye(until=22.0, own=60.0),
    ],
    ids=["it had ended", "both hung up", "accepted", "sent again", "only its sender goes on"],
)
def test_silent_where_a_bye_ends_the_call(scene):
    assert all("bye" not in found.tags for found in asked(RULE, **scene))


BYE_TIMES = (20.0, 20.5, 21.5, 23.5)


def lost_bye(*times, transport="udp", until=30.0, theirs=None, answered=False, heard=True):
    """The called side's BYE gets no response; media goes on to it ``until``, or the other side hangs up then."""
    base = refused_bye(until=until, theirs=theirs)
    invite, ok, bye, answer, *more = base["sip_messages"]
    byes = [bye | {"time": at, "frame": 40 + n, "transport": transport} for n, at in enumerate(times)]
    kept = [invite] * heard + [ok] + [answer | {"status": 200}] * answered
    return base | {"sip_messages": [*kept, *byes, *more]}


@pytest.mark.parametrize(
    ("scene", "seconds", "times"),
    [
        (lost_bye(*BYE_TIMES), 10, 4),
        (lost_bye(*BYE_TIMES, until=20.1, theirs=26.0), 6, 4),
        (lost_bye(20.0, transport="tcp"), 10, 1),
    ],
    ids=["media", "a BYE of its own", "TCP"],
)
def test_a_bye_that_does_not_arrive_leaves_the_other_side_in_the_call(scene, seconds, times):
    (found,) = asked(RULE, **scene)
    assert (found.verdict, found.leg, found.tags) == ("suspect", 1, {"lost-bye"})
    shown = told_both(found, RULE)["en"]
    assert f"goes on with the call for {seconds} s" in shown["title"]
    assert (f"{times} times" in shown["detail"]) is (times > 1)
    assert "So the far end does not hear" in shown["detail"]


PROXY = "192.0.2.1"


def given_up(*times, answers=(), heard=True):
    """An INVITE that rings and is cancelled, and what comes back after the CANCEL."""
    one, other = "192.0.2.10", "192.0.2.20"
    back = {"src_addr": other, "dst_addr": one, "cseq": 1}
    sip = [
        message(1, "INVITE", 0.0, frame=1, src_addr=one, dst_addr=other, cseq=1),
        message(1, 100, 0.1, frame=2, cseq_method="INVITE", **back),
        *[message(1, 180, 0.5, frame=3, reason="Ringing", cseq_method="INVITE", **back)] * heard,
        *(
            message(1, "CANCEL", at, frame=30 + n, src_addr=one, dst_addr=other, cseq=1)
            for n, at in enumerate(times)
        ),
        *(message(1, status, 12.1, frame=50, cseq_method=method, **back) for status, method in answers),
    ]
    return {"base": foreign(), "sip_messages": sip, "rtp_streams": [], "phases": []}


CANCELS = (12.0, 12.5, 13.5, 15.5)


def test_a_cancel_without_an_answer_is_no_everyday_end():
    (found,) = asked(RULE, **given_up(*CANCELS))
    assert (found.verdict, found.confidence, found.tags) == ("suspect", 0.75, {"lost-cancel"})
    shown = told_both(found, RULE)["en"]
    assert "does not answer the CANCEL of 192.0.2.10 on leg 1: it was sent 4 times in 4 s" in shown["title"]
    assert "Before, 192.0.2.20 was heard (180 Ringing)" in shown["detail"]


@pytest.mark.parametrize(
    "scene",
    [
        given_up(*CANCELS[:3]),
        given_up(*CANCELS, answers=[(200, "CANCEL")]),
        given_up(*CANCELS, answers=[(487, "INVITE")]),
    ],
    ids=["little repeated", "answered", "the INVITE is ended"],
)
def test_silent_about_a_cancel_that_arrives_or_may(scene):
    assert all("lost-cancel" not in found.tags for found in asked(RULE, **scene))


def proxied_bye(*, on_to, answered=None, media=True):
    """The called side's BYE goes by way of a proxy, which passes it on, and answers 408 itself in the end."""
    base = refused_bye(until=30.0)
    invite, ok, bye, answer, *_ = base["sip_messages"]
    onward = bye | {"src_addr": PROXY, "dst_addr": bye["dst_addr"]}
    first = bye | {"dst_addr": PROXY}
    passed = [invite | {"src_addr": invite["src_addr"], "dst_addr": PROXY}]
    copies = [onward | {"time": at, "frame": 60 + n} for n, at in enumerate(on_to)]
    back = answer | {"src_addr": PROXY, "time": 25.0, "frame": 80, "status": 408}
    replies = (
        [answer | {"time": 20.1, "frame": 70, "status": answered, "dst_addr": PROXY}] if answered else []
    )
    heard = ok | {"src_addr": bye["dst_addr"], "dst_addr": PROXY}
    streams = {} if media else {"rtp_streams": []}
    return base | {"sip_messages": [invite, *passed, ok, heard, first, *copies, *replies, back]} | streams


def test_of_a_bye_that_a_proxy_gives_up_the_hop_without_an_answer_is_named():
    (found,) = asked(RULE, **proxied_bye(on_to=BYE_TIMES))
    assert found.facts["sender"] == PROXY and found.facts["seconds"] == 10
    assert "goes on with the call for 10 s" in told_both(found, RULE)["en"]["title"]


def test_a_proxy_s_408_to_a_bye_is_no_answer_of_the_other_side():
    (found,) = asked(RULE, **proxied_bye(on_to=()))
    assert (found.verdict, found.tags, found.facts["target"]) == ("suspect", {"lost-bye"}, PROXY)
    assert f"{PROXY} gets no answer to the BYE" in told_both(found, RULE)["en"]["title"]


def test_where_no_media_are_captured_the_unanswered_bye_alone_is_told_of():
    (found,) = asked(RULE, **proxied_bye(on_to=BYE_TIMES, media=False))
    assert (found.verdict, found.confidence, found.facts["times"]) == ("suspect", 0.7, 4)
    assert "it was sent 4 times in 4 s" in told_both(found, RULE)["en"]["title"]


@pytest.mark.parametrize(
    "scene",
    [
        proxied_bye(on_to=BYE_TIMES, answered=200),
        proxied_bye(on_to=BYE_TIMES[:3], media=False),
        proxied_bye(on_to=(), media=False),
    ],
    ids=["answered", "little repeated", "a 408 alone"],
)
def test_silent_where_nothing_says_that_the_call_went_on_after_a_bye(scene):
    assert all("lost-bye" not in found.tags for found in asked(RULE, **scene))


@pytest.mark.parametrize(
    "scene",
    [
        lost_bye(*BYE_TIMES[:3]),
        lost_bye(*BYE_TIMES, until=22.9),
        lost_bye(*BYE_TIMES, answered=True),
        lost_bye(*BYE_TIMES, heard=False),
        lost_bye(20.0),
    ],
    ids=["little repeated", "it had ended", "answered", "one direction captured", "once over UDP"],
)
def test_silent_where_a_bye_arrives_or_may(scene):
    assert all("lost-bye" not in found.tags for found in asked(RULE, **scene))


def unanswered_by_bye(*more, ringing=180):
    """An INVITE that rings, and is ended by a BYE of the called side."""
    back = {"src_addr": SERVER, "dst_addr": APP}
    rows = [
        message(1, "INVITE", 0.0),
        message(1, ringing, 0.3),
        *more,
        message(1, "BYE", 34.0, to_tag="t", **back),
    ]
    return {
        "legs": [leg(1, answer_time=None, final_status=None, state="open")],
        "sip_messages": rows,
        "rtp_streams": [],
        "bindings": [],
        "dtls": [],
    }


def test_a_bye_of_the_called_side_proves_an_answer_that_did_not_arrive():
    (found,) = asked(RULE, **unanswered_by_bye())
    assert (found.verdict, found.leg, found.tags) == ("suspect", 1, {"lost-answer"})
    shown = told_both(found, RULE)["en"]
    assert "got no final response in 34 s" in shown["title"]


@pytest.mark.parametrize(
    "scene",
    [
        unanswered_by_bye(message(1, 200, 3.0)),
        unanswered_by_bye(message(1, 486, 3.0)),
        unanswered_by_bye(message(1, "ACK", 3.0, to_tag="t")),
        unanswered_by_bye(ringing=200),
    ],
    ids=["a 200", "refused", "an ACK: the capture lacks the 200", "answered at once"],
)
def test_silent_where_the_answer_arrived(scene):
    assert all("lost-answer" not in found.tags for found in asked(RULE, **scene))


@pytest.mark.parametrize(
    ("size", "transport", "long"), [(1473, "udp", True), (1472, "udp", False), (2400, "tcp", False)]
)
def test_an_invite_in_fragments_is_named(size, transport, long):
    scene = silent_gateway(*invites(*TIMES, size=size, transport=transport))
    (found,) = asked(RULE, **scene)
    assert ("long" in found.tags) is long
    assert (
        "1473 bytes long, so it goes over UDP in fragments" in told_both(found, RULE)["en"]["detail"]
    ) is long


CALLER, CALLED = "192.0.2.10", "192.0.2.20"


def by_the_proxy(*sip, until=60.0):
    """A call through a proxy, of which one hop each way is shown; media goes on until then."""
    begun = [
        message(1, "INVITE", 0.0, frame=1, src_addr=CALLER, dst_addr=PROXY, cseq=1),
        message(1, 200, 3.0, frame=21, src_addr=PROXY, dst_addr=CALLER, cseq=1),
    ]
    streams = [dict(row) | {"last_time": until} for row in foreign()["rtp_streams"]]
    return {"base": foreign(), "sip_messages": [*begun, *sip], "rtp_streams": streams}


def bye_between(source, target, time, frame, status=None):
    """A BYE, and its answer if there is one."""
    asked_for = {"cseq": frame, "cseq_method": "BYE"}
    sent = message(1, "BYE", time, frame=frame, to_tag="t", src_addr=source, dst_addr=target) | asked_for
    ends = {"src_addr": target, "dst_addr": source}
    answer = message(1, status or 200, time + 0.02, frame=frame + 1, reason="Gone") | asked_for | ends
    return [sent, *([answer] if status else [])]


TOLD_ONE = bye_between(PROXY, CALLER, 20.0, 40, 200)


def test_a_bye_of_a_proxy_to_one_side_only():
    scene = by_the_proxy(*TOLD_ONE, *bye_between(CALLED, PROXY, 45.0, 50, 481))
    (found,) = [each for each in asked(RULE, **scene) if "untold" in each.tags]
    assert (found.verdict, found.evidence.frames) == ("suspect", (40, 50, 51))
    assert f"{CALLED} went on for 25 s, and its own BYE got 481 Gone" in told_both(found, RULE)["en"]["title"]
    row = verdict(**scene)
    assert (row.verdict, row.cause) == ("suspect", "no-response")


@pytest.mark.parametrize(
    "scene",
    [
        by_the_proxy(*TOLD_ONE, *bye_between(CALLED, PROXY, 22.5, 50, 481)),
        by_the_proxy(*TOLD_ONE, *bye_between(CALLED, PROXY, 45.0, 50, 481), until=22.0),
        by_the_proxy(*TOLD_ONE[:1], *bye_between(CALLED, PROXY, 45.0, 50, 481)),
        by_the_proxy(*TOLD_ONE, *bye_between(CALLED, PROXY, 45.0, 50, 200)),
        by_the_proxy(
            *TOLD_ONE,
            *bye_between(PROXY, CALLED, 20.01, 45, 200),
            *bye_between(CALLED, PROXY, 45.0, 50, 481),
        ),
        by_the_proxy(*bye_between(CALLER, CALLED, 20.0, 40, 200), *bye_between(CALLED, PROXY, 45.0, 50, 481)),
    ],
    ids=["crossed", "silent by then", "not answered", "accepted", "both were told", "a party hung up"],
)
def test_silent_where_both_sides_hear_of_the_end(scene):
    assert all("untold" not in found.tags for found in asked(RULE, **scene))


LATE = {"reason_header": "dialog timeout occured"}


def pings(*times, answered=None):
    sent = [
        message(1, "OPTIONS", time, frame=60 + n, to_tag="t", src_addr=PROXY, dst_addr=CALLED)
        for n, time in enumerate(times)
    ]
    answer = message(1, 200, answered or 0.0, frame=70, src_addr=CALLED, dst_addr=PROXY)
    return [*sent, *([answer | {"cseq_method": "OPTIONS"}] if answered else [])]


GIVEN_UP_ON = [*bye_between(PROXY, CALLER, 22.0, 80, 200), *bye_between(PROXY, CALLED, 22.01, 84)]
ENDED = bye_between(PROXY, CALLER, 22.0, 80, 200)


@pytest.mark.parametrize("end", [GIVEN_UP_ON, [ENDED[0] | LATE, ENDED[1]]])
def test_a_call_ended_for_want_of_an_answer_to_options(end):
    scene = by_the_proxy(*pings(10.0, 10.5, 11.5, 13.5), *end)
    (found,) = [each for each in asked(RULE, **scene) if "pinged" in each.tags]
    assert (found.verdict, found.facts["times"], found.facts["target"]) == ("suspect", 4, CALLED)
    shown = told_both(found, RULE)
    assert "its OPTIONS inside the call, 4 in 4 s, got none" in shown["en"]["title"]
    row = verdict(**scene)
    assert (row.verdict, row.cause) == ("suspect", "no-response")


@pytest.mark.parametrize(
    "sip",
    [
        [*pings(10.0, 10.5, 11.5, 13.5, answered=13.6), *GIVEN_UP_ON],
        [*pings(10.0, 10.5, 11.5), *GIVEN_UP_ON],
        [*pings(10.0, 10.5, 11.5, 12.9), *GIVEN_UP_ON],
        [
            *pings(10.0, 10.5, 11.5, 13.5),
            *bye_between(PROXY, CALLER, 50.6, 80, 200),
            *bye_between(PROXY, CALLED, 50.6, 84),
        ],
        [*pings(10.0, 10.5, 11.5, 13.5), *bye_between(CALLER, PROXY, 21.9, 78, 200), *GIVEN_UP_ON],
        pings(10.0, 10.5, 11.5, 13.5),
        [*pings(10.0, 10.5, 11.5, 13.5), *ENDED],
        [
            *pings(10.0, 10.5, 11.5, 13.5),
            ENDED[0] | {"reason_header": "Q.850;cause=16"},
        ],
    ],
    ids=[
        "answered",
        "few",
        "at once",
        "much later",
        "a party hung up",
        "goes on",
        "perhaps a person",
        "a person",
    ],
)
def test_silent_where_options_ended_no_call(sip):
    assert all("pinged" not in found.tags for found in asked(RULE, **by_the_proxy(*sip)))


def test_an_invite_without_a_contact_is_named():
    (found,) = asked(RULE, **silent_gateway(*invites(*TIMES, contact=None)))
    assert found.tags == {"hop", "bare"}
    assert "It has no Contact" in told_both(found, RULE)["en"]["detail"]


@pytest.mark.parametrize("branch", ["z9hG4bKx", "z9hG4bKy"])
def test_a_re_invite_with_the_branch_of_an_earlier_one(branch):
    first = message(2, "INVITE", -2.0, frame=5, branch=branch, cseq=1)
    bye = message(2, "BYE", 32.4, to_tag="t", frame=90, src_addr=SERVER)
    sip = [first, *invites(*GIVEN_UP, to_tag="t", transport="udp", cseq=2), bye]
    scene = silent_gateway(*sip, **STOOD)
    (found,) = asked(RULE, **scene)
    reused = branch == "z9hG4bKx"
    assert ("reused" in found.tags) is reused
    detail = told_both(found, RULE)["en"]["detail"]
    assert ("Its Via has the branch of the INVITE of frame 5" in detail) is reused


def taken(*more, until=32.0, **changes):
    """An INVITE that the next hop takes with 100 Trying, and the CANCEL of its sender."""
    gone = {"ringing_time": None, "progress_time": None, "answer_time": None}
    rows = [
        message(1, "INVITE", 0.0, frame=1, cseq=1),
        response(1, 100, 0.01, frame=2, cseq=1),
        *more,
        message(1, "CANCEL", until, frame=8, cseq=1),
        response(1, 487, until + 0.1, frame=9, cseq=1),
    ]
    legs = [refused_leg(1, 487, state="cancelled", end_time=until, **gone)]
    return NO_MEDIA | {"calls": [call(487)], "legs": legs, "sip_messages": rows} | changes


def test_a_next_hop_that_takes_the_call_and_says_no_more():
    (found,) = asked(RULE, **taken())
    assert (found.verdict, found.confidence, found.tags) == ("suspect", 0.6, {"behind"})
    assert found.evidence.frames == (1, 8)
    told = told_both(found, RULE)
    assert (
        f"{SERVER} takes the INVITE on leg 1 (100 Trying), and nothing follows for 32 s"
        in told["en"]["title"]
    )
    assert "kein Klingeln, keine Ablehnung" in told["de"]["title"]
    assert "push notification" in told["en"]["causes"]
    row = verdict(**taken())
    assert (row.verdict, row.cause) == ("suspect", "no-response")


@pytest.mark.parametrize(
    "scene",
    [
        taken(until=31.9),
        taken(response(1, 183, 5.0, frame=3, cseq=1)),
        taken(legs=[refused_leg(1, 487, state="cancelled", ringing_time=4.0)]),
        taken(legs=[*taken()["legs"], refused_leg(2, 487, progress_time=4.0)]),
        taken(legs=[*taken()["legs"], leg(2)]),
    ],
    ids=["hung up before", "progress", "ringing", "progress behind", "answered behind"],
)
def test_silent_where_a_cancelled_call_got_on(scene):
    assert all("behind" not in found.tags for found in asked(RULE, **scene))
