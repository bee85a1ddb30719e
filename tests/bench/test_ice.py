import ipaddress

from aioice import stun

from bench import ice
from postproc.wire.ip import Endpoint

TRANSACTION = b"0123456789ab"


INTEGRITY_AND_FINGERPRINT = 24 + 8  # bytes at the end


def parsed(message):
    """The message as aioice reads it, who verifies the fingerprint; integrity verified here."""
    read = stun.parse_message(message)
    assert read.attributes["MESSAGE-INTEGRITY"] == integrity(message, "secret")
    return read


def integrity(message, password):
    return stun.message_integrity(message[:-INTEGRITY_AND_FINGERPRINT], password.encode())


def test_a_check_carries_username_priority_and_role():
    message = parsed(ice.check(TRANSACTION, "there:here", "secret", controlling=True, nominate=False))
    assert message.message_class == stun.Class.REQUEST
    assert message.attributes["USERNAME"] == "there:here"
    assert message.attributes["ICE-CONTROLLING"] == int.from_bytes(TRANSACTION[:8])
    assert {"PRIORITY", "MESSAGE-INTEGRITY", "FINGERPRINT"} <= message.attributes.keys()
    assert "USE-CANDIDATE" not in message.attributes


def test_a_nomination_carries_use_candidate():
    message = parsed(ice.check(TRANSACTION, "a:b", "secret", controlling=True, nominate=True))
    assert "USE-CANDIDATE" in message.attributes


def test_the_controlled_side_says_so():
    message = parsed(ice.check(TRANSACTION, "a:b", "secret", controlling=False, nominate=False))
    assert "ICE-CONTROLLED" in message.attributes
    assert "ICE-CONTROLLING" not in message.attributes


def test_a_success_tells_the_requester_s_address():
    message = parsed(ice.success(TRANSACTION, Endpoint("198.51.100.7", 40001), "secret"))
    assert message.transaction_id == TRANSACTION
    addr, port = message.attributes["XOR-MAPPED-ADDRESS"]
    assert (ipaddress.ip_address(addr), port) == (ipaddress.ip_address("198.51.100.7"), 40001)


def test_a_role_conflict_is_error_487():
    message = parsed(ice.role_conflict(TRANSACTION, "secret"))
    assert message.attributes["ERROR-CODE"] == (487, "Role Conflict")


def test_another_password_gives_another_integrity():
    message = ice.success(TRANSACTION, Endpoint("10.0.0.1", 1), "other")
    found = stun.parse_message(message).attributes["MESSAGE-INTEGRITY"]
    assert found == integrity(message, "other") != integrity(message, "secret")
