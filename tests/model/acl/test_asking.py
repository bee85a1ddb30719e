"""Several access lists: the first one that allows an address decides."""

import pytest

from postproc.model.acl import built, decide, decide_by

# The vendor's example: just 192.168.1.x of a network not used for media is open.
BLOCKS = {
    "whitelist": built("whitelist", False, allow=["192.168.1.0/24"]),
    "blacklist": built("blacklist", True, deny=["192.168.0.0/16"]),
}


@pytest.mark.parametrize(
    "address, verdict, by",
    [
        ("192.168.1.5", "allowed", "whitelist"),
        ("192.168.2.5", "denied", "whitelist"),
        ("203.0.113.5", "allowed", "blacklist"),
    ],
)
def test_a_whitelist_entry_beats_the_blacklist(address, verdict, by):
    found = decide(address, ["whitelist", "blacklist"], BLOCKS)
    assert (found.verdict, found.deciding.list) == (verdict, by)


def test_lists_after_the_first_that_allows_are_not_asked():
    found = decide("192.168.1.5", ["whitelist", "blacklist"], BLOCKS)
    assert [each.list for each in found.decisions] == ["whitelist"]


def test_a_list_that_cannot_tell_leaves_it_open_unless_another_allows():
    assert decide("10.0.0.1", ["localnet.auto", "wan.auto"], {}).verdict == "unknown"
    assert decide("8.8.8.8", ["localnet.auto", "wan.auto"], {}).verdict == "allowed"


def test_no_list_asked_cannot_tell():
    found = decide("8.8.8.8", [], BLOCKS)
    assert (found.verdict, found.decisions, found.deciding) == ("unknown", (), None)


def test_a_list_that_does_not_exist_denies():
    found = decide_by("nope", "8.8.8.8", BLOCKS)
    assert (found.verdict, found.why) == ("denied", "no_list")


def test_own_lists_go_before_built_in_ones_of_the_same_name():
    own = {"wan.auto": built("wan.auto", False)}
    assert decide_by("wan.auto", "8.8.8.8", own).verdict == "denied"


@pytest.mark.parametrize(
    "name, verdict, why",
    [
        ("10.0.0.0/8", "allowed", "entry"),
        ("192.168.0.0/16,10.0.0.0/8", "allowed", "entry"),
        ("192.168.0.0/16", "denied", "default"),
        ("10.0.0.0/8,x/y", "denied", "no_list"),
        ("10.0.0.1", "denied", "no_list"),
    ],
)
def test_networks_may_stand_in_place_of_a_name(name, verdict, why):
    found = decide_by(name, "10.0.0.1", {})
    assert (found.verdict, found.why) == (verdict, why)
