"""The rows of each table that are about one call, or about the calls of one capture."""

import pytest

from postproc.model.tables import BY_NAME, Tables
from postproc.show import selection
from tests import builders as t

HERE, THERE = "a.pcapng", "b.pcapng"


@pytest.fixture(scope="module")
def tables():
    """Two calls in a.pcapng, the second of them in b.pcapng, too; a third in b.pcapng alone."""
    places = [(1, HERE), (2, HERE), (2, THERE), (3, THERE)]
    return t.attributed(
        Tables(
            captures=t.captures(*({"capture": name, "packets": 9} for name in (HERE, THERE, "c.pcapng"))),
            calls=t.calls(*({"call": call} for call in (1, 2, 3))),
            legs=t.legs(
                *({"call": n, "call_id": f"id{n}", "capture": name, "end_time": 9.0} for n, name in places)
            ),
            timeline=t.rows("timeline", *({"call": call, "capture": name} for call, name in places)),
            sip_messages=t.sip_messages(
                *({"call_id": f"id{call}", "capture": name} for call, name in places), {"call_id": "stray"}
            ),
            bindings=t.bindings({"call": 1, "transaction_id": "aa", **ENDS}, {"call": 3, "capture": THERE}),
            stun_messages=t.stun_messages(
                {"transaction_id": "aa", "frame": 7}, {"transaction_id": "bb", "frame": 8, "src_port": 9}
            ),
            rtp_streams=t.rtp_streams(
                {"call": 2, "stream": 5, "first_time": 1.0, "last_time": 9.0}, {"stream": 6}
            ),
            rtp_seconds=t.rtp_seconds({"stream": 5, "second": 0}, {"stream": 6, "second": 0}),
            dtls=t.dtls(
                {
                    "call": 2,
                    "client_addr": t.SERVER,
                    "client_port": 30000,
                    "server_addr": t.CLIENT,
                    "server_port": 50000,
                    "time": 3.0,
                    "completed": 4.0,
                }
            ),
            dtls_messages=t.dtls_messages({"time": 3.5}, {"time": 900.0}, {"time": 3.5, "src_port": 1}),
            joins=t.joins({"call_id_a": "id1", "call_id_b": "id9"}, {"call_id_a": "id2", "call_id_b": "id8"}),
            clocks=t.rows("clocks", *({"capture": name, "reference": HERE} for name in (HERE, THERE))),
            log_events=t.rows("log_events", {"call_id": "id1", "capture": "fs.log"}),
            logs=t.rows("logs", {"capture": "fs.log"}, {"capture": "other.log"}),
        )
    )


ENDS = {"src_addr": t.SERVER, "src_port": 30000, "dst_addr": t.CLIENT, "dst_port": 50000}


@pytest.mark.parametrize(
    ("name", "column", "of_calls"),
    [
        ("legs", "call_id", (["id1"], ["id2", "id2"], ["id3"])),
        ("captures", "capture", ([HERE], [HERE, THERE], [THERE])),
        ("sip_messages", "call_id", (["id1"], ["id2", "id2"], ["id3"])),
        ("stun_messages", "frame", ([7], [], [])),
        ("rtp_streams", "stream", ([], [5], [])),
        ("rtp_seconds", "stream", ([], [5], [])),
        ("dtls_messages", "frame", ([], [1], [])),
        ("clocks", "capture", ([HERE], [HERE, THERE], [THERE])),
        ("joins", "call_id_b", (["id9"], ["id8"], [])),
        ("log_events", "call_id", (["id1"], [], [])),
        ("logs", "capture", (["fs.log"], [], [])),
    ],
)
def test_the_rows_of_a_call_and_no_others(tables, name, column, of_calls):
    for call, expected in enumerate(of_calls, 1):
        rows = selection.of_call(tables, call, name)
        assert rows[column].tolist() == expected
        assert rows.index.tolist() == list(range(len(expected)))


def test_every_table_can_be_asked_for_even_of_a_call_that_has_nothing(tables):
    for name, table in BY_NAME.items():
        rows = selection.of_call(tables, 99, name)
        assert rows.empty, name
        assert list(rows.columns) == [column.name for column in table.columns]


def test_a_capture_keeps_its_calls_whole(tables):
    cut = selection.of_capture(tables, HERE)
    assert cut.calls["call"].tolist() == [1, 2]
    assert cut.captures["capture"].tolist() == [HERE, THERE]
    assert set(cut.legs["call_id"]) == {"id1", "id2"}
    assert "stray" in set(cut.sip_messages["call_id"])
    assert cut.log_events["call_id"].tolist() == ["id1"]


def test_a_capture_without_calls_keeps_its_messages(tables):
    cut = selection.of_capture(tables, "c.pcapng")
    assert cut.calls.empty
    assert cut.captures["capture"].tolist() == ["c.pcapng"]


def test_events_of_a_connection_are_of_the_calls_whose_messages_it_carries():
    ends = {"src_addr": t.SERVER, "src_port": 5061, "dst_addr": t.CLIENT, "dst_port": 40000}
    back = {"src_addr": t.CLIENT, "src_port": 40000, "dst_addr": t.SERVER, "dst_port": 5061}
    both = t.attributed(
        Tables(
            calls=t.calls({"call": 1}, {"call": 2}),
            legs=t.legs({"call": 1, "call_id": "id1"}, {"call": 2, "call_id": "id2"}),
            sip_messages=t.sip_messages(
                {"call_id": "id1", "transport": "tls", **ends}, {"call_id": "id2", **ends}
            ),
            connection_events=t.rows("connection_events", back, back | {"src_port": 40001}),
        )
    )
    assert selection.of_call(both, 1, "connection_events")["src_port"].tolist() == [40000]
    assert selection.of_call(both, 2, "connection_events").empty
