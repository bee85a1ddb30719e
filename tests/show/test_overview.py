"""What a call's line says: each thing once, the latest and the best known."""

from postproc.model.tables import Tables
from postproc.show import calls
from tests import builders

CLIENT = {"call": 1, "leg": 1, "side": "client", "type": "host", "addr": "10.0.0.1", "port": 1, "ufrag": "c1"}
CHECK = {"call": 1, "purpose": "check", "direction": "server_to_client", "outcome": "success"}
STREAM = {
    "call": 1,
    "direction": "server_to_client",
    "ssrc": 9,
    "packets": 100,
    "first_time": 0,
    "last_time": 5,
}


def counted(*rows):
    return calls.candidate_counts(builders.candidates(*(CLIENT | row for row in rows)))


def checked(*rows):
    return calls.check_counts(builders.bindings(*(CHECK | row for row in rows)))


def streamed(*rows):
    return calls.media_packets(builders.rtp_streams(*(STREAM | row for row in rows)))


def test_a_candidate_sent_twice_counts_once():
    assert counted({}, {"time": 9, "frame": 5}, {"capture": "b"}, {"port": 2})[1, "client"] == 2


def test_candidates_of_an_earlier_ufrag_do_not_count():
    assert counted({"time": 1, "port": 5}, {"time": 1, "port": 6}, {"time": 2, "ufrag": "c2"}) == {
        (1, "client"): 1
    }


def test_two_ufrags_of_one_message_both_count():
    assert counted({"time": 1}, {"time": 1, "ufrag": "c2", "port": 2}) == {(1, "client"): 2}


def test_trickled_candidates_of_the_latest_ufrag_count_together():
    assert counted({"time": 1}, {"time": 2, "port": 2}, {"time": 3, "port": 3}) == {(1, "client"): 3}


def test_the_clients_of_a_parallel_ring_count_leg_by_leg():
    assert counted({"leg": 2}, {"leg": 3, "time": 9, "addr": "10.0.0.2", "ufrag": "d"}) == {(1, "client"): 2}


def test_candidates_without_call_side_or_address_do_not_count():
    assert counted({"call": None}, {"side": None}, {"addr": None}) == {}


def test_legs_may_be_unknown():
    assert counted({"leg": None, "side": "server"}, {"leg": None, "side": "server", "port": 7}) == {
        (1, "server"): 2
    }


def test_checks_are_counted_by_direction_and_success():
    found = checked(
        {"transaction_id": "1"},
        {"transaction_id": "2", "outcome": "unanswered"},
        {"transaction_id": "3", "outcome": "error"},
        {"transaction_id": "4", "direction": "client_to_server"},
    )
    assert found == {(1, "server_to_client"): (1, 3), (1, "client_to_server"): (1, 1)}


def test_a_check_seen_by_two_captures_counts_once_and_success_wins():
    found = checked(
        {"capture": "a", "transaction_id": "1", "outcome": "unanswered"},
        {"capture": "b", "transaction_id": "1"},
    )
    assert found == {(1, "server_to_client"): (1, 1)}


def test_what_is_no_check_or_was_not_asked_does_not_count():
    assert checked({"purpose": "discovery"}, {"outcome": "response_only"}, {"call": None}) == {}


def test_the_handshake_that_came_farthest_counts():
    dtls = builders.dtls(
        {"call": 1, "state": "client_hello_only"},
        {"call": 1, "state": "complete"},
        {"call": 2, "state": "incomplete"},
        {"call": 2, "state": "client_hello_only"},
        {"call": None, "state": "complete"},
        {"call": 3, "state": None},
    )
    assert calls.dtls_states(dtls) == {1: "complete", 2: "incomplete"}


def test_packets_of_two_streams_add_up():
    assert streamed({}, {"ssrc": 10}) == {(1, "server_to_client"): 200}


def test_a_stream_seen_twice_at_a_time_counts_as_in_its_fuller_view():
    assert streamed({"capture": "a"}, {"capture": "b", "packets": 120, "first_time": 1}) == {
        (1, "server_to_client"): 120
    }


def test_a_stream_that_goes_on_in_the_next_file_adds_up():
    assert streamed({"capture": "a"}, {"capture": "b", "first_time": 5.02, "last_time": 9}) == {
        (1, "server_to_client"): 200
    }


def test_a_stream_of_unknown_direction_is_other_and_one_without_call_is_none():
    assert streamed({"direction": None}, {"ssrc": 3, "call": None}) == {(1, "other"): 100}


def test_a_line_has_all_of_a_call():
    tables = Tables().with_(
        calls=builders.calls(
            {"call": 2, "legs": 1, "final_status": 486, "start": 5},
            {
                "call": 1,
                "legs": 2,
                "ambiguous": False,
                "final_status": 200,
                "start": 1,
                "from_user": "721",
                "to_user": "+49",
            },
        ),
        candidates=builders.candidates(CLIENT),
        bindings=builders.bindings(CHECK),
        dtls=builders.dtls({"call": 1, "state": "complete"}),
        rtp_streams=builders.rtp_streams(STREAM),
    )
    assert calls.call_lines(tables) == [
        calls.Line(
            1,
            builders.at(1),
            "721",
            "+49",
            2,
            200,
            (1, 0),
            (1, 1),
            (0, 0),
            (0, 0),
            "complete",
            100,
            None,
            None,
            False,
        ),
        calls.Line(
            2,
            builders.at(5),
            None,
            None,
            1,
            486,
            (0, 0),
            (0, 0),
            (0, 0),
            (0, 0),
            None,
            None,
            None,
            None,
            False,
        ),
    ]


def test_a_call_without_sip_is_a_line_too():
    rows = builders.calls({"call": 1, "legs": 0, "start": None, "joined_by": "ice"})
    (line,) = calls.call_lines(Tables().with_(calls=rows))
    assert (line.legs, line.start) == (0, None)


def test_no_calls_are_no_lines():
    assert calls.call_lines(Tables()) == []
