"""Only large datagrams are lost between two places."""

import pytest

from postproc.diagnose.rules.path_mtu import RULE
from tests.diagnose.places import EVERY_PLACE, passage, passages, seen_from
from tests.diagnose.refusals import NO_MEDIA
from tests.diagnose.scenes import asked, check, message, stream, told_both, verdict

STARTED = {
    "call": 1,
    "leg": 1,
    "client_addr": "10.0.50.118",
    "client_port": 30000,
    "server_addr": "198.51.100.77",
    "server_port": 50000,
    "state": "incomplete",
    "client_hellos": 3,
    "started": 1.2,
    "time": 1.2,
}
HALF = NO_MEDIA | {"dtls": [STARTED]}
CHECKS = passages([9, 9, 9], largest_arrived=160)


def found_in(*rows, **changes):
    return asked(RULE, **HALF | seen_from(EVERY_PLACE, *rows) | changes)


def flights(lost=1400, arrived=500, counts=(6, 6, 3)):
    return passages(counts, kind="dtls", smallest_lost=lost, largest_arrived=arrived)


def test_certificates_that_are_lost_while_smaller_messages_arrive():
    (found,) = found_in(flights())
    assert (found.verdict, found.tags) == ("fault", frozenset({"dtls"}))
    told = told_both(found, RULE)
    assert told["en"]["title"] == (
        "Large DTLS packets from the server are lost between WAN and client: none of 1400 bytes or more arrives."
    )
    assert "500 bytes" in told["en"]["detail"]


def test_checks_show_that_small_packets_pass_where_no_dtls_arrives():
    (found,) = found_in(flights(arrived=None, counts=(6, 6, 0)), CHECKS)
    assert (found.facts["smallest"], found.facts["largest"]) == (1400, 160)


def test_signalling_without_sides_is_named_by_its_ends():
    row = passage("server", "wan", 2, 7, kind="sip", leg=2, smallest_lost=1510, largest_arrived=430)
    (found,) = found_in([row | {"direction": "other"}])
    assert (found.leg, found.tags) == (2, frozenset({"sip"}))
    told_both(found, RULE)


def test_it_explains_the_handshake_that_is_not_finished():
    row = verdict(**HALF | seen_from(EVERY_PLACE, flights(), CHECKS))
    assert row["headline"].startswith("Large DTLS packets from the server are lost between WAN and client")
    assert row["verdict"] == "fault"


@pytest.mark.parametrize(
    ("lost", "arrived", "says"), [(577, 576, True), (576, 500, False), (900, 900, False)]
)
def test_silent_unless_all_lost_are_larger_than_all_that_arrive_and_than_what_passes_everywhere(
    lost, arrived, says
):
    assert bool(found_in(flights(lost, arrived))) == says


def test_silent_where_small_ones_of_another_kind_are_lost_as_well():
    assert found_in(flights(), passages([9, 9, 9], kind="stun", largest_arrived=1400)) == []


def test_silent_where_nothing_small_arrives_on_this_path():
    assert found_in(flights(arrived=None, counts=(6, 6, 0))) == []
    signalling = passages([9, 9, 9], kind="sip", largest_arrived=400)
    assert found_in(flights(arrived=None, counts=(6, 6, 0)), signalling) == []


def test_silent_about_a_handshake_that_was_completed():
    assert found_in(flights(), dtls=[STARTED | {"state": "complete"}]) == []


def test_silent_from_one_place():
    assert asked(RULE, **HALF) == []


def test_nobody_can_tell_where_the_farther_capture_lacks_what_was_answered():
    lacking = [
        check("client_to_server", time=30.0 + n, outcome="response_only", capture="c.pcapng")
        for n in range(2)
    ]
    (found,) = found_in(flights(), bindings=lacking)
    assert (found.verdict, found.confidence) == ("cannot_tell", 0.5)


def invites(count, **changes):
    return [
        message(
            1, "INVITE", 0.5 * 2**n, frame=n + 1, branch="z9hG4bKx", cseq=1, has_sdp=False, cut_short=True
        )
        | changes
        for n in range(count)
    ]


def from_one_place(*sip):
    return asked(RULE, **NO_MEDIA | {"sip_messages": list(sip)})


def test_an_invite_of_which_only_the_first_fragment_comes_is_told_from_one_place():
    (found,) = from_one_place(*invites(3))
    assert (found.verdict, found.confidence, found.tags) == ("suspect", 0.7, frozenset({"sip"}))
    assert found.evidence.frames == (1, 2, 3)
    told = told_both(found, RULE)
    assert "INVITE was sent 3 times in 2 s, and nobody answered it" in told["en"]["title"]
    assert "SIP over TCP" in told["en"]["remedies"]


def test_so_is_a_200_that_is_never_acknowledged():
    answers = [message(1, 200, 3.0 + n, frame=n + 1, cseq=1, cut_short=True) for n in range(3)]
    (found,) = from_one_place(message(1, "INVITE", 0.0, cseq=1), *answers)
    assert "200 OK was sent 3 times in 2 s" in told_both(found, RULE)["en"]["title"]
    assert from_one_place(*answers, message(1, "ACK", 6.0, cseq=1)) == []


def test_silent_where_one_by_one_is_sent_too_seldom_or_answered_or_comes_whole():
    """A capture's filter by port drops later fragments, and the call goes on."""
    assert from_one_place(*invites(2)) == []
    assert from_one_place(*invites(3), message(1, 100, 5.0, cseq=1, reason="Trying")) == []
    assert from_one_place(*invites(2), *invites(1, cut_short=False)) == []
    assert from_one_place(*invites(3), message(1, 200, 5.0, cseq=2)) != []


def test_silent_where_the_snapshot_length_cut_the_messages():
    captured = [{"first_time": 0.0, "last_time": 60.0, "packets": 40, "messages_cut": 3}]
    assert asked(RULE, **NO_MEDIA | {"sip_messages": invites(3), "captures": captured}) == []


def test_video_that_does_not_pass_is_a_fault_though_audio_does():
    """Of the media of one leg the small packets arrive, both ways, and of the large ones none."""
    audio = [stream(), stream("client_to_server")]
    large = passages([365, 365, 71], kind="rtp", smallest_lost=901, largest_arrived=894)
    row = verdict(rtp_streams=audio, **seen_from(EVERY_PLACE, large, CHECKS))
    assert (row["verdict"], row["cause"]) == ("fault", "path-mtu")
    by_chance = passages([365, 365, 351], kind="rtp", smallest_lost=620, largest_arrived=1200)
    row = verdict(rtp_streams=audio, **seen_from(EVERY_PLACE, by_chance, CHECKS))
    assert row["verdict"] == "ok"
