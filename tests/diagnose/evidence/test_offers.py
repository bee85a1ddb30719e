"""Candidates a side offers."""

import pytest

from postproc.diagnose.evidence.candidates import (
    classes,
    negotiated,
    offered,
    private,
    public,
    shown,
    version,
)
from tests.diagnose.scenes import CLIENT_PRIVATE, CLIENT_PUBLIC, candidate, scene


def held(*rows):
    return scene(candidates=list(rows))


def test_each_counts_once_in_the_order_of_sdp():
    twice = [
        candidate("client", CLIENT_PRIVATE, "private", frame=frame, time=float(frame)) for frame in (1, 2)
    ]
    found = offered(held(*twice, candidate("client", CLIENT_PUBLIC, "documentation", "srflx")), "client")
    assert shown(found) == ["srflx 198.51.100.77:50000", "host 192.168.178.34:50000"]


def test_after_an_ice_restart_the_latest_ufrag_counts():
    case = held(
        candidate("client", CLIENT_PRIVATE, "private", ufrag="old"),
        candidate("client", CLIENT_PUBLIC, "documentation", ufrag="new", time=9.0),
    )
    assert [row.addr for row in offered(case, "client")] == [CLIENT_PUBLIC]


def test_those_of_the_other_side_another_leg_or_without_address_do_not_count():
    case = held(
        candidate("server", CLIENT_PUBLIC, "documentation"),
        candidate("client", None, None),
        candidate("client", CLIENT_PRIVATE, "private", leg=2),
    )
    assert offered(case, "client", 1) == []
    assert len(offered(case, "client")) == 1


def test_addresses_are_public_private_or_neither():
    rows = offered(scene(), "client")
    assert classes(rows) == {"private", "documentation"}
    assert [row.addr for row in public(rows)] == [CLIENT_PUBLIC]
    assert [row.addr for row in private(rows)] == [CLIENT_PRIVATE]


@pytest.mark.parametrize(("addr", "number"), [("10.0.0.1", 4), ("fe80::1", 6), ("4f6a.local", None)])
def test_version(addr, number):
    assert version(addr) == number


def test_both_sides_must_have_offered():
    assert negotiated(scene(), 1)
    assert not negotiated(held(candidate("client", CLIENT_PRIVATE, "private")), 1)
