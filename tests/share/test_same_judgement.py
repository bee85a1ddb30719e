"""A redacted copy is judged as its original is: captures of ``pcaps/``, all together as one run."""

import pandas as pd
import pytest

from postproc import pipeline
from postproc.read import deployment as deployments
from postproc.share.redact import Source, Work, disguised, products, redact
from tests.conftest import PCAPS
from tests.sample import some

CAPTURES = some(
    sorted(path for path in PCAPS.rglob("*.pcap*") if path.suffix in (".pcap", ".pcapng")), one_in=3
)
SAID = {
    "calls": ["call", "legs", "verdict", "cause", "final_status", "joined_by", "confidence"],
    "legs": ["call", "leg", "role", "state", "final_status", "ended_by"],  # SIP over TLS is in the clear
    "phases": ["call", "leg", "kind", "verdict", "packets_from_client", "packets_from_server"],
    "bindings": ["call", "direction", "purpose", "outcome", "requests"],
    "candidates": ["call", "leg", "side", "side_by", "type", "addr_class", "acl_verdict"],
    "rtp_streams": ["call", "leg", "direction", "packets", "lost", "codec"],
    "findings": ["call", "leg", "name", "verdict", "severity", "confidence"],
}

# What these tell of stands in HTTP and in TLS beside signalling, of which a copy keeps the lengths only.
GONE = (
    "backend-unavailable",
    "certificate-chain",
    "certificate-expired",
    "certificate-name",
    "certificate-not-trusted",
    "event-channel-missing",
    "path-not-published",
    "sign-in-refused",
    "tls-version",
    "websocket-blocked",
)


def said(run: pipeline.Run, table: str) -> list[list[str]]:
    rows: pd.DataFrame = getattr(run, table)
    if table == "findings":
        rows = rows[~rows.name.isin(GONE)]
    return sorted(rows[SAID[table]].astype("string").fillna("").to_numpy().tolist())


@pytest.fixture(scope="module")
def both(tmp_path_factory) -> tuple[pipeline.Run, pipeline.Run]:
    """The run over the captures, and that over their copies, which are called by the same order."""
    folder = tmp_path_factory.mktemp("copies")
    copies = [folder / f"{number:04}.pcapng" for number in range(len(CAPTURES))]
    deployment = deployments.read(deployments.DEFAULT)
    sources = [Source(path, copy) for path, copy in zip(CAPTURES, copies, strict=True)]
    done = redact(Work(sources, products=products(deployment)), "key")
    hidden = disguised(deployment, done.pseudonyms)
    return (
        pipeline.run(CAPTURES, deployment=deployment, report=False, jobs=1),
        pipeline.run(copies, deployment=hidden, report=False, jobs=1),
    )


@pytest.mark.slow
@pytest.mark.parametrize("table", SAID)
def test_the_copy_says_the_same(table, both):
    original, copy = both
    before, after = said(original, table), said(copy, table)
    assert len(before) > len(CAPTURES) / 2
    assert [row for row in before if row not in after] == []
    assert before == after
