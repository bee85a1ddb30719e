"""TLS of signalling that does not come about."""

import pytest

from postproc.diagnose.rules.tls_handshake_failed import AT_ONCE_S, RULE
from tests.diagnose.scenes import asked, told_both
from tests.diagnose.web import UNREADABLE, connection, handshake

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


EXPIRED = {"not_after": "1969-12-31T00:00:00Z", "in_date": False, "fits_name": None, "server_name": None}
SNI = "sip.example.com"


def on(
    number, *, capture="c.pcap", used=False, ended="client_fin", words=(*BEGUN, "c keyed", "c fin"), **tls
):
    """A handshake as all three tables have it."""
    at = 50 + number
    own = {"client": PHONE, "server": SERVER, "port": 5061, "number": number, "capture": capture, "at": at}
    port = {"client_port": 50000 + 1000 * number, "frame": 10 * number + 1}
    shake = handshake(**own) | port | {"requested": used} | tls
    row = connection(**own) | port | {"ended_by": ended}
    return {
        "tls": [shake],
        "connections": [row],
        "connection_events": [
            each | {"capture": capture}
            for each in events(*words, port=50000 + 1000 * number, frame=10 * number + 1)
        ],
    }


def seen(*tries):
    names = dict.fromkeys(row["capture"] for each in tries for row in each["tls"])
    captures = [{"capture": name, "first_time": 0.0, "last_time": 300.0, "packets": 99} for name in names]
    tables = {table: [row for each in tries for row in each[table]] for table in tries[0]}
    return asked(RULE, sip_messages=[], captures=captures, **tables)


def test_a_client_that_leaves_an_expired_certificate_after_the_handshake():
    """As OpenSSL's clients do that verify when all is done: only an encrypted close_notify follows."""
    (once,) = seen(on(1, **EXPIRED))
    (found,) = seen(on(1, **EXPIRED), on(2, **EXPIRED), on(3, **EXPIRED))
    assert (once.verdict, found.verdict, found.facts["times"]) == ("suspect", "fault", 3)
    assert found.tags == {"certificate_client", "expired"}
    told = told_both(found, RULE)["en"]
    assert "without any SIP message (3 times)" in told["title"]
    assert "valid until 1969-12-31" in told["detail"]
    assert "Renew the certificate" in told["remedies"]


@pytest.mark.parametrize(
    ("fault", "tls", "verdict"),
    [
        ("not_yet", {"not_before": "2100-01-01T00:00:00Z", "in_date": False}, "fault"),
        ("self_signed", {"self_signed": True}, "suspect"),
        ("name", {"fits_name": False, "server_name": SNI}, "suspect"),
        ("chain", {"chain_breaks": True}, "suspect"),
    ],
)
def test_other_faults_of_a_certificate_that_a_client_leaves(fault, tls, verdict):
    (found,) = seen(on(1, **tls), on(2, **tls))
    assert (found.verdict, found.tags) == (verdict, {"certificate_client", fault})


@pytest.mark.parametrize("tls", [{}, UNREADABLE])
def test_without_a_visible_fault_nobody_can_tell_a_client_that_leaves_from_a_health_check(tls):
    (found,) = seen(on(1, **tls), on(2, **tls))
    assert (found.verdict, found.confidence, found.tags) == ("cannot_tell", 0.5, {"unsaid"})
    assert seen(on(1, **tls)) == []


def test_silent_on_an_expired_certificate_that_the_client_accepts():
    assert seen(on(1, used=True, **EXPIRED)) == []
    assert seen(on(1, **EXPIRED), on(2, used=True, **EXPIRED)) == []
    assert seen(on(1, ended="server_fin", **EXPIRED)) == seen(on(1, ended=None, **EXPIRED)) == []
    idle, brief = on(1, **EXPIRED), on(1, **EXPIRED)
    idle["connections"][0]["lasted_s"], brief["connections"][0]["lasted_s"] = AT_ONCE_S + 0.1, AT_ONCE_S
    assert (len(seen(idle)), len(seen(brief))) == (0, 1)
    web = on(1, **EXPIRED)
    web["tls"][0]["server_port"] = web["connections"][0]["server_port"] = 443
    assert seen(web) == []


def test_an_alert_is_explained_by_the_certificate_that_can_be_read():
    words = (*BEGUN[:2], "c alert certificate_expired", "c fin")
    (found,) = seen(on(1, outcome="alert", words=words, **EXPIRED))
    assert (found.verdict, found.tags) == ("fault", {"certificate_client", "expired"})
    assert "galt bis 1969-12-31" in told_both(found, RULE)["de"]["detail"]
    (good,) = seen(on(1, outcome="alert", words=(*BEGUN[:2], "c alert unknown_ca", "c fin")))
    assert (good.verdict, good.tags) == ("fault", {"certificate_client"})
    (other,) = seen(on(1, outcome="alert", words=("c client_hello", "c alert protocol_version"), **EXPIRED))
    assert other.tags == {"other"}


def test_a_second_capture_of_the_same_handshakes_adds_nothing():
    (found,) = seen(on(1, **EXPIRED), on(1, capture="d.pcap", **EXPIRED), on(2, **EXPIRED))
    assert found.facts["times"] == 2
    words = ("c client_hello", "s fin")
    (found,) = seen(
        on(1, words=words, outcome="closed"), on(1, words=words, outcome="closed", capture="d.pcap")
    )
    assert found.facts["times"] == 1
