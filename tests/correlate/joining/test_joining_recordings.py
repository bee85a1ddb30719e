"""Legs seen in several recordings: what still joins them, and what does not."""

from tests import builders as b
from tests.correlate.scenes import TRUNK, groups, inbound, joined, leg, outbound

TALK_A = {"answer": 3.02, "bye": 9.0}
TALK_B = {"ring": 0.5, "answer": 3.0, "bye": 9.02}
UUID = "0135695c-1dae-123c-9f18-84c7ff0a4be6"


def capture(rows, name):
    return [row | {"capture": name} for row in rows]


TWO = {"a.pcapng": 0, "b.pcapng": 1}


def test_between_recordings_that_do_not_overlap_number_and_time_join_nothing():
    parts = (inbound(**TALK_A), capture(outbound(**TALK_B), "b.pcapng"))
    assert groups(joined(*parts, recordings=TWO)) == ["a", "b"]
    assert groups(joined(*parts, recordings=TWO, overlapping=True)) == ["a b"]


def test_between_overlapping_recordings_number_and_time_need_host_and_causality():
    silent = (inbound(), capture(outbound(), "b.pcapng"))
    assert groups(joined(*silent, recordings=TWO, overlapping=True)) == ["a", "b"]
    elsewhere = (inbound(**TALK_A), capture(leg("b", 0.016, "10.9.9.9:5060", TRUNK, **TALK_B), "b.pcapng"))
    assert groups(joined(*elsewhere, recordings=TWO, overlapping=True)) == ["a", "b"]


def test_between_any_recordings_a_header_joins():
    parts = (inbound(**TALK_A), capture(outbound(**TALK_B), "b.pcapng"))
    token = {"name": "x-ref", "value": UUID, "method": "INVITE"}
    told = b.sip_headers(token | {"call_id": "a"}, token | {"call_id": "b", "capture": "b.pcapng"})
    assert groups(joined(*parts, recordings=TWO, tables={"sip_headers": told})) == ["a b"]


def test_a_call_id_at_two_vantage_points_is_one_leg():
    parts = (inbound(**TALK_A), outbound(**TALK_B), capture(outbound(**TALK_B), "b.pcapng"))
    found = joined(*parts, recordings=TWO, overlapping=True)
    assert len(found.legs) == 3
    assert found.legs.groupby("call_id")[["call", "leg"]].nunique().max().tolist() == [1, 1]
    assert found.calls["legs"].tolist() == [2]
