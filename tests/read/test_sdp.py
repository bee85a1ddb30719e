"""Session descriptions (RFC 8866) and candidates (RFC 8839)."""

import pytest
from aioice import Candidate
from hypothesis import given
from hypothesis import strategies as st

from postproc.model.addresses import alternatives
from postproc.read import sdp

OFFER = """v=0
o=IceLink-3.14 42 7 IN IP4 127.0.0.1
s=-
c=IN IP4 198.51.100.77
t=0 0
a=fingerprint:sha-256 AA:BB
a=ice-ufrag:sess
a=inactive
m=audio 33246/2 UDP/TLS/RTP/SAVPF 111 8 101
a=mid:audio
a=sendonly
a=ice-ufrag:Q0Ny
a=ice-pwd:secret
a=setup:actpass
a=rtcp-mux
a=rtpmap:111 opus/48000/2
a=rtpmap:101 telephone-event/8000
a=candidate:1 1 UDP 2130706431 192.168.1.2 33246 typ host
a=candidate:2 1 udp 1694498815 198.51.100.77 33246 typ srflx raddr 192.168.1.2 rport 33246 generation 0
m=video 0 RTP/AVP 96
c=IN IP6 2001:db8::1
a=candidate:3 1 udp 1 a1b2.local 9 typ host ufrag othr
""".replace("\n", "\r\n")


def test_each_section_has_its_own_values_else_the_sessions():
    audio, video = sdp.media_rows(sdp.parse(OFFER))
    assert audio == {
        "sdp_owner": "IceLink-3.14",
        "session_id": "42",
        "session_version": "7",
        "mid": "audio",
        "media": "audio",
        "port": 33246,
        "proto": "UDP/TLS/RTP/SAVPF",
        "direction": "sendonly",
        "connection_addr": "198.51.100.77",
        "alternatives": None,
        "ufrag": "Q0Ny",
        "pwd_present": True,
        "setup": "actpass",
        "fingerprint": "sha-256 AA:BB",
        "rtcp_mux": True,
        "rtcp_mux_only": False,
        "crypto": None,
        "crypto_tags": None,
        "crypto_keys": None,
        "ice_lite": False,
        "ice_mismatch": False,
        "ice_options": None,
        "formats": "111,8,101",
        "codecs": "111=opus/48000,8=PCMA/8000,101=telephone-event/8000",
        "packing": None,
    }
    assert (video["port"], video["connection_addr"], video["ufrag"]) == (0, "2001:db8::1", "sess")
    assert (video["direction"], video["pwd_present"], video["codecs"]) == ("inactive", False, None)


def test_what_a_section_demands_of_the_answer_is_read_and_no_key():
    text = (
        "v=0\na=ice-lite\na=ice-options:trickle ice2\nm=audio 9 RTP/SAVP 0\na=rtcp-mux-only\na=ice-mismatch\n"
        "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:c2VjcmV0|2^31\na=crypto:2 AEAD_AES_256_GCM inline:eA==\n"
        "a=crypto:3\n"
    )
    (row,) = sdp.media_rows(sdp.parse(text))
    assert row["crypto"] == "AES_CM_128_HMAC_SHA1_80,AEAD_AES_256_GCM"
    assert (row["ice_lite"], row["ice_mismatch"], row["rtcp_mux_only"]) == (True, True, True)
    assert row["ice_options"] == "trickle ice2"


def test_direction_is_sendrecv_where_nothing_is_said():
    assert next(sdp.media_rows(sdp.parse("v=0\nm=audio 1 RTP/AVP 0\n")))["direction"] == "sendrecv"


@pytest.mark.parametrize(
    ("parameters", "packing"),
    [
        ("", "96=plain"),
        ("a=fmtp:96 mode-set=0,2; octet-align=0\n", "96=plain"),
        ("a=fmtp:96 Octet-Align=1;mode-change-capability=2\n", "96=octet-align"),
        ("a=fmtp:96 octet-align=1; crc=1; interleaving=30\n", "96=octet-align+crc+interleaving"),
        ("a=fmtp:96\na=fmtp:97 octet-align=1\n", "96=plain"),
    ],
)
def test_what_shapes_the_payload_of_amr(parameters, packing):
    text = f"m=audio 4000 RTP/AVP 96 8\na=rtpmap:96 AMR-WB/16000\n{parameters}"
    (row,) = sdp.media_rows(sdp.parse(text))
    assert row["packing"] == packing


@pytest.mark.parametrize(
    ("value", "ends"),
    [
        ("1 IP6 2001:db8::1 4000", [("2001:db8::1", 4000)]),
        ("2 IP4 192.0.2.1 4000/4001", [("192.0.2.1", 4000)]),
        ("1 IP6 2001:db8::1", []),
        ("1 IP6 example.org:1 4000 x", []),
        ("1 IP4 192.0.2.1 0", []),
        ("1 IP4 192.0.2.1 70000", []),
    ],
)
def test_alternative_addresses(value, ends):
    (row,) = sdp.media_rows(sdp.parse(f"v=0\r\nm=audio 2 RTP/AVP 0\r\na=altc:{value}\r\n"))
    assert alternatives(row["alternatives"]) == ends


def test_few_alternatives_are_kept():
    lines = "a=altc:1 IP4 192.0.2.1 4000\r\n" * 20
    (row,) = sdp.media_rows(sdp.parse(f"v=0\r\nm=audio 2 RTP/AVP 0\r\n{lines}"))
    assert len(alternatives(row["alternatives"])) == sdp.ALTERNATIVES


def test_description_without_media_has_no_rows():
    assert not list(sdp.media_rows(sdp.parse("v=0\r\no=a 1 1 IN IP4 1.2.3.4\r\n")))


@pytest.mark.parametrize("line", ["m=", "m=audio", "m=audio port RTP/AVP 0", "m=audio 1"])
def test_unreadable_media_line_is_a_row_of_na(line):
    (row,) = sdp.media_rows(sdp.parse(f"v=0\no=\n{line}\na=rtpmap:8\nc=IN\n"))
    assert row.get("port") is None
    assert row["connection_addr"] is None


def test_candidates_of_every_section():
    host, srflx, mdns = sdp.candidate_rows(sdp.parse(OFFER))
    assert host == {
        "sdp_owner": "IceLink-3.14",
        "mid": "audio",
        "ufrag": "Q0Ny",
        "foundation": "1",
        "component": 1,
        "transport": "udp",
        "priority": 2130706431,
        "addr": "192.168.1.2",
        "port": 33246,
        "type": "host",
        "related_addr": None,
        "related_port": None,
        "addr_class": "private",
    }
    assert (srflx["type"], srflx["related_addr"], srflx["related_port"]) == ("srflx", "192.168.1.2", 33246)
    assert (mdns["mid"], mdns["ufrag"], mdns["addr_class"]) == ("1", "othr", "mdns")


def test_candidates_before_the_first_section_belong_to_it():
    rows = list(
        sdp.candidate_rows(sdp.parse("v=0\na=candidate:1 1 udp 1 1.2.3.4 5 typ host\nm=audio 5 RTP/AVP 0\n"))
    )
    assert [(row["addr"], row["mid"]) for row in rows] == [("1.2.3.4", "0")]


@pytest.mark.parametrize(
    "line",
    [
        "",
        "1 1 udp",
        "1 1 udp high 1.2.3.4 5 typ host",
        "1 1 udp 1 1.2.3.4 port typ host",
        "1 1 : uuid uuid 1.2.3.4 5 x y",  # the draft that X-Lite used
        "1 1 udp 99999999999999999999 1.2.3.4 5 typ host",
        "1 1 udp 1 1.2.3.4 5 foo host",
        "1 1 udp 1 1.2.3.4 5 typ",
        "1 -1 udp 1 1.2.3.4 5 typ host",
        "1 1 udp 1_0 1.2.3.4 5 typ host",
        "1 1 udp 1 1.2.3.4 \u0665 typ host",
        "1 1 udp 1 1.2.3.4 5 typ srflx raddr 1.2.3.4 rport x",
        f"1 1 udp {'9' * 5000} 1.2.3.4 5 typ host",
        "1 1 udp 1 1.2.3.4 70000 typ host",
        "1 257 udp 1 1.2.3.4 5 typ host",
        "1 1 udp 4294967296 1.2.3.4 5 typ host",
        "1 1 udp 1 10.0.50.118<img/src=x> 5 typ host",
        "1 1 udp 1 1.2.3.4 5 typ srflx raddr 1.2.3.4 rport 65536",
    ],
)
def test_unparsable_candidate_has_no_address(line):
    assert sdp.candidate(line) == {"addr_class": "invalid"}


@pytest.mark.parametrize("port", ["70000", "99999999", "4294967296", "9223372036854775808", "9" * 5000, "٣"])
def test_a_port_that_is_none_is_not_known(port):
    (row,) = sdp.media_rows(sdp.parse(f"v=0\nc=IN IP4 1.2.3.4\nm=audio {port}/2 RTP/AVP 8\n"))
    assert (row["port"], row["media"], row["codecs"]) == (None, "audio", "8=PCMA/8000")


def test_a_format_of_any_length_is_read():
    (row,) = sdp.media_rows(sdp.parse(f"v=0\nm=audio 5 RTP/AVP {'8' * 5000} 128 8\n"))
    assert row["codecs"] == "8=PCMA/8000"


@pytest.mark.parametrize(
    "addr", ["10.0.50.118<img/src=x>", "999.1.1.1", "1.2.3", "x" * 300, "10.0.0.1\x1b[31m"]
)
def test_what_is_no_address_is_not_told_as_one(addr):
    """Nor is that of the session, which the section does not mean."""
    text = f"v=0\nc=IN IP4 1.2.3.4\nm=audio 5 RTP/AVP 8\nc=IN IP4 {addr}\nm=audio 7 RTP/AVP 8\n"
    first, second = sdp.media_rows(sdp.parse(text))
    assert (first["connection_addr"], second["connection_addr"]) == (None, "1.2.3.4")


WORDS = st.text("abcXYZ019+/.:-_", min_size=1, max_size=12)
PORTS, PRIORITIES, COMPONENTS = st.integers(0, 65535), st.integers(0, 2**32 - 1), st.integers(0, 256)
HOSTS = st.one_of(st.ip_addresses().map(str), st.sampled_from(["a1b2.local", "host.example", "x_1-y.z"]))
EXTENSIONS = st.lists(
    st.one_of(
        st.tuples(st.just("raddr"), HOSTS),
        st.tuples(st.sampled_from(["rport", "generation", "network-cost"]), PORTS.map(str)),
        st.tuples(st.sampled_from(["tcptype", "ufrag", "network-id"]), WORDS),
    )
)


@given(st.tuples(WORDS, COMPONENTS, WORDS, PRIORITIES, HOSTS, PORTS, st.just("typ"), WORDS), EXTENSIONS)
def test_candidates_are_read_as_aioice_reads_them(fields, extensions):
    line = " ".join(map(str, (*fields, *(word for pair in extensions for word in pair))))
    theirs, ours = Candidate.from_sdp(line), sdp.candidate(line)
    assert [ours[name] for name in ("foundation", "component", "transport", "priority")] == [
        theirs.foundation,
        theirs.component,
        theirs.transport.lower(),
        theirs.priority,
    ]
    assert [ours[name] for name in ("addr", "port", "type", "related_addr", "related_port")] == [
        theirs.host,
        theirs.port,
        theirs.type.lower(),
        theirs.related_address,
        theirs.related_port,
    ]


@pytest.mark.parametrize(
    ("addr", "expected"),
    [
        ("10.1.2.3", "private"),
        ("172.20.10.2", "private"),
        ("192.168.0.1", "private"),
        ("100.64.0.1", "cgnat"),
        ("169.254.1.1", "link_local"),
        ("fe80::1%eth0", "link_local"),
        ("127.0.0.1", "loopback"),
        ("::1", "loopback"),
        ("fd00::1", "ula"),
        ("x.LOCAL", "mdns"),
        ("203.0.113.10", "documentation"),
        ("198.51.100.1", "documentation"),
        ("2001:db8::1", "documentation"),
        ("239.1.1.1", "multicast"),
        ("ff02::1", "multicast"),
        ("0.0.0.0", "unspecified"),
        ("::", "unspecified"),
        ("0.1.2.3", "invalid"),
        ("255.255.255.255", "invalid"),
        ("host.example", "invalid"),
        ("", "invalid"),
        ("8.8.8.8", "public"),
        ("2a00::1", "public"),
        ("::ffff:10.0.0.1", "private"),
        ("172.32.0.1", "public"),
    ],
)
def test_address_classes(addr, expected):
    assert sdp.addr_class(addr) == expected


def test_of_a_key_only_a_digest_is_read_by_which_two_can_be_compared():
    def digests(*lines):
        (row,) = sdp.media_rows(
            sdp.parse("v=0\nm=audio 9 RTP/SAVP 0\n" + "".join(f"a=crypto:{each}\n" for each in lines))
        )
        return row["crypto_keys"]

    suite = "AES_CM_128_HMAC_SHA1_80"
    one, other, longer, none = digests(
        f"1 {suite} inline:c2VjcmV0|2^31",
        f"2 {suite} inline:b3RoZXI=",
        f"3 {suite} inline:c2VjcmV0|1:4",
        f"4 {suite}",
    ).split(",")
    assert one == longer != other
    assert (len(one), none) == (8, "")
    assert "c2VjcmV0" not in one
