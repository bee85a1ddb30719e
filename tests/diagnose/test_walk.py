"""The network-analysis chart, walked through for a call."""

import pytest

from postproc.diagnose import judge
from postproc.diagnose.rules import RULES
from postproc.diagnose.walk import CHART, records
from postproc.model.causes import step
from postproc.model.findings import Step, filled
from postproc.model.text import LANGS
from tests.builders import SERVER
from tests.diagnose.refusals import at_once
from tests.diagnose.scenes import (
    CLIENT_PUBLIC,
    candidate,
    check,
    foreign,
    good,
    leg,
    message,
    plain_stream,
    scene,
    stream,
    unanswered,
)
from tests.diagnose.test_media_stopped import phase

NAMES = ["trace", "legs", "client_candidates", "server_candidates", "requests", "answers", "dtls", "media"]
BROKEN = {"pairs": [], "dtls": [], "rtp_streams": []}
NO_SIP = {"legs": [], "sip_messages": [], "sdp_media": [], "candidates": []}


def walked(**changes) -> dict[str, Step]:
    return {step.name: step for step in judge(scene(**changes)).walk}


def states(**changes) -> list[str]:
    return [step.state for step in walked(**changes).values()]


def test_the_chart_asks_in_the_guides_order():
    assert list(walked()) == NAMES
    assert [question.name for question in CHART] == NAMES


def test_every_step_can_be_failed_by_a_rule():
    sides = [frozenset({"client"}), frozenset({"server"})]
    assert {step(rule.breaks, side) for rule in RULES for side in sides} - {None} == set(NAMES)


def test_a_good_call_passes_every_step_with_evidence_and_a_filter():
    steps = walked()
    assert {step.state for step in steps.values()} == {"passed"}
    assert all(step.evidence is not None for name, step in steps.items() if name != "trace")
    assert all(step.filter for step in steps.values())
    assert steps["answers"].facts == {"sent": 2, "answered": 2}
    assert steps["media"].facts == {"packets": [850, 850]}


def test_requests_are_counted_as_in_the_findings_about_them():
    bindings = [row._asdict() | {"requests": 3} for row in scene().bindings]
    facts = walked(bindings=bindings)["requests"].facts
    assert facts == {"to_client": 3, "to_server": 3, "sent": 6}


def test_media_is_judged_phase_by_phase():
    resumed = phase(phase=2, kind="resumed", started=12.0)
    steps = walked(phases=[phase(ended=12.0), resumed])
    assert (steps["media"].state, steps["media"].facts["phases"]) == ("passed", 2)
    silent = resumed | {"packets_from_client": 0, "last_from_client": None}
    step = walked(phases=[phase(ended=12.0, may_send_client=False, packets_from_client=0), silent])["media"]
    assert step.state == "cannot_tell"
    assert filled(step.said, "en", step.facts) == (
        "RTP packets per direction: 850, 850. In the phase from 12:00:12.000 to 12:00:20.000 UTC (leg 1, opened by"
        " frame 1) not both sides were heard."
    )


def test_a_plain_call_needs_no_ice():
    assert states(base=foreign()) == ["passed", "passed", *["not_needed"] * 5, "passed"]


def test_what_comes_after_a_failed_step_is_not_reached():
    steps = walked(bindings=unanswered(6), **BROKEN | {"rtp_streams": []})
    assert [step.state for step in steps.values()][:4] == ["passed"] * 4
    assert steps["answers"].state == "failed"
    assert "6 of 6" in records([steps["answers"]], "en")[0]["said"]
    assert steps["dtls"].state == "not_reached"
    assert steps["media"].state in ("failed", "not_reached")


def test_requests_of_one_side_only_fail_where_no_path_came_about():
    assert walked(bindings=unanswered(6), **BROKEN)["requests"].state == "failed"
    assert walked(bindings=[check()])["requests"].state == "passed"


def test_requests_without_a_known_direction_are_counted_together():
    steps = walked(bindings=[check("other", src_addr=SERVER), check("other", time=1.5)])
    assert records([steps["requests"]], "en")[0]["said"] == "2 in all."


def test_a_missing_candidate_fails_the_step_of_its_side():
    """The server's: a client without a public one is harmless beside a public server."""
    one_private = [
        candidate("client", CLIENT_PUBLIC, "documentation"),
        candidate("server", "10.0.0.10", "private"),
    ]
    steps = walked(candidates=one_private, bindings=unanswered(6), **BROKEN)
    assert (steps["client_candidates"].state, steps["server_candidates"].state) == ("passed", "failed")


def test_without_sip_the_legs_cannot_be_told():
    steps = walked(
        **NO_SIP,
        bindings=[check(leg=None), check("client_to_server", leg=None, time=1.2)],
        rtp_streams=[stream(leg=None), stream("client_to_server", leg=None)],
        dtls=[],
    )
    assert (steps["legs"].state, steps["client_candidates"].state) == ("cannot_tell", "cannot_tell")
    assert steps["media"].state == "passed"
    assert steps["legs"].filter is None


def test_one_leg_is_said_to_be_one():
    one = scene(base=foreign())
    assert records([step for step in judge(one).walk if step.name == "legs"], "de")[0]["said"] == "Ein Leg."


def test_a_handshake_that_is_not_complete_is_told_by_its_state():
    row = dict(good()["dtls"][0]) | {"state": "incomplete", "completed": None, "duration_ms": None}
    steps = walked(dtls=[row])  # media flows, so no rule speaks
    assert (steps["dtls"].state, records([steps["dtls"]], "en")[0]["said"]) == (
        "cannot_tell",
        "State: incomplete.",
    )


def test_no_handshake_in_sight_cannot_be_told_where_media_flows():
    assert walked(dtls=[])["dtls"].state == "cannot_tell"


def test_dtls_of_a_leg_of_which_only_the_checks_are_seen_is_not_called_needless():
    others = [row for row in good()["sdp_media"] if row["call_id"] != "a@x"]
    unread = {"sdp_media": others, "dtls": []}
    assert walked(bindings=unanswered(6), **BROKEN | unread)["dtls"].state == "not_reached"
    assert walked(**unread)["dtls"].state == "cannot_tell"
    plain = [row | {"fingerprint": None} for row in good()["sdp_media"]]
    assert walked(sdp_media=plain, dtls=[])["dtls"].state == "not_needed"


def test_a_cut_trace_is_no_failure():
    early = [{"first_time": 0.0, "last_time": 2.0, "packets": 10, "interfaces": "lo,eth0"}]
    up = [leg(1, answer_time=None, end_time=None, final_status=None, state="ringing")]
    steps = walked(
        captures=early, legs=up, sip_messages=[message(1, "INVITE", 0.0, frame=1)], bindings=[], **BROKEN
    )
    assert steps["trace"].state == "cannot_tell"
    assert steps["media"].state == "not_reached"


def test_of_a_call_whose_messages_are_cut_nothing_is_said_to_be_needless():
    captured = [{"first_time": 0.0, "last_time": 60.0, "packets": 40, "messages_cut": 3}]
    steps = walked(base=foreign(), captures=captured, sdp_media=[])
    assert [step.state for step in steps.values()] == [
        "cannot_tell",
        "passed",
        *["cannot_tell"] * 5,
        "passed",
    ]
    (said,) = records([steps["trace"]], "en")
    assert said["said"] == "Of 3 messages in a.pcapng only the beginning was captured."


def test_a_trace_names_its_interfaces():
    whole = [{"first_time": 0.0, "last_time": 60.0, "packets": 4000, "interfaces": "lo,eth0"}]
    (step,) = records([walked(captures=whole)["trace"]], "en")
    assert step["said"] == "4000 packets in a.pcapng, on eth0, lo."


@pytest.mark.parametrize("lang", LANGS)
def test_records_fill_every_text(lang):
    for changes in ({}, {"base": foreign()}, {"bindings": unanswered(6), **BROKEN}, NO_SIP):
        for row in records(judge(scene(**changes)).walk, lang):
            assert set(row) == {"step", "state", "question", "said", "capture", "frames", "filter"}
            assert row["said"] and "{" not in row["said"] and row["question"].endswith("?")


def test_one_way_media_fails_the_last_step():
    assert walked(rtp_streams=[stream(), plain_stream(SERVER, "10.0.50.20")])["media"].state == "failed"


def test_ice_that_was_offered_without_a_candidate_is_ice():
    steps = walked(**at_once(488, candidates=[]))
    assert {name: steps[name].state for name in NAMES[2:6]} == {
        "client_candidates": "failed",
        "server_candidates": "not_reached",
        "requests": "not_reached",
        "answers": "not_reached",
    }


def test_a_200_that_nobody_acknowledged_hides_no_leg():
    repeated = [message(1, 200, time, frame=20, cseq=1) for time in (3.0, 3.5, 4.5, 6.5, 10.5)]
    steps = walked(sip_messages=[message(1, "INVITE", 0.0, frame=1, cseq=1), *repeated])
    assert steps["legs"].state == "passed"
