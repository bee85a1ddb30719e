"""FreeSWITCH's own lists are those that a real one wrote into its log."""

import re
from pathlib import Path

import pytest

from postproc.model.acl import BUILT_IN, built, of_machine

LOG = Path(__file__).parents[3] / "pcaps" / "acl_488.freeswitch.log"
CREATED = re.compile(r"Created ip list (\S+) default \((allow|deny)\)")
ADDED = re.compile(r"Adding (\S+) \((allow|deny)\) (?:\[\] )?to list (\S+)")


def logged():
    """The lists of FreeSWITCH 1.10.12 at its start, by name; its machine is 10.0.50.118/24."""
    text = LOG.read_text()
    entries = {name: {"allow": [], "deny": []} for name, _ in CREATED.findall(text)}
    for network, kind, name in ADDED.findall(text):
        entries.setdefault(name, {"allow": [], "deny": []})[kind].append(network)
    return {name: built(name, default == "allow", **entries[name]) for name, default in CREATED.findall(text)}


def networks(listed):
    return {(entry.network, entry.allow) for entry in listed.entries}


@pytest.mark.parametrize("name", sorted(BUILT_IN))
def test_every_built_in_list_is_the_real_one(name):
    ours = {each.name: each for each in of_machine(["10.0.50.118/24"])} | {
        each.name: each for each in BUILT_IN.values() if not each.unresolved
    }
    real = logged()[name]
    assert ours[name].allow == real.allow
    assert networks(ours[name]) == networks(real)


def test_no_real_built_in_list_is_missing():
    assert {name for name in logged() if name.endswith(".auto")} == set(BUILT_IN)


@pytest.mark.parametrize(
    "name, address, verdict",
    [
        ("wan.auto", "100.64.0.1", "denied"),  # carrier NAT
        ("wan.auto", "198.51.100.77", "allowed"),
        ("wan.auto", "2001:db8::1", "allowed"),
        ("wan.auto", "fe80::1", "denied"),
        ("wan_v4.auto", "2001:db8::1", "denied"),
        ("wan_v6.auto", "198.51.100.77", "denied"),
        ("wan_v6.auto", "2001:db8::1", "allowed"),
        ("any_v4.auto", "10.0.0.1", "allowed"),
        ("any_v4.auto", "2001:db8::1", "denied"),
        ("any_v6.auto", "10.0.0.1", "denied"),
        ("rfc1918.auto", "172.31.255.255", "allowed"),
        ("rfc1918.auto", "172.32.0.0", "denied"),
        ("rfc6598.auto", "100.127.255.255", "allowed"),
        ("loopback.auto", "127.0.0.1", "allowed"),
        ("loopback.auto", "::1", "allowed"),
        ("localnet.auto", "10.0.50.20", "unknown"),
        ("nat.auto", "10.0.50.20", "unknown"),
        ("nat.auto", "198.51.100.77", "denied"),  # wherever the machine is
    ],
)
def test_built_in_lists_on_addresses(name, address, verdict):
    assert BUILT_IN[name].decide(address).verdict == verdict


def test_with_the_machine_s_network_its_lists_can_tell():
    localnet, nat = of_machine(["10.0.50.118/24"])
    assert [localnet.decide(a).verdict for a in ("10.0.50.20", "10.0.51.20")] == ["allowed", "denied"]
    assert [nat.decide(a).verdict for a in ("10.0.50.20", "10.0.51.20")] == ["denied", "allowed"]
