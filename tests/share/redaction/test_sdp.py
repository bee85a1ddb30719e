import pytest

from tests.share.redaction.parts import PERSONAL, SDP, pseudonyms


@pytest.fixture
def descriptions():
    return pseudonyms().descriptions


def test_nothing_personal_is_left_in_a_description(descriptions):
    new = descriptions.body(SDP).lower()
    assert [token for token in PERSONAL if token.lower() in new] == []


@pytest.mark.parametrize(
    "line",
    [
        "v=0",
        "t=0 0",
        "m=audio 33246 UDP/TLS/RTP/SAVPF 111 9 0",
        "a=rtpmap:111 opus/48000/2",
        "a=sendrecv",
        "a=mid:audio",
        "a=end-of-candidates",
        "a=rtcp:33246",
        "a=fmtp:101 0-15",
    ],
)
def test_harmless_lines_stay(descriptions, line):
    assert descriptions.line(line) == line


def test_a_candidate_keeps_all_but_addresses_and_foundation(descriptions):
    old = "a=candidate:Hc0a8b222 1 udp 1 91.10.20.30 5 typ srflx raddr 192.168.178.34 rport 5 generation 0"
    before, after = old.split(), descriptions.line(old).split()
    assert [at for at, (a, b) in enumerate(zip(before, after, strict=True)) if a != b] == [0, 4, 9]


@pytest.mark.parametrize(
    "line",
    [
        "a=candidate:1 1 udp Anna",
        "a=candidate",
        "o=Anna 1 2",
        "o=anna Anna 2 IN IP4 10.0.0.1",
        "c=Anna",
        "m=Anna, 1",
        "i=Anna",
        "u=http://anna.de",
        "e=anna@anna.de (Anna)",
        "a=anna:Anna",
        "a=fingerprint:sha-256 Anna",
        "s=Anna",
        "a=ssrc:Anna cname:Anna",
        "a=remote-candidates:1 anna.de 5",
        "a=rtcp:5 anna",
        "Anna",
    ],
)
def test_odd_lines_let_nothing_pass(descriptions, line):
    assert "anna" not in descriptions.line(line).lower()


def test_a_product_is_nobodys_name(descriptions):
    assert descriptions.line("o=IceLink-3.14.3 1 0 IN IP4 127.0.0.1").startswith("o=IceLink-3.14.3 ")
    assert descriptions.line("s=Frozen Mountain") == "s=Frozen Mountain"


def test_the_fingerprint_follows_the_certificate(descriptions):
    descriptions.fingerprints["AA:BB:CC"] = "11:22:33"
    assert descriptions.line("a=fingerprint:sha-256 aa:bb:cc") == "a=fingerprint:sha-256 11:22:33"
    assert descriptions.line("a=fingerprint:sha-256 AA:BB:CD") != "a=fingerprint:sha-256 AA:BB:CD"


def test_the_password_of_a_ufrag_is_known_with_the_one_in_its_place(descriptions):
    new = descriptions.body(SDP)
    old, other = descriptions.password("Q0Ny")
    assert old == b"vGPBP5qiYyaIHeOqY5amUf"
    assert f"a=ice-pwd:{other.decode()}\r\n" in new
    assert descriptions.password("else") is None
