"""The client at another address after an ICE restart."""

import pytest

from postproc.diagnose.rules.network_change import RULE
from tests.diagnose.scenes import (
    CLIENT_PUBLIC,
    asked,
    check,
    foreign,
    message,
    plain_stream,
    stream,
    told_both,
    verdict,
)

ELSEWHERE = "198.51.101.5"


def phase(number: int, started: float, ended: float, kind: str = "answered"):
    return {
        "call": 1,
        "leg": 1,
        "phase": number,
        "kind": kind,
        "started": started,
        "ended": ended,
        "frame": 20 + number,
        "time": started,
        "opened_by": 40 + number,
        "may_send_client": True,
        "may_send_server": True,
        "packets_from_client": 300,
        "packets_from_server": 300,
    }


PHASES = [phase(1, 3.0, 10.0), phase(2, 10.0, 20.0, "restart")]
BEFORE = stream("client_to_server", last_time=8.0)
AFTER = stream("client_to_server", src_addr=ELSEWHERE, first_time=10.5, time=10.5, frame=70)
SERVERS = stream()
OLD = stream(last_time=10.2)
NEW = stream(dst_addr=ELSEWHERE, first_time=10.3, time=10.3, frame=71)  # the server follows
CHECKED = [
    check("client_to_server", time=1.0),
    check("client_to_server", time=10.1, src_addr=ELSEWHERE, frame=60),
]


def changed(**changes):
    return asked(
        RULE, **({"phases": PHASES, "rtp_streams": [BEFORE, AFTER, SERVERS], "bindings": CHECKED} | changes)
    )


def test_the_change_is_a_note_with_the_gap():
    (found,) = changed()
    assert (found.verdict, found.leg, found.tags) == ("note", 1, {"back"})
    assert (found.facts["before"], found.facts["after"], found.facts["gap"]) == (
        CLIENT_PUBLIC,
        ELSEWHERE,
        2.5,
    )
    assert "2,5 s lang" in told_both(found, RULE)["de"]["detail"]


def test_a_call_with_it_is_ok():
    heard = {
        "first_from_client": 3.1,
        "last_from_client": 19.9,
        "first_from_server": 3.1,
        "last_from_server": 19.9,
    }
    row = verdict(
        phases=[each | heard for each in PHASES], rtp_streams=[BEFORE, AFTER, OLD, NEW], bindings=CHECKED
    )
    assert row.verdict == "ok"


def test_checks_alone_show_it_where_no_media_comes_back():
    (found,) = changed(rtp_streams=[BEFORE, SERVERS])
    assert found.tags == {"silent"}
    assert "gap" not in found.facts


def test_media_alone_shows_it_where_checks_are_not_captured():
    (found,) = changed(bindings=[])
    assert (found.facts["since"].second, found.facts["since"].microsecond) == (10, 500_000)


@pytest.mark.parametrize(("last", "count"), [(11.0, 1), (11.2, 0)])
def test_silent_where_both_addresses_are_in_use(last, count):
    """The old one may be heard until a second after the first check from the new one."""
    assert len(changed(rtp_streams=[BEFORE | {"last_time": last}, AFTER, SERVERS])) == count


def test_silent_without_an_ice_restart():
    assert changed(phases=[PHASES[0], phase(2, 10.0, 20.0)]) == []


def test_silent_where_the_address_stays():
    stayed = AFTER | {"src_addr": CLIENT_PUBLIC}
    assert changed(rtp_streams=[BEFORE, stayed, SERVERS], bindings=CHECKED[:1]) == []


def test_silent_where_another_capture_shows_another_address():
    """In front of the NAT the client has another address than behind it."""
    other = {"capture": "client.pcapng"}
    seen = [check("client_to_server", time=10.1, src_addr=ELSEWHERE, **other)]
    assert changed(rtp_streams=[BEFORE, AFTER | other, SERVERS], bindings=seen) == []


def test_silent_where_the_client_had_sent_nothing():
    assert changed(rtp_streams=[AFTER, SERVERS]) == []


def test_silent_for_an_address_heard_before_the_restart():
    assert (
        changed(
            rtp_streams=[BEFORE, SERVERS], bindings=[check("client_to_server", time=8.9, src_addr=ELSEWHERE)]
        )
        == []
    )


PHONE, FAR, MOBILE = "192.0.2.10", "192.0.2.20", "198.51.101.9"


def left(*, at=24.0, source=MOBILE, until=23.5, sent_until=20.0, more=()):
    """A plain call whose phone falls silent at 20 s; the BYE in its name comes from another address."""
    ends = {"src_addr": PHONE, "dst_addr": FAR, "from_tag": "f"}
    sip = [
        message(1, "INVITE", 0.0, frame=1, **ends),
        message(1, 200, 3.0, frame=21, src_addr=FAR, dst_addr=PHONE, from_tag="f", to_tag="t"),
        *more,
        message(1, "BYE", at, frame=40, **ends | {"src_addr": source, "to_tag": "t"}),
    ]
    streams = [
        plain_stream(PHONE, FAR, leg=1, last_time=sent_until),
        plain_stream(FAR, PHONE, leg=1, last_time=until),
    ]
    return {"base": foreign(), "sip_messages": sip, "rtp_streams": streams}


def test_a_phone_that_hangs_up_from_another_network():
    (found,) = asked(RULE, **left())
    assert (found.verdict, found.tags, found.facts["after"]) == ("suspect", {"left"}, MOBILE)
    shown = told_both(found, RULE)
    assert f"{PHONE} fell silent on leg 1" in shown["en"]["title"]
    assert "re-INVITE" in shown["en"]["remedies"]
    row = verdict(**left())
    assert (row.verdict, row.cause) == ("suspect", "network-change")


ASKED = message(1, "INVITE", 22.0, frame=30, src_addr=MOBILE, dst_addr=FAR, from_tag="f", to_tag="t")


@pytest.mark.parametrize(
    "scene",
    [
        left(source=PHONE),
        left(at=21.9, until=21.9),
        left(until=21.9),
        left(at=80.1, until=80.0),
        left(more=[ASKED]),
    ],
    ids=["its own address", "at once", "nothing sent to it", "long after", "it had asked to go on"],
)
def test_silent_where_a_bye_tells_no_change(scene):
    assert asked(RULE, **scene) == []


@pytest.mark.parametrize("scene", [left(at=22.0, until=22.0), left(at=80.0, until=80.0)])
def test_at_the_limits_of_the_silence_before_a_bye(scene):
    assert len(asked(RULE, **scene)) == 1
