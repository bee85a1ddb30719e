"""Every capture is compared with its truth file: calls, legs, candidates, checks, DTLS, media.

All exceptions are in LEFT_OUT with their reasons.
"""

from functools import cache

import pandas as pd
import pytest

import postproc
from postproc.model.columns import TIME
from postproc.model.tables import BY_NAME, TABLES
from postproc.pipeline import Run
from tests.conftest import PCAPS
from tests.truth import TrueCall, Truth, truths

TRUTHS = {truth.name: truth for truth in truths(PCAPS)}
LEFT_OUT = {
    ("client_view", "legs"): "taken at the client: no SIP passes there",
    ("client_view", "candidates"): "candidates travel in SIP",
    ("client_view", "leg 2"): "leg 2 runs between server and gateway",
    ("sips_tls_keylog", "without keys"): "SIP is encrypted; test_keylog reads it with the keys",
}
# Legs that nothing on the wire tells apart have a separate test.
AMBIGUOUS = [name for name, truth in TRUTHS.items() if any(c.get("ambiguous") for c in truth.raw["calls"])]
EVERY = [pytest.param(truth, id=name) for name, truth in TRUTHS.items() if name not in AMBIGUOUS]


@cache
def analysed(name: str) -> Run:
    truth = TRUTHS[name]
    keylog = truth.raw.get("keylog")
    options = {"keylog": truth.captures[0].parent / keylog} if keylog else {}
    return postproc.analyze(truth.captures, **options)


def left_out(truth: Truth, aspect: str) -> bool:
    return (truth.name, aspect) in LEFT_OUT


def call_number(run: Run, truth: Truth, call: TrueCall) -> int:
    """Return the call's number in the run, found by its Call-IDs, without SIP by its ufrags."""
    if left_out(truth, "legs"):
        ufrags = run.bindings["username"].fillna("").str.split(":").map(frozenset)
        (number,) = run.bindings.loc[ufrags == call.client_ufrags | call.server_ufrags, "call"].unique()
        return int(number)
    (number,) = run.legs.loc[run.legs["call_id"].isin(call.call_ids), "call"].unique()
    return int(number)


def of_call(rows: pd.DataFrame, number: int) -> pd.DataFrame:
    return rows[rows["call"] == number]


@pytest.mark.parametrize("truth", EVERY)
def test_tables_hold_no_word_and_no_na_that_they_do_not_declare(truth):
    run = analysed(truth.name)
    assert [wrong for table in TABLES for wrong in table.undeclared(getattr(run, table.name))] == []


# Tables with times of packets; ``passages`` has those of single media packets.
EVENTS = [
    "captures",
    "passages",
    "logs",
    "sip_messages",
    "connection_events",
    "stun_messages",
    "dtls_messages",
    "icmp_errors",
    "connections",
    "tls",
    "http",
    "log_events",
    "rtp_streams",
    "rtp_seconds",
]


def moments(run: Run, table: str) -> set[pd.Timestamp]:
    rows = getattr(run, table)
    times = (column.name for column in BY_NAME[table].columns if column.dtype == TIME)
    return {moment for name in times for moment in rows[name].dropna()}


@pytest.mark.parametrize("truth", EVERY)
def test_every_time_is_that_of_something_read_to_the_nanosecond(truth):
    """A time that was a float in between would be slightly different."""
    run = analysed(truth.name)
    read = set().union(*(moments(run, table) for table in EVENTS))
    # With several places, packets are compared one by one, and a phase is timed by one clock.
    beside = {"passages", "findings", "phases"} if len(run.clocks) else set()
    others = {table.name: moments(run, table.name) - read for table in TABLES if table.name not in beside}
    assert {name: found for name, found in others.items() if found} == {}


@pytest.mark.parametrize("truth", EVERY)
def test_number_of_calls(truth):
    assert len(analysed(truth.name).calls) == truth.number_of_calls


@pytest.mark.parametrize("truth", EVERY)
def test_legs_of_each_call_in_order_with_their_final_status(truth):
    legs = analysed(truth.name).legs
    if left_out(truth, "legs"):
        assert legs.empty
        return
    for call in truth.calls:
        held = of_call(legs, call_number(analysed(truth.name), truth, call)).drop_duplicates("call_id")
        statuses = (None if pd.isna(status) else status for status in held["final_status"])
        found = dict(zip(held["call_id"], statuses, strict=True))
        assert found == dict(zip(call.call_ids, call.final_status, strict=True))
        assert held.sort_values("leg")["call_id"].iloc[0] == call.call_ids[0]
        assert sorted(held["leg"]) == list(range(1, len(call.call_ids) + 1))


def line(row) -> tuple:
    """Return a row of ``candidates`` in the form of truth.py."""
    related = None if pd.isna(row.related_addr) else row.related_addr
    port = None if pd.isna(row.related_port) else int(row.related_port)
    return (
        row.foundation,
        int(row.component),
        row.transport,
        int(row.priority),
        row.addr,
        int(row.port),
        row.type,
        related,
        port,
    )


@pytest.mark.parametrize("truth", EVERY)
def test_candidates_and_ufrags_of_both_sides(truth):
    run = analysed(truth.name)
    if left_out(truth, "candidates"):
        assert run.candidates.empty
        return
    for call in truth.calls:
        rows = of_call(run.candidates, call_number(run, truth, call))
        for side, lines, ufrags in (
            ("client", call.client_candidates, call.client_ufrags),
            ("server", call.server_candidates, call.server_ufrags),
        ):
            held = rows[rows["side"] == side]
            assert {line(row) for row in held.itertuples()} >= lines, side
            assert set(held["ufrag"]) == ufrags, side
            latest = held[held["ufrag"] == held.sort_values("time")["ufrag"].iloc[-1]] if len(held) else held
            assert {line(row) for row in latest.itertuples()} == lines, side


def seen_in(rows: pd.DataFrame, capture: str | None) -> pd.DataFrame:
    return rows if capture is None else rows[rows["capture"] == capture]


@pytest.mark.parametrize("truth", EVERY)
def test_checks_in_each_direction(truth):
    run = analysed(truth.name)
    for call in truth.calls:
        held = of_call(run.bindings, call_number(run, truth, call))
        checks = held[held["purpose"] == "check"]
        for view in call.views:
            for way, expected in view.ways.items():
                rows = seen_in(checks[checks["direction"] == way], view.capture)
                assert (rows["outcome"] == "success").sum() == expected.successes, way
                assert expected.transactions in (None, len(rows)), way
                assert expected.requests in (None, rows["requests"].sum()), way


@pytest.mark.parametrize("truth", EVERY)
def test_dtls_is_done_or_not(truth):
    run = analysed(truth.name)
    for call in truth.calls:
        rows = of_call(run.dtls, call_number(run, truth, call))
        assert bool((rows["state"] == "complete").any()) == call.dtls_done


@pytest.mark.parametrize("truth", EVERY)
def test_rtp_packets_of_every_ssrc(truth):
    run = analysed(truth.name)
    for call in truth.calls:
        held = of_call(run.rtp_streams, call_number(run, truth, call))
        for view in call.views:
            streams = seen_in(held, view.capture)
            media = {leg: ssrcs for leg, ssrcs in view.media.items() if not left_out(truth, f"leg {leg}")}
            for leg, ssrcs in media.items():
                for ssrc, packets in ssrcs.items():
                    rows = streams[streams["ssrc"] == ssrc]
                    assert rows["packets"].sum() in packets, (leg, ssrc)
                    assert left_out(truth, "legs") or set(rows["leg"]) == {leg}, ssrc
            assert set(streams["ssrc"]) == {ssrc for ssrcs in media.values() for ssrc in ssrcs}


@pytest.mark.parametrize("name", AMBIGUOUS)
def test_legs_nobody_can_tell_apart_stay_apart_and_say_so(name):
    run, truth = analysed(name), TRUTHS[name]
    call_ids = {call_id for call in truth.calls for call_id in call.call_ids}
    assert len(run.calls) == len(call_ids)
    assert run.calls["ambiguous"].all()
    assert set(run.joins["call_id_a"]) | set(run.joins["call_id_b"]) == call_ids
    assert not run.joins["accepted"].any()


@pytest.mark.parametrize(("name", "aspect"), LEFT_OUT, ids="-".join)
def test_what_is_left_out_exists(name, aspect):
    assert name in TRUTHS
    assert LEFT_OUT[name, aspect]
