"""Captures of one call at several places, found in what was recorded and made; and those that are none."""

import shutil
from types import SimpleNamespace

import pandas as pd
import pytest

from postproc import pipeline
from postproc.model.tables import counting
from postproc.places.passages import shared
from postproc.read.records import Described, Record, pieces
from postproc.wire import ip, pcapng

TWO = ("made/two_vantage_server.pcapng", "made/two_vantage_client.pcapng")
VIEWS = ("server_view.pcapng", "client_view.pcapng")


def compared(pcaps, *names):
    return pipeline.run([pcaps / name for name in names], jobs=1).tables


def counts(tables, **columns):
    """(kind, direction) -> sent and arrived."""
    rows = tables.passages
    for name, value in columns.items():
        rows = rows[rows[name] == value]
    keys = zip(rows["kind"], rows["direction"], strict=True)
    return dict(zip(keys, zip(rows["sent"], rows["arrived"], strict=True), strict=True))


def test_the_clock_and_the_losses_of_a_made_call_are_found_again(pcaps):
    """Its client's clock is 137 ms ahead, and packets take 12 ms either way (pcaps/make/two_vantage.py)."""
    tables = compared(pcaps, *TWO)
    clocks = tables.clocks.set_index("capture")
    client, server = clocks.loc["two_vantage_client.pcapng"], clocks.loc["two_vantage_server.pcapng"]
    assert client["reference"] == "two_vantage_server.pcapng"
    assert (server["offset_ms"], server["place"], server["position"]) == (0, "server", 1)
    assert (client["place"], client["position"]) == ("client", 2)
    assert client["offset_ms"] == pytest.approx(137)
    assert client["bound_ms"] == pytest.approx(12)
    assert client["certainty"] == 1
    assert counts(tables) == {
        ("stun", "server_to_client"): (4, 4),
        ("dtls", "server_to_client"): (2, 2),
        ("rtp", "server_to_client"): (60, 60),
        ("stun", "client_to_server"): (4, 4),
        ("dtls", "client_to_server"): (3, 3),
        ("rtp", "client_to_server"): (60, 55),
    }
    assert set(tables.passages["call"]) == {1}


def test_flows_are_joined_across_both_nats(pcaps):
    rows = compared(pcaps, *VIEWS).passages
    row = rows[(rows["kind"] == "rtp") & (rows["direction"] == "client_to_server")].iloc[0]
    assert (row["from_src_addr"], row["from_dst_addr"]) == ("192.168.178.34", "203.0.113.10")
    assert (row["to_src_addr"], row["to_dst_addr"]) == ("198.51.100.77", "10.0.50.118")
    assert (row["sent"], row["arrived"], row["lost"]) == (895, 816, 79)
    assert row["first_lost"] < row["last_lost"]
    assert row["smallest_lost"] == row["largest_arrived"] == 210  # SRTP with 20 ms of PCMA


@pytest.mark.parametrize(
    "names",
    [
        ("good.pcapng", "no_binding_success.pcapng", "two_calls.pcapng"),  # of one network
        ("made/ring_buffer_1.pcapng", "made/ring_buffer_2.pcapng"),
        ("good.pcapng", "made/two_vantage_client.pcapng"),
    ],
)
def test_captures_of_different_packets_are_no_places_of_each_other(pcaps, names):
    tables = compared(pcaps, *names)
    assert tables.clocks.empty
    assert tables.passages.empty


def at_the_gateway(source, target, *, ahead_s, lag_ms=3, then_ahead_s=0):
    """What the gateway's own capture shows of a recorded call: leg 2, by a clock that is ahead.

    A second after its first packet the clock is set, so that it is ``then_ahead_s`` further ahead.
    """
    gateway = ip.packed("10.0.50.20")
    blocks = [bytes(pcapng.Section())]
    first = None
    with pieces(source) as found:
        for piece in found:
            if isinstance(piece, Described):
                blocks.append(bytes(pcapng.Interface(piece.link_type, piece.snaplen, piece.options)))
            elif isinstance(piece, Record) and gateway in (piece.data[26:30], piece.data[30:34]):
                sent = piece.data[26:30] == gateway
                later = round((ahead_s * 1000 + (-lag_ms if sent else lag_ms)) * 1_000_000)
                first = piece.ticks if first is None else first
                if piece.ticks - first > 1_000_000_000:
                    later += then_ahead_s * 1_000_000_000
                blocks.append(
                    bytes(pcapng.Packet(piece.interface, piece.ticks + later, piece.data, piece.original))
                )
    target.write_bytes(b"".join(blocks))


@pytest.mark.parametrize("name", ["good.pcapng", "two_calls.pcapng"])
def test_legs_whose_sip_both_captures_show_are_there_once(pcaps, tmp_path, name):
    """An hour apart, so that nothing but the packets says that they belong together."""
    at_the_gateway(pcaps / name, tmp_path / "gateway.pcapng", ahead_s=3600)
    shutil.copy(pcaps / name, tmp_path)
    alone = pipeline.run([pcaps / name], jobs=1).tables
    tables = pipeline.run([tmp_path], jobs=1).tables
    clock = tables.clocks.set_index("capture").loc["gateway.pcapng"]
    assert clock["reference"] == name
    assert clock["offset_ms"] == pytest.approx(3_600_000, abs=1)
    assert clock["bound_ms"] == pytest.approx(3, abs=1)
    columns = ["call", "leg", "call_id", "final_status", "state", "retransmissions"]
    pd.testing.assert_frame_equal(tables.legs[columns], alone.legs[columns])
    assert tables.calls["verdict"].tolist() == alone.calls["verdict"].tolist()
    assert counting(tables.rtp_streams)["packets"].sum() == alone.rtp_streams["packets"].sum()
    assert not tables.passages["lost"].any()


def test_registrations_that_both_captures_show_are_of_no_leg(pcaps, tmp_path):
    registrations = [
        piece
        for piece in read(pcaps / "made" / "registration_failed_password.pcapng")
        if isinstance(piece, Record)
    ]
    at_the_gateway(pcaps / "good.pcapng", tmp_path / "gateway.pcapng", ahead_s=0)
    shutil.copy(pcaps / "good.pcapng", tmp_path)
    for path in sorted(tmp_path.iterdir()):
        start = next(piece.ticks for piece in read(path) if isinstance(piece, Record))
        blocks = [path.read_bytes()]
        for each in registrations:
            at = start + each.ticks - registrations[0].ticks
            blocks.append(bytes(pcapng.Packet(0, at, each.data, each.original)))
        path.write_bytes(b"".join(blocks))
    tables = pipeline.run([tmp_path], jobs=1).tables
    assert tables.calls["verdict"].tolist() == ["ok"]
    assert set(tables.passages["call"]) == {1}
    assert not tables.passages["lost"].any()


def test_a_flow_goes_the_way_that_it_goes_at_another_place():
    """SIP over a NAT, where only the client's capture shows checks between the same hosts."""
    joined = [SimpleNamespace(flows=(0, 1)), SimpleNamespace(flows=(3, 2)), SimpleNamespace(flows=(4, 9))]
    seen = SimpleNamespace(common={(0, 1): SimpleNamespace(joined=joined)})
    assert shared(seen, {0: 0, 1: -1, 2: 1, 3: 0, 4: 0}) == {0: -1, 1: -1, 2: 1, 3: 1, 4: 0}


def read(path):
    with pieces(path) as found:
        return list(found)


def test_times_are_those_of_the_captures_though_clocks_are_apart(pcaps, tmp_path):
    at_the_gateway(pcaps / "good.pcapng", tmp_path / "gateway.pcapng", ahead_s=-7200)
    tables = pipeline.run([pcaps / "good.pcapng", tmp_path / "gateway.pcapng"], jobs=1).tables
    captures = tables.captures.set_index("capture")
    for rows in (tables.sip_messages, tables.rtp_streams, tables.bindings, tables.timeline):
        for capture, held in rows.groupby("capture"):
            assert held["time"].between(*captures.loc[capture, ["first_time", "last_time"]]).all()


def test_a_clock_that_was_set_makes_no_delay_below_zero(pcaps, tmp_path):
    """Most packets come after it; those before it arrive ten minutes before they were sent."""
    at_the_gateway(pcaps / "good.pcapng", tmp_path / "gateway.pcapng", ahead_s=5, then_ahead_s=600)
    rows = pipeline.run([pcaps / "good.pcapng", tmp_path / "gateway.pcapng"], jobs=1).tables.passages
    assert rows.loc[rows["kind"] == "rtp", "delay_ms"].between(0, 7).all()  # 3 ms either way
    assert rows.loc[rows["kind"] == "sip", "delay_ms"].isna().any()
    assert not (rows["delay_ms"] < 0).any()
