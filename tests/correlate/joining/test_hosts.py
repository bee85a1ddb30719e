import pandas as pd

from postproc.correlate.joining.features import ends, shared, where
from postproc.correlate.parties import parties
from tests import builders as b
from tests.correlate.conversation import invite, reply

TWO = pd.Series({"a.pcapng": 0, "b.pcapng": 1})


def of(*legs, messages=(), addresses=()):
    table = b.legs(
        *({"call_id": f"c{n}", "uac_port": 5060, "uas_port": 5060} | leg for n, leg in enumerate(legs))
    )
    sip = b.sip_messages(*messages)
    return ends(table, sip.assign(party=parties(sip)), addresses, where(table, TWO))


def linked(found, a=0, b_=1):
    uac, uas = found
    return bool(shared(uas.hosts[[a]], uac.hosts[[b_]])[0])


def test_wire_addresses_link_a_leg_to_the_next():
    uac, uas = found = of({"uas_addr": "10.0.0.2"}, {"uac_addr": "10.0.0.2"}, {"uac_addr": "10.0.0.3"})
    assert uas.host[0] == uac.host[1] != uac.host[2]
    assert uas.place[0] == uac.place[1]
    assert linked(found)
    assert not linked(found, 0, 2)


def test_the_port_makes_the_place():
    uac, uas = of({"uas_addr": "10.0.0.2"}, {"uac_addr": "10.0.0.2", "uac_port": 5080})
    assert uas.host[0] == uac.host[1]
    assert uas.place[0] != uac.place[1]


def test_contact_shows_the_machine_behind_the_loopback_address():
    legs = ({"uas_addr": "127.0.0.1"}, {"uac_addr": "192.168.101.12"})
    assert not linked(of(*legs))
    for contact in ("sip:b@192.168.101.12:4900;transport=tcp", "sips:192.168.101.12"):
        assert linked(
            of(*legs, messages=[invite(0, call_id="c0"), reply(200, 1, call_id="c0", contact=contact)])
        )


def test_the_contact_of_a_redirection_is_another_machine():
    legs = ({"uas_addr": "10.0.0.2"}, {"uac_addr": "10.0.0.9"})
    moved = [invite(0, call_id="c0"), reply(302, 1, call_id="c0", contact="sip:x@10.0.0.9")]
    assert not linked(of(*legs, messages=moved))


def test_sdp_shows_the_machine_too_but_not_without_an_address():
    legs = ({"uas_addr": "127.0.0.1"}, {"uac_addr": "10.0.0.2"})
    assert linked(of(*legs, addresses=[("a.pcapng", "c0", "uas", "10.0.0.2")]))
    assert not linked(of(*legs, addresses=[("a.pcapng", "c0", "uac", "10.0.0.2")]))
    on_hold = [("a.pcapng", "c0", "uas", "0.0.0.0"), ("a.pcapng", "c1", "uac", "0.0.0.0")]
    assert not linked(of(*legs, addresses=on_hold))


def test_loopback_is_one_machine_within_a_recording_only():
    near = ({"uas_addr": "127.0.0.1"}, {"uac_addr": "127.0.1.1"})
    found = of(*near)
    assert linked(found)
    assert found[1].loopback.tolist() == [True, False]
    assert not linked(of(near[0], near[1] | {"capture": "b.pcapng"}))
    assert linked(of({"uas_addr": "::1"}, {"uac_addr": "localhost"}))


def test_unknown_and_odd_addresses_link_nothing():
    uac, uas = found = of({"uas_addr": None}, {"uac_addr": None}, {"uac_addr": "not an address"})
    assert not linked(found)
    assert uas.host[0] == uas.place[0] == uac.agent[0] == -1
    odd = [invite(0, call_id="c0", contact="*"), invite(1, call_id="c0", contact="mailto:x")]
    assert not linked(of({"uac_addr": "10.0.0.1"}, {"uac_addr": "10.0.0.2"}, messages=odd))


def test_agents_are_compared_across_both_ends():
    uac, uas = of({"uas_agent": "B2BUA"}, {"uac_agent": "B2BUA"})
    assert uas.agent[0] == uac.agent[1] >= 0
