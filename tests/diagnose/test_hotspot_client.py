"""A client behind the hotspot of a phone."""

import pytest

from postproc.diagnose.rules.hotspot_client import RULE, hotspot
from tests.diagnose.scenes import SERVER_PUBLIC, asked, candidate, told_both, unanswered

BROKEN = {"bindings": unanswered(5), "pairs": [], "dtls": [], "rtp_streams": []}
OFFERED = [candidate("client", "172.20.10.2", "private"), candidate("server", SERVER_PUBLIC, "documentation")]


@pytest.mark.parametrize(
    ("addr", "kind"),
    [
        ("172.20.10.14", "iPhone"),
        ("192.168.43.7", "Android"),
        ("192.168.137.9", "Windows"),
        ("172.20.11.2", None),
        ("x.local", None),
        (None, None),
    ],
)
def test_networks_of_hotspots_are_known(addr, kind):
    assert hotspot(addr) == kind


def test_it_is_noted_where_no_path_came_about():
    (found,) = asked(RULE, candidates=OFFERED, **BROKEN)
    assert (found.verdict, found.facts["kind"]) == ("note", "iPhone")
    assert "mobilen Hotspot (iPhone" in told_both(found, RULE)["de"]["title"]


def test_silent_when_the_call_works():
    assert asked(RULE, candidates=OFFERED) == []


def test_silent_in_other_networks():
    assert asked(RULE, **BROKEN) == []
