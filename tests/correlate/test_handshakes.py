import pytest

from postproc.correlate.dtls import (
    Message,
    certificates,
    client_hellos,
    client_of,
    completed,
    fatal_alert,
    handshakes,
    state,
)
from postproc.correlate.rows import NS_PER_S

C, S = ("10.0.0.1", 30000), ("10.0.0.2", 50000)


def message(time, src=C, **columns):
    base = {"content": "handshake", "type": None, "seq": 0, "alert": None, "epoch": 0, "certificate": None}
    dst = S if src == C else C
    return Message(**{"frame": 1, "time": round(time * NS_PER_S), "src": src, "dst": dst} | base | columns)


def hello(time, src=C, **columns):
    return message(time, src, type="client_hello", **columns)


def cipher(time, src=C):
    return message(time, src, content="change_cipher_spec", seq=None)


def finished(time, src=C):
    return message(time, src, type="encrypted", epoch=1, seq=None)


def alert(time, name, src=C, epoch=0):
    return message(time, src, content="alert", alert=name, epoch=epoch, seq=None)


def data(time, src=C, epoch=1):
    return message(time, src, content="application_data", epoch=epoch, seq=None)


def good(start=0.0, client=C):
    """A full DTLS 1.2 handshake of 0.4 s."""
    server = S if client == C else C
    return [
        hello(start, client),
        message(start + 0.1, server, type="server_hello"),
        message(start + 0.1, server, type="certificate", seq=1, certificate="aa"),
        message(start + 0.2, client, type="client_key_exchange", seq=2),
        cipher(start + 0.2, client),
        finished(start + 0.2, client),
        cipher(start + 0.4, server),
        finished(start + 0.4, server),
    ]


def cut(*messages, same_call=True):
    return handshakes(messages, lambda _one, _other: same_call)


def one(*messages):
    (found,) = cut(*messages)
    return found


def ended(*messages, srtp=None):
    """State and time of completion (s)."""
    found = one(*messages)
    complete = completed(found, lambda start: srtp and max(start, round(srtp * NS_PER_S)))
    return state(found, complete), complete and complete / NS_PER_S


# Where a handshake begins


def test_all_messages_of_a_handshake_and_what_follows_are_one():
    assert len(cut(*good(), data(1), alert(9, "encrypted", epoch=1))) == 1


def test_a_cookie_exchange_is_one_handshake_with_two_hellos():
    found = one(hello(0), message(0.1, S, type="hello_verify_request"), hello(0.2, seq=1), *good(0.2)[1:])
    assert client_hellos(found) == 2


def test_retransmitted_hellos_are_one_handshake():
    found = one(*(hello(t) for t in (0, 1, 3, 7, 15, 31, 63, 123)))
    assert client_hellos(found) == 8


def test_fragments_of_a_hello_in_several_frames_are_one_hello():
    assert client_hellos(one(hello(0), hello(0.0002), hello(1), hello(1.0003))) == 2


def test_hellos_of_unknown_number_are_each_counted():
    assert client_hellos(one(hello(0, seq=None), hello(0.001, seq=None))) == 2


def test_a_hello_long_after_completion_opens_another_handshake():
    assert [len(x.messages) for x in cut(*good(), *good(20, client=S))] == [8, 8]


def test_a_late_hello_just_after_completion_does_not():
    assert len(cut(*good(), hello(0.9))) == 1


def test_a_hello_after_a_close_opens_another_at_once():
    assert len(cut(*good(), alert(0.5, "encrypted", epoch=1), *good(0.6))) == 2


def test_a_hello_after_a_long_silence_opens_another():
    assert len(cut(hello(0), hello(91))) == 2


def test_a_hello_of_another_call_opens_another():
    assert len(cut(hello(0), hello(10), same_call=False)) == 2


def test_a_hello_after_the_tail_of_an_earlier_association_opens_another():
    assert len(cut(data(0), *good(0.5))) == 2


def test_a_hello_under_keys_is_a_renegotiation_not_another_handshake():
    assert len(cut(*good(), hello(50, epoch=1))) == 1


def test_a_hello_after_an_alert_that_refused_it_is_the_same_attempt():
    assert len(cut(hello(0), alert(0.1, "handshake_failure", S), hello(1))) == 1


# Who is the client


@pytest.mark.parametrize(
    ("messages", "client"),
    [
        ([hello(0)], C),
        ([message(0, S, type="server_hello"), hello(1, S)], S),
        ([message(0, S, type="server_hello")], C),
        ([message(0, S, type="certificate"), message(1, S, type="client_key_exchange")], S),
        ([message(0, S, type="hello_verify_request")], C),
        ([data(0, S)], S),
    ],
)
def test_the_client_is_who_speaks_as_one(messages, client):
    assert client_of(one(*messages)) == client


# How it ended


def test_new_keys_of_both_sides_complete_a_handshake():
    assert ended(*good()) == ("complete", 0.4)


def test_change_cipher_spec_of_both_sides_is_enough():
    assert ended(hello(0), cipher(0.1, S), cipher(0.3)) == ("complete", 0.3)


def test_dtls_13_completes_with_protected_records_of_both_sides():
    server = message(0.1, S, type="server_hello"), message(0.1, S, type="encrypted", epoch=2)
    assert ended(hello(0), *server) == ("incomplete", None)
    assert ended(hello(0), *server, data(0.15, S, epoch=2)) == ("incomplete", None)
    assert ended(hello(0), *server, data(0.2, C, epoch=2)) == ("complete", 0.2)


def test_one_side_s_keys_alone_do_not_complete_it():
    assert ended(*good()[:6]) == ("incomplete", None)


def test_application_data_after_one_side_s_keys_completes_it():
    assert ended(hello(0), cipher(0.2), finished(0.2), data(0.5)) == ("complete", 0.5)


def test_srtp_after_one_side_s_keys_completes_it():
    assert ended(hello(0), cipher(0.2), srtp=0.5) == ("complete", 0.5)


def test_rtp_without_any_keys_does_not():
    assert ended(hello(0), srtp=0.5) == ("client_hello_only", None)


def test_hellos_of_one_side_are_client_hello_only():
    assert ended(hello(0), hello(1)) == ("client_hello_only", None)


def test_hellos_of_both_sides_are_incomplete():
    assert ended(hello(0), hello(0.5, S)) == ("incomplete", None)


def test_an_answer_without_end_is_incomplete():
    assert ended(hello(0), message(0.1, S, type="server_hello")) == ("incomplete", None)


def test_a_fatal_alert_before_completion_is_the_state():
    refused = [hello(0), alert(0.1, "handshake_failure", S)]
    assert ended(*refused) == ("alert", None)
    assert fatal_alert(one(*refused)) == "handshake_failure"


def test_an_unreadable_alert_counts_if_both_sides_took_part():
    answered = [hello(0), message(0.1, S, type="server_hello"), cipher(0.2)]
    assert ended(*answered, alert(0.3, "encrypted", epoch=1)) == ("alert", None)
    assert ended(hello(0), cipher(0.2), alert(30, "encrypted", epoch=1)) == ("incomplete", None)


@pytest.mark.parametrize("name", ["close_notify", "user_canceled", "no_renegotiation"])
def test_a_warning_is_not_the_state(name):
    assert ended(hello(0), alert(0.1, name, S)) == ("client_hello_only", None)


@pytest.mark.parametrize("name", ["close_notify", "encrypted", "handshake_failure"])
def test_an_alert_after_completion_is_not_the_state(name):
    assert ended(*good(), alert(30, name))[0] == "complete"


def test_packets_without_any_handshake_are_none():
    assert ended(data(0), data(1, S), alert(9, "encrypted", epoch=1), srtp=1) == ("none", None)


def test_the_first_certificate_of_each_side_counts():
    found = one(
        *good(),
        message(5, S, type="certificate", certificate="cc"),
        message(5, type="certificate", certificate="bb"),
    )
    assert certificates(found) == {S: "aa", C: "bb"}
