"""Session descriptions both ways: bytes kept whatever their form, candidates as RFC 8839 writes them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postproc.wire import MalformedError, sdp

OFFER = (
    "v=0\r\no=- 1 2 IN IP4 192.0.2.1\r\nc=IN IP4 192.0.2.1/127\r\na=ICE-Lite\r\n"
    "m=audio 5000/2 RTP/AVP 0 8\r\na=mid: 0 \r\na=sendonly\r\n"
    "m=video 0 RTP/AVP 96\r\nc=IN IP6 2001:db8::1\r\nc=IN IP6 2001:db8::2\r\n"
)


def test_lines_go_to_the_session_and_to_each_medium():
    session, (audio, video) = sdp.parse(OFFER)
    assert (session.value("o"), session.attribute("ice-lite")) == ("- 1 2 IN IP4 192.0.2.1", "")
    assert (audio.attributes, audio.value("c")) == ((("mid", "0"), ("sendonly", "")), None)
    assert (video.value("c"), video.attribute("mid")) == ("IN IP6 2001:db8::2", None)


@given(
    st.lists(st.sampled_from([*OFFER.splitlines(), "", "x", "=", " m=audio", "m=", "a=\N{SNOWMAN}"])),
    st.data(),
)
def test_what_is_packed_again_is_what_was_parsed(texts, data):
    ends = [data.draw(st.sampled_from(["\r\n", "\n", "\r"])) for _ in texts[:-1]]
    text = "".join(map("".join, zip(texts, [*ends, ""], strict=False)))
    assert str(sdp.parse(text)) == text


def test_lines_are_written_with_the_ends_of_the_rfc():
    assert sdp.written("v=0", "s=-") == "v=0\r\ns=-\r\n"


def test_a_media_line_is_read_and_written():
    media = sdp.parse_media("audio 5000/2 RTP/AVP 0 8")
    assert media == sdp.Media("audio", 5000, "RTP/AVP", ("0", "8"), "/2")
    assert str(media) == "audio 5000/2 RTP/AVP 0 8"
    assert sdp.parse_media("audio 65536 RTP/AVP 0").port is None


@pytest.mark.parametrize("line", ["", "audio", "audio 5000", "audio port RTP/AVP 0"])
def test_another_media_line_is_malformed(line):
    with pytest.raises(MalformedError):
        sdp.parse_media(line)


@pytest.mark.parametrize("addr", ["192.0.2.1", "2001:db8::1"])
def test_a_connection_names_its_address(addr):
    assert sdp.parse_connection(sdp.written_connection(addr)) == addr
    assert sdp.parse_connection("IN IP4 233.252.0.1/127/3") == "233.252.0.1"
    with pytest.raises(MalformedError):
        sdp.parse_connection("IN IP4")


@pytest.mark.parametrize(
    "line",
    [
        "1 1 udp 2130706431 192.0.2.1 5000 typ host",
        "2 2 TCP 1694498815 2001:db8::1 9 typ srflx raddr 192.0.2.1 rport 5000 tcptype active",
        "H6f a1b2.local 9 typ host".replace("H6f", "H6f 1 udp 1"),
    ],
)
def test_a_candidate_written_again_is_the_same(line):
    assert str(sdp.parse_candidate(line)) == line


def test_a_candidate_s_extensions_are_pairs():
    found = sdp.parse_candidate("1 1 udp 1 192.0.2.1 5 typ relay raddr 192.0.2.2 rport 7 generation")
    assert (found.extension("raddr"), found.related_port, found.extension("generation")) == (
        "192.0.2.2",
        7,
        None,
    )


@pytest.mark.parametrize(
    "line",
    [
        "1 1 udp 1 192.0.2.1 5 typ",
        "1 1 udp 1 192.0.2.1 5 host typ",
        "1 257 udp 1 192.0.2.1 5 typ host",
        "1 1 udp 4294967296 192.0.2.1 5 typ host",
        "1 1 udp 1 192.0.2.1 65536 typ host",
        "1 1 udp 1 192.0.2.1 5 typ srflx rport 65536",
        "1 1 udp 1 192.0.2.1 \u0665 typ host",
    ],
)
def test_a_candidate_outside_the_rfc_is_malformed(line):
    with pytest.raises(MalformedError):
        sdp.parse_candidate(line)
