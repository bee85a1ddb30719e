"""What a firewall must let through: which end is the server's, its ports, and how much went where."""

import pandas as pd

from postproc.model.tables import BINDINGS, CALLS, CANDIDATES, LEGS, NAT_MAPPINGS, RTP_STREAMS, Tables
from postproc.show.calls import call_lines as overview
from postproc.show.firewall import handout, holes

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


def test_traffic_without_a_candidate_of_the_server_says_so() -> None:
    whole = tables([check(INSIDE, CLIENT, "server_to_client")])
    (line,) = overview(whole)
    text = "\n".join(handout(line, "stun", holes(whole)[1], "en"))
    assert "The server offered no candidate in this capture." in text
    assert "UDP 10.0.0.1:30000 <-> 192.0.2.7:40000  2026-01-01 12:00:00.500" in text
