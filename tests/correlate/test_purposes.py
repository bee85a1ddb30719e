import pytest

from tests.correlate.stun_cases import (
    ANSWER,
    CHECK,
    LOOK_UP,
    LOOKED_UP,
    NAT,
    TO_CLIENT,
    TO_SERVER,
    bound,
    one,
)


@pytest.mark.parametrize("sign", [{"priority": 1}, {"role": "controlled"}, {"use_candidate": True}])
def test_priority_role_or_nomination_make_a_check(sign):
    assert one(TO_CLIENT | sign)["purpose"] == "check"


def test_a_username_makes_no_check():
    assert one(LOOK_UP | {"username": "9di8QCXl4cPxNabIhIq1b3fc7RacSyhP"})["purpose"] == "discovery"


def test_any_request_of_the_transaction_may_carry_the_sign_of_a_check():
    assert one(TO_CLIENT, TO_CLIENT | {"priority": 1})["purpose"] == "check"


def test_attributes_of_a_response_make_no_check():
    assert one(LOOK_UP, LOOKED_UP | {"kind": "success", "priority": 1})["purpose"] == "discovery"


FLOWS = [
    {"sip_messages": [TO_CLIENT]},
    {"sip_messages": [TO_SERVER]},
    {"rtp_streams": [TO_CLIENT]},
    {"rtp_streams": [TO_SERVER | {"src_port": 49999, "dst_port": 29999}]},
    {"dtls_messages": [TO_SERVER]},
]


@pytest.mark.parametrize("others", FLOWS)
def test_on_a_flow_of_sip_rtp_rtcp_or_dtls_it_keeps_alive(others):
    assert one(TO_CLIENT, **others)["purpose"] == "keepalive"


def test_on_the_tuple_of_a_check_it_keeps_alive():
    found = bound(CHECK, TO_SERVER | {"transaction_id": "0f"})
    assert found["purpose"].tolist() == ["check", "keepalive"]


def test_the_tuple_a_check_was_answered_on_counts_too():
    elsewhere = {"src_addr": "198.51.100.99", "src_port": 1, "dst_addr": NAT, "dst_port": 2}
    found = bound(CHECK, ANSWER | elsewhere, elsewhere | {"transaction_id": "0f"})
    assert found["purpose"].tolist() == ["check", "keepalive"]


def test_behind_nat_the_port_pair_tells_the_flow():
    assert one(TO_CLIENT | {"src_addr": NAT}, rtp_streams=[TO_CLIENT])["purpose"] == "keepalive"


@pytest.mark.parametrize(
    "others",
    [
        {},
        {"rtp_streams": [TO_CLIENT | {"dst_port": 50001}]},
        {"rtp_streams": [TO_CLIENT | {"relayed": True}]},
        {"dtls_messages": [TO_CLIENT | {"relayed": True}]},
        {"rtp_streams": [TO_CLIENT | {"capture": "b.pcapng"}]},
        {"sip_messages": [dict.fromkeys(TO_CLIENT)]},
    ],
)
def test_elsewhere_it_asks_for_the_mapped_address(others):
    assert one(TO_CLIENT, **others)["purpose"] == "discovery"


def test_a_look_up_from_the_port_of_later_checks_stays_a_discovery():
    found = bound(LOOK_UP, CHECK | {"transaction_id": "0f"}, rtp_streams=[TO_CLIENT])
    assert found["purpose"].tolist() == ["discovery", "check"]


def test_a_check_sent_to_port_3478_stays_a_check():
    assert one(LOOK_UP | {"priority": 1})["purpose"] == "check"
