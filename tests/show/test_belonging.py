from postproc.model.tables import Tables
from postproc.show.selection import belonging
from tests.builders import (
    at,
    attributed,
    bindings,
    calls,
    dtls,
    icmp_errors,
    legs,
    rtp_streams,
    sip_messages,
    stun_messages,
)

ENDS = {"src_addr": "10.0.0.1", "src_port": 30000, "dst_addr": "1.2.3.4", "dst_port": 50000}
BACK = {"src_addr": "1.2.3.4", "src_port": 50000, "dst_addr": "10.0.0.1", "dst_port": 30000}


def of(call: int = 1, **held):
    base = {
        "calls": calls({"call": 1, "end": 20.0}),
        "legs": legs({"call": 1, "leg": 1, "call_id": "a@x", "end_time": 20.0}),
    }
    return belonging(attributed(Tables().with_(**(base | held))), call)


def test_messages_of_its_legs_belong_to_a_call_copies_and_all():
    sip = sip_messages({}, {"call_id": "b@x"}, {"copy_of": 1}, {"capture": "b.pcapng", "frame": 9})
    found = of(sip_messages=sip)
    assert {name: held.frames for name, held in found.items()} == {"a.pcapng": {1, 3}, "b.pcapng": {9}}


def test_tcp_connections_come_once_with_all_ends_of_messages_in_them():
    forth, back = ENDS | {"transport": "tcp"}, BACK | {"transport": "tcp"}
    (held,) = of(sip_messages=sip_messages(forth, back, forth | {"call_id": "b@x"})).values()
    assert list(held.connections.values()) == [{1, 2, 3}]
    assert held.whole == set()


def test_encrypted_connections_are_needed_whole():
    (held,) = of(sip_messages=sip_messages(ENDS | {"transport": "tls"})).values()
    assert held.whole == set(held.connections)


def test_stun_belongs_by_its_transactions():
    stun = stun_messages(
        {"transaction_id": "aa"}, {"transaction_id": "bb"}, {"transaction_id": "aa", "kind": "success"}
    )
    (held,) = of(stun_messages=stun, bindings=bindings({"call": 1, "transaction_id": "aa"})).values()
    assert held.frames == {1, 3}


def test_what_made_a_turn_relay_belongs_to_the_call_that_uses_it():
    stun = stun_messages(
        ENDS | {"method": "allocate"}, ENDS | {"transaction_id": "aa", "relayed": True}, {"src_port": 1}
    )
    (held,) = of(stun_messages=stun, bindings=bindings({"call": 1, "transaction_id": "aa"})).values()
    assert held.frames == {1, 2}


def test_media_and_rtcp_belong_by_flow_and_time():
    (held,) = of(rtp_streams=rtp_streams(ENDS | {"call": 1, "first_time": 5.0, "last_time": 9.0})).values()
    assert held.flows == [
        ("10.0.0.1", 30000 + n, "1.2.3.4", 50000 + n, at(0.0).value, at(14.0).value) for n in (0, 1)
    ]


def test_dtls_belongs_until_the_call_ends():
    ends = {"client_addr": "10.0.0.1", "client_port": 30000, "server_addr": "1.2.3.4", "server_port": 50000}
    (held,) = of(dtls=dtls(ends | {"call": 1, "time": 5.0})).values()
    assert held.flows == [("10.0.0.1", 30000, "1.2.3.4", 50000, at(0.0).value, at(25.0).value)]


def test_icmp_errors_belong_by_what_they_quote_and_when():
    icmp = icmp_errors(
        ENDS | {"time": 2.5},
        BACK | {"time": 1.5},
        ENDS | {"time": 60.0},
        {"src_addr": "9.9.9.9", "time": 2.0},
    )
    stun = stun_messages(
        ENDS | {"transaction_id": "aa", "time": 2.0, "frame": 40},
        ENDS | {"transaction_id": "aa", "time": 1.0},
    )
    (held,) = of(
        icmp_errors=icmp, stun_messages=stun, bindings=bindings(ENDS | {"call": 1, "transaction_id": "aa"})
    ).values()
    assert held.frames == {40, 2, 1}


def test_nothing_belongs_to_a_call_that_is_not_there():
    assert of(call=2, sip_messages=sip_messages({})) == {}


def test_rows_without_addresses_do_no_harm():
    held = of(
        rtp_streams=rtp_streams({"call": 1, "src_addr": None, "first_time": 1.0, "last_time": 2.0}),
        dtls=dtls({"call": 1, "time": None}),
        icmp_errors=icmp_errors({"src_addr": None}),
        sip_messages=sip_messages({"src_addr": None, "transport": "tcp"}),
    )
    assert [each.flows for each in held.values()] == [[]]
