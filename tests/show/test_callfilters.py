"""A call's display filter is built of its Call-IDs and of the flows it alone, or at its time, used."""

import subprocess
from pathlib import Path

import pandas as pd
import pytest

from postproc import pipeline
from postproc.model import filters
from postproc.model.tables import CALLS, DTLS, LEGS, RTP_STREAMS, SDP_MEDIA, STUN_MESSAGES, Tables
from postproc.show.firewall import holes
from postproc.show.selection import call_filters, call_ids, flows

AT = pd.Timestamp("2026-01-01T12:00:00.5Z")
ENDS = {"src_addr": "10.0.0.1", "src_port": 30000, "dst_addr": "192.0.2.7", "dst_port": 40000}
FLOW = (("10.0.0.1", 30000), ("192.0.2.7", 40000))


def stun(call: int, at: pd.Timestamp = AT, **more: object) -> dict[str, object]:
    return {"capture": "c", "frame": 1, "time": at, "call": call} | ENDS | more


def stream(call: int, **more: object) -> dict[str, object]:
    return {"capture": "c", "call": call, "first_time": AT, "last_time": AT} | ENDS | more


def legs(*call_ids_of: tuple[int, int, str]) -> pd.DataFrame:
    return LEGS.rows(
        {"capture": "c", "call": call, "leg": leg, "call_id": text} for call, leg, text in call_ids_of
    )


def tables(**rows: pd.DataFrame) -> Tables:
    calls = CALLS.rows({"capture": "c", "call": call} for call in (1, 2))
    return Tables().with_(calls=calls, **rows)


def test_a_flow_of_one_call_is_named_without_times() -> None:
    found = call_filters(tables(stun_messages=STUN_MESSAGES.rows([stun(1)])))
    assert found[1] == "ip.addr == 10.0.0.1 && ip.addr == 192.0.2.7 && udp.port == 30000 && udp.port == 40000"
    assert found[2] == ""


def test_a_flow_of_two_calls_is_limited_to_each_calls_time() -> None:
    later = AT + pd.Timedelta(seconds=60)
    found = call_filters(tables(stun_messages=STUN_MESSAGES.rows([stun(1), stun(2, later)])))
    assert "frame.time_epoch >= 1767268795.500000000 && frame.time_epoch <= 1767268805.500000000" in found[1]
    assert "frame.time_epoch >= 1767268855.500000000" in found[2]


def test_both_directions_are_one_flow_from_the_first_to_the_last() -> None:
    back = {"src_addr": "192.0.2.7", "src_port": 40000, "dst_addr": "10.0.0.1", "dst_port": 30000}
    later = AT + pd.Timedelta(seconds=5)
    found = flows(tables(stun_messages=STUN_MESSAGES.rows([stun(1), stun(1, later, **back)])))
    assert list(found[1]) == [FLOW]
    assert (found[1][FLOW].first, found[1][FLOW].last) == (AT, later)


def test_rtcp_beside_is_there_unless_every_description_says_mux() -> None:
    media = {"rtp_streams": RTP_STREAMS.rows([stream(1)]), "legs": legs((1, 1, "a"))}
    offered = {"capture": "c", "call": 1, "rtcp_mux": True}
    muxed = tables(**media, sdp_media=SDP_MEDIA.rows([offered]))
    beside = tables(**media, sdp_media=SDP_MEDIA.rows([offered, offered | {"rtcp_mux": False}]))
    assert "30001" not in call_filters(muxed)[1]
    assert "udp.port in {30000, 30001}" in call_filters(beside)[1]


def test_a_handshake_alone_is_a_flow() -> None:
    ends = {"client_addr": "10.0.0.1", "client_port": 30000, "server_addr": "192.0.2.7", "server_port": 40000}
    shaken = DTLS.rows([{"capture": "c", "call": 1, "started": AT, "state": "client_hello_only"} | ends])
    assert list(flows(tables(dtls=shaken))[1]) == [FLOW]


def test_what_names_no_address_is_left_out() -> None:
    odd = [stun(1, src_addr="host.local"), stun(1, src_addr="2001:db8::1"), stun(1, src_addr=None)]
    assert flows(tables(stun_messages=STUN_MESSAGES.rows(odd))) == {}


def test_call_ids_are_listed_once_in_the_order_of_legs() -> None:
    rows = legs((1, 2, "b"), (1, 1, "a"), (1, 1, "a"), (2, 1, "c"))
    assert call_ids(tables(legs=rows)) == {1: ["a", "b"], 2: ["c"]}


def test_ice_over_tcp_is_found_and_so_is_the_udp_of_its_port(pcaps):
    """The server asks a STUN server over UDP from the port that it offers for TCP."""
    capture = pcaps / "made/ice_tcp.pcapng"
    run = pipeline.run([capture], report=False, jobs=1)
    frames = shown(capture, call_filters(run.tables)[1])
    rows = [run.stun_messages, run.dtls_messages, run.sip_messages]
    assert frames >= {int(frame) for table in rows for frame in table.loc[table["call"] == 1, "frame"]}
    steps = {step["step"]: step["filter"] for walk in run.walks.values() for step in walk}
    segments = shown(capture, f"({steps['media']}) && tcp")
    assert segments and segments <= frames


@pytest.mark.parametrize("name", ["ice_tcp", "turn_tcp"])
def test_each_flow_of_the_handout_is_there_over_the_transport_it_names(pcaps, name):
    capture = pcaps / f"made/{name}.pcapng"
    tables_read = pipeline.run([capture], report=False, jobs=1).tables
    flows_told = [flow for flow in holes(tables_read)[1].traffic if not flow.relays]
    assert {flow.transport for flow in flows_told} == {"udp", "tcp"}
    for flow in flows_told:
        inside_turn = (flow.server[0], flow.remote[0]) == ("203.0.113.10", "192.168.178.34")
        expected = filters.between(flow.server, flow.remote, over=(flow.transport,))
        assert inside_turn or shown(capture, expected)


def shown(capture: Path, display_filter: str) -> set[int]:
    command = ["tshark", "-n", "-r", str(capture), "-T", "fields", "-e", "frame.number", "-Y", display_filter]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return {int(number) for number in done.stdout.split()}
