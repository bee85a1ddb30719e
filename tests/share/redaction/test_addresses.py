from ipaddress import ip_address

import pytest

from postproc.model.addresses import addr_class
from postproc.share.redaction.addresses import Addresses

KEY = b"a key"


def shared(one: str, other: str) -> int:
    """How many leading bits two addresses share."""
    a, b = ip_address(one), ip_address(other)
    return a.max_prefixlen - (int(a) ^ int(b)).bit_length()


@pytest.mark.parametrize(
    "addr",
    [
        "10.0.50.118",
        "172.16.3.4",
        "192.168.178.34",
        "100.64.3.4",
        "169.254.7.8",
        "198.51.100.77",
        "203.0.113.10",
        "8.8.8.8",
        "91.10.20.30",
        "fe80::1:2",
        "fd00::3",
        "2001:db8::1",
        "2a02:810::7",
        "172.20.10.2",
    ],
)
def test_an_address_gets_another_of_its_class(addr):
    new = Addresses(KEY).text(addr)
    assert new != addr
    assert addr_class(new) == addr_class(addr)


@pytest.mark.parametrize(
    "addr", ["127.0.0.1", "0.0.0.0", "::1", "224.0.0.251", "255.255.255.255", "255.255.255.0"]
)
def test_addresses_that_say_nothing_stay(addr):
    addresses = Addresses(KEY)
    assert addresses.text(addr) == addr
    assert not addresses.seen


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("10.0.50.118", "10.0.50.20"),
        ("10.0.50.118", "10.0.51.118"),
        ("91.10.20.30", "91.10.20.31"),
        ("91.10.20.30", "91.200.1.1"),
        ("2001:db8:1::1", "2001:db8:1::2"),
        ("2a02:810::7", "2a02:811::7"),
    ],
)
def test_two_addresses_share_as_many_bits_as_before(one, other):
    addresses = Addresses(KEY)
    assert shared(addresses.text(one), addresses.text(other)) == shared(one, other)


def test_a_hotspot_is_still_one():
    assert Addresses(KEY).text("172.20.10.2").startswith("172.20.10.")


def test_embedded_addresses_are_those_alone():
    addresses = Addresses(KEY)
    assert addresses.text("::ffff:10.0.50.118") == f"::ffff:{ip_address(addresses.text('10.0.50.118'))}" or (
        addresses.packed(ip_address("::ffff:10.0.50.118").packed)[12:]
        == ip_address(addresses.text("10.0.50.118")).packed
    )


def test_a_network_is_mapped_like_its_hosts():
    addresses = Addresses(KEY)
    assert (
        addresses.network("10.0.50.0", 24).rpartition(".")[0]
        == addresses.text("10.0.50.118").rpartition(".")[0]
    )
    assert addresses.network("10.0.0.0", 8) == "10.0.0.0"


def test_another_key_gives_other_pseudonyms():
    assert Addresses(b"one").text("10.0.50.118") != Addresses(b"two").text("10.0.50.118")


def test_a_mac_address_becomes_a_local_unicast_one():
    new = Addresses(KEY).mac(bytes.fromhex("001122334455"))
    assert new[0] & 3 == 2
    assert new != bytes.fromhex("001122334455")


@pytest.mark.parametrize("mac", ["ffffffffffff", "01005e0000fb", "000000000000", "0011"])
def test_group_addresses_nulls_and_cut_ones_stay(mac):
    assert Addresses(KEY).mac(bytes.fromhex(mac)) == bytes.fromhex(mac)
