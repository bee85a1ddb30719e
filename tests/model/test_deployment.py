"""Questions that a deployment answers."""

import ipaddress
import re
from dataclasses import fields, replace

import pytest

from postproc.model.deployment import GENERIC, PATTERN_SECONDS, Thresholds, marked
from postproc.model.errors import SetupError
from tests.deployments import XPHONE


@pytest.mark.parametrize(
    "names, products",
    [
        (["XPhone Call Controller"], {"xphone", "freeswitch"}),
        (["sipsorcery_v4.0.79.1", None], {"xphone"}),
        (["FreeSWITCH (git a88d069 2024-08-02 21:02:27Z 64bit)"], {"freeswitch"}),
        (["IceLink-3.14.3.12044"], {"xphone"}),
        (["Asterisk PBX 20", "mozilla...THIS_IS_SDPARTA-99.0", "-"], set()),
        (["sipsorcery_v8.0.3"], set()),  # the library in somebody else's hands
        ([None, float("nan")], set()),
        ([], set()),
    ],
)
def test_products_name_themselves(names, products):
    assert XPHONE.products_in(names) == products
    assert GENERIC.products_in(names) == set()


@pytest.mark.parametrize("port, inside", [(29999, False), (30000, True), (33000, True), (33001, False)])
def test_media_ports_have_both_ends(port, inside):
    assert XPHONE.is_media_port("server", port) is inside
    assert XPHONE.is_media_port("client", port) is None
    assert GENERIC.is_media_port("server", port) is None


def test_public_addresses_are_told_where_they_are_known():
    known = replace(GENERIC, public_addresses=(ipaddress.ip_network("203.0.113.0/28"),))
    assert known.is_own_public("203.0.113.10") is True
    assert known.is_own_public("203.0.113.16") is False
    assert known.is_own_public("2001:db8::1") is False
    assert known.is_own_public("a.local") is None
    assert GENERIC.is_own_public("203.0.113.10") is None


def test_a_mark_is_of_one_side_or_none():
    assert marked({"client": ("Ice",), "server": ("Link",)}, "IceLink") is None
    assert marked({"client": ("Ice",), "server": ("FS",)}, "IceLink") == "client"
    assert marked({"client": ("Ice",)}, None) is None


def test_every_threshold_is_explained_and_positive():
    for threshold in fields(Thresholds):
        assert threshold.metadata["doc"].endswith(".")
        assert threshold.default > 0


@pytest.mark.parametrize("pattern", ["(x+)+!", r"(x|xx)+[yz]", r"(x|x)+\d"])
def test_a_pattern_that_would_take_for_ever_ends_in_one_line(pattern):
    slow = replace(GENERIC, products={"slow": (pattern,)})
    said = f"the deployment file's pattern {pattern!r} takes more than {PATTERN_SECONDS:.0f} s on the name"
    with pytest.raises(SetupError, match=f"^{re.escape(said)} 'x{{40}}\\.\\.\\.': simplify it$"):
        slow.products_in(["x" * 60_000])
