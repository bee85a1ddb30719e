"""Legs joined by what identifies a call: ids in headers, and the log."""

import pytest

from tests import builders as b
from tests.correlate.scenes import SERVER_SIDE, TRUNK, groups, inbound, joined, leg, outbound

UUID = "0135695c-1dae-123c-9f18-84c7ff0a4be6"


def headers(*rows):
    return b.sip_headers(*({"call_id": c, "method": "INVITE", "name": n, "value": v} for c, n, v in rows))


def test_what_is_clear_resolves_what_is_not():
    """b1 fits both first legs, but a1 has another leg that fits it alone."""
    found = joined(
        inbound("a1", 0.0, caller="anonymous", answer=2.02, bye=9.0),
        inbound("a2", 0.0, caller="anonymous", answer=2.02, bye=9.0),
        outbound("b1", 0.016, caller="anonymous", answer=2.0, bye=9.02),
        outbound("b2", 0.016, caller="anonymous", answer=2.0, bye=9.02),
        tables={"sip_headers": headers(("a2", "x-call-ref", UUID), ("b2", "x-call-ref", UUID))},
    )
    assert groups(found) == ["a1 b1", "a2 b2"]


def test_legs_whose_first_leg_was_not_seen_are_joined_by_a_header():
    found = joined(
        leg("b1", 0.0, SERVER_SIDE, TRUNK, callee="11", ring=0.5, answer=4.0, bye=9.0),
        leg("b2", 0.002, SERVER_SIDE, TRUNK, callee="12", ring=0.5, cancel=4.01),
        tables={"sip_headers": headers(("b1", "x-call-ref", UUID), ("b2", "x-call-ref", UUID))},
    )
    assert groups(found) == ["b1 b2"]
    assert found.legs["role"].tolist() == ["outbound", "outbound"]
    assert found.calls["joined_by"].tolist() == ["header"]


def test_an_id_of_a_device_makes_no_call_of_its_calls():
    """The phone sends its own id with every call: a second one while the first is up, or beside it."""
    device = [("a1", "x-device", UUID), ("a2", "x-device", UUID)]
    first = leg("a1", 0.0, answer=1.0, bye=20.0)
    later = leg("a2", 5.0, callee="+4930998877", ring=6.0)
    assert groups(joined(first, later, tables={"sip_headers": headers(*device)})) == ["a1", "a2"]


@pytest.mark.parametrize(
    "name, value",
    [
        ("x-device", UUID),
        ("p-charging-vector", "icid-value=1234bc9876e"),  # a conference has one for all its calls
    ],
)
def test_an_id_that_both_legs_of_two_calls_have_keeps_them_apart(name, value):
    same = headers(*((call_id, name, value) for call_id in ("a1", "b1", "a2", "b2")))
    found = joined(
        inbound("a1", 0.0, answer=4.02, bye=9.0),
        outbound("b1", 0.016, answer=4.0, bye=9.02),
        inbound("a2", 1.0, callee="+4930998877", cancel=6.0),
        outbound("b2", 1.016, callee="+4930998877", cancel=6.01),
        tables={"sip_headers": same},
    )
    assert groups(found) == ["a1 b1", "a2 b2"]


@pytest.mark.parametrize(
    "name, value",
    [
        ("session-id", "ab30317f1a784dc48ff824d0d3715d86;remote=00000000000000000000000000000000"),
        ("p-charging-vector", 'icid-value="1234bc9876e";icid-generated-at=10.0.0.1'),
        ("x-xphone-call-id", "{0135695c-1dae-123c-9f18-84c7ff0a4be6}"),
    ],
)
def test_an_id_in_a_header_joins_legs_that_nothing_else_joins(name, value):
    parts = (
        inbound(caller="alice", callee="bob"),
        leg("b", 3.0, "10.9.9.9:5060", TRUNK, caller="x1", callee="y2"),
    )
    assert groups(joined(*parts)) == ["a", "b"]
    found = joined(*parts, tables={"sip_headers": headers(("a", name, value), ("b", name, value))})
    assert groups(found) == ["a b"]
    assert found.calls["joined_by"].tolist() == ["header"]


def test_a_header_that_every_leg_has_joins_nothing():
    parts = [
        leg(f"c{n}", n * 0.1, f"10.1.0.{n}:5060", f"10.2.0.{n}:5060", caller=f"u{n}", callee=f"v{n}")
        for n in range(70)
    ]
    same = headers(*((f"c{n}", "x-fs-support", "update_display,send_info") for n in range(70)))
    assert len(groups(joined(*parts, tables={"sip_headers": same}))) == 70
    token = headers(*((f"c{n}", "x-build", UUID) for n in range(70)))
    assert len(groups(joined(*parts, tables={"sip_headers": token}))) == 70


def test_the_log_joins_what_nothing_else_joins():
    parts = (
        inbound(caller="alice", callee="bob"),
        leg("b", 30.0, "10.9.9.9:5060", TRUNK, caller="x", callee="y"),
    )
    found = joined(*parts, log_joins=[("a", "b"), ("a", "not seen")])
    assert groups(found) == ["a b"]
    assert found.calls["joined_by"].tolist() == ["log"]
