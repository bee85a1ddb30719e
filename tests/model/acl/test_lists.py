"""A list and an address: the longest prefix decides, whatever the order."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postproc.model.acl import AccessList, Entry, Unresolved, address_of, built, network_of

LAN = built("lan", False, allow=["192.168.1.0/24"], deny=["192.168.0.0/16", "192.168.1.66/32"])


@pytest.mark.parametrize(
    "address, verdict, text, passed",
    [
        ("192.168.1.5", "allowed", "192.168.1.0/24", ("192.168.0.0/16",)),
        ("192.168.1.66", "denied", "192.168.1.66/32", ("192.168.1.0/24", "192.168.0.0/16")),
        ("192.168.2.5", "denied", "192.168.0.0/16", ()),
    ],
)
def test_the_longest_prefix_decides_and_the_others_are_named(address, verdict, text, passed):
    found = LAN.decide(address)
    assert (found.verdict, found.why, found.text, found.passed) == (verdict, "entry", text, passed)


@pytest.mark.parametrize("allow, verdict", [(True, "allowed"), (False, "denied")])
def test_without_a_fitting_entry_the_default_decides(allow, verdict):
    other = Entry(network_of("10.0.0.0/8"), not allow, "10.0.0.0/8")
    found = AccessList("x", allow, (other,)).decide("8.8.8.8")
    assert (found.verdict, found.why, found.entry, found.default) == (verdict, "default", None, allow)


def test_of_equal_networks_the_one_written_first_decides():
    net = network_of("10.0.0.0/8")
    first_denies = AccessList("x", True, (Entry(net, False, "one"), Entry(net, True, "two")))
    assert first_denies.decide("10.1.1.1").text == "one"


def test_entries_of_the_other_family_do_not_fit():
    everything_v4 = built("x", True, deny=["0.0.0.0/0"])
    assert everything_v4.decide("2001:db8::1").verdict == "allowed"
    assert everything_v4.decide("192.0.2.1").verdict == "denied"


def test_ipv4_mapped_into_ipv6_is_ipv4():
    assert LAN.decide("::ffff:192.168.1.5").verdict == "allowed"


@pytest.mark.parametrize("address", [None, "", "a.local", "192.168.1.5.6", "\x1b[31m", "300.1.1.1"])
def test_what_is_no_address_is_left_open(address):
    assert (LAN.decide(address).verdict, LAN.decide(address).why) == ("unknown", "not_an_address")


def test_an_unresolved_entry_leaves_open_what_it_could_turn_and_nothing_else():
    some = AccessList("x", False, LAN.entries, (Unresolved("domain=example.org", True),))
    assert some.decide("8.8.8.8").verdict == "unknown"
    assert some.decide("8.8.8.8").text == "domain=example.org"
    assert some.decide("192.168.1.5").verdict == "allowed"  # it could but allow


@pytest.mark.parametrize(
    "text, found",
    [
        ("[2001:db8::1]", "2001:db8::1"),
        (" 10.0.0.1 ", "10.0.0.1"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
    ],
)
def test_addresses_are_read_as_people_write_them(text, found):
    assert str(address_of(text)) == found


networks = st.one_of(
    st.tuples(st.ip_addresses(v=4), st.integers(0, 32)), st.tuples(st.ip_addresses(v=6), st.integers(0, 128))
).map(lambda pair: ipaddress.ip_network(f"{pair[0]}/{pair[1]}", strict=False))
near = st.one_of(st.ip_addresses(), st.integers(0, 255).map(lambda n: ipaddress.ip_address(f"10.0.0.{n}")))
nearby = st.integers(8, 32).map(lambda n: ipaddress.ip_network(f"10.0.0.77/{n}", strict=False))
rules = st.lists(st.tuples(st.one_of(networks, nearby), st.booleans()), max_size=12)


@given(rules, st.booleans(), near)
def test_any_list_decides_as_a_search_through_all_networks_does(held, default, address):
    """The same rule in the words of ``ipaddress``, entry by entry."""
    fits = [(net.prefixlen, -place, allow) for place, (net, allow) in enumerate(held) if address in net]
    expected = max(fits)[2] if fits else default
    entries = tuple(Entry(net, allow, str(net)) for net, allow in held)
    found = AccessList("x", default, entries).decide(str(address))
    mapped = address.version == 6 and address.ipv4_mapped
    assert mapped or found.verdict == ("allowed" if expected else "denied")
