"""Packets that one place shows and the next does not."""

import pytest

from postproc.diagnose.rules.lost_between import RULE
from tests.builders import GATEWAY, SERVER
from tests.diagnose.places import EVERY_PLACE, between_phones, passage, passages, seen_from
from tests.diagnose.refusals import NO_MEDIA
from tests.diagnose.scenes import asked, check, stream, told_both, unanswered, verdict

DEAD = NO_MEDIA | {"bindings": unanswered(17), "pairs": [], "dtls": []}


def lost(*rows, **changes):
    return asked(RULE, **DEAD | seen_from(EVERY_PLACE, *rows) | changes)


def test_requests_that_pass_the_wan_and_never_reach_the_client():
    (found,) = lost(passages([17, 17, 0]), passages([9, 9, 9], kind="dtls"))
    assert (found.verdict, found.confidence, found.tags) == ("fault", 0.9, frozenset({"stun"}))
    told = told_both(found, RULE)
    assert told["en"]["title"] == ("All 17 Binding Requests from the server are lost between WAN and client.")
    assert "server → WAN 17 of 17 · WAN → client 0 of 17" in told["en"]["detail"]
    assert "Server → WAN 17 von 17 · WAN → Client 0 von 17" in told["de"]["detail"]
    assert found.evidence.capture == "b.pcapng"


def test_a_capture_without_any_packet_of_the_call_makes_it_a_suspicion():
    (found,) = lost(passages([17, 17, 0]))
    assert (found.verdict, found.confidence) == ("suspect", 0.7)
    assert "c.pcapng shows no packet of the call at all" in told_both(found, RULE)["en"]["detail"]


def test_a_capture_that_shows_the_other_direction_only_makes_it_a_suspicion():
    """Of a handshake nobody has to answer all: only checks are answered whenever they arrive (RFC 8445, 7.3)."""
    back = [passage("client", "wan", 0, 4, "client_to_server")]
    to_client, to_server = lost(passages([5, 5, 0], kind="dtls"), back)
    assert {each.verdict for each in (to_client, to_server)} == {"suspect"}
    (found,) = [each for each in (to_client, to_server) if each.tags == {"dtls"}]
    assert "recorded one direction only" in told_both(found, RULE)["en"]["detail"]


def test_checks_that_nobody_answers_did_not_arrive_where_their_receiver_is_seen():
    back = [passage("client", "wan", 0, 4, "client_to_server")]
    verdicts = [each.verdict for each in lost(passages([17, 17, 0]), back)]
    assert verdicts == ["fault", "suspect"]  # the client's checks: none is in ``bindings``


def test_answers_among_the_lost_are_packets_not_requests():
    answered = [check("client_to_server", time=1.0 + n, capture="a.pcapng") for n in range(4)]
    (found,) = lost(passages([17, 17, 0]), bindings=[*unanswered(9), *answered])
    assert found.facts["what"] == "stun"
    assert told_both(found, RULE)["de"]["title"].startswith("Alle 17 STUN-Pakete des Servers")


def test_sip_of_a_leg_without_sides_is_named_by_its_ends():
    ends = {"from_src_addr": SERVER, "from_src_port": 5060, "from_dst_addr": GATEWAY, "from_dst_port": 5060}
    row = passage("server", "wan", 0, 7, kind="sip", leg=2, **ends) | {"direction": "other"}
    (found,) = lost([row])
    assert (found.leg, found.tags) == (2, frozenset({"sip"}))
    assert f"SIP messages from {SERVER}:5060 to {GATEWAY}:5060" in told_both(found, RULE)["en"]["title"]


@pytest.mark.parametrize(
    ("arrived", "said"), [(1000, None), (990, None), (989, "note"), (800, "note"), (799, "suspect")]
)
def test_media_go_by_the_share_that_is_lost(arrived, said):
    found = asked(RULE, **seen_from(EVERY_PLACE, passages([1000, 1000, arrived], kind="rtp")))
    assert [each.verdict for each in found] == ([said] if said else [])
    if said:
        told = told_both(found[0], RULE)
        assert "% of the RTP packets from the server are lost between WAN and client" in told["en"]["title"]


def test_a_share_of_the_media_between_two_machines_is_named_by_their_ends():
    row = passage("server", "wan", 50, 100, kind="rtp", leg=2) | {"direction": "other"}
    (found,) = lost([row])
    assert (found.verdict, found.facts["percent"]) == ("suspect", 50.0)


def test_the_place_is_in_headline_and_walk_and_explains_that_nothing_is_answered():
    row = verdict(**DEAD | seen_from(EVERY_PLACE, passages([17, 17, 0])))
    assert row["headline"].startswith(
        "All 17 Binding Requests from the server are lost between WAN and client."
    )
    assert row["verdict"] == "fault"


@pytest.mark.parametrize("requests", [2, 3])
def test_silent_about_fewer_requests_than_make_a_direction_dead(requests):
    assert len(lost(passages([requests, requests, 0]))) == (requests == 3)


def test_silent_where_another_pair_of_candidates_works():
    assert asked(RULE, **seen_from(EVERY_PLACE, passages([17, 17, 0]))) == []


def test_silent_about_a_handshake_that_was_completed():
    assert asked(RULE, **seen_from(EVERY_PLACE, passages([4, 4, 0], kind="dtls"))) == []


def test_a_handshake_of_which_nothing_arrives():
    (found,) = asked(RULE, dtls=[], pairs=[], **seen_from(EVERY_PLACE, passages([4, 0], kind="dtls")))
    assert found.tags == {"dtls"}


def test_silent_where_only_some_requests_are_lost():
    assert lost(passages([17, 17, 5])) == []


@pytest.mark.parametrize(
    ("counts", "kind", "verdict"),
    [
        ((17, 17, 0), "stun", "cannot_tell"),
        ((100, 100, 79), "rtp", "cannot_tell"),
        ((100, 100, 80), "rtp", "note"),
    ],
)
def test_nobody_can_tell_where_the_farther_capture_lacks_what_was_answered(counts, kind, verdict):
    def found_with(answers):
        lacking = [
            check("client_to_server", time=30.0 + n, outcome="response_only", capture="c.pcapng")
            for n in range(answers)
        ]
        return lost(passages(counts, kind=kind), bindings=[*unanswered(17), *lacking])

    (sound,), (found,) = found_with(1), found_with(2)
    assert sound.verdict != "cannot_tell" and sound.confidence > 0.5
    assert (found.verdict, found.confidence) == (verdict, 0.5)
    assert "it lost some itself" in told_both(found, RULE)["en"]["detail"]


def test_silent_where_the_other_direction_passes():
    """That is one-direction-between."""
    assert lost(passages([17, 17, 0]), passages([5, 5, 5], "client_to_server")) == []


def test_silent_where_only_large_datagrams_are_lost():
    """That is path-mtu."""
    large = passages([6, 6, 3], kind="dtls", smallest_lost=1400, largest_arrived=500)
    assert asked(RULE, dtls=[], pairs=[], **seen_from(EVERY_PLACE, large)) == []


def test_silent_from_one_place_and_about_what_nobody_lost():
    assert asked(RULE, **DEAD) == []
    assert lost(passages([17, 17, 17])) == []


def test_a_place_that_two_captures_share_is_called_by_their_names():
    clocks = [
        row | ({"place": "wan"} if row["place"] == "client" else {})
        for row in seen_from(EVERY_PLACE)["clocks"]
    ]
    (found,) = lost(passages([17, 17, 0]), clocks=clocks)
    assert (found.facts["origin"], found.facts["target"]) == ("b.pcapng", "c.pcapng")


def test_stretches_that_skip_a_place_are_not_told_twice():
    whole = [passage("server", "client", 0, 17)]
    assert len(lost(passages([17, 17, 0]), whole)) == 1


def cut(after: float, bindings=(), **changes):
    """A stream of 50 packets a second over 20 s, of which nothing arrives so many seconds after its beginning."""
    lost = round(50 * (20 - after))
    media = passages([1000, 1000, 1000 - lost], kind="rtp", first_lost=3.0 + after, last_lost=23.0)
    at_wan = {
        "counted_in": "c.pcapng",
        "capture": "b.pcapng",
        "src_addr": "203.0.113.10",
        "packets": 1000,
        "last_time": 23.0,
    }
    seen = seen_from(EVERY_PLACE, media)
    return asked(RULE, rtp_streams=[stream(**at_wan | changes)], bindings=bindings, **seen)


@pytest.mark.parametrize(
    ("after", "verdict"), [(14.9, "fault"), (15.1, "suspect"), (18.0, "note"), (18.9, "note")]
)
def test_a_stream_that_breaks_off_on_its_way_is_told_with_the_moment(after, verdict):
    (found,) = cut(after)
    assert found.verdict == verdict
    assert told_both(found, RULE)["en"]["title"].startswith("From 12:00:")


def test_a_stream_that_breaks_off_is_a_suspicion_where_the_farther_capture_lacks_what_was_answered():
    lacking = [
        check("client_to_server", time=30.0 + n, outcome="response_only", capture="c.pcapng")
        for n in range(2)
    ]
    (found,) = cut(10.0, bindings=lacking)
    assert (found.verdict, found.confidence) == ("suspect", 0.5)


def test_a_stream_without_sides_that_breaks_off_is_named_by_its_ends():
    row = passage("server", "wan", 500, 1000, kind="rtp", leg=2, first_lost=13.0, last_lost=23.0)
    sent = stream(leg=2, packets=1000, last_time=23.0) | {"direction": "other"}
    (found,) = asked(RULE, rtp_streams=[sent], **seen_from(EVERY_PLACE, [row | {"direction": "other"}]))
    assert f"no RTP packets from {SERVER}:30000" in told_both(found, RULE)["en"]["title"]


@pytest.mark.parametrize("changes", [{"packets": 1300}, {"src_port": 30002}, {"last_time": 30.0}])
def test_what_is_lost_here_and_there_or_before_the_end_is_a_share(changes):
    (found,) = cut(10.0, **changes)
    assert "50.0 % of the RTP packets" in told_both(found, RULE)["en"]["title"]


def test_less_than_a_second_at_the_end_is_a_share():
    (found,) = cut(19.1)
    assert "4.5 % of the RTP packets" in told_both(found, RULE)["en"]["title"]


def test_neither_of_two_phones_is_called_a_server():
    (found,) = asked(RULE, **between_phones("192.0.2.10", "203.0.113.1", "192.0.2.20"))
    assert told_both(found, RULE)["en"]["title"] == (
        "All 500 RTP packets from 192.0.2.20:4000 to 192.0.2.10:4002 are lost between a.pcapng and c.pcapng."
    )
