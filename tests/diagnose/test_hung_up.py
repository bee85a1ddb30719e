"""Who ended a call, when and why."""

import pytest

from postproc.diagnose.ending import hung_up
from postproc.model.findings import filled
from tests.diagnose.scenes import APP, GATEWAY, SERVER, foreign, leg, message, scene, verdict


def said(lang="en", **changes):
    found = hung_up(scene(**changes))
    return filled(found[0], lang, found[1]) if found else None


def bye(number, time, by, reason=None, **changes):
    """Legs as they are when one is ended by an end, and its BYE."""
    source = ((APP, SERVER), (SERVER, GATEWAY))[number - 1][by == "uas"]
    legs = [leg(1, end_time=21.0), leg(2, end_time=21.0)]
    legs[number - 1] |= {"end_time": time, "ended_by": by}
    sip = [message(number, "BYE", time, src_addr=source, reason_header=reason)]
    return {"legs": legs, "sip_messages": sip} | changes


@pytest.mark.parametrize(
    ("number", "by", "sentence"),
    [
        (1, "uac", f"The caller ({APP}) hung up after 17 s."),
        (2, "uas", f"The called side ({GATEWAY}) hung up after 17 s."),
        (1, "uas", f"The server ({SERVER}) hung up after 17 s."),
        (2, "uac", f"The server ({SERVER}) hung up after 17 s."),
    ],
)
def test_the_side_whose_bye_came_first(number, by, sentence):
    assert said(**bye(number, 20.0, by)) == sentence


def test_less_than_a_second_is_not_said_to_be_none():
    assert said(**bye(1, 3.1, "uac")) == f"The caller ({APP}) hung up within a second."
    assert said("de", **bye(1, 3.1, "uac")) == f"Der Anrufer ({APP}) legte binnen einer Sekunde auf."


@pytest.mark.parametrize("end", [900_000.0, 2.5])
def test_a_duration_that_a_jumping_clock_makes_up_is_not_said(end):
    legs = [leg(1, end_time=end, ended_by="uac"), leg(2, end_time=end + 1)]
    call = bye(1, end, "uac", legs=legs)
    assert said(**call).startswith(f"The caller ({APP}) hung up; the capture's clock")
    assert said("de", **call).startswith(f"Der Anrufer ({APP}) legte auf; die Uhr")


def test_a_reason_that_says_more_than_the_bye_is_quoted():
    timer = 'SIP;cause=408;text="ACK Timeout"'
    assert said("de", **bye(1, 20.0, "uas", timer)) == f"Der Server ({SERVER}) legte nach 17 s auf ({timer})."
    assert "(" not in said(**bye(1, 20.0, "uac", "Q.850;cause=16"))[len(f"The caller ({APP}") :]


def test_a_bye_that_nobody_answers():
    sent = [{"method": "BYE", "call_id": "a@x", "requests": 5, "time": 20.0}]
    assert said(**bye(1, 20.0, "uac", transactions=sent)).endswith("; its BYE was not answered.")
    answered = [sent[0] | {"final_status": 200}]
    assert "not answered" not in said(**bye(1, 20.0, "uac", transactions=answered))


def test_a_call_that_is_given_up():
    never = {"answer_time": None, "state": "cancelled", "end_time": 12.0, "ended_by": "uac"}
    legs = [leg(1, **never, end_reason='SIP;cause=200;text="Call completed elsewhere"'), leg(2, **never)]
    calls = [
        {"call": 1, "legs": 2, "start": 0.0, "joined_by": "header", "confidence": 1.0, "ambiguous": False}
    ]
    assert said(legs=legs, calls=calls) == (
        'Cancelled after 12 s (SIP;cause=200;text="Call completed elsewhere").'
    )


def test_it_stands_behind_every_verdict():
    assert verdict(**bye(1, 20.0, "uac")).headline.endswith(f"The caller ({APP}) hung up after 17 s.")


@pytest.mark.parametrize(
    "changes",
    [
        {"legs": [leg(1, end_time=None, state="answered"), leg(2, end_time=None, state="answered")]},
        {"legs": [leg(1, answer_time=None, state="failed"), leg(2, answer_time=None, state="failed")]},
        {"sip_messages": []},
    ],
)
def test_nothing_is_said_where_nobody_is_seen_to_end_it(changes):
    assert said(**changes) is None


def test_a_call_of_two_phones():
    sip = [message(1, "BYE", 20.0, src_addr="192.0.2.20")]
    legs = [foreign()["legs"][0] | {"ended_by": "uas"}]
    assert (
        said(base=foreign(), sip_messages=sip, legs=legs)
        == "The called side (192.0.2.20) hung up after 17 s."
    )


def test_a_bye_before_the_answer_is_no_clock_that_jumps():
    call = bye(1, 2.5, "uac")
    sip = [call["sip_messages"][0] | {"frame": 8}, message(1, 200, 3.0, frame=9)]
    assert said(**call | {"sip_messages": sip}) == (
        f"The caller ({APP}) hung up by BYE, before the call was answered."
    )
    assert "bevor der Anruf angenommen war" in said("de", **call | {"sip_messages": sip})
    later = [sip[0] | {"frame": 10}, sip[1]]
    assert "clock jumps" in said(**call | {"sip_messages": later})
