"""Connections of signalling that break in mid-call."""

import pytest

from postproc.diagnose.rules.signalling_lost import RULE
from tests.diagnose.scenes import (
    APP,
    GATEWAY,
    SERVER,
    asked,
    leg,
    message,
    phase,
    plain_stream,
    told_both,
    verdict,
)

PORTS = {APP: 50112, SERVER: 5060, GATEWAY: 5060}


def tcp(*args, **changes):
    row = message(*args, transport="tcp") | changes
    return {"src_port": PORTS[row["src_addr"]], "dst_port": PORTS[row["dst_addr"]]} | row


def broken(time, event="reset", closer=APP, **changes):
    peer = SERVER if closer == APP else APP
    return {
        "frame": 53,
        "time": time,
        "event": event,
        "src_addr": closer,
        "dst_addr": peer,
        "src_port": PORTS[closer],
        "dst_port": PORTS[peer],
    } | changes


ASKED = (tcp(1, "INVITE", 0.0, frame=1), tcp(1, 183, 0.2, frame=5), message(2, "INVITE", 0.3, frame=6))
ACCEPTED = message(2, 200, 3.0, frame=20)
STANDS = (*ASKED, ACCEPTED, tcp(1, 200, 3.0, frame=21), tcp(1, "ACK", 3.1, frame=22))
BYE = message(2, "BYE", 20.0, frame=30)


def test_an_answer_that_no_longer_finds_its_way():
    sip = [*ASKED, ACCEPTED, BYE]
    legs = [leg(1, final_status=None, answer_time=None, end_time=None, state="trying"), leg(2)]
    changes = {"sip_messages": sip, "legs": legs, "connection_events": [broken(1.0)], "rtp_streams": []}
    (found,) = asked(RULE, **changes)
    assert (found.verdict, found.leg) == ("fault", 1)
    assert found.evidence.frames == (5, 20, 53)
    shown = told_both(found, RULE)
    assert shown["en"]["title"] == f"{APP} reset the TCP connection of leg 1 to {SERVER} in mid-call."
    assert "nahm 2 s später ab" in shown["de"]["detail"]
    row = verdict(**changes)
    assert (row.verdict, row.cause) == ("fault", "signalling-lost")


def test_an_invite_left_alone():
    (found,) = asked(RULE, sip_messages=ASKED, connection_events=[broken(1.0, "fin", SERVER)])
    assert "without a final response" in told_both(found, RULE)["en"]["detail"]
    assert "closed the TCP connection" in told_both(found, RULE)["en"]["title"]


def test_a_bye_that_is_not_passed_on():
    (found,) = asked(RULE, sip_messages=[*STANDS, BYE], connection_events=[broken(8.0, "fin")])
    assert "ended on the other leg 12 s later" in told_both(found, RULE)["en"]["detail"]


def test_a_call_that_goes_on_without_signalling_is_a_suspicion():
    media = [plain_stream(SERVER, GATEWAY, last_time=50.0)]
    (found,) = asked(RULE, sip_messages=STANDS, connection_events=[broken(8.0)], rtp_streams=media)
    assert (found.verdict, found.confidence) == ("suspect", 0.6)


def test_where_the_capture_ends_with_the_other_leg_s_bye_it_is_a_suspicion():
    ends = {"captures": [{"first_time": 0.0, "last_time": 40.5}], "connection_events": [broken(8.0)]}
    late = BYE | {"time": 40.0}
    (found,) = asked(RULE, sip_messages=[*STANDS, late], **ends)
    assert (found.verdict, found.confidence) == ("suspect", 0.6)


@pytest.mark.parametrize(("last", "ended", "count"), [(18.0, None, 1), (16.5, None, 0), (18.0, 17.0, 0)])
def test_a_side_that_closes_its_media_and_can_send_no_bye(last, ended, count):
    """The server closed the WebSocket; the app hangs up 8 s later, and nobody hears of it."""
    app_ends = {
        "src_addr": APP,
        "content": "alert",
        "alert": "encrypted",
        "epoch": 1,
        "time": 16.0,
        "frame": 70,
    }
    found = asked(
        RULE,
        sip_messages=STANDS,
        connection_events=[broken(8.0, "fin", SERVER)],
        dtls_messages=[{"call": 1, "leg": 1} | app_ends],
        captures=[{"first_time": 0.0, "last_time": last}],
        legs=[leg(1, end_time=ended), leg(2, end_time=ended)],
        rtp_streams=[plain_stream(SERVER, GATEWAY, last_time=16.0)],
    )
    assert [each.verdict for each in found] == ["suspect"] * count
    if count:
        assert f"{APP} closed its media 8 s later" in told_both(found[0], RULE)["en"]["detail"]


OVER = tcp(1, "BYE", 7.0, frame=31)


@pytest.mark.parametrize(
    ("sip", "events"),
    [
        ([*STANDS, BYE], []),
        ([*STANDS, OVER, BYE], [broken(8.0, "fin")]),  # after its end
        ([*STANDS, BYE, tcp(1, "BYE", 20.1, src_port=50200)], [broken(8.0)]),  # over a new connection
        ([*ASKED, tcp(1, 486, 1.0)], [broken(2.0, "fin")]),
        ([*ASKED, tcp(1, "CANCEL", 0.9)], [broken(2.0)]),
        ([tcp(1, "INVITE", 0.0), tcp(1, 401, 0.1)], [broken(0.2, "fin")]),
        ([*STANDS], [broken(8.0, "fin")]),  # nobody had anything to say
        ([*STANDS, BYE], [broken(8.0, src_port=50999)]),  # another connection
        ([*STANDS, BYE], [broken(8.0, "alert", alert="close_notify")]),
    ],
)
def test_silent(sip, events):
    assert asked(RULE, sip_messages=sip, connection_events=events) == []


def test_silent_where_the_capture_ends_with_the_break():
    captures = [{"first_time": 0.0, "last_time": 3.0}]
    assert asked(RULE, sip_messages=ASKED, connection_events=[broken(1.0)], captures=captures) == []


@pytest.mark.parametrize("last", [8.2, 25.0, 37.9])
def test_where_the_capture_ends_before_the_call_does_a_reset_is_noted(last):
    stands = {"legs": [leg(1, end_time=None), leg(2, end_time=None)], "sip_messages": STANDS}
    ends = {"captures": [{"first_time": 0.0, "last_time": last}]}
    (found,) = asked(RULE, **stands, **ends, connection_events=[broken(8.0)])
    assert (found.verdict, found.leg) == ("note", 1)
    assert "neither a new connection nor how the call ended" in told_both(found, RULE)["en"]["detail"]
    assert asked(RULE, **stands, **ends, connection_events=[broken(8.0, "fin")]) == []
    assert asked(RULE, **ends, sip_messages=STANDS, connection_events=[broken(8.0)]) == []  # its end is known


@pytest.mark.parametrize(
    ("closed", "event", "closer", "tag"),
    [
        (0.01, "reset", SERVER, "refused"),
        (1.0, "fin", SERVER, "refused"),
        (1.01, "reset", SERVER, "broken"),
        (0.01, "reset", APP, "broken"),
    ],
)
def test_who_is_asked_may_end_the_connection_in_place_of_an_answer(closed, event, closer, tag):
    (found,) = asked(RULE, sip_messages=ASKED[:1], connection_events=[broken(closed, event, closer)])
    assert found.tags == {tag}
    told = told_both(found, RULE)["en"]
    assert ("after the INVITE of" in told["title"]) == (tag == "refused")
    assert ("1,300 bytes" in told["causes"]) == (tag == "refused")
    assert ("suspended" in told["causes"]) == (tag == "broken")


def passed_back(status=503, time=0.4, closed=0.31):
    sip = [message(1, "INVITE", 0.0, frame=1), tcp(2, "INVITE", 0.3, frame=6)]
    legs = [
        leg(1, final_status=status, answer_time=None, state="failed", end_time=time),
        leg(2, **UNANSWERED),
    ]
    event = broken(closed, closer=GATEWAY, dst_addr=SERVER, dst_port=PORTS[SERVER])
    refused = message(1, status, time, frame=54, reason="Service Unavailable")
    return {
        "sip_messages": [*sip, refused],
        "legs": legs,
        "connection_events": [event],
        "rtp_streams": [],
        "captures": [{"first_time": 0.0, "last_time": 1.0}],
    }


UNANSWERED = {"final_status": None, "answer_time": None, "end_time": None, "state": "trying"}


def test_who_turns_the_invite_away_is_the_cause_of_the_server_s_refusal():
    (found,) = asked(RULE, **passed_back())
    assert (found.verdict, found.leg, found.tags) == ("fault", 2, {"refused"})
    assert "503 Service Unavailable 90 ms later" in told_both(found, RULE)["en"]["detail"]


@pytest.mark.parametrize("changes", [{"status": 486}, {"time": 2.9}, {"closed": 1.5, "time": 1.6}])
def test_silent_where_the_refusal_may_have_another_reason(changes):
    assert asked(RULE, **passed_back(**changes)) == []


@pytest.mark.parametrize(("since", "count"), [(14.0, 1), (6.0, 0)])
def test_media_that_stop_after_the_connection_was_closed(since, count):
    """A FIN alone does no harm; a side that stops afterwards may have hung up unheard."""
    quiet = phase(ended=40.0, packets_from_server=500, last_from_server=since, last_from_client=39.9)
    found = asked(RULE, sip_messages=STANDS, connection_events=[broken(8.0, "fin")], phases=[quiet, phase(2)])
    assert [(each.verdict, each.confidence) for each in found] == [("suspect", 0.6)] * count
    for each in found:
        assert "6 s later one side's media stopped for good" in told_both(each, RULE)["en"]["detail"]
