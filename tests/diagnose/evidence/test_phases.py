"""The verdict of a phase: did media come from everybody from whom it was due, and if not, why."""

import pandas as pd
import pytest

from postproc import diagnose
from tests.diagnose.scenes import XPHONE, phase, tables
from tests.show.pictures.scenes import run_of

NOTHING = {"packets_from_client": 0, "first_from_client": None, "last_from_client": None}


def verdicts(phases: pd.DataFrame) -> list[tuple[int, str, str | None]]:
    return [
        (leg, kind, None if pd.isna(verdict) else verdict)
        for leg, kind, verdict in zip(phases["leg"], phases["kind"], phases["verdict"], strict=True)
    ]


def of_phase(**changes) -> str | None:
    judged, _ = diagnose.diagnose(tables(phases=[phase(**changes)]), XPHONE)
    return verdicts(judged.phases)[0][2]


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({}, "ok"),
        (NOTHING, "cannot_tell"),
        (NOTHING | {"ended": 3.5}, "cannot_tell"),  # too short to tell
        (NOTHING | {"may_send_client": None}, "cannot_tell"),
        (NOTHING | {"kind": "hold", "may_send_client": False}, "ok"),
        (NOTHING | {"may_send_client": False}, "ok"),  # paging
        (NOTHING | {"kind": "early"}, "ok"),  # a ringing tone comes from one side
        (NOTHING | {"kind": "early", "packets_from_server": 0}, None),
        (NOTHING | {"packets_undirected": 850}, "ok"),
        ({"last_from_client": 8.0, "packets_from_client": 250}, "suspect"),
    ],
)
def test_a_phase_is_judged_by_what_came(changes, verdict):
    assert of_phase(**changes) == verdict


def test_missing_media_is_explained_by_the_finding_on_its_leg():
    assert verdicts(run_of("no_binding_success.pcapng").phases) == [
        (1, "early", None),
        (1, "answered", "fault"),
        (2, "answered", "suspect"),
    ]


def test_a_hold_and_what_follows_it_are_judged_apart():
    assert verdicts(run_of("made/reinvite.pcapng").phases) == [
        (1, "early", None),
        (1, "answered", "ok"),
        (1, "hold", "ok"),
        (1, "restart", "ok"),
        (2, "answered", "ok"),
        (2, "hold", "ok"),
        (2, "resumed", "ok"),
    ]
