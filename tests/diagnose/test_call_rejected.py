"""Final failures other than busy, cancelled and the like."""

import pytest

from postproc.diagnose.describe import detail
from postproc.diagnose.evidence.q850 import CAUSES
from postproc.diagnose.rules.call_rejected import RULE
from tests.builders import GATEWAY, SERVER
from tests.diagnose.refusals import CAUSE_88, NO_MEDIA, at_once, call, offer, passed_on, refused_leg, response
from tests.diagnose.scenes import asked, foreign, leg, message, phase, told_both, verdict
from tests.diagnose.test_dtls_alert import ALERT


def test_it_names_who_on_the_other_leg_answered_first():
    (found,) = asked(RULE, **passed_on(500, first=503))
    assert (found.verdict, found.facts["who"], found.facts["answer"]) == ("fault", GATEWAY, "503 No")
    told = told_both(found, RULE)
    assert told["en"]["title"] == f"The call was rejected by {GATEWAY}, on the server's other leg: 503 No."
    assert "500 No an den Anrufer weiter" in told["de"]["detail"]
    assert found.evidence.frames == (1, 5, 6)
    assert found.tags == {"server"}


def test_of_two_tried_destinations_the_one_whose_answer_was_passed_on_is_named():
    scene = passed_on(404)
    scene["calls"] = [call(404, legs=3)]
    scene["legs"] = [*scene["legs"], refused_leg(2, 503, leg=3, call_id="c@x", uas_addr="10.0.50.21")]
    other = {"call_id": "c@x", "dst_addr": SERVER}
    scene["sip_messages"] = [
        *scene["sip_messages"][:-1],
        response(2, 503, 1.05, src_addr="10.0.50.21", **other),
        scene["sip_messages"][-1],
    ]
    (found,) = asked(RULE, **scene)
    assert (found.facts["who"], found.tags) == (GATEWAY, {"number"})


def test_one_leg_alone_leaves_open_who_decided():
    scene = at_once(503, after=1.5)
    (found,) = asked(RULE, **scene)
    told = told_both(found, RULE)
    assert told["en"]["title"] == f"The call was rejected by {SERVER}: 503 No."
    assert "It came 1.5 s after the INVITE." in told["en"]["detail"]
    assert "cannot be told whether" in told["en"]["detail"]


def test_an_immediate_refusal_is_the_servers_own():
    (found,) = asked(RULE, **at_once(404))
    assert "cannot be told" not in told_both(found, RULE)["en"]["detail"]


@pytest.mark.parametrize("cause", CAUSES)
def test_the_q850_cause_is_put_in_words(cause):
    (found,) = asked(RULE, **at_once(502, reason_header=f'Q.850;cause={cause};text="X"'))
    assert CAUSES[cause].de in told_both(found, RULE)["de"]["detail"]


def test_another_reason_is_quoted_as_it_stands():
    (found,) = asked(RULE, **at_once(500, reason_header='SIP;cause=580;text="{odd}"'))
    assert 'SIP;cause=580;text="{odd}"' in detail(found, "en")


def test_a_warning_is_quoted():
    (found,) = asked(RULE, **at_once(502, warning='399 sbc "Caller ID not allowed"'))
    assert 'Its Warning header: 399 sbc "Caller ID not allowed".' in detail(found, "en")


@pytest.mark.parametrize("status", [415, 606])
def test_a_refusal_of_the_offer_that_nothing_explains_is_less_sure(status):
    (found,) = asked(RULE, **at_once(status, after=1.5))
    assert (found.verdict, found.confidence, found.tags) == ("fault", 0.8, {"media"})


@pytest.mark.parametrize(
    ("status", "kind", "word"),
    [
        (482, "loop", "default route"),
        (421, "extension", "100rel"),
        (580, "bearer", "curr:qos"),
        (400, "message", "malformed"),
        (513, "message", "too large"),
        (433, "identity", "withheld"),
        (438, "identity", "signature"),
    ],
)
def test_what_kind_of_refusal_it_is(status, kind, word):
    (found,) = asked(RULE, **at_once(status))
    assert (found.verdict, found.tags) == ("fault", {kind})
    assert word in told_both(found, RULE)["en"]["causes"]


def test_a_challenge_that_nobody_answers_is_a_suspicion():
    (found,) = asked(RULE, **at_once(401))
    assert (found.verdict, found.tags) == ("suspect", {"no-credentials"})
    told = told_both(found, RULE)
    assert "gives none" in told["en"]["title"]
    assert "a trunk without registration" in told["en"]["causes"]
    assert "do not fit" not in told["en"]["causes"]
    assert "freischalten lassen" in told["de"]["remedies"]


def test_a_challenge_at_the_end_of_the_capture_cannot_be_judged():
    short = [{"first_time": 0.0, "last_time": 0.5, "packets": 3}]
    (found,) = asked(RULE, **at_once(407), captures=short)
    assert found.verdict == "cannot_tell"


@pytest.mark.parametrize("last", [401, 403])
def test_credentials_that_are_not_accepted_are_a_fault(last):
    messages = [
        message(1, "INVITE", 0.0),
        response(1, 401, 0.01),
        message(1, "INVITE", 0.02, cseq=2),
        response(1, last, 0.03, cseq=2),
    ]
    (found,) = asked(RULE, **at_once(last, sip_messages=messages))
    assert (found.verdict, found.tags) == ("fault", {"credentials"})
    assert "credentials" in told_both(found, RULE)["en"]["title"]


@pytest.mark.parametrize(
    ("status", "reason"), [(404, None), (484, None), (502, "Q.850;cause=1"), (503, "Q.850;cause=28")]
)
def test_a_number_that_is_nobodys_is_a_suspicion(status, reason):
    (found,) = asked(RULE, **at_once(status, reason_header=reason))
    assert found.verdict == "suspect"


@pytest.mark.parametrize("status", [480, 486, 487, 600, 603])
def test_silent_on_how_calls_end_every_day(status):
    assert asked(RULE, **passed_on(status)) == []


def answered_onward(seconds=3, came=5, sent=0, **changes):
    """The gateway answers at once and speaks; the server leaves the caller ringing, and refuses in the end."""
    scene = passed_on(480)
    scene["legs"][1] |= {
        "answer_time": 1.0,
        "end_time": 1.0 + seconds,
        "final_status": 200,
        "state": "completed",
    }
    scene["sip_messages"][4] |= {"status": 200, "cseq_method": "INVITE", "has_sdp": True}
    packets = {"packets_from_client": came, "packets_from_server": sent}
    return scene | {"phases": [phase(2, started=1.0, ended=1.0 + seconds, **packets)]} | changes


def test_an_answer_that_does_not_reach_the_caller():
    (found,) = asked(RULE, **answered_onward())
    assert (found.verdict, found.confidence, found.leg, found.tags) == ("suspect", 0.75, 2, {"kept"})
    assert "did not tell the caller" in told_both(found, RULE)["en"]["title"]
    assert verdict(**answered_onward())["cause"] == "call-rejected"


@pytest.mark.parametrize(
    "scene",
    [
        answered_onward(seconds=2),
        answered_onward(came=4),
        answered_onward(sent=1),  # a prompt: press 1 to take the call
        answered_onward(phases=[]),
    ],
)
def test_silent_where_the_onward_leg_was_asked_or_soon_gone(scene):
    assert asked(RULE, **scene) == []


def test_a_leg_that_ends_as_cancelled_and_nobody_cancelled_it():
    scene = passed_on(480, 487)
    (found,) = asked(RULE, **scene)
    assert (found.verdict, found.confidence, found.tags) == ("suspect", 0.7, {"gave-up"})
    assert "nobody had cancelled" in told_both(found, RULE)["en"]["detail"]
    taken_back = [*scene["sip_messages"], message(2, "CANCEL", 0.9)]
    assert asked(RULE, **scene | {"sip_messages": taken_back}) == []


@pytest.mark.parametrize("lacking", ["ufrag", "fingerprint"])
def test_an_offer_that_a_browser_cannot_take(lacking):
    browser = {"user_agent": "sipml5", "sdp_media": [offer(rtcp_mux=True) | {lacking: None}]}
    scene = at_once(603, 0.08, **browser)
    scene["sip_messages"][1] |= {"reason": "Failed to get local SDP"}
    (found,) = asked(RULE, **scene)
    assert (found.verdict, found.tags) == ("suspect", {"browser"})
    attribute = {"ufrag": "a=ice-ufrag"}.get(lacking, f"a={lacking}")
    assert f"the offer lacks {attribute}, without" in told_both(found, RULE)["en"]["detail"]
    scene["sip_messages"][1] |= {"reason": "Decline"}
    assert asked(RULE, **scene) == []


def test_browsers_demand_rtcp_on_the_port_of_rtp():
    lacking = at_once(606, 1.5, user_agent="JsSIP 3.10", sdp_media=[offer(rtcp_mux=False)])
    (found,) = asked(RULE, **lacking)
    assert found.facts["lacks"] == ["a=rtcp-mux"]
    (found,) = asked(RULE, **at_once(606, 1.5, user_agent="Asterisk", sdp_media=[offer(rtcp_mux=False)]))
    assert found.tags == {"media"}


@pytest.mark.parametrize(("status", "first"), [(603, 488), (486, 503), (480, 404)])
def test_an_everyday_answer_made_of_another_failure_hides_it(status, first):
    scene = passed_on(status, first)
    (found,) = asked(RULE, **scene)
    assert (found.facts["answer"], found.facts["passed"]) == (f"{first} No", f"{status} No")
    assert verdict(**scene)["cause"] == "call-rejected"


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (603, "Q.850;cause=0"),
        (480, "Q.850;cause=41"),
        (486, CAUSE_88),
        (480, "SIP;cause=408"),
        (603, 'SIP;cause=503;text="x"'),
    ],
)
def test_an_everyday_answer_with_the_reason_of_a_failure_is_a_machines(status, reason):
    """Asterisk declines (603, cause 0) where no codec fits; no phone has rung by then."""
    scene = at_once(status, 0.007, reason_header=reason)
    (found,) = asked(RULE, **scene)
    assert (found.verdict, found.tags) == ("suspect", {"server"})
    assert "No phone had rung" in told_both(found, RULE)["en"]["detail"]
    assert (verdict(**scene).verdict, verdict(**scene).cause) == ("suspect", "call-rejected")


@pytest.mark.parametrize(
    ("status", "reason", "ringing"),
    [
        (603, "Q.850;cause=21", None),
        (486, "Q.850;cause=17", None),
        (603, None, None),
        (603, "Q.850;cause=0", 0.003),
        (480, "SIP;cause=408", 0.003),
        (480, "SIP;cause=486", None),
    ],
    ids=["rejected", "busy", "do not disturb", "after ringing", "rang too long", "of a fork"],
)
def test_silent_on_an_everyday_answer_that_may_be_somebodys(status, reason, ringing):
    scene = at_once(status, 0.007, reason_header=reason)
    scene["legs"] = [row | {"ringing_time": ringing} for row in scene["legs"]]
    assert asked(RULE, **scene) == []


@pytest.mark.parametrize("onward", [{"ringing_time": 0.5}, {"final_status": 401}])
def test_silent_where_an_everyday_answer_may_be_somebodys_own(onward):
    scene = passed_on(603, first := onward.get("final_status", 500))
    scene["legs"] = [scene["legs"][0], refused_leg(2, first, end_time=1.1) | onward]
    assert asked(RULE, **scene) == []


@pytest.mark.parametrize(("late", "alone"), [(2.0, True), (2.1, False)])
def test_an_everyday_answer_long_after_a_failure_or_after_another_try_hides_nothing(late, alone):
    scene = passed_on(486, 503)
    scene["sip_messages"] = [*scene["sip_messages"][:-1], response(1, 486, 1.0 + late)]
    assert bool(asked(RULE, **scene)) == alone
    scene["legs"] = [*scene["legs"], refused_leg(3, 486, call_id="c@x")]
    assert asked(RULE, **scene) == []


def test_silent_on_a_cancelled_call_whatever_its_status():
    cancelled = [refused_leg(1, 500, state="cancelled")]
    assert asked(RULE, **at_once(500, legs=cancelled)) == []


def test_silent_where_a_nearer_rule_speaks():
    assert asked(RULE, **at_once(403)) == []
    assert asked(RULE, **at_once(488, reason_header=CAUSE_88)) == []


def test_silent_when_another_leg_failed_but_the_call_was_answered():
    assert asked(RULE, legs=[leg(1), refused_leg(2, 503)]) == []


def test_silent_without_the_invite():
    assert asked(RULE, **at_once(500, sip_messages=[response(1, 500, 0.1)])) == []


def test_silent_on_good_and_foreign_calls():
    assert asked(RULE) == []
    assert asked(RULE, base=foreign()) == []


def test_it_becomes_the_calls_cause():
    row = verdict(**passed_on(503))
    assert (row.verdict, row.cause) == ("fault", "call-rejected")


@pytest.mark.parametrize("name", ["made/busy_486.pcapng", "made/cancelled_487.pcapng", "made/forked.pcapng"])
def test_silent_on_real_busy_and_cancelled_calls(judged, name):
    assert "call-rejected" not in set(judged(name).tables.findings["name"])


def broken_off(before, alert="handshake_failure"):
    """A call refused with 502 after 0.5 s, and a DTLS alert so many seconds before that."""
    time = 0.5 - before
    row = {"src_addr": SERVER, "content": "alert", "alert": alert, "time": time, "frame": 44}
    handshake = ALERT | {"started": time, "time": time}
    return at_once(502, after=0.5) | {"dtls": [handshake], "dtls_messages": [row]}


def test_a_refusal_right_after_a_dtls_alert_is_its_consequence():
    (found,) = asked(RULE, **broken_off(0.02))
    assert found.verdict == "note"
    assert verdict(**broken_off(0.02)).cause == "dtls-alert"
    assert (
        "A DTLS alert (frame 44) had ended the handshake 20 ms before"
        in told_both(found, RULE)["en"]["detail"]
    )


def test_an_alert_that_is_no_finding_itself_explains_no_refusal():
    """Else nothing would be left of the call that is wrong."""
    (found,) = asked(
        RULE, **broken_off(0.02) | {"dtls": [ALERT | {"state": "complete", "started": 0.4, "time": 0.4}]}
    )
    assert found.verdict == "fault"


@pytest.mark.parametrize("scene", [broken_off(1.5), broken_off(-0.02), broken_off(0.02, "close_notify")])
def test_other_alerts_do_not_excuse_it(scene):
    (found,) = asked(RULE, **scene)
    assert found.verdict == "fault"


def behind_a_menu(status=503, hung_up=9.0, **changes):
    """The server answers at 1 s and asks the gateway, which refuses at 5 s; then the server hangs up."""
    menu = {"answer_time": 1.0, "end_time": hung_up, "ended_by": "uas"}
    scene = {
        "legs": [leg(1, **menu), refused_leg(2, status, invite_time=4.0, end_time=5.0)],
        "sip_messages": [
            message(1, "INVITE", 0.0),
            message(1, 200, 1.0),
            message(2, "INVITE", 4.0),
            response(2, status, 5.0, frame=40),
        ],
    }
    return scene | changes


@pytest.mark.parametrize(
    ("status", "tag"), [(503, "server"), (404, "number"), (408, "timeout"), (407, "credentials")]
)
def test_a_refusal_behind_a_menu_that_ends_the_call_is_a_suspicion(status, tag):
    (found,) = asked(RULE, **behind_a_menu(status))
    assert (found.verdict, found.leg, found.tags, found.evidence.frames) == ("suspect", 2, {tag}, (40,))
    told = told_both(found, RULE)
    assert told["en"]["title"].startswith(
        f"{GATEWAY} refused the call that {SERVER} passed on ({status} No); 4 s later"
    )
    assert verdict(**behind_a_menu(status)).cause == "call-rejected"


def test_the_refusal_behind_a_menu_tells_its_q850_cause():
    messages = [*behind_a_menu()["sip_messages"][:-1], response(2, 503, 5.0, reason_header="Q.850;cause=34")]
    (found,) = asked(RULE, **behind_a_menu(sip_messages=messages))
    assert CAUSES[34].en in told_both(found, RULE)["en"]["detail"]


def test_silent_where_the_server_had_more_to_say_after_a_refusal():
    assert asked(RULE, **behind_a_menu(hung_up=35.0))
    assert asked(RULE, **behind_a_menu(hung_up=36.0)) == []


def test_silent_behind_a_menu_where_somebody_was_reached_or_the_caller_hung_up():
    second = leg(3, call_id="c@x")
    for name, changes in {
        "the next destination answered": {"legs": [*behind_a_menu()["legs"], second]},
        "the caller hung up": {"legs": [leg(1, answer_time=1.0, end_time=9.0), behind_a_menu()["legs"][1]]},
        "a transfer": {"sip_messages": [*behind_a_menu()["sip_messages"], message(1, "REFER", 3.0)]},
        "busy": behind_a_menu(486),
        "a redirection": behind_a_menu(302),
    }.items():
        assert asked(RULE, **(behind_a_menu() | changes)) == [], name


@pytest.mark.parametrize(("status", "kind"), [(400, "offerless"), (488, "offerless"), (503, "server")])
def test_an_invite_without_an_offer_may_be_what_is_refused(status, kind):
    scene = at_once(status)
    scene["sip_messages"][0] |= {"has_sdp": False}
    scene["sdp_media"] = []
    (found,) = asked(RULE, **scene)
    assert found.tags == {kind}
    assert ("came without SDP" in told_both(found, RULE)["en"]["detail"]) == (kind == "offerless")


@pytest.mark.parametrize(
    ("challenge", "tags"),
    [
        ("SHA-256", {"no-credentials", "digest"}),
        ("SHA-256,MD5", {"no-credentials"}),
        (None, {"no-credentials"}),
    ],
)
def test_a_digest_that_the_caller_may_not_know(challenge, tags):
    scene = at_once(407)
    scene["sip_messages"][1] |= {"challenge": challenge}
    (found,) = asked(RULE, **scene)
    assert found.tags == tags
    assert ("only digest asked for is SHA-256" in told_both(found, RULE)["en"]["detail"]) == (
        "digest" in tags
    )


def cancelled(reason):
    """The caller's side takes the call back after 6 s."""
    sip = [
        message(1, "INVITE", 0.0, frame=1, cseq=1),
        message(1, "CANCEL", 6.0, frame=7, cseq=1, reason_header=reason),
        response(1, 487, 6.1, cseq=1, frame=9),
    ]
    taken = refused_leg(1, 487, state="cancelled", end_time=6.0)
    return NO_MEDIA | {"calls": [call(487, answer=None)], "legs": [taken], "sip_messages": sip}


def test_a_cancel_whose_invite_was_before_the_capture_says_nothing():
    scene = cancelled("SIP;cause=503")
    del scene["sip_messages"][0]
    assert asked(RULE, **scene) == []


@pytest.mark.parametrize(
    ("reason", "tag", "words"),
    [
        ('SIP;cause=580;text="Precondition Failure"', "bearer", "Precondition Failure"),
        ("Q.850;cause=65", "media", "Q.850 cause 65: bearer capability not implemented"),
        ("SIP;cause=503, Q.850;cause=16", "media", "SIP;cause=503"),
    ],
)
def test_a_call_that_its_caller_s_side_gives_up_by_itself(reason, tag, words):
    (found,) = asked(RULE, **cancelled(reason))
    assert (found.verdict, found.tags, found.evidence.frames) == ("suspect", {tag}, (1, 7))
    shown = told_both(found, RULE)["en"]
    assert shown["title"].startswith("The caller's side took the call back by itself 6 s after the INVITE")
    assert words in shown["title"] + shown["detail"]
    row = verdict(**cancelled(reason))
    assert (row.verdict, row.cause) == ("suspect", "call-rejected")


EVERYDAY = (
    None,
    "Q.850;cause=16",
    'SIP;cause=200;text="Call completed elsewhere"',
    "SIP;cause=487",
    "Q.850;cause=102",
)


@pytest.mark.parametrize("reason", EVERYDAY)
def test_silent_where_somebody_hung_up_before_an_answer(reason):
    assert asked(RULE, **cancelled(reason)) == []
    assert verdict(**cancelled(reason)).verdict == "ok"


def test_a_487_that_answers_the_server_s_own_cancel_is_not_the_origin():
    scene = passed_on(503, first=487)
    taken_back = message(2, "CANCEL", 0.9, reason_header="Q.850;cause=65")
    (found,) = asked(RULE, **scene | {"sip_messages": [*scene["sip_messages"], taken_back]})
    assert (found.facts["who"], found.facts["answer"]) == (SERVER, "503 No")


def dropped(reason, **changes):
    bye = message(1, "BYE", 20.0, frame=31, src_addr=SERVER, to_tag="t", reason_header=reason)
    rest = [row for row in foreign()["sip_messages"] if row.get("method") != "BYE"]
    return {"base": foreign(), "phases": [phase()], "sip_messages": [*rest, bye]} | changes


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("Q.850;cause=38", "the network is out of order"),
        ('SIP;cause=500;text="x"', "could not keep the call"),
        ("SIP;cause=599", "nobody hung up"),
        ('RELEASE_CAUSE;cause=3;text="Media bearer loss"', "could not keep the call"),
        ("RELEASE_CAUSE ;cause=5", "nobody hung up"),
    ],
)
def test_a_good_call_that_a_machine_ends_for_a_failure_of_its_own(reason, words):
    (found,) = asked(RULE, **dropped(reason))
    assert (found.verdict, found.confidence, found.evidence.frames) == ("suspect", 0.7, (31,))
    shown = told_both(found, RULE)["en"]
    assert shown["title"] == f"{SERVER} ended the call by itself 17 s after the answer: {reason}."
    assert words in shown["detail"]
    assert verdict(**dropped(reason)).verdict == "suspect"


@pytest.mark.parametrize("streams", [{}, {"rtp_streams": []}], ids=["heard", "no media captured"])
def test_a_call_that_is_ended_because_a_request_in_it_got_no_answer(streams):
    """The side that hears only of the end: what was asked is lost before it gets there."""
    scene = dropped('SIP ;cause=408 ;text="Request Timeout"', **streams)
    (found,) = asked(RULE, **scene | {"phases": [phase()] if not streams else []})
    assert (found.verdict, found.confidence, found.tags) == ("suspect", 0.7, {"unanswered"})
    shown = told_both(found, RULE)["en"]
    assert "got no answer to something that it sent in the call" in shown["detail"]
    assert "re-INVITE, UPDATE" in shown["causes"]


def test_silent_where_the_request_that_got_no_answer_is_seen():
    asking = [
        message(1, "INVITE", at, frame=50, cseq=9, to_tag="t", src_addr=SERVER, dst_addr="10.0.50.5")
        for at in (5.0, 5.5, 6.5, 8.5, 12.5)
    ]
    scene = dropped("SIP;cause=408")
    scene["sip_messages"][-1:] = [*asking, scene["sip_messages"][-1] | {"time": 37.0}]
    assert asked(RULE, **scene) == []
    assert verdict(**scene).cause == "no-response"


@pytest.mark.parametrize(
    "scene",
    [
        dropped('SIP;cause=408;text="RTP Timeout"'),
        dropped(None),
        dropped("Q.850;cause=16"),
        dropped("Q.850;cause=127"),
        dropped("RELEASE_CAUSE;cause=1"),
        dropped("SIP;cause=499"),
        dropped("SIP;cause=600"),
        dropped("Q.850;cause=38", rtp_streams=[]),
        dropped("Q.850;cause=38", legs=[leg(1, answer_time=None)]),
    ],
    ids=[
        "media did not come",
        "none",
        "normal",
        "interworking",
        "a mobile user",
        "a client's",
        "declined",
        "no media",
        "never answered",
    ],
)
def test_silent_where_somebody_hung_up_or_other_rules_speak(scene):
    assert asked(RULE, **scene) == []


def test_a_mobile_phone_that_loses_its_bearer_is_told_where_to_look():
    (found,) = asked(RULE, **dropped("RELEASE_CAUSE;cause=3"))
    assert found.tags == {"radio"}
    told = told_both(found, RULE)
    assert "radio coverage lost" in told["en"]["causes"]
    assert "Bearers im Kernnetz" in told["de"]["remedies"]


def redirected(*contacts, asked_for="sip:22@pbx.example", status=302, **changes):
    """INVITEs to one address, each redirected."""
    sip = []
    for number, contact in enumerate(contacts):
        told = {"cseq": 1 + number, "frame": 1 + 3 * number}
        sip += [
            message(1, "INVITE", number, request_uri=asked_for) | told,
            response(1, status, number + 0.1, contact=contact) | told | {"frame": 2 + 3 * number},
        ]
    return at_once(status) | {"sip_messages": sip} | changes


@pytest.mark.parametrize(
    "contact", ["sip:22@pbx.example", "sip:22@PBX.example:5060;q=0.5", "SIP:22@pbx.example:5060"]
)
def test_a_redirection_to_the_address_that_was_asked(contact):
    (found,) = asked(RULE, **redirected(contact, contact))
    assert (found.verdict, found.confidence, found.tags) == ("suspect", 0.8, {"redirected"})
    assert found.evidence.frames == (2, 5)
    told = told_both(found, RULE)
    assert f"redirects the call to {contact}" in told["en"]["title"]
    assert "2 solche Umleitungen, und niemand nahm den Anruf an" in told["de"]["title"]
    assert verdict(**redirected(contact, contact)).verdict == "suspect"


@pytest.mark.parametrize(
    "scene",
    [
        redirected("sip:23@pbx.example"),
        redirected("sip:22@pbx2.example"),
        redirected("sip:22@pbx.example:5062"),
        redirected("sip:22@pbx.example;transport=tcp"),
        redirected("sips:22@pbx.example"),
        redirected(None),
        redirected("sip:22@pbx.example", "sip:23@pbx.example"),
        redirected("sip:22@pbx.example", legs=[refused_leg(1, 302), leg(2)]),
    ],
)
def test_silent_where_a_redirection_leads_on(scene):
    assert asked(RULE, **scene) == []
    assert verdict(**scene).verdict != "suspect"


def test_redirections_that_point_at_each_other():
    here, there = "sip:22@one.example", "sip:22@two.example"
    scene = redirected(there, here)
    scene["sip_messages"][0] |= {"request_uri": here}
    scene["sip_messages"][2] |= {"request_uri": there}
    (found,) = asked(RULE, **scene)
    assert (found.tags, found.facts["contact"]) == ({"redirected"}, here)
    assert found.evidence.frames == (5,)
