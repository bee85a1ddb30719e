"""Every SIP message of pcaps/ in a datagram there and back, streams taken apart, and made-up ones."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postproc.wire import MalformedError, hep, sip
from postproc.wire.sip import Message
from tests.wire.captured import datagrams

words = st.text("abcXYZ019-", min_size=1, max_size=12)
values = st.text("abc 019;=<>@:,äß", max_size=30).map(str.strip)
starts = st.builds("{} sip:{}@host SIP/2.0".format, words, words) | st.builds(
    "SIP/2.0 {} {}".format, st.integers(100, 699), words
)
headers = st.lists(
    st.tuples(words.filter(lambda name: name.lower() not in sip.CONTENT_LENGTH), values), max_size=5
)
messages = st.builds(Message, starts, headers.map(tuple), st.binary(max_size=40))


def counted(message):
    length = ("l", str(len(message.body)))
    return Message(message.start, (*message.headers, length), message.body)


def test_every_message_of_the_captures():
    seen = set()
    for datagram in datagrams():
        copied = datagram.startswith(hep.MAGIC)
        if not copied and (datagram.startswith(b"SIP/2.0 ") or b" SIP/2.0\r\n" in datagram[:200]):
            message = sip.parse(datagram)
            assert bytes(message) == datagram
            assert sip.length(datagram) == len(datagram)
            seen.add(message.request[0] if message.request else message.status[0])
    assert {"INVITE", "ACK", "BYE", "CANCEL", "100", "180", "183", "200", "486", "487"} <= seen


@given(messages)
def test_there_and_back(message):
    assert sip.parse(bytes(message)) == message
    assert (message.status is None) != (message.request is None)


@given(st.lists(messages.map(counted), max_size=5), st.integers(0, 2))
def test_a_stream_is_framed_by_content_length(made, keep_alives):
    stream = b"".join(bytes(message) + b"\r\n\r\n" * keep_alives for message in made)
    assert [sip.parse(piece) for piece in sip.split(stream)] == made


@pytest.mark.parametrize("name", ["Content-Length", "l", "CONTENT-LENGTH", "L "])
def test_content_length_in_any_form(name):
    stream = f"BYE sip:a@b SIP/2.0\r\n{name}: 3\r\n\r\nabcBYE".encode()
    assert sip.length(stream) == len(stream) - 3


def test_bare_line_feeds_and_folded_headers_are_read():
    message = sip.parse(b"\r\n\r\nSIP/2.0 200 OK\nSubject: first\n\tsecond\ni: 7\n\nbody")
    assert message.headers == (("Subject", "first second"), ("i", "7"))
    assert (message.status, message.body) == (("200", "OK"), b"body")


@pytest.mark.parametrize("data", [b"", b"\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"SIP/2.0 20 OK\r\n\r\n"])
def test_what_is_no_sip(data):
    with pytest.raises(MalformedError):
        sip.parse(data)


@given(st.binary(max_size=80))
def test_whatever_comes_is_parsed_or_malformed(data):
    for head in (b"", b"SIP/2.0 200 OK\r\n"):
        try:
            message = sip.parse(head + data)
        except MalformedError:
            continue
        assert sip.parse(bytes(message)).headers == message.headers
    assert sum(map(len, sip.split(data))) <= len(data)
