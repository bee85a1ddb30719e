from postproc.correlate.timeline.events import table
from postproc.correlate.timeline.media import dtls_events
from tests import builders as b
from tests.correlate.evidence_of import TO_CLIENT, TO_SERVER

ROW = {
    "client_addr": b.SERVER,
    "client_port": 30000,
    "server_addr": b.CLIENT,
    "server_port": 50000,
    "call": 1,
    "leg": 1,
    "time": 2.0,
    "started": 2.0,
    "state": "complete",
    "completed": 2.05,
    "duration_ms": 50.0,
    "fingerprint_matches": True,
}
HELLO = TO_CLIENT | {"handshake_type": "client_hello", "time": 2.0, "frame": 4}
FINISHED = TO_SERVER | {"handshake_type": "encrypted", "epoch": 1, "time": 2.05, "frame": 6}
ALERT = TO_SERVER | {"content": "alert", "alert": "close_notify", "time": 30.0, "frame": 8}
FAILED = {"state": "incomplete", "completed": None, "duration_ms": None}


def events(rows, messages):
    return table(dtls_events(b.dtls(*rows), b.dtls_messages(*messages))).to_dict("records")


def said(rows, messages):
    return [(e["time"], e["frame"], e["kind"], e["label"], e["severity"]) for e in events(rows, messages)]


def test_a_good_handshake_begins_and_completes():
    assert said([ROW], [HELLO, FINISHED]) == [
        (b.at(2), 4, "client_hello", "ClientHello", "normal"),
        (b.at(2.05), 6, "complete", "DTLS complete, 50 ms", "normal"),
    ]


def test_an_event_has_the_ends_of_its_message():
    first, last = events([ROW], [HELLO, FINISHED])
    assert (first["src"], first["dst"]) == (f"{b.SERVER}:30000", f"{b.CLIENT}:50000")
    assert (last["src"], last["dst"]) == (first["dst"], first["src"])
    assert (first["call"], first["leg"], first["lane"]) == (1, 1, "dtls")


def test_repeated_hellos_are_warnings_where_nothing_came_of_them():
    again = [HELLO | {"time": 3.0, "frame": 5}, HELLO | {"time": 3.001, "frame": 6}]
    assert said([ROW | FAILED | {"state": "client_hello_only"}], [HELLO, *again]) == [
        (b.at(2), 4, "client_hello", "ClientHello", "warning"),
        (b.at(3), 5, "client_hello", "ClientHello (again)", "warning"),
    ]


def test_a_certificate_that_sdp_does_not_know_is_an_error():
    assert said([ROW | {"fingerprint_matches": False}], [HELLO, FINISHED])[1][3:] == (
        "DTLS complete, 50 ms, certificate does not match SDP",
        "error",
    )


def test_completion_that_srtp_proves_stands_at_the_message_before():
    later = ROW | {"completed": 4.0, "duration_ms": None}
    assert said([later], [HELLO, FINISHED])[1] == (b.at(4), 6, "complete", "DTLS complete", "normal")


def test_an_alert_that_ended_the_handshake_is_an_error():
    refused = ALERT | {"alert": "handshake_failure", "time": 2.1}
    assert said([ROW | FAILED | {"state": "alert"}], [HELLO, refused])[1] == (
        b.at(2.1),
        8,
        "alert",
        "alert handshake_failure",
        "error",
    )


def test_a_close_at_the_end_is_normal():
    assert said([ROW], [HELLO, FINISHED, ALERT])[2] == (b.at(30), 8, "alert", "alert close_notify", "normal")


def test_messages_belong_to_the_handshake_they_follow():
    rows = [ROW, ROW | {"call": 2, "time": 40.0, "completed": 40.05}]
    messages = [HELLO, FINISHED, ALERT, HELLO | {"time": 40.0}, FINISHED | {"time": 40.05}]
    assert [event["call"] for event in events(rows, messages)] == [1, 1, 1, 2, 2]


def test_other_captures_other_ports_copies_and_handshakes_without_call_are_left_out():
    assert said([ROW | {"call": None}], [HELLO]) == []
    others = [HELLO | {"capture": "b.pcapng"}, HELLO | {"src_port": 30002}, HELLO | {"copy_of": 4}]
    spoilt = [HELLO | {"time": None}, HELLO | {"dst_addr": None}]
    assert said([ROW | FAILED], [*others, *spoilt]) == []


def test_a_handshake_whose_messages_are_not_at_hand_has_no_events():
    assert said([ROW], []) == []
