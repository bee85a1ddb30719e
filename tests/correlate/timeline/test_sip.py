import pytest

from postproc.correlate.timeline.events import table
from postproc.correlate.timeline.signalling import sip_events
from postproc.model.tables import Tables
from tests import builders as b
from tests.correlate.conversation import ask, invite, reply

LEGS = b.legs({"call_id": "a@x", "call": 4, "leg": 2})


def events(*messages):
    return table(
        sip_events(b.attributed(Tables(legs=LEGS, sip_messages=b.sip_messages(*messages))).sip_messages)
    )


def labels(*messages):
    return events(*messages)["label"].tolist()


def severities(*messages):
    return events(*messages)["severity"].tolist()


def test_an_invite_says_whom_it_calls():
    row = events(invite(1.0, request_uri="sip:+498984079810@example.org")).to_dict("records")[0]
    assert row == {
        "capture": "a.pcapng",
        "frame": 1,
        "time": b.at(1),
        "call": 4,
        "leg": 2,
        "lane": "sip",
        "kind": "request",
        "label": "INVITE +498984079810",
        "src": f"{b.APP}:5060",
        "dst": f"{b.SERVER}:5060",
        "severity": "normal",
    }


@pytest.mark.parametrize(
    ("message", "label"),
    [
        (invite(1.0), "INVITE +498984079810"),
        (invite(1.0, to_uri=None), "INVITE"),
        (ask("INVITE", 1.0, cseq=2), "re-INVITE +498984079810"),
        (ask("BYE", 1.0), "BYE"),
        (reply(183, 1.0, reason="Session Progress"), "183 Session Progress"),
        (reply(200, 1.0, "BYE", reason="OK"), "200 OK (BYE)"),
        (reply(180, 1.0), "180"),
    ],
)
def test_labels_are_start_lines_in_short(message, label):
    assert labels(message) == [label]


def test_a_retransmission_says_so_and_another_message_does_not():
    assert labels(invite(1.0, to_uri=None), invite(1.5, to_uri=None), reply(100, 1.6), reply(100, 1.7)) == [
        "INVITE",
        "INVITE (again)",
        "100",
        "100 (again)",
    ]
    assert labels(invite(1.0, to_uri=None), invite(1.5, to_uri=None, branch="z9hG4bKother")) == ["INVITE"] * 2
    assert labels(invite(1.0, to_uri=None), invite(1.5, to_uri=None, capture="b.pcapng")) == ["INVITE"] * 2
    assert severities(invite(1.0), invite(1.5)) == ["normal", "note"]


@pytest.mark.parametrize(
    ("status", "severity"),
    [
        (100, "normal"),
        (200, "normal"),
        (302, "normal"),
        (401, "normal"),
        (407, "normal"),
        (403, "error"),
        (488, "error"),
        (502, "error"),
        (480, "note"),
        (486, "note"),
        (487, "note"),
        (600, "note"),
        (603, "note"),
    ],
)
def test_a_final_failure_is_an_error_unless_it_is_a_challenge_or_a_person_s_wish(status, severity):
    assert severities(reply(status, 1.0)) == [severity]


def test_a_failed_re_invite_leaves_the_call_up():
    messages = [ask("INVITE", 1.0, cseq=2), reply(488, 1.1, cseq=2), reply(488, 1.2, cseq=1)]
    assert severities(*messages) == ["normal", "warning", "error"]


def test_a_failed_bye_is_a_warning():
    assert severities(reply(481, 1.0, "BYE")) == ["warning"]


def test_a_cancel_is_noted():
    assert severities(ask("CANCEL", 1.0)) == ["note"]


def test_a_message_without_a_start_line_and_one_of_no_leg_are_left_out():
    assert labels({"method": None, "status": None}, invite(1.0, call_id="other@x")) == []
