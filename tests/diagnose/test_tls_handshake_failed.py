"""TLS of signalling that does not come about."""

import pytest

from postproc.diagnose.rules.tls_handshake_failed import RULE
from tests.diagnose.scenes import asked, told_both

PHONE, SERVER = "198.51.100.7", "203.0.113.7"


def events(*words, port=50000, frame=1):
    """``c client_hello``, ``s alert unknown_ca``: who, what, and which alert."""
    rows = []
    for nth, text in enumerate(words):
        who, event, *alert = text.split()
        ends = {"src_addr": PHONE, "src_port": port, "dst_addr": SERVER, "dst_port": 5061}
        turned = {"src_addr": SERVER, "src_port": 5061, "dst_addr": PHONE, "dst_port": port}
        row = {
            "time": port / 1000 + nth / 100,
            "frame": frame + nth,
            "event": event,
            "alert": alert[0] if alert else None,
        }
        rows.append(row | (ends if who == "c" else turned))
    return rows


def beside(*rows):
    return asked(RULE, sip_messages=[], connection_events=rows)


BEGUN = ("c client_hello", "s server_hello", "s keyed")


@pytest.mark.parametrize(
    ("words", "tags", "title"),
    [
        (
            (*BEGUN, "c alert unknown_ca", "c fin"),
            {"certificate_client"},
            f"{PHONE} sends the alert unknown_ca",
        ),
        (
            (*BEGUN[:2], "c keyed", "s alert bad_certificate"),
            {"certificate_server"},
            f"{SERVER} sends the alert bad_",
        ),
        (
            ("c client_hello", "s alert protocol_version"),
            {"other"},
            f"{SERVER} sends the alert protocol_version",
        ),
        (
            ("c client_hello", "s alert unrecognized_name"),
            {"name"},
            f"{SERVER} sends the alert unrecognized_name",
        ),
    ],
)
def test_an_alert_that_can_be_read_is_a_fault(words, tags, title):
    (found,) = beside(*events(*words))
    assert (found.verdict, found.call, found.tags) == ("fault", None, tags)
    assert title in told_both(found, RULE)["en"]["title"]


def test_an_alert_under_the_keys_before_the_clients_finished():
    (found,) = beside(*events(*BEGUN, "c alert encrypted", "c fin"))
    assert (found.verdict, found.tags) == ("suspect", {"other", "unsaid"})
    assert "verschlüsselten Alert" in told_both(found, RULE)["de"]["title"]


@pytest.mark.parametrize("end", ["c reset", "s fin"])
def test_a_connection_closed_amid_the_handshake(end):
    first, second = events(*BEGUN, end), events(*BEGUN, end, port=50001, frame=11)
    (alone,) = beside(*first)
    (found,) = beside(*first, *second)
    assert (alone.verdict, found.verdict, found.facts["times"]) == ("suspect", "fault", 2)


def test_handshakes_that_succeed_besides_make_it_a_note():
    good = events(*BEGUN, "c keyed", "c fin", port=50001, frame=11)
    (found,) = beside(*events("c client_hello", "s fin"), *good)
    assert found.verdict == "note"
    assert "succeed in this capture" in told_both(found, RULE)["en"]["detail"]


def test_a_port_used_again_is_another_handshake():
    (found,) = beside(*events("c client_hello", "s fin", "c client_hello", "s fin"))
    assert found.facts["times"] == 2


@pytest.mark.parametrize(
    "words",
    [
        (*BEGUN, "c keyed", "c fin"),
        (*BEGUN, "c keyed", "c alert encrypted", "c fin"),  # close_notify
        (*BEGUN, "c keyed", "s alert close_notify", "s reset"),
        (
            "c client_hello",
            "s server_hello",
            "c client_hello",
            "s keyed",
            "c keyed",
            "c fin",
        ),  # HelloRetryRequest
        ("c client_hello",),  # the capture ends
        ("s keyed", "c fin"),  # began before
        ("c fin", "s fin"),
    ],
)
def test_silent(words):
    assert beside(*events(*words)) == []
