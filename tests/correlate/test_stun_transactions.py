from postproc.correlate.bindings import binding_messages
from postproc.correlate.bindings import grouped as transactions
from tests import builders as b


def grouped(*records):
    return transactions(binding_messages(b.stun_messages(*records)))


def test_messages_are_paired_by_id_within_one_capture():
    found = grouped(
        {"capture": "a", "transaction_id": "01"},
        {"capture": "b", "transaction_id": "01", "kind": "success"},
    )
    assert [(len(t.requests), len(t.successes)) for t in found.values()] == [(1, 0), (0, 1)]


def test_time_and_not_the_frame_number_orders_messages():
    found = grouped(
        {"frame": 1, "time": 2.0, "kind": "success"},
        {"frame": 2, "time": 1.0, "kind": "request"},
    )
    assert next(iter(found.values())).round_trip == (0, 1)


def test_indications_relayed_messages_other_methods_and_nameless_ones_are_left_out():
    kept = binding_messages(
        b.stun_messages(
            {"kind": "indication"},
            {"relayed": True},
            {"method": "allocate"},
            {"transaction_id": None},
            {"kind": None},
            {"method": None},
            {"relayed": None, "transaction_id": "0a"},
        )
    )
    assert [message.transaction_id for message in kept] == ["0a"]


def test_a_transaction_of_second_captures_alone_is_none():
    assert not grouped({"copy_of": 7})


def test_a_round_trip_ends_with_the_first_response_and_begins_with_the_last_request_before_it():
    (found,) = grouped({}, {}, {"kind": "error"}, {}, {"kind": "success"}).values()
    assert found.round_trip == (1, 2)
    assert found.responses == [4, 2]


def test_a_response_before_every_request_makes_no_round_trip():
    (found,) = grouped({"kind": "success"}, {}).values()
    assert found.round_trip is None
    assert found.first == 1
