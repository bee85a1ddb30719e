"""telephone-event on one side only."""

import pytest

from postproc.diagnose.rules.dtmf_not_negotiated import RULE
from tests.builders import APP, GATEWAY, SERVER
from tests.diagnose.scenes import (
    SERVER_PORT,
    SERVER_PUBLIC,
    asked,
    good,
    leg,
    message,
    section,
    stream,
    told_both,
    verdict,
)

WITH, WITHOUT = "8=PCMA/8000 101=telephone-event/8000", "8=PCMA/8000"


def described(offer: str | None, answer: str | None, **changes):
    sections = [
        section(codecs=offer),
        section(
            sdp_owner="FreeSWITCH",
            port=SERVER_PORT,
            connection_addr=SERVER_PUBLIC,
            ufrag="server",
            setup="active",
            time=0.2,
            frame=5,
            codecs=answer,
        ),
    ]
    return {"sdp_media": sections} | changes


def infos(*answers: int, dtmf: bool | None = True):
    """An INFO a second, each with its answer."""
    found = []
    for nth, status in enumerate(answers):
        found.append(message(1, "INFO", 5.0 + nth, frame=50 + nth, cseq=3 + nth, to_tag="t", dtmf=dtmf))
        found.append(
            message(1, status, 5.1 + nth, frame=60 + nth, cseq=3 + nth, cseq_method="INFO", reason="No")
        )
    return [*good()["sip_messages"], *found]


def test_an_answer_that_leaves_it_out_is_a_note():
    (found,) = asked(RULE, **described(WITH, WITHOUT))
    assert (found.verdict, found.leg, found.tags) == ("note", 1, {"left_out"})
    assert told_both(found, RULE)["en"]["title"].startswith(f"{SERVER} leaves out telephone-event on leg 1")


def test_a_call_with_it_is_ok():
    assert verdict(**described(WITH, WITHOUT)).verdict == "ok"


def test_keys_by_info_are_counted_once_each():
    messages = infos(200, 200)
    again = message(1, "INFO", 5.4, frame=55, cseq=3, to_tag="t", dtmf=True)
    (found,) = asked(RULE, **described(WITHOUT, WITHOUT), sip_messages=[*messages, again])
    assert (found.tags, found.facts["keys"], found.facts["info"]) == ({"info"}, 2, 50)


def test_an_info_that_is_refused_is_said_to_be_lost():
    (found,) = asked(RULE, **described(WITH, WITHOUT), sip_messages=infos(200, 415))
    assert (found.tags, found.facts["status"]) == ({"left_out", "refused"}, "415 No")
    assert "415 No" in told_both(found, RULE)["de"]["detail"]


@pytest.mark.parametrize(("offer", "answer"), [(WITH, WITH), (WITHOUT, WITHOUT), (WITH, None)])
def test_silent_where_both_or_neither_want_it(offer, answer):
    assert asked(RULE, **described(offer, answer)) == []


def test_silent_for_infos_that_signal_no_key():
    assert asked(RULE, **described(WITHOUT, WITHOUT), sip_messages=infos(200, dtmf=False)) == []


def test_silent_for_keys_by_info_where_events_are_agreed():
    assert asked(RULE, **described(WITH, WITH), sip_messages=infos(200)) == []


def test_silent_before_the_answer():
    assert (
        asked(RULE, **described(WITH, WITHOUT), legs=[leg(1, answer_time=None), leg(2, answer_time=None)])
        == []
    )


def test_the_last_exchange_counts():
    again = [
        section(codecs=WITH, time=10.0, frame=40, formats="8 101"),
        section(
            sdp_owner="FreeSWITCH",
            port=SERVER_PORT,
            connection_addr=SERVER_PUBLIC,
            ufrag="server",
            setup="active",
            time=10.1,
            frame=41,
            formats="8 101",
            codecs=WITH,
        ),
    ]
    messages = [
        *good()["sip_messages"],
        message(1, "INVITE", 10.0, frame=40, cseq=2, to_tag="t"),
        message(1, 200, 10.1, frame=41, cseq=2, has_sdp=True),
    ]
    tables = described(WITH, WITHOUT)
    assert asked(RULE, sdp_media=[*tables["sdp_media"], *again], sip_messages=messages) == []


def test_the_other_leg_is_judged_by_itself():
    sections = [dict(each, codecs=WITH) for each in good()["sdp_media"]]
    sections[-1]["codecs"] = WITHOUT
    (found,) = asked(RULE, sdp_media=sections)
    assert (found.leg, found.facts["answerer"]) == (2, GATEWAY)
    assert APP not in found.facts.values()


def events(*kinds, offer=WITH, answer=WITH, **changes):
    sent = stream(payload_type=8, other_payload_types=",".join(kinds) or None, **changes)
    told = described(offer, answer, rtp_streams=[sent, stream("client_to_server", payload_type=8)])
    return told | {"sdp_media": [row | {"formats": "8,101"} for row in told["sdp_media"]]}


def test_keys_with_a_number_that_nobody_named():
    (found,) = asked(RULE, **events("96"))
    assert (found.verdict, found.leg, found.tags) == ("note", 1, {"unnamed"})
    shown = told_both(found, RULE)["en"]
    assert f"{SERVER}:{SERVER_PORT} sends packets of payload type 96" in shown["title"]
    assert "agreed as 101" in shown["detail"]
    row = verdict(**events("96"))
    assert row.verdict == "ok"


@pytest.mark.parametrize(
    "scene",
    [
        events(),
        events("101"),
        events("13", "19"),
        events("96", offer=WITHOUT, answer=WITHOUT),
        events("96") | {"legs": []},
    ],
    ids=["none", "as agreed", "comfort noise", "no keys agreed", "never answered"],
)
def test_silent_where_numbers_are_named_or_are_no_keys(scene):
    assert all("unnamed" not in found.tags for found in asked(RULE, **scene))
