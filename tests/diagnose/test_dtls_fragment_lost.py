"""A DTLS flight of which some messages never arrive."""

from postproc.diagnose.rules.dtls_fragment_lost import RULE
from tests.builders import SERVER
from tests.diagnose.scenes import CLIENT_PORT, CLIENT_PUBLIC, SERVER_PORT, asked, good, told_both

HALF = dict(good()["dtls"][0]) | {"state": "incomplete", "completed": None}
ANSWER = {"src_addr": CLIENT_PUBLIC, "src_port": CLIENT_PORT, "dst_addr": SERVER, "dst_port": SERVER_PORT}


def sent(kind: str, number: int, **changes):
    return {"handshake_type": kind, "message_seq": number, "time": 1.3 + number / 100} | ANSWER | changes


def test_a_certificate_that_never_becomes_whole_is_named():
    flight = [sent("server_hello", 0), sent("certificate", 1)]
    (found,) = asked(RULE, dtls=[HALF], dtls_messages=flight, rtp_streams=[])
    assert found.facts["missing"] == ["Certificate"]
    assert "fehlt: Certificate" in told_both(found, RULE)["de"]["title"]


def test_a_number_left_out_of_the_flight_is_named():
    flight = [sent("server_hello", 0), sent("server_key_exchange", 2)]
    (found,) = asked(RULE, dtls=[HALF], dtls_messages=flight, rtp_streams=[])
    assert found.facts["missing"] == ["message_seq 1"]


def test_icmp_that_says_too_large_settles_it():
    report = {
        "reporter": "203.0.113.1",
        "version": 4,
        "type": 3,
        "code": 4,
        "transport": "udp",
        "time": 1.4,
        "src_addr": SERVER,
        "src_port": SERVER_PORT,
        "dst_addr": CLIENT_PUBLIC,
        "dst_port": CLIENT_PORT,
    }
    (found,) = asked(RULE, dtls=[HALF], icmp_errors=[report], rtp_streams=[])
    assert (found.verdict, found.facts["reporter"]) == ("fault", "203.0.113.1")
    assert "fragmentation needed" in told_both(found, RULE)["en"]["title"]


def test_silent_when_the_whole_flight_is_there():
    flight = [sent("server_hello", 0), sent("certificate", 1, certificate="3082")]
    assert asked(RULE, dtls=[HALF], dtls_messages=flight, rtp_streams=[]) == []


def test_silent_when_media_flows():
    assert asked(RULE, dtls=[HALF], dtls_messages=[sent("certificate", 1)]) == []
