"""A media port outside the deployment's range, which the firewall allows."""

from dataclasses import replace

from postproc.diagnose.rules.media_port_out_of_range import RULE
from tests.diagnose.scenes import XPHONE, asked, told_both, unanswered

BROKEN = {"bindings": unanswered(5, src_port=20002), "pairs": [], "dtls": [], "rtp_streams": []}
XCC = replace(XPHONE, name="xphone")


def test_a_port_outside_the_products_range_is_suspect():
    (found,) = asked(RULE, XCC, **BROKEN)
    assert (found.verdict, found.facts["used"]) == ("suspect", ["10.0.50.118:20002"])
    assert "30000-33000" in told_both(found, RULE)["de"]["title"]


def test_silent_within_the_range():
    assert asked(RULE, XCC, **BROKEN | {"bindings": unanswered(5)}) == []


def test_silent_in_calls_without_the_product():
    assert asked(RULE, replace(XCC, products={"xphone": ("nobody",)}), **BROKEN) == []


def test_silent_when_no_range_is_known():
    assert asked(RULE, replace(XCC, media_ports={}), **BROKEN) == []


def test_silent_when_the_call_works():
    assert asked(RULE, XCC, bindings=BROKEN["bindings"]) == []
