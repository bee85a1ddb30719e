"""Every STUN message of pcaps/ there and back, and values of every attribute; aioice as the other judge."""

import aioice.stun
import pytest
from hypothesis import given
from hypothesis import strategies as st

from postproc.wire import MalformedError, stun
from postproc.wire.ip import Endpoint
from postproc.wire.stun import ChannelData, Class, ErrorCode, Message
from tests.wire.captured import datagrams

texts = st.text("abcäß:漢 ", max_size=20)
VALUES = {
    stun.ADDRESS: st.builds(Endpoint, st.ip_addresses(v=4).map(str), st.integers(0, 65535)),
    stun.XOR_ADDRESS: st.builds(Endpoint, st.ip_addresses(v=4).map(str), st.integers(0, 65535)),
    stun.TEXT: texts,
    stun.OPAQUE: st.binary(max_size=40),
    stun.FLAG: st.just(True),
    stun.ERROR: st.builds(ErrorCode, st.integers(300, 699), texts),
    stun.U8: st.integers(0, 2**8 - 1),
    stun.U8_RESERVED: st.integers(0, 2**8 - 1),
    stun.U16_RESERVED: st.integers(0, 2**16 - 1),
    stun.U32: st.integers(0, 2**32 - 1),
    stun.U64: st.integers(0, 2**64 - 1),
}
transactions = st.binary(min_size=12, max_size=12) | st.binary(min_size=16, max_size=16).filter(
    lambda transaction: not transaction.startswith(stun.COOKIE)
)


@st.composite
def messages(draw):
    """A message, and the attributes it was made of with their values."""
    found = Message(draw(st.integers(0, 0xFFF)), draw(st.sampled_from(Class)), draw(transactions))
    put = draw(
        st.lists(
            st.sampled_from(list(stun.ATTRIBUTES.values())), max_size=6, unique_by=lambda each: each.number
        )
    )
    values = [(attribute, draw(VALUES[attribute.format])) for attribute in put]
    for attribute, value in values:
        found = found.add(attribute, value)
    return found, values


@given(messages())
def test_there_and_back(made):
    message, values = made
    read = stun.parse(bytes(message))
    assert read == message
    assert [read.get(attribute) for attribute, _ in values] == [value for _, value in values]


@given(st.builds(Endpoint, st.ip_addresses(v=6), st.integers(0, 65535)), st.binary(min_size=12, max_size=12))
def test_addresses_of_ipv6_are_masked_with_cookie_and_transaction(endpoint, transaction):
    message = Message(1, Class.SUCCESS, transaction)
    value = stun.pack_address((str(endpoint.addr), endpoint.port), message.mask)
    assert int.from_bytes(value[4:]) ^ int.from_bytes(message.mask) == int(endpoint.addr)
    assert stun.pack_address(stun.unpack_address(value, message.mask), message.mask) == value


def test_every_message_of_the_captures():
    """All fields are kept. Only padding need not be null (RFC 5389), so that it is compared without it."""
    found = 0
    for datagram in datagrams():
        if datagram[:1] and datagram[0] < 4 and datagram[4:8] == stun.COOKIE:
            message, found = stun.parse(datagram), found + 1
            assert stun.parse(bytes(message)) == message
            assert len(bytes(message)) == len(datagram)
            values = [place.value for place in stun.places(datagram)]
            assert values == [value for _, value in message.attributes]
    assert found > 600


def test_aioice_reads_the_same_in_the_captures():
    names = {"USERNAME": stun.USERNAME, "PRIORITY": stun.PRIORITY, "SOFTWARE": stun.SOFTWARE}
    names |= {"XOR-MAPPED-ADDRESS": stun.XOR_MAPPED_ADDRESS, "ICE-CONTROLLING": stun.ICE_CONTROLLING}
    compared = 0
    for datagram in datagrams():
        if datagram[4:8] != stun.COOKIE:  # aioice knows nothing of RFC 3489
            continue
        try:
            theirs = aioice.stun.parse_message(datagram)
        except ValueError:
            continue
        ours = stun.parse(datagram)
        assert (ours.method, ours.transaction) == (theirs.message_method, theirs.transaction_id)
        assert stun.message_type(0, ours.kind) == theirs.message_class
        for name, attribute in names.items():
            assert ours.get(attribute) == theirs.attributes.get(name)
        compared += 1
    assert compared > 600


def test_signed_and_fingerprinted_as_aioice_has_it():
    ours = Message(1, Class.REQUEST, b"123456789012").add(stun.USERNAME, "peer:own")
    theirs = aioice.stun.Message(
        aioice.stun.Method.BINDING, aioice.stun.Class.REQUEST, b"123456789012", {"USERNAME": "peer:own"}
    )
    theirs.add_message_integrity(b"a password")
    assert bytes(ours.signed(b"a password").fingerprinted()) == bytes(theirs)


def test_of_two_attributes_of_a_type_the_first_counts():
    message = Message(1, Class.REQUEST, bytes(12)).add(stun.PRIORITY, 7).add(stun.PRIORITY, 8)
    assert message.get(stun.PRIORITY) == 7


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        (stun.PRIORITY, b"\0\0\1"),
        (stun.XOR_MAPPED_ADDRESS, b"\0\3\0\0abcd"),
        (stun.XOR_MAPPED_ADDRESS, b"\0"),
        (stun.MAPPED_ADDRESS, b"\0\2\0\0abcd"),
        (stun.ERROR_CODE, b"\0\0\7\0"),
        (stun.ERROR_CODE, b"\0\0\4\x64"),
    ],
)
def test_a_malformed_value_is_none(attribute, value):
    assert Message(1, Class.SUCCESS, bytes(12), ((attribute.number, value),)).get(attribute) is None


@given(st.binary(max_size=200))
def test_whatever_comes_is_parsed_or_malformed(data):
    try:
        message = stun.parse(data)
    except MalformedError:
        assert len(data) < stun.HEADER or data[0] & 0xC0
        return
    for attribute in stun.ATTRIBUTES.values():
        message.get(attribute)
    assert stun.parse(bytes(message)) == message


def test_a_cut_message_has_its_whole_attributes():
    whole = bytes(Message(1, Class.REQUEST, bytes(12)).add(stun.PRIORITY, 7).add(stun.USERNAME, "abcdefgh"))
    cut = stun.parse(whole[:-3])
    assert (cut.get(stun.PRIORITY), cut.get(stun.USERNAME)) == (7, None)
    assert [place.whole for place in stun.places(whole[:-3])] == [True, False]


@given(st.sampled_from(stun.CHANNELS), st.binary(max_size=60), st.integers(0, 3))
def test_channel_data_there_and_back(channel, data, padding):
    found = ChannelData(channel, data)
    assert stun.parse_channel_data(bytes(found) + bytes(padding)) == found


@pytest.mark.parametrize("data", [b"@\0\0", b"@\0\0\1", b"\x50\0\0\0", b"\0\1\0\0"])
def test_what_is_no_channel_data(data):
    with pytest.raises(MalformedError):
        stun.parse_channel_data(data)
