import random
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from itertools import takewhile

import pytest

from postproc.model.addresses import addr_class
from postproc.share.redaction.addresses import Addresses

KEY = b"a key"


def digits(addr: str) -> list[str]:
    """What is replaced at a time: octets of IPv4, hexadecimal digits of IPv6."""
    found = ip_address(addr)
    return str(found).split(".") if found.version == 4 else list(found.exploded.replace(":", ""))


def shared(one: str, other: str) -> int:
    """How many leading octets or digits two addresses share."""
    return sum(
        1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(digits(one), digits(other), strict=True))
    )


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
def test_two_addresses_share_as_many_octets_or_digits_as_before(one, other):
    addresses = Addresses(KEY)
    assert shared(addresses.text(one), addresses.text(other)) == shared(one, other)


def test_a_hotspot_is_still_one():
    assert Addresses(KEY).text("172.20.10.2").startswith("172.20.10.")


def test_a_mapped_address_is_that_of_ipv4_in_any_form():
    addresses = Addresses(KEY)
    inner = ip_address(addresses.text("10.0.50.118"))
    assert addresses.text("::ffff:10.0.50.118") == f"::ffff:{inner}"
    assert addresses.packed(ip_address("::ffff:10.0.50.118").packed)[12:] == inner.packed


KINDS: dict[str, Callable[[random.Random], IPv4Address | IPv6Address]] = {
    "any": lambda r: IPv4Address(r.getrandbits(32)),
    "private": lambda r: IPv4Address(0x0A000000 | r.getrandbits(24)),
    "home": lambda r: IPv4Address(0xC0A80000 | r.getrandbits(16)),
    "cgnat": lambda r: IPv4Address(0x64400000 | r.getrandbits(22)),
    "172": lambda r: IPv4Address(0xAC100000 | r.getrandbits(20)),
    "special": lambda r: IPv4Address(0xC0000000 | r.getrandbits(4)),
    "group": lambda r: IPv4Address(0xE0000000 | r.getrandbits(28)),
    "global": lambda r: IPv6Address(0x2A02 << 112 | r.getrandbits(112)),
    "link-local": lambda r: IPv6Address(0xFE80 << 112 | r.getrandbits(64)),
    "short": lambda r: IPv6Address(0x20010DB8 << 96 | r.getrandbits(16) << 64 | r.getrandbits(9)),
    "IPv6 group": lambda r: IPv6Address(0xFF02 << 112 | r.getrandbits(20)),
    "NAT64": lambda r: IPv6Address(0x64FF9B << 96 | r.getrandbits(32)),
}


@pytest.mark.parametrize("kind", KINDS)
def test_whatever_the_address_its_length_and_class_stay_and_no_two_become_one(kind):
    """In each way to write it, and in bytes: all say the same pseudonym."""
    addresses, chance = Addresses(KEY), random.Random(7)
    asked = {KINDS[kind](chance) for _ in range(150)}
    new = {addr: ip_address(addresses.text(str(addr))) for addr in asked}
    assert len(set(new.values())) == len(asked)
    for addr, pseudonym in new.items():
        assert addr_class(str(pseudonym)) == addr_class(str(addr))
        assert addresses.packed(addr.packed) == pseudonym.packed
        for written in (str(addr), str(addr).upper(), addr.exploded):
            told = addresses.text(written)
            assert (len(told), ip_address(told)) == (len(written), pseudonym)


def test_a_zone_is_as_long_as_before_and_names_nothing():
    new = Addresses(KEY).text("fe80::1:2%Büro0")
    assert new.endswith("%xxxxx0") and new[:-8] != "fe80::1:2"


@pytest.mark.parametrize(
    "network",
    [
        "10.0.48.0/20",
        "10.0.0.0/8",
        "172.16.0.0/12",
        "100.64.0.0/10",
        "91.10.20.64/26",
        "91.10.0.0/15",
        "0.0.0.0/0",
        "2a02:810::/29",
        "2001:db8:50::/48",
        "fe80::/10",
        "::ffff:10.0.48.0/116",
    ],
)
def test_the_image_of_a_network_has_the_pseudonyms_of_its_addresses_and_no_others(network):
    addresses, chance, asked = Addresses(KEY), random.Random(3), ip_network(network)
    image = addresses.image(asked)
    assert sum(each.num_addresses for each in image) == asked.num_addresses
    for _ in range(40):
        inside = asked[chance.randrange(asked.num_addresses)]
        beside = type(inside)(int(inside) ^ 1 << chance.randrange(inside.max_prefixlen))
        for addr in (inside, beside):
            assert any(addresses.of(addr) in each for each in image) == (addr in asked), addr


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
    assert new[0] & 0xF3 == 0x22
    assert new != bytes.fromhex("001122334455")


@pytest.mark.parametrize("mac", ["ffffffffffff", "01005e0000fb", "000000000000", "0011"])
def test_group_addresses_nulls_and_cut_ones_stay(mac):
    assert Addresses(KEY).mac(bytes.fromhex(mac)) == bytes.fromhex(mac)
