"""One direction passes between two places, the other does not."""

from postproc.diagnose.rules.one_direction_between import RULE
from tests.builders import GATEWAY, SERVER
from tests.diagnose.places import EVERY_PLACE, passage, passages, seen_from
from tests.diagnose.refusals import NO_MEDIA
from tests.diagnose.scenes import asked, check, told_both, unanswered, verdict

TO_SERVER = passages([12, 12, 12], "client_to_server")
DEAD = NO_MEDIA | {
    "bindings": [*unanswered(17), *unanswered(12, "client_to_server")],
    "pairs": [],
    "dtls": [],
}


def found_in(*rows, **changes):
    return asked(RULE, **DEAD | seen_from(EVERY_PLACE, *rows) | changes)


def test_requests_that_are_lost_while_those_of_the_other_side_pass():
    (found,) = found_in(passages([17, 17, 0]), TO_SERVER)
    assert (found.verdict, found.confidence, found.tags) == ("fault", 0.9, frozenset({"stun"}))
    told = told_both(found, RULE)
    assert told["en"]["title"] == (
        "Between WAN and client only one direction passes: all 17 Binding Requests from the server are lost."
    )
    assert "server → WAN 17 of 17 · WAN → client 0 of 17" in told["en"]["detail"]
    assert "12 packets of the other direction arrive." in told["en"]["detail"]


def test_media_that_pass_one_way_only_are_a_suspicion_where_that_capture_hears_nothing_of_the_direction():
    media = passages([500, 500, 0], kind="rtp"), passages([480, 480, 480], "client_to_server", "rtp")
    (found,) = asked(RULE, **seen_from(EVERY_PLACE, *media))
    assert (found.verdict, found.confidence) == ("suspect", 0.7)
    assert "c.pcapng shows no packet of this direction" in told_both(found, RULE)["en"]["detail"]


def test_media_that_pass_one_way_only_where_checks_pass_both_ways():
    media = passages([500, 500, 0], kind="rtp"), passages([480, 480, 480], "client_to_server", "rtp")
    (found,) = asked(RULE, **seen_from(EVERY_PLACE, *media, passages([9, 9, 9])))
    assert (found.verdict, found.tags) == ("fault", frozenset({"rtp"}))


def test_machines_without_sides_are_named_by_their_ends():
    ends = {"from_src_addr": SERVER, "from_src_port": 30010, "from_dst_addr": GATEWAY, "from_dst_port": 11800}
    there = passage("server", "wan", 0, 50, kind="rtp", leg=2, **ends) | {"direction": "other"}
    back = passage("wan", "server", 40, 40, "client_to_server", kind="rtp", leg=2) | {"direction": "other"}
    (found,) = found_in([there, back])
    assert told_both(found, RULE)["en"]["title"].endswith(
        f"all 50 RTP packets from {SERVER}:30010 to {GATEWAY}:11800 are lost."
    )


def test_it_explains_why_bindings_work_one_way_only_and_gives_the_headline():
    answered = [check("client_to_server", time=1.0 + n) for n in range(12)]
    seen = seen_from(EVERY_PLACE, passages([17, 17, 0]), TO_SERVER)
    row = verdict(**DEAD | {"bindings": [*unanswered(17), *answered]} | seen)
    assert row["headline"].startswith("Between WAN and client only one direction passes")
    assert row["verdict"] == "fault"


def test_silent_where_nothing_passes_the_other_way_either():
    assert found_in(passages([17, 17, 0])) == []
    assert found_in(passages([17, 17, 0]), passages([12, 0], "client_to_server")) == []


def test_silent_where_what_passes_is_of_another_leg_or_is_signalling():
    other = [row | {"leg": 2} for row in TO_SERVER]
    assert found_in(passages([17, 17, 0]), other) == []
    assert found_in(passages([17, 17, 0]), passages([12, 12, 12], "client_to_server", "sip")) == []


def test_silent_where_some_packets_arrive():
    assert found_in(passages([17, 17, 1]), TO_SERVER) == []


def test_silent_where_only_large_datagrams_are_lost():
    large = passages([6, 6, 0], kind="dtls", smallest_lost=1400)
    small = passages([9, 9, 9], largest_arrived=160)
    assert found_in(large, small, TO_SERVER) == []


def test_silent_from_one_place():
    assert asked(RULE, **DEAD) == []


def test_nobody_can_tell_where_the_farther_capture_lacks_what_was_answered():
    lacking = [
        check("client_to_server", time=30.0 + n, outcome="response_only", capture="c.pcapng")
        for n in range(2)
    ]
    (found,) = found_in(passages([17, 17, 0]), TO_SERVER, bindings=[*DEAD["bindings"], *lacking])
    assert (found.verdict, found.confidence) == ("cannot_tell", 0.5)
    assert "it lost some itself" in told_both(found, RULE)["en"]["detail"]
