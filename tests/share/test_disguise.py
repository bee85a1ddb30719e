from dataclasses import replace
from ipaddress import ip_network

from postproc.model.acl import built
from postproc.model.deployment import GENERIC
from postproc.share.disguise import disguised
from tests.share.redaction.parts import pseudonyms

ADDRESSES = ("10.0.50.118", "10.0.51.1", "10.9.0.1", "192.168.178.34", "91.20.30.40", "2001:db8:50::1")


def test_access_lists_decide_alike_about_the_pseudonyms_and_name_nobody():
    held = built(
        "zauberwald",
        False,
        allow=("10.0.50.0/24", "91.20.30.40/32", "2001:db8:50::/48"),
        deny=("10.0.0.0/8",),
    )
    known = replace(
        GENERIC, lists={held.name: held}, candidate_acl=(held.name, "wan.auto"),
        public_addresses=(ip_network("91.20.30.0/24"),),
    )  # fmt: skip
    made = pseudonyms()
    new = {addr: made.addresses.text(addr) for addr in ADDRESSES}
    other = disguised(known, made)
    (name,) = other.lists
    assert other.candidate_acl == (name, "wan.auto")
    for addr, pseudonym in new.items():
        before, after = held.decide(addr), other.lists[name].decide(pseudonym)
        assert (before.verdict, before.why) == (after.verdict, after.why), addr
        assert known.is_own_public(addr) == other.is_own_public(pseudonym)
    told = repr(other).lower()
    assert not [each for each in ("zauberwald", "10.0.50.", "91.20.30", "2001:db8:50:") if each in told]
