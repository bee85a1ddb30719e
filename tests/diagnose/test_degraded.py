"""Removing information degrades honestly: no wrong fault, and doubt where doubt is the truth.

The table says, per capture and degradation, verdict and cause of each call that is left.
What the packets that are left still prove (a 488, checks that are never answered) stays a fault.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from postproc import pipeline
from postproc.read import deployment
from postproc.wire import pcapng
from tests.diagnose import degraded as by
from tests.diagnose.conftest import Diagnosed

OK = ("ok", None)
NO_FIRST = ("cannot_tell", "first-leg-missing")
CUT = ("cannot_tell", "capture-cut-short")
DEAD, MISMATCH = ("fault", "no-binding-success"), ("fault", "port-not-preserved")
DTLS, PRIVATE, CODEC = (
    ("fault", "dtls-incomplete"),
    ("fault", "public-candidate-missing"),
    ("fault", "no-common-codec"),
)
DENIED, REJECTED = ("suspect", "invite-rejected-by-acl"), ("suspect", "candidates-rejected-by-acl")

TRUTH = {
    "good": [[OK], [OK], [CUT], [OK], [OK]],
    "two_calls": [[NO_FIRST, OK] * 2, [OK, OK], [CUT], [OK, OK], [OK, OK]],
    "server_view": [[OK], [OK], [CUT], [OK], [OK]],
    "acl_403": [[], [DENIED], [DENIED], [DENIED], [DENIED]],
    "acl_488": [[], [REJECTED], [REJECTED], [REJECTED], [REJECTED]],
    "codec_488": [[CODEC], [("fault", "call-rejected")], [CODEC], [CODEC], [CODEC]],
    # With half of the server's packets lost from the capture, a flight that is missing may be among them.
    "dtls_fail": [[DTLS], [DTLS], [CUT], [("cannot_tell", "dtls-incomplete")], [DTLS]],
    "no_binding_success": [[DEAD], [DEAD], [CUT], [DEAD], [DEAD]],
    "only_private": [
        [DEAD],
        [PRIVATE],
        [("suspect", "public-candidate-missing")],
        [PRIVATE],
        [PRIVATE],
    ],
    "ip_mismatch_server": [[MISMATCH], [MISMATCH], [MISMATCH], [MISMATCH], [MISMATCH]],
}
STAYS_TRUE = {"call-rejected"}  # a final response is one, whoever is behind it
QUICK = ("good", "no_binding_success")  # the others take the most of a minute
CASES = [
    pytest.param(
        name,
        degradation,
        expected,
        id=f"{name}-{degradation.__name__}",
        marks=() if name in QUICK else pytest.mark.slow,
    )
    for name, rows in TRUTH.items()
    for degradation, expected in zip(by.DEGRADATIONS, rows, strict=True)
]


def faults(found: Diagnosed) -> set[str]:
    findings = found.tables.findings
    return set(findings[findings["verdict"] == "fault"]["name"])


@pytest.fixture
def less(pcaps: Path, tmp_path: Path) -> Callable[[str, Callable[[bytes], by.Keep]], Path]:
    """A capture with less in it."""

    def made(name: str, degradation: Callable[[bytes], by.Keep]) -> Path:
        source = pcaps / f"{name}.pcapng"
        return by.degraded(source, tmp_path / source.name, degradation(source.read_bytes()))

    return made


@pytest.mark.parametrize(("name", "degradation", "expected"), CASES)
def test_less_information_makes_no_wrong_fault(less, judged, name, degradation, expected):
    run = pipeline.run([less(name, degradation)], deployment=deployment.read("xphone"), jobs=1)
    calls = run.calls.sort_values("call")
    causes = calls["cause"].astype(object).where(calls["cause"].notna(), None)
    assert list(zip(calls["verdict"], causes, strict=True)) == expected
    left = set(run.findings[run.findings["verdict"] == "fault"]["name"])
    assert left <= faults(judged(name)) | STAYS_TRUE


def test_every_degradation_takes_something_away(less, pcaps: Path):
    whole = (pcaps / "good.pcapng").stat().st_size
    sizes = {less("good", each).stat().st_size for each in by.DEGRADATIONS}
    assert len(sizes) == len(by.DEGRADATIONS)
    assert max(sizes) < whole


def test_media_of_a_file_that_cannot_be_walked_are_not_missing(pcaps: Path, tmp_path: Path):
    """An empty section ahead stops the walk, and editcap refuses it: tshark alone shows no media."""
    odd = tmp_path / "sections.pcapng"
    odd.write_bytes(bytes(pcapng.Section()) + (pcaps / "good.pcapng").read_bytes())
    run = pipeline.run([odd], deployment=deployment.read("xphone"), jobs=1)
    (call,) = run.calls.itertuples()
    (held,) = run.captures.itertuples()
    assert call.verdict == "cannot_tell"
    assert held.packets_not_looked_at > 0.8 * held.packets
    assert held.packets == held.dissected_packets + held.packets_not_looked_at
    assert held.first_time < held.last_time
