"""Less in a capture turns no bad call into ``ok``, and no good one into a fault (no rule may guess)."""

from pathlib import Path

import pytest

from postproc import pipeline
from postproc.read import deployment
from tests.diagnose import degraded as by

GOOD, BAD = (
    ("good", "server_view", "two_calls"),
    (
        "no_binding_success",
        "dtls_fail",
        "acl_403",
        "acl_488",
        "codec_488",
        "only_private",
        "ip_mismatch_server",
    ),
)
QUICK = {
    "good": ("the second half", "from 198.51.100.77", "from 10.0.50.118"),
    "dtls_fail": ("the second half", "interface lo"),
}
THOROUGH = ("server_view", "no_binding_success", "ip_mismatch_server", "acl_488")
# The bad call is not in what is left: before its fault began, a call has none.
NOT_YET = {("acl_403", "the first half"), ("acl_488", "the first half"), ("codec_488", "the first half")}


def verdicts(capture: Path) -> set[str]:
    run = pipeline.run([capture], deployment=deployment.read("xphone"), jobs=1)
    return set(run.calls["verdict"])


def wrong(name: str, pcaps: Path, target: Path, only: tuple[str, ...] = ()) -> list[str]:
    """What was removed where the verdict is then wrong."""
    source = pcaps / f"{name}.pcapng"
    never = "fault" if name in GOOD else "ok"
    removed = [less for less in by.everything_removable(source.read_bytes()) if not only or less[0] in only]
    assert {less[0] for less in removed} >= set(only)
    assert removed
    return [
        what
        for what, keep in removed
        if (name, what) not in NOT_YET and never in verdicts(by.degraded(source, target / source.name, keep))
    ]


@pytest.mark.parametrize("name", QUICK)
def test_less_makes_no_call_better_or_worse(name, pcaps, tmp_path):
    assert wrong(name, pcaps, tmp_path, QUICK[name]) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", THOROUGH)
def test_nothing_that_is_removed_makes_a_call_better_or_worse(name, pcaps, tmp_path):
    assert wrong(name, pcaps, tmp_path) == []
