"""RTP, RTCP and DTLS of pcaps/ there and back, and made-up ones."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postproc.wire import MalformedError, dtls, rtp
from postproc.wire.dtls import ClientHello, Handshake, Record, ServerHello
from tests.wire.captured import datagrams

u8, u16, u32 = st.integers(0, 2**8 - 1), st.integers(0, 2**16 - 1), st.integers(0, 2**32 - 1)
packets = st.builds(
    rtp.Packet,
    st.integers(0, 127),
    u16,
    u32,
    u32,
    st.binary(max_size=30),
    st.booleans(),
    st.booleans(),
    st.lists(u32, max_size=15).map(tuple),
    st.none() | st.builds(rtp.Extension, u16, st.binary(max_size=5).map(lambda data: data * 4)),
)
rtcp = st.builds(
    rtp.RtcpPacket,
    st.sampled_from(rtp.RTCP_TYPES),
    st.integers(0, 31),
    st.binary(max_size=8).map(lambda body: body * 4),
    st.booleans(),
)
extensions = st.none() | st.lists(st.tuples(u16, st.binary(max_size=9)), max_size=4).map(tuple)
short = st.binary(max_size=32)
randoms = st.binary(min_size=32, max_size=32)
suites = st.lists(u16, max_size=5).map(tuple)


@given(packets)
def test_rtp_there_and_back(packet):
    assert rtp.parse(bytes(packet)) == packet


@given(st.lists(rtcp, max_size=4))
def test_rtcp_there_and_back(compound):
    assert list(rtp.parse_rtcp(b"".join(map(bytes, compound)))) == compound


def test_rtp_and_dtls_of_the_captures():
    streams, flights, kinds = 0, 0, set()
    for datagram in datagrams():
        if 128 <= datagram[0] < 192 and datagram[1] not in rtp.RTCP_TYPES:
            assert bytes(rtp.parse(datagram)) == datagram
            streams += 1
        elif datagram[0] in dtls.CONTENT_TYPES:
            records = list(dtls.records(datagram))
            clear = b"".join(map(bytes, records))
            assert datagram.startswith(clear)
            assert len(clear) == len(datagram) or dtls.has_unified_header(datagram, len(clear))
            kinds |= {kind for record in records for kind in messages_of(record)}
            flights += 1
    assert streams > 10_000
    assert flights > 100
    assert {dtls.CLIENT_HELLO, dtls.SERVER_HELLO, dtls.CERTIFICATE, dtls.CLIENT_KEY_EXCHANGE} <= kinds


def messages_of(record):
    """The types of handshake messages in a record, each of which is packed again as it was."""
    if record.kind != dtls.HANDSHAKE or record.epoch:
        return
    messages = list(dtls.handshakes(record.body))
    assert b"".join(map(bytes, messages)) == record.body
    for message in messages:
        yield message.kind
        if message.kind == dtls.CLIENT_HELLO and message.is_whole:
            assert bytes(dtls.parse_client_hello(message.body)) == message.body
        elif message.kind == dtls.SERVER_HELLO and message.is_whole:
            assert bytes(dtls.parse_server_hello(message.body)) == message.body
        elif message.kind == dtls.CERTIFICATE and message.is_whole and any(message.body):  # none redacted
            assert dtls.pack_certificates(dtls.parse_certificates(message.body)) == message.body


@given(u8, u16, st.binary(max_size=100), st.integers(1, 40))
def test_fragments_join_to_the_message(kind, sequence, body, size):
    message = Handshake(kind, sequence, body)
    pieces = list(dtls.handshakes(b"".join(map(bytes, dtls.fragments(message, size)))))
    assert b"".join(piece.body for piece in pieces) == body
    assert [piece.offset for piece in pieces] == list(range(0, max(len(body), 1), size))
    assert {piece.is_whole for piece in pieces} == {len(body) <= size}


@given(
    st.builds(ClientHello, u16, randoms, suites, extensions, st.binary(max_size=32), st.binary(max_size=32))
)
def test_client_hello_there_and_back(hello):
    assert dtls.parse_client_hello(bytes(hello)) == hello


@given(st.builds(ServerHello, u16, randoms, u16, extensions, short, u8))
def test_server_hello_there_and_back(hello):
    assert dtls.parse_server_hello(bytes(hello)) == hello


@given(st.lists(st.binary(max_size=40), max_size=4))
def test_certificates_there_and_back(chain):
    assert dtls.parse_certificates(dtls.pack_certificates(chain)) == tuple(chain)


@given(st.binary(max_size=90))
def test_whatever_comes_is_parsed_or_malformed(data):
    for parse in (
        rtp.parse,
        lambda d: list(rtp.parse_rtcp(d)),
        lambda d: list(dtls.handshakes(d)),
        dtls.parse_client_hello,
        dtls.parse_server_hello,
        dtls.parse_certificates,
    ):
        try:
            parse(data)
        except MalformedError:
            continue
    joined = b"".join(map(bytes, dtls.records(data)))
    assert data.startswith(joined)


def test_a_cut_record_says_how_much_is_missing():
    whole = bytes(Record(dtls.HANDSHAKE, dtls.DTLS_1_2, 0, 7, bytes(30)))
    (cut,) = dtls.records(whole[:-4])
    assert (len(cut.body), cut.missing, bytes(cut)) == (26, 4, whole[:-4])


@pytest.mark.parametrize(
    "data", [b"", b"\x80" * 11, b"\x40" + bytes(11), b"\x81" + bytes(11), b"\x90" + bytes(11)]
)
def test_what_is_no_rtp(data):
    with pytest.raises(MalformedError):
        rtp.parse(data)


def test_the_last_message_of_a_cut_record_goes_as_far_as_it_was_captured():
    record = bytes(dtls.Handshake(dtls.CLIENT_HELLO, 0, b"ab")) + bytes(
        dtls.Handshake(dtls.FINISHED, 1, b"xyz")
    )
    *_, last = dtls.handshakes(record[:-1], cut=True)
    assert (last.body, last.missing, last.total, last.is_whole) == (b"xy", 1, 3, False)
    assert bytes(last) == record[14:-1]
    with pytest.raises(MalformedError):
        list(dtls.handshakes(record[:-1]))


def test_a_unified_header_ends_the_records_in_clear():
    clear = bytes(dtls.Record(dtls.ALERT, dtls.DTLS_1_2, 0, 0, b"\2\0"))
    datagram = clear + b"\x2e" + bytes(40)
    assert [record.kind for record in dtls.records(datagram)] == [dtls.ALERT]
    assert dtls.has_unified_header(datagram, len(clear))


def test_the_records_of_tls_end_with_what_is_none():
    stream = dtls.tls_handshake(dtls.CLIENT_HELLO, b"abc") + dtls.tls_record(dtls.ALERT, b"\2\x28")
    hello, alert = dtls.tls_records(stream[:-1])
    assert (hello.kind, hello.version, hello.body[4:]) == (dtls.HANDSHAKE, dtls.TLS_1_2, b"abc")
    assert (alert.kind, alert.size, alert.body) == (dtls.ALERT, 2, b"\2")
    assert list(dtls.tls_records(stream[1:])) == []
    assert len(list(dtls.tls_records(stream + b"GET / HTTP/1.1"))) == 2
