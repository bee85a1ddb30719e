"""Other calls of the run refute a cause, or show the same."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from time import process_time
from typing import Any

import pandas as pd
import pytest

import postproc
from postproc import pipeline
from postproc.diagnose import diagnose
from postproc.diagnose.evidence import case
from postproc.diagnose.evidence.case import cases
from postproc.diagnose.neighbours import NEAREST, compared
from postproc.diagnose.rules import RULES
from postproc.model.tables import BY_NAME, TIME, Tables
from tests import builders
from tests.diagnose.degraded import degraded
from tests.diagnose.refusals import CAUSE_88, at_once, offer, response
from tests.diagnose.scenes import (
    CLIENT_PRIVATE,
    XPHONE,
    Scene,
    candidate,
    good,
    leg,
    message,
    section,
    unanswered,
)

APART = 10.0  # seconds between the calls of a run, unless told otherwise


def run(*scenes: Mapping[str, Sequence[Mapping[str, Any]]], apart: float = APART) -> Tables:
    """The calls of these scenes in one run, one after the other, each with its own Call-IDs."""
    held: dict[str, list[dict[str, Any]]] = {}
    for number, scene in enumerate(scenes, 1):
        for name, rows in {**good(), **scene}.items():
            held.setdefault(name, []).extend(
                _moved(name, {"frame": frame, **row}, number, apart) for frame, row in enumerate(rows, 1)
            )
    made = Tables().with_(**{name: builders.rows(name, *rows) for name, rows in held.items()})
    return builders.attributed(made)


def test_findings_made_a_table_block_by_block_are_those_made_at_once(monkeypatch):
    """Calls that wait for their neighbours are told last, and stand in their places all the same."""
    waiting = {"bindings": unanswered(6), "rtp_streams": [], "pairs": [], "dtls": []}
    three = run(waiting, {}, waiting)
    whole = diagnose(three, XPHONE)[0].findings
    assert len(whole) > 2 and whole["call"].is_monotonic_increasing
    monkeypatch.setattr("postproc.diagnose.ROWS_AT_ONCE", 1)
    pd.testing.assert_frame_equal(diagnose(three, XPHONE)[0].findings, whole)


def _moved(name: str, row: dict[str, Any], number: int, apart: float) -> dict[str, Any]:
    times = {column.name for column in BY_NAME[name].columns if column.dtype == TIME}
    for key, value in row.items():
        if key in times and isinstance(value, int | float):
            row[key] = value + (number - 1) * apart
        elif key in ("call_id", "transaction_id"):
            row[key] = f"{number}-{value}"
        elif key == "call":
            row[key] = number
        elif key == "frame":
            row[key] = value + 1000 * number
    return row


def told(tables: Tables, lang: str = "en") -> list[tuple[Any, ...]]:
    judged, _ = diagnose(tables, XPHONE, lang=lang)
    table = judged.findings.astype(object).where(judged.findings.notna(), None)
    return [
        (row.call, row.name, row.verdict, row.supported_by, row.refuted_by, row.detail)
        for row in table.sort_values(["call", "name"]).itertuples()
    ]


def one(rows: list[tuple[Any, ...]], call: int, name: str) -> tuple[Any, ...]:
    (found,) = [row[2:] for row in rows if row[:2] == (call, name)]
    return found


def mapping(**changes: Any) -> dict[str, Any]:
    return {
        "call": 1,
        "leg": 1,
        "base_addr": builders.SERVER,
        "base_port": 30000,
        "mapped_addr": "203.0.113.10",
        "mapped_port": 40000,
        "learned_from": "stun_server",
        "time": 0.1,
    } | changes


DEAD: Scene = {
    "bindings": unanswered(9),
    "pairs": [],
    "dtls": [],
    "rtp_streams": [],
    "nat_mappings": [mapping()],
}
OVER_THE_NAT: Scene = {"nat_mappings": [mapping(learned_from="check")]}


def test_captures_of_their_own_refute_each_other_only_where_their_calls_overlap():
    other = {
        name: [{**row, "capture": "b.pcapng"} for row in rows] for name, rows in {**good(), **DEAD}.items()
    }
    assert one(told(run(OVER_THE_NAT, other, apart=30)), 2, "port-not-preserved")[0] == "suspect"
    assert one(told(run(OVER_THE_NAT, other, apart=5)), 2, "port-not-preserved")[0] == "note"


def test_a_call_over_the_same_nat_refutes_that_it_is_the_nat():
    rows = told(run(OVER_THE_NAT, DEAD))
    verdict, same, refuted, detail = one(rows, 2, "port-not-preserved")
    assert (verdict, same, refuted) == ("note", None, "1")
    assert "Call 1 over the same NAT works, so look at the client 198.51.100.77 / 192.168.178.34." in detail
    assert "To settle it" not in detail
    judged, _ = diagnose(run(OVER_THE_NAT, DEAD), XPHONE)
    assert list(judged.calls["cause"])[1] == "no-binding-success"
    german = one(told(run(OVER_THE_NAT, DEAD), "de"), 2, "port-not-preserved")[-1]
    assert "Anruf 1 über dasselbe NAT funktioniert, zu suchen ist also beim Client 198.51.100.77" in german


def test_without_such_a_call_it_is_the_suspected_cause():
    elsewhere: Scene = {"nat_mappings": [mapping(learned_from="check", mapped_addr="203.0.113.11")]}
    for tables in (run(DEAD), run(elsewhere, DEAD)):
        judged, _ = diagnose(tables, XPHONE)
        assert list(judged.calls["cause"])[-1] == "port-not-preserved"


def test_calls_that_fail_in_the_same_way_are_named():
    rows = told(run(DEAD, DEAD, DEAD))
    verdict, same, refuted, detail = one(rows, 2, "port-not-preserved")
    assert (verdict, same, refuted) == ("suspect", "1,3", None)
    assert "Calls 1, 3 over the same NAT fail in the same way." in detail
    assert (
        "Die Anrufe 1, 3 über dasselbe NAT scheitern ebenso."
        in one(told(run(DEAD, DEAD, DEAD), "de"), 2, "port-not-preserved")[-1]
    )


def test_a_fault_stays_one_and_says_where_to_look():
    verdict, _, refuted, detail = one(told(run(OVER_THE_NAT, DEAD)), 2, "no-binding-success")
    assert (verdict, refuted) == ("fault", "1")
    assert "Call 1 from the same client network works, so look at the client 198.51.100.77" in detail


def test_what_worked_long_before_or_after_may_have_been_changed_since():
    assert one(told(run(OVER_THE_NAT, DEAD, apart=600)), 2, "port-not-preserved")[0] == "suspect"
    assert one(told(run(DEAD, OVER_THE_NAT, apart=600)), 1, "port-not-preserved")[0] == "suspect"
    assert (
        one(told(run(OVER_THE_NAT, DEAD, OVER_THE_NAT, apart=600)), 2, "port-not-preserved")[0] == "suspect"
    )
    both = one(told(run(OVER_THE_NAT, DEAD, OVER_THE_NAT)), 2, "port-not-preserved")
    assert (both[0], both[2]) == ("note", "1,3")
    assert "Calls 1, 3 over the same NAT work, so" in both[3]


PRIVATE = [candidate("client", CLIENT_PRIVATE, "private")]
TAKEN: Scene = {"candidates": [*PRIVATE, candidate("server", "203.0.113.10", "documentation")]}
STOCK_488 = at_once(488) | {
    "sip_messages": [
        message(1, "INVITE", 0.0),
        response(1, 100, 0.003),
        response(1, 488, 0.02, reason_header=CAUSE_88),
    ],
    "candidates": PRIVATE,
}


def test_private_candidates_that_the_server_took_are_denied_by_no_list():
    verdict, _, refuted, detail = one(told(run(TAKEN, STOCK_488)), 2, "candidates-rejected-by-acl")
    assert (verdict, refuted) == ("note", "1")
    assert "Call 1 with such candidates at the same server works" in detail
    judged, _ = diagnose(run(TAKEN, STOCK_488), XPHONE)
    assert list(judged.calls["cause"])[1] == "call-rejected"  # it kept silent before the suspicion
    assert one(told(run({}, STOCK_488)), 2, "candidates-rejected-by-acl")[0] == "suspect"
    assert one(told(run(STOCK_488, STOCK_488)), 2, "candidates-rejected-by-acl")[:2] == ("suspect", "1")


def test_a_peer_that_was_let_in_is_rejected_by_no_list():
    rows = told(run({}, at_once(403)))
    assert one(rows, 2, "invite-rejected-by-acl")[::2][:2] == ("note", "1")
    assert one(told(run(at_once(403))), 1, "invite-rejected-by-acl")[0] == "suspect"


def test_codecs_that_the_party_took_are_not_the_reason():
    refused = at_once(488, candidates=[], sdp_media=[offer(ufrag=None, formats="96", codecs="96=AMR/8000")])
    taken: Scene = {
        "legs": [leg(1)],
        "candidates": [],
        "sdp_media": [
            offer(ufrag=None, formats="96", codecs="96=AMR/8000"),
            section(formats="96", codecs="96=AMR/8000", time=0.2, frame=5),
        ],
    }
    assert one(told(run(refused)), 1, "no-common-codec")[0] == "suspect"
    assert one(told(run(taken, refused)), 2, "no-common-codec")[::2][:2] == ("note", "1")


def test_refusals_of_the_same_party_are_counted_and_nothing_refutes_them():
    rows = told(run({}, at_once(503), at_once(503), at_once(404)))
    assert [one(rows, call, "call-rejected")[:3] for call in (2, 3, 4)] == [
        ("fault", "3", None),
        ("fault", "2", None),
        (rows[-1][2], None, None),
    ]


def test_a_recorded_call_beside_one_whose_client_is_cut_off(tmp_path: Path, pcaps: Path):
    """The second client's packets are dropped; the server then has nobody to send media to."""
    port, stun = (42267).to_bytes(2, "big"), b"\x21\x12\xa4\x42"

    def keep(packet: Any) -> bool:
        ports = packet.data[34:38]
        return ports[:2] != port and (ports[2:] != port or stun in packet.data)

    capture = degraded(pcaps / "two_calls.pcapng", tmp_path / "one_fails.pcapng", keep)
    found = postproc.analyze(capture)
    assert list(found.calls["cause"].fillna("")) == ["", "no-binding-success"]
    (nat,) = found.findings.query("name == 'port-not-preserved'").itertuples()
    assert (nat.call, nat.verdict, nat.refuted_by) == (2, "note", "1")


@pytest.mark.parametrize("count", [400])
def test_the_effort_grows_with_the_calls_not_with_their_pairs(count: int):
    scenes = [OVER_THE_NAT if n % 2 else DEAD for n in range(count)]
    every = cases(run(*scenes), XPHONE)
    began = process_time()
    found = [[each for rule in RULES for each in rule.find(case)] for case in every]
    judging = process_time() - began
    took = []
    for _ in range(3):
        began = process_time()
        beside = compared(every, found)
        took.append(process_time() - began)
    assert min(took) < judging / 4
    assert max(len(each.refuted_by) for findings in beside for each in findings) <= 2 * NEAREST + 1


def test_a_single_call_is_told_nothing():
    assert all(row[3] is None and row[4] is None for row in told(run(DEAD)))


@pytest.mark.parametrize("at_once", [1, 2])
def test_the_same_is_said_where_not_all_calls_are_held_at_once(at_once, monkeypatch, pcaps):
    """Of calls with relays, media per second, several places and others that refute or fail as well."""
    names = ("good", "acl_403", "made/turn_channel", "made/busy_486", "server_view", "client_view")
    captured = pipeline.run([pcaps / f"{name}.pcapng" for name in names], jobs=1, report=False)
    for tables in (run(OVER_THE_NAT, DEAD, DEAD), captured.tables):
        whole, told_at_once = diagnose(tables, XPHONE)
        with monkeypatch.context() as patched:
            patched.setattr(case, "AT_ONCE", at_once)
            parts, told_in_parts = diagnose(tables, XPHONE)
        assert told_in_parts == told_at_once
        for (table, rows), (_, others) in zip(whole.items(), parts.items(), strict=True):
            assert rows.equals(others), table.name
