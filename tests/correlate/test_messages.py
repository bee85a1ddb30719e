"""Messages are walked by time, each once, as plain values."""

from postproc.correlate.rows import NO_TIME
from postproc.correlate.sip import messages
from tests.builders import at, sip_messages
from tests.correlate.conversation import ask, invite, reply


def test_messages_come_by_time_without_second_captures():
    table = sip_messages(reply(200, 2, frame=1), invite(1, frame=2), invite(1, frame=3, copy_of=2))
    assert [message.frame for message in messages(table)] == [2, 1]


def test_a_message_of_unknown_time_comes_first():
    table = sip_messages(invite(1, frame=1), invite(0, frame=2) | {"time": None})
    assert [message.frame for message in messages(table)] == [2, 1]


def test_messages_of_one_moment_stay_in_their_order():
    table = sip_messages(*(invite(1, cseq=number) for number in range(5)))
    assert [message.cseq for message in messages(table)] == [0, 1, 2, 3, 4]


def test_rows_that_are_neither_request_nor_response_are_left_out():
    assert not messages(sip_messages({"method": None, "status": None}))


def test_values_are_plain_and_na_is_none():
    message, response = messages(sip_messages(ask("BYE", 1.5, src_port=None), reply(200, 2, "BYE")))
    assert message.time == at(1.5).value
    assert message.src == ("10.0.50.5", None)
    assert (message.status, message.reason_header, message.kind) == (None, None, "BYE")
    assert (response.method, response.status, response.kind) == (None, 200, "BYE")


def test_a_request_is_of_the_kind_it_names_itself():
    (message,) = messages(sip_messages(ask("INVITE", 1, cseq_method="FOO")))
    assert message.kind == "INVITE"


def test_an_unknown_time_is_a_number_before_all_others():
    (message,) = messages(sip_messages(invite(0) | {"time": None}))
    assert message.time == NO_TIME < at(0).value
