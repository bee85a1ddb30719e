"""What a firewall must let through: which end is the server's, its ports, and how much went where."""

import pandas as pd

from postproc.model.tables import (
    BINDINGS,
    CALLS,
    CANDIDATES,
    LEGS,
    NAT_MAPPINGS,
    RTP_STREAMS,
    SIP_MESSAGES,
    STUN_MESSAGES,
    Tables,
)
from postproc.show.calls import call_lines as overview
from postproc.show.firewall import holes
from postproc.show.handout import handout

AT = pd.Timestamp("2026-01-01T12:00:00.5Z")
INSIDE, CLIENT, STUN = ("10.0.0.1", 30000), ("192.0.2.7", 40000), ("192.0.2.53", 3478)
OUTSIDE = ("203.0.113.1", 41000)


def ends(src: tuple[str, int], dst: tuple[str, int]) -> dict[str, object]:
    return {"src_addr": src[0], "src_port": src[1], "dst_addr": dst[0], "dst_port": dst[1]}


def check(src, dst, direction="other", purpose="check", outcome="success"):
    known = {"capture": "c", "time": AT, "call": 1, "purpose": purpose, "direction": direction}
    return known | {"outcome": outcome} | ends(src, dst)


def offered(end, side="server"):
    known = {"capture": "c", "call": 1, "leg": 1, "side": side, "transport": "udp"}
    return known | {"addr": end[0], "port": end[1]}


def tables(bindings=(), candidates=(), mapped=False, streams=(), legs=()) -> Tables:
    nat = {"capture": "c", "call": 1, "base_addr": INSIDE[0], "base_port": INSIDE[1]}
    nat |= {"mapped_addr": OUTSIDE[0], "mapped_port": OUTSIDE[1]}
    return Tables().with_(
        calls=CALLS.rows([{"capture": "c", "call": 1}]),
        bindings=BINDINGS.rows(bindings),
        candidates=CANDIDATES.rows(candidates),
        nat_mappings=NAT_MAPPINGS.rows([nat] if mapped else []),
        rtp_streams=RTP_STREAMS.rows(streams),
        legs=LEGS.rows(legs),
    )


def test_a_candidate_seen_outside_stands_for_the_port_behind_the_nat() -> None:
    (port,) = holes(tables(candidates=[offered(OUTSIDE), offered(INSIDE)], mapped=True))[1].ports
    assert (port.base, port.offered) == (INSIDE, (OUTSIDE, INSIDE))
    assert port.numbers == [30000, 41000]


def test_ports_that_are_none_are_left_out() -> None:
    absurd = [offered(("10.0.0.1", port)) for port in (0, 65536, 10**12)]
    assert holes(tables(candidates=absurd)) == {}


def test_candidates_of_the_client_are_no_port_of_the_server() -> None:
    assert holes(tables(candidates=[offered(CLIENT, "client")])) == {}


def test_checks_of_both_sides_are_one_pair_seen_from_the_server() -> None:
    rows = [
        check(CLIENT, INSIDE, "client_to_server"),
        check(INSIDE, CLIENT, "server_to_client", outcome="unanswered"),
        check(INSIDE, CLIENT, "server_to_client"),
    ]
    (traffic,) = holes(tables(rows))[1].traffic
    assert (traffic.server, traffic.remote) == (INSIDE, CLIENT)
    assert (traffic.asked["check"], traffic.answered["check"]) == ([2, 1], [1, 1])


def test_the_ports_of_candidates_come_before_look_ups_and_other_media() -> None:
    trunk, gateway = ("10.0.0.1", 31000), ("10.0.0.20", 11800)
    media = {"capture": "c", "call": 1, "direction": "other", "packets": 5, "first_time": AT, "last_time": AT}
    early = media | {"first_time": AT - pd.Timedelta(seconds=1)} | ends(gateway, trunk)
    outbound = {"capture": "c", "call": 1, "leg": 2, "role": "outbound", "uac_addr": "10.0.0.1"}
    rows = [
        check(INSIDE, STUN, purpose="discovery"),
        check(INSIDE, CLIENT, "server_to_client"),
    ]
    found = holes(tables(rows, [offered(INSIDE)], streams=[early], legs=[outbound]))[1].traffic
    assert [(each.server, each.remote) for each in found] == [
        (INSIDE, CLIENT),
        (INSIDE, STUN),
        (trunk, gateway),
    ]
    assert found[1].discovers
    assert found[2].asked["media"] == [0, 5]


def test_where_nobody_knows_the_server_the_first_sender_stands_for_it() -> None:
    (traffic,) = holes(tables([check(CLIENT, INSIDE), check(INSIDE, CLIENT)]))[1].traffic
    assert traffic.server == CLIENT


def test_a_call_without_anything_on_udp_says_so_in_both_languages() -> None:
    (line,) = overview(tables())
    assert list(handout(line, "", None, "en"))[-1] == "  No STUN, DTLS or media seen."
    assert list(handout(line, "", None, "de"))[2] == "  (nichts davon ist im Mitschnitt)"
    (said, *_) = (text for text in sheet([sip(CLIENT, SIGNALLING)]) if "nor" in text or "No STUN" in text)
    assert said == "  No STUN, DTLS or media seen."


def test_traffic_without_a_candidate_of_the_server_says_so() -> None:
    whole = tables([check(INSIDE, CLIENT, "server_to_client")])
    (line,) = overview(whole)
    text = "\n".join(handout(line, "stun", holes(whole)[1], "en"))
    assert "The server offered no candidate in this capture." in text
    assert "UDP 10.0.0.1:30000 <-> 192.0.2.7:40000  2026-01-01 12:00:00.500" in text


SIGNALLING = ("10.0.0.1", 5060)


def sip(src, dst, transport="udp", at=AT, capture="c"):
    known = {"capture": capture, "frame": 1, "time": at, "call": 1, "leg": 1, "call_id": "a"}
    return known | {"transport": transport} | ends(src, dst)


def sheet(messages=(), lang="en", **parts):
    whole = tables(**parts).with_(sip_messages=SIP_MESSAGES.rows(messages))
    (line,) = overview(whole)
    return list(handout(line, "", holes(whole)[1], lang))


def test_a_request_that_is_repeated_lasts_to_its_last_and_says_so() -> None:
    last = AT + pd.Timedelta(seconds=6)
    asked = check(INSIDE, CLIENT, "server_to_client", outcome="unanswered")
    lines = sheet(bindings=[asked | {"requests": 7, "last_time": last}], lang="de")
    assert "  UDP 10.0.0.1:30000 <-> 192.0.2.7:40000  2026-01-01 12:00:00.500 - 12:00:06.500" in lines
    assert "    Checks 1/0 gesendet/empfangen, 0 beantwortet; Requests 6-mal wiederholt" in lines


def test_an_end_on_another_day_is_dated() -> None:
    last = AT + pd.Timedelta(days=1)
    lines = sheet(bindings=[check(INSIDE, CLIENT) | {"requests": 2, "last_time": last}])
    assert any(line.endswith("2026-01-01 12:00:00.500 - 2026-01-02 12:00:00.500") for line in lines)


def test_sip_is_listed_with_its_transport_the_server_first_and_counted_in_one_capture() -> None:
    messages = [
        sip(CLIENT, SIGNALLING),
        sip(SIGNALLING, CLIENT, at=AT + pd.Timedelta(seconds=1)),
        sip(SIGNALLING, CLIENT, capture="d"),
        sip(SIGNALLING, ("10.0.0.20", 5061), "tls"),
    ]
    text = "\n".join(sheet(messages, candidates=[offered(INSIDE)]))
    assert "UDP 10.0.0.1:5060 <-> 192.0.2.7:40000  2026-01-01 12:00:00.500 - 12:00:01.500" in text
    assert "SIP messages 1/1 sent/received" in text
    assert "TCP 10.0.0.1:5060 <-> 10.0.0.20:5061" in text
    assert "tcpdump:   tcp and host 10.0.0.1 and port 5060 and host 10.0.0.20 and port 5061" in text


def test_a_server_behind_a_nat_is_known_by_the_port_that_it_keeps() -> None:
    asked = check(INSIDE, CLIENT, "server_to_client", outcome="unanswered")
    outside = ("203.0.113.1", INSIDE[1])
    (port,) = holes(tables([asked], [offered(outside)]))[1].ports
    assert (port.base, port.offered) == (INSIDE, (outside,))
    (other,) = holes(tables([asked], [offered(OUTSIDE)]))[1].ports
    assert other.base == OUTSIDE


def test_an_address_of_the_clients_on_a_turn_server_is_named() -> None:
    relay = offered(CLIENT, "client") | {"type": "relay"}
    lines = sheet(bindings=[check(INSIDE, CLIENT, "server_to_client")], candidates=[relay], lang="de")
    assert any("<-> 192.0.2.7:40000 (TURN-Relay des Clients)" in line for line in lines)


def test_a_candidate_over_tcp_is_a_port_of_tcp_and_an_active_one_is_none() -> None:
    over_tcp = {"transport": "tcp"}
    active = offered(("10.0.0.1", 9)) | over_tcp
    stun = {"capture": "c", "call": 1, "time": AT} | over_tcp | ends(INSIDE, CLIENT)
    whole = tables([check(INSIDE, CLIENT)], [offered(INSIDE) | over_tcp, active]).with_(
        stun_messages=STUN_MESSAGES.rows([stun])
    )
    ((port,), (traffic,)) = holes(whole)[1].ports, holes(whole)[1].traffic
    assert (port.transport, traffic.transport) == ("tcp", "tcp")
