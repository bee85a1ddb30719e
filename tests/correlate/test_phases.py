"""Phases of a leg: what opens them, who may send in them, and what came."""

import pandas as pd
import pytest

from postproc.correlate.calls import Calls, calls
from postproc.correlate.legs import legs
from postproc.correlate.phases import phases
from postproc.correlate.sip import transactions
from postproc.model.tables import Tables
from tests import builders as b
from tests.correlate.conversation import ask, invite, reply
from tests.deployments import XPHONE

CALLER, CALLED = ("10.0.50.5", 40000), ("203.0.113.10", 30000)
RECORDING = pd.Series({"a.pcapng": 0, "b.pcapng": 1}, dtype="int64")


def sdp(addr=CALLER[0], port=CALLER[1], direction="sendrecv", ufrag=None, **columns):
    """An audio section."""
    told = {"connection_addr": addr, "port": port, "direction": direction, "ufrag": ufrag}
    return {"media": "audio", "call_id": "a@x", **told, **columns}


def answer(direction="sendrecv", **columns):
    return sdp(*CALLED, direction, **columns)


def described(*messages):
    """Messages and their descriptions: each a row, or a row and its section."""
    rows = [message if isinstance(message, tuple) else (message, None) for message in messages]
    sip = b.sip_messages(*(row | {"has_sdp": section is not None} for row, section in rows))
    media = [section | {"frame": n} for n, (_, section) in enumerate(rows, 1) if section]
    return sip, b.sdp_media(*media)


def of(*messages, streams=(), seconds=(), dtls=(), bindings=()):
    """The phases of a call of one leg."""
    sip, media = described(*messages)
    events = Tables().with_(sip_messages=sip, sdp_media=media)
    seen = legs(sip, transactions(sip), RECORDING)
    found: Calls = calls(events, seen, RECORDING, lambda *_: True, deployment=XPHONE)
    tied = events.with_(
        rtp_streams=b.rtp_streams(*streams),
        rtp_seconds=b.rtp_seconds(*seconds),
        dtls=b.dtls(*dtls),
        bindings=b.bindings(*bindings),
    )
    return phases(tied, found, RECORDING).to_dict("records")


def kinds(rows):
    return [row["kind"] for row in rows]


def may_send(rows):
    return [(row["may_send_client"], row["may_send_server"]) for row in rows]


UP = [(invite(0.0), sdp()), (reply(200, 1.0), answer()), ask("ACK", 1.01)]
BYE = [ask("BYE", 20.0, cseq=9), reply(200, 20.01, "BYE", cseq=9)]


def again(time, offer, answered, *, cseq=2, method="INVITE"):
    """An offer in the dialog, and its answer a tenth of a second later."""
    return [(ask(method, time, cseq=cseq), offer), (reply(200, time + 0.1, method, cseq=cseq), answered)]


def test_of_forks_that_answered_the_one_accepted_counts():
    """The 200 of the first one carries no description any more: RFC 3262 had it in its 183."""
    forks = [
        (reply(183, time, to_tag=tag), answer() | {"port": port})
        for time, tag, port in ((0.4, "one", 4000), (0.5, "other", 5000))
    ]
    rows = of(UP[0], *forks, reply(200, 1.0, to_tag="one"), ask("ACK", 1.01), *BYE)
    assert [(row["kind"], row["local_port"]) for row in rows] == [
        ("early", 4000),
        ("early", 5000),
        ("answered", 4000),
    ]


def test_an_answered_leg_is_one_phase_from_its_2xx_to_its_bye():
    (row,) = of(*UP, *BYE)
    assert (row["kind"], row["phase"], row["frame"], row["opened_by"]) == ("answered", 1, 2, 1)
    assert (row["started"], row["ended"]) == (b.at(1.0), b.at(20.0))
    assert (row["remote_addr"], row["remote_port"]) == CALLER
    assert (row["local_addr"], row["local_port"]) == CALLED
    assert pd.isna(row["verdict"])


def test_early_media_is_a_phase_and_the_2xx_opens_the_next_though_it_says_the_same():
    early = of(UP[0], (reply(183, 0.5), answer()), *UP[1:], *BYE)
    assert kinds(early) == ["early", "answered"]
    assert early[0]["ended"] == early[1]["started"] == b.at(1.0)


def test_a_2xx_without_sdp_after_a_reliable_answer_takes_up_what_was_agreed():
    rows = of(UP[0], (reply(183, 0.5), answer()), reply(200, 1.0), ask("ACK", 1.1), *BYE)
    assert kinds(rows) == ["early", "answered"]
    assert may_send(rows) == [(True, True)] * 2


def test_an_offer_in_the_2xx_is_answered_in_the_ack():
    rows = of(invite(0.0), (reply(200, 1.0), answer()), (ask("ACK", 1.2), sdp()), *BYE)
    assert (kinds(rows)[-1], rows[-1]["started"]) == ("answered", b.at(1.2))
    assert (rows[-1]["remote_addr"], rows[-1]["remote_port"]) == CALLER


@pytest.mark.parametrize(
    ("offer", "answered", "who"),
    [
        (sdp(direction="sendonly"), answer("recvonly"), (True, False)),
        (sdp(direction="recvonly"), answer("sendonly"), (False, True)),
        (sdp(direction="inactive"), answer("inactive"), (False, False)),
        (sdp("0.0.0.0"), answer(), (True, False)),
        (sdp(port=0), sdp(CALLED[0], 0), (False, False)),
    ],
)
def test_hold_and_resumed(offer, answered, who):
    rows = of(*UP, *again(5.0, offer, answered), *again(8.0, sdp(), answer(), cseq=3), *BYE)
    assert kinds(rows) == ["answered", "hold", "resumed"]
    assert may_send(rows) == [(True, True), who, (True, True)]
    assert [row["opened_by"] for row in rows] == [1, 4, 6]


def test_an_unspecified_address_with_ice_holds_nothing():
    ice = sdp("0.0.0.0", 9, ufrag="abcd"), answer(ufrag="efgh")
    (row,) = of((invite(0.0), ice[0]), (reply(200, 1.0), ice[1]), *BYE)
    assert may_send([row]) == [(True, True)]


@pytest.mark.parametrize(
    ("media", "kind", "who"),
    [
        ("image", "answered", (False, False)),  # T.38 over UDPTL: nobody sends RTP, nobody is held
        ("application", "answered", (False, False)),
        ("video", "answered", (True, True)),
    ],
)
def test_what_is_no_rtp_lets_nobody_send_and_holds_nobody(media, kind, who):
    fax = sdp(media=media), answer(media=media)
    rows = of(*UP, *again(5.0, *fax), *again(8.0, sdp(), answer(), cseq=3), *BYE)
    assert kinds(rows) == ["answered", kind, "answered"]
    assert may_send(rows) == [(True, True), who, (True, True)]


def test_a_fax_beside_audio_that_is_refused_holds_nobody_either():
    rows = of(*UP, *again(5.0, sdp(media="image"), answer(media="image")), *BYE)
    assert kinds(rows)[-1] == "answered"


def test_an_update_opens_a_phase_like_a_re_invite():
    rows = of(*UP, *again(5.0, sdp(direction="inactive"), answer("inactive"), method="UPDATE"), *BYE)
    assert kinds(rows) == ["answered", "hold"]


def test_other_ufrags_are_an_ice_restart():
    first = [(invite(0.0), sdp(ufrag="aaaa")), (reply(200, 1.0), answer(ufrag="bbbb"))]
    moved = sdp("10.9.9.9", 41000, ufrag="cccc")
    rows = of(*first, *again(5.0, moved, answer(ufrag="dddd")), *BYE)
    assert kinds(rows) == ["answered", "restart"]
    assert rows[1]["remote_addr"] == "10.9.9.9"


def test_another_media_address_is_agreed_anew():
    assert kinds(of(*UP, *again(5.0, sdp("10.9.9.9"), answer()), *BYE)) == ["answered", "answered"]


def test_a_session_refresh_is_a_phase_of_its_own():
    rows = of(*UP, *again(5.0, sdp(), answer()), *BYE)
    assert [(row["kind"], row["opened_by"]) for row in rows] == [("answered", 1), ("answered", 4)]


def test_what_is_sent_again_or_refused_opens_no_phase():
    refresh = again(5.0, sdp(), answer())
    sent_again = (
        reply(200, 5.2, cseq=2),
        answer(direction="inactive"),
    )  # the same response, whatever it says
    refused = [(ask("INVITE", 7.0, cseq=3), sdp(direction="inactive")), reply(488, 7.1, cseq=3)]
    early = [(reply(183, n / 10), answer()) for n in (3, 4)]
    rows = of(UP[0], *early, *UP[1:], UP[1], *refresh, sent_again, *refused, *BYE)
    assert kinds(rows) == ["early", "answered", "answered"]


def test_a_leg_that_was_refused_has_none():
    assert of(UP[0], reply(486, 1.0)) == []


def test_a_call_under_way_has_a_phase_of_which_nothing_is_known():
    rows = of(*again(5.0, sdp(direction="inactive"), answer("inactive")), *BYE)
    assert kinds(rows) == ["answered", "hold"]
    assert all(pd.isna(may) for may in may_send(rows)[0])


def stream(number, side, first, last, packets, **columns):
    return {
        "stream": number,
        "call": 1,
        "leg": 1,
        "src_side": side,
        "ssrc": number,
        "packets": packets,
        "first_time": first,
        "last_time": last,
    } | columns


def test_video_is_none_of_the_packets_where_audio_is_described():
    seen = [
        stream(1, "client", 1.0, 20.0, 900, media="video"),
        stream(2, "server", 1.0, 20.0, 950, media="audio"),
    ]
    (row,) = of(*UP, *BYE, streams=seen)
    assert (row["packets_from_client"], row["packets_from_server"]) == (0, 950)


@pytest.mark.parametrize(("offer", "packets"), [(sdp(), 0), (sdp(port=0), 900), (None, 900)])
def test_the_offer_alone_may_describe_audio(offer, packets):
    """Its answer may not be captured; without described audio, video tells whether media came."""
    messages = [(invite(0.0), offer), reply(200, 1.0), ask("ACK", 1.01), *BYE]
    (row,) = of(*messages, streams=[stream(1, "client", 1.0, 20.0, 900, media="video")])
    assert row["packets_from_client"] == packets


def each_second(number, first, last, packets=50):
    """A stream's seconds from ``first`` to ``last``, which are whole seconds."""
    return [
        {"stream": number, "second": n, "time": float(at), "last_time": at + 0.98, "packets": packets}
        for n, at in enumerate(range(first, last))
    ]


HELD = [
    *UP,
    *again(4.9, sdp(direction="inactive"), answer("inactive")),
    *again(7.9, sdp(), answer(), cseq=3),
    *BYE,
]


def test_packets_are_counted_in_their_phase_and_the_longest_silence_is_told():
    rows = of(
        *HELD,
        streams=[stream(1, "client", 1.0, 5.0, 200), stream(2, "server", 1.0, 20.0, 650)],
        seconds=[*each_second(1, 1, 5), *each_second(2, 1, 5), *each_second(2, 9, 18)],
    )
    assert [row["packets_from_client"] for row in rows] == [200, 0, 0]
    assert [row["packets_from_server"] for row in rows] == [200, 0, 450]
    assert [row["silence_from_client_s"] for row in rows] == pytest.approx([0.02, 3.0, 12.0])
    assert [row["silence_from_server_s"] for row in rows] == pytest.approx([0.02, 3.0, 2.02])
    assert (rows[2]["first_from_server"], rows[2]["last_from_server"]) == (b.at(9.0), b.at(17.98))
    assert pd.isna(rows[1]["first_from_server"])


def test_a_second_that_a_phase_cuts_is_shared_out_and_nothing_is_lost():
    second = {"stream": 1, "second": 0, "time": 4.5, "last_time": 5.48, "packets": 50}
    rows = of(*HELD, streams=[stream(1, "client", 4.5, 5.48, 50)], seconds=[second])
    before, after, _ = (row["packets_from_client"] for row in rows)
    assert before + after == 50
    assert 24 <= before <= 26
    assert rows[0]["last_from_client"] <= b.at(5.0) <= rows[1]["first_from_client"]


@pytest.mark.parametrize("shift", [0.0, 3600.0])
def test_a_second_view_of_the_same_packets_counts_once_though_its_clock_is_another(shift):
    seen = [stream(1, "client", 1.0, 20.0, 900), stream(2, "server", 1.0, 20.0, 950)]
    later = {"first_time": 1.0 + shift, "last_time": 20.0 + shift, "capture": "b.pcapng"}
    twice = [row | later | {"stream": 10 + n, "packets": 800} for n, row in enumerate(seen)]
    (row,) = of(*UP, *BYE, streams=[*seen, *twice])
    assert (row["packets_from_client"], row["packets_from_server"]) == (900, 950)


def test_both_sides_of_a_relay_count_once_and_two_streams_of_one_ssrc_one_after_the_other_add_up():
    relayed = [stream(1, "client", 1.0, 9.0, 400), stream(2, "client", 1.0, 9.0, 390, ssrc=1, relayed=True)]
    moved = stream(3, "client", 10.0, 20.0, 500, ssrc=1)
    (row,) = of(*UP, *BYE, streams=[*relayed, moved])
    assert row["packets_from_client"] == 900


def test_media_whose_sender_is_not_known_is_counted_apart():
    (row,) = of(*UP, *BYE, streams=[stream(1, None, 1.0, 20.0, 900)])
    assert (row["packets_from_client"], row["packets_undirected"]) == (0, 900)


def test_media_long_before_the_answer_is_early_media_without_a_description():
    late = [(invite(0.0), sdp()), (reply(200, 9.0), answer()), *BYE]
    rows = of(*late, streams=[stream(1, "server", 2.0, 8.0, 300)])
    assert kinds(rows) == ["early", "answered"]
    assert [row["packets_from_server"] for row in rows] == [300, 0]


HANDSHAKE = {
    "call": 1,
    "leg": 1,
    "client_addr": b.SERVER,
    "client_port": 30000,
    "server_addr": b.CLIENT,
    "server_port": 50000,
}


def test_a_second_handshake_counts_as_itself():
    shakes = [
        HANDSHAKE | {"started": 1.5, "state": "complete"},
        HANDSHAKE | {"started": 8.2, "state": "client_hello_only"},
    ]
    rows = of(*HELD, dtls=shakes)
    assert [row["dtls"] for row in rows] == ["complete", "complete", "client_hello_only"]


CONSENT = {"call": 1, "leg": 1, "time": 18.0, "purpose": "check", "outcome": "success"}


@pytest.mark.parametrize(
    ("sip", "consent", "ended"),
    [
        (UP, CONSENT, 18.0),
        (UP, CONSENT | {"outcome": "unanswered"}, 9.0),
        (UP, CONSENT | {"purpose": "keepalive"}, 9.0),
        (UP, CONSENT | {"leg": 2}, 9.0),
        ([*UP, *BYE], CONSENT | {"time": 25.0}, 20.0),
    ],
)
def test_a_leg_whose_bye_is_lost_is_up_as_long_as_its_checks_are_answered(sip, consent, ended):
    heard = [stream(1, "client", 1.0, 9.0, 400), stream(2, "server", 1.0, 9.0, 400)]
    (row,) = of(*sip, streams=heard, bindings=[consent])
    assert row["ended"] == b.at(ended)


def test_of_handshakes_side_by_side_the_one_that_came_through_tells():
    other = HANDSHAKE | {"client_port": 30001, "started": 1.6, "state": "client_hello_only"}
    (row,) = of(*UP, *BYE, dtls=[HANDSHAKE | {"started": 1.5, "state": "complete"}, other])
    assert row["dtls"] == "complete"


def test_a_call_without_sip_is_one_phase_of_which_no_description_is_known():
    check = {"username": "aaaa:bbbb", "priority": 1, "role": "controlling", "time": 2.0}
    events = Tables().with_(stun_messages=b.stun_messages(check))
    none = legs(events.sip_messages, events.transactions, RECORDING)
    found = calls(events, none, RECORDING, lambda *_: True, deployment=XPHONE)
    tied = events.with_(rtp_streams=b.rtp_streams(stream(1, "client", 3.0, 9.0, 300, leg=None)))
    (row,) = phases(tied, found, RECORDING).to_dict("records")
    assert (row["call"], row["kind"], row["packets_from_client"]) == (1, "answered", 300)
    assert (row["started"], row["ended"]) == (b.at(2.0), b.at(9.0))
    assert pd.isna(row["leg"])
    assert pd.isna(row["may_send_client"])


def test_media_past_the_server_is_that_of_both_legs():
    sent = [stream(1, "other", 1.0, 9.0, 400, direct=True), stream(2, "server", 1.0, 9.0, 300, direct=True)]
    rows = of(*UP, *BYE, streams=[row | {"leg": 2} for row in sent])
    assert [(row["packets_from_client"], row["packets_from_server"]) for row in rows] == [(300, 400)]
    own = stream(3, "client", 1.0, 9.0, 50)
    (row,) = of(*UP, *BYE, streams=[own, *(row | {"leg": 2} for row in sent)])
    assert (row["packets_from_client"], row["packets_from_server"]) == (50, 0)
