"""The calls of a run with their rows."""

import pytest

from postproc.model.calls import Calls
from postproc.model.tables import BY_NAME, Tables
from tests import builders


def run(**tables):
    rows = {name: builders.rows(name, *records) for name, records in tables.items()}
    return Tables(**rows)


def two_calls():
    return run(
        calls=[{"call": 2}, {"call": 1}],
        legs=[{"call": 1, "leg": 1}, {"call": 2, "leg": 1}, {"call": 1, "leg": 2}],
        bindings=[{"call": 2, "transaction_id": "ab"}, {"call": None}],
        rtp_streams=[{"call": 1, "stream": 7}, {"call": 2, "stream": 8}],
        rtp_seconds=[{"stream": 8, "second": 0}, {"stream": 7, "second": 0}, {"stream": 7, "second": 1}],
    )


@pytest.mark.parametrize("only", [None, {1}])
def test_a_call_has_its_own_rows_in_the_table_s_order(only):
    call = Calls(two_calls(), only=only)[1]
    assert call.call.call == 1
    assert [leg.leg for leg in call.legs] == [1, 2]
    assert [row.transaction_id for row in call.bindings] == []
    assert [(row.stream, row.second) for row in call.rtp_seconds] == [(7, 0), (7, 1)]


def test_calls_come_in_the_order_of_their_numbers():
    assert [call.number for call in Calls(two_calls())] == [1, 2]
    assert [call.number for call in Calls(two_calls(), only={2})] == [2]


@pytest.mark.parametrize("only", [None, {3}])
def test_a_number_that_is_no_call_s_is_named_with_those_there_are(only):
    with pytest.raises(LookupError, match=r"no call 3 in this run; it has 1, 2"):
        Calls(two_calls(), only=only)[3]


def test_every_table_of_calls_can_be_asked_of_a_call():
    call = Calls(two_calls())[1]
    of_runs = {"captures", "calls", "joins", "logs", "sip_headers", "stun_messages"}
    of_runs |= {"connections", "tls", "http"}  # of no call
    for name in BY_NAME.keys() - of_runs:
        assert isinstance(getattr(call, name), tuple), name


def test_of_its_stun_messages_a_call_has_what_is_asked_of_a_turn_server():
    methods = ("allocate", "binding", "send", "create_permission", "channel_bind", "refresh")
    messages = [{"call": number, "method": method} for number in (1, 2) for method in methods]
    call = Calls(run(calls=[{"call": 1}, {"call": 2}], stun_messages=messages))[2]
    asked = [(row.call, row.method) for row in call.turn_messages]
    assert asked == [(2, "allocate"), (2, "create_permission"), (2, "channel_bind")]


def test_tables_are_prepared_before_their_rows_are_made():
    calls = Calls(two_calls(), lambda table: table.iloc[::-1])
    assert [leg.leg for leg in calls[1].legs] == [2, 1]


@pytest.mark.parametrize(
    ("counted", "where"),
    [
        (("2", 5), ("2", 5)),
        (("2", 0), ("1", 10)),
        (("2", 13), ("3", 1)),
        (("3", -12), ("1", 10)),
        (("4", 99), ("4", 99)),
    ],
)
def test_a_frame_counted_from_another_file_of_its_recording_is_found(counted, where):
    rows = [
        {"capture": name, "recording": recording, "packets": packets, "first_time": at}
        for at, (name, recording, packets) in enumerate(
            [("1", 0, 10), ("2", 0, 12), ("3", 0, 7), ("4", 1, 5)]
        )
    ]
    calls = Calls(run(captures=rows))
    assert calls.located(*counted) == where
    assert [calls.place(name) for name in "134"] == ["1 … 3", "1 … 3", "4"]
