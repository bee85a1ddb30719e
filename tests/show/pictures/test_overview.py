"""The calls of a run over time."""

from postproc.model.loading import load
from postproc.model.rows import CallRow
from postproc.show.pictures.charts import BINS, VERDICTS, overview
from postproc.show.pictures.layout import Layer
from tests import builders as b
from tests.show.pictures.looks import assert_good


def run(*verdicts: str | None, apart: float = 60.0) -> list[CallRow]:
    calls = ({"call": n, "start": n * apart, "verdict": verdict} for n, verdict in enumerate(verdicts, 1))
    return load(CallRow, b.calls(*calls))


def texts(calls: list[CallRow], lang: str = "en") -> list[str]:
    return [label.text for label in overview(calls, lang).labels]


def test_one_row_per_verdict_worst_first_with_its_number():
    said = texts(run("ok", "fault", "ok", "cannot_tell", "ok"))
    words = [text for text in said if text in ("fault", "suspect", "unclear", "ok", "not diagnosed")]
    assert words == ["fault", "unclear", "ok"]
    assert said[said.index("ok") + 1] == "3"


def test_before_diagnosis_calls_are_shown_as_not_diagnosed():
    assert "nicht beurteilt" in texts(run(None, None), "de")


def test_every_call_is_in_a_bar():
    held = overview(run(*["ok"] * 500))
    bars = [area for area in held.areas if area.fill == VERDICTS["ok"] and area.layer == Layer.FRONT]
    assert len(bars) == BINS
    assert_good(held)


def test_a_single_call_and_no_call_are_drawn():
    assert_good(overview(run("fault")))
    assert_good(overview(run("fault", "ok", apart=0.001)))
    assert "keine Anrufe" in texts([], "de")


def test_days_and_years_have_their_ticks():
    for apart in (0.5, 30, 3600, 86400, 400 * 86400):
        held = overview(run(*["ok", "suspect"] * 10, apart=apart))
        assert_good(held)
        assert sum(label.y > held.height - 20 for label in held.labels) >= 2
