"""What TCP segments show of a connection: how it ends, how far TLS gets, whether it carries SIP."""

import pytest

from postproc.model.columns import arrow
from postproc.model.tables import CONNECTION_EVENTS, SIP_MESSAGES
from postproc.read.connections import of_signalling, rows
from tests import builders
from tests.read.frames import frame

HELLO, ALERT, CCS = b"\x16\x03\x01\x00\x01\x01", b"\x15\x03\x03\x00\x02\x02\x30", b"\x14\x03\x03\x00\x01\x01"
SERVER_HELLO = b"\x16\x03\x03\x00\x01\x02"


def header(flags):
    return b"\x13\xc4\x13\xc5" + bytes(8) + bytes([0x50, flags]) + bytes(6)


def data(size):
    return b"\x17\x03\x03" + size.to_bytes(2) + bytes(size)


def said(*records, flags=0x18):
    seen = frame(transport="tcp", header=header(flags), messages={"tls": [b"".join(records)]})
    return [(row["event"], row["alert"]) for row in rows(seen)]


@pytest.mark.parametrize(("flags", "event"), [(0x11, "fin"), (0x14, "reset"), (0x15, "reset")])
def test_how_a_connection_ends(flags, event):
    assert said(flags=flags) == [(event, None)]


@pytest.mark.parametrize(
    ("records", "events"),
    [
        ([HELLO], [("client_hello", None)]),
        ([SERVER_HELLO, CCS, data(200)], [("server_hello", None), ("keyed", None)]),
        ([ALERT], [("alert", "unknown_ca")]),
        ([CCS, data(19)], [("alert", "encrypted")]),
        ([CCS, data(53)], [("keyed", None)]),
        ([CCS, b"\x16\x03\x03\x00\x28" + bytes(40)], [("keyed", None)]),
        ([CCS, b"\x15\x03\x03\x00\x02\x02\x30"], [("alert", "encrypted")]),
        ([CCS, b"\x16\x03\x03\x00\x28\x01\x00\x00\x24" + bytes(36)], [("client_hello", None)]),
        ([HELLO[:3]], []),
        ([b"GET / HTTP/1.1"], []),
    ],
)
def test_how_far_tls_comes(records, events):
    assert said(*records) == events


def test_a_datagram_says_nothing():
    assert list(rows(frame(transport="udp", header=header(0x14)))) == []


def test_kept_are_connections_with_sip_or_on_its_ports():
    sip = builders.rows("sip_messages", {"transport": "tcp", "src_port": 50000, "dst_port": 7000})
    ends = [
        {"src_port": 7000, "dst_port": 50000},
        {"src_port": 40000, "dst_port": 5061},
        {"src_port": 1, "dst_port": 2},
    ]
    turned = {"src_addr": builders.SERVER, "dst_addr": builders.APP}
    events = builders.rows("connection_events", *({"event": "fin"} | turned | each for each in ends))
    kept = of_signalling(arrow(events, CONNECTION_EVENTS.schema), arrow(sip, SIP_MESSAGES.schema))
    assert kept["dst_port"].to_pylist() == [50000, 5061]


def test_of_records_under_the_keys_the_first_of_each_side_is_kept():
    ways = [(5061, 50000), (50000, 5061), (5061, 50000)]
    events = builders.rows(
        "connection_events",
        *(
            {"event": "keyed", "src_addr": "a", "dst_addr": "a", "src_port": s, "dst_port": d}
            for s, d in ways
        ),
    )
    assert len(of_signalling(arrow(events, CONNECTION_EVENTS.schema), None)) == 2
