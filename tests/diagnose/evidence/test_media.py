"""RTP per leg and direction."""

import pytest

from postproc.diagnose.evidence.media import both_ways, media_ok, talking, talks, way, ways
from tests.builders import GATEWAY, SERVER
from tests.diagnose.places import EVERY_PLACE, passage, seen_from
from tests.diagnose.scenes import foreign, good, leg, phase, plain_stream, scene, section, stream


def test_a_stream_two_captures_saw_counts_once_by_the_fuller_view():
    case = scene(rtp_streams=[stream(packets=800), stream(packets=850, capture="b.pcapng")])
    assert way(case, 1, "server_to_client").packets == 850


@pytest.mark.parametrize(
    ("phases", "ok"),
    [
        ([phase(may_send_client=False)], True),  # paging
        ([phase(may_send_client=False, packets_from_server=4)], False),
        ([phase(), phase(may_send_client=False)], False),
        ([phase(may_send_client=None)], False),
    ],
)
def test_one_way_is_well_where_that_was_agreed_throughout(phases, ok):
    assert media_ok(scene(rtp_streams=[stream()], phases=phases, legs=[leg(1)])) is ok


@pytest.mark.parametrize(
    ("changes", "ok"),
    [
        ({}, False),
        ({"direction": "sendonly"}, True),
        ({"ufrag": "u"}, True),
        ({"connection_addr": SERVER}, True),
    ],
)
def test_no_address_from_the_start_is_no_agreement(changes, ok):
    told = section(ufrag=None, connection_addr="0.0.0.0") | changes
    paging = [phase(may_send_client=False)]
    case = scene(rtp_streams=[stream()], phases=paging, legs=[leg(1)], sdp_media=[told])
    assert media_ok(case) is ok


def test_an_ssrc_used_again_later_counts_again():
    case = scene(rtp_streams=[stream(last_time=9.0), stream(first_time=10.0, time=10.0)])
    assert way(case, 1, "server_to_client").packets == 1700


def test_two_directions_may_share_an_ssrc():
    both = [plain_stream(SERVER, GATEWAY, ssrc=7), plain_stream(GATEWAY, SERVER, ssrc=7)]
    assert {found.packets for found in ways(scene(rtp_streams=both), 2).values()} == {850}


def test_times_of_a_way_span_its_streams():
    case = scene(
        rtp_streams=[stream(last_time=9.0), stream(ssrc=9, first_time=10.0, time=10.0, last_time=12.0)]
    )
    assert way(case, 1, "server_to_client").seconds == 9.0
    assert way(case, 1, "client_to_server").seconds == 0.0


@pytest.mark.parametrize(
    ("back", "heard"),
    [
        ({"packets": 850}, True),
        ({"packets": 4}, False),
        ({"packets": 30, "last_time": 4.0}, False),
        ({"packets": 30}, True),
        ({"packets": 60, "last_time": 4.0}, True),
    ],
    ids=["full", "scrap", "short", "sparse throughout", "five percent"],
)
def test_both_ways_takes_more_than_a_scrap(back, heard):
    assert both_ways(scene(rtp_streams=[stream(), stream("client_to_server", **back)]), 1) is heard


def test_a_short_call_is_judged_by_packets_alone():
    short = {"last_time": 4.0, "packets": 50}
    case = scene(rtp_streams=[stream(**short), stream("client_to_server", **short | {"packets": 5})])
    assert both_ways(case, 1) is True


def test_without_rtp_nothing_is_said():
    assert both_ways(scene(rtp_streams=[]), 1) is None
    assert media_ok(scene(rtp_streams=[])) is None


def test_with_ice_the_clients_leg_decides():
    assert media_ok(scene(rtp_streams=[stream(), stream("client_to_server")])) is True
    assert (
        media_ok(scene(rtp_streams=[stream(), plain_stream(SERVER, GATEWAY), plain_stream(GATEWAY, SERVER)]))
        is False
    )


def test_without_ice_a_leg_that_cannot_be_judged_excuses_nothing_and_breaks_nothing():
    plain = foreign()
    assert media_ok(scene(base=plain)) is True
    assert media_ok(scene(base=plain | {"rtp_streams": plain["rtp_streams"][:1]})) is False


def test_only_answered_legs_should_have_audio():
    assert talking(scene()) == [1]
    assert talking(scene(legs=[leg(1, answer_time=None)])) == []
    assert talking(scene(legs=[leg(1, answer_time=None, state="starts_mid_call")])) == [1]
    assert talking(scene(legs=[])) == [None]


def quiet(**changes):
    """A phase of leg 1 in which both might send, and nothing came from the client."""
    return {
        "call": 1,
        "leg": 1,
        "phase": 1,
        "kind": "answered",
        "started": 3.0,
        "ended": 20.0,
        "opened_by": 1,
        "frame": 21,
        "time": 3.0,
        "may_send_client": True,
        "may_send_server": True,
        "packets_undirected": 0,
        "packets_from_client": 0,
        "packets_from_server": 850,
    } | changes


@pytest.mark.parametrize(
    ("phase", "ok"),
    [
        (quiet(), False),
        (quiet(leg=2), False),  # and so on any leg whose media the captures show
        (quiet(packets_from_client=800), True),
        (quiet(packets_undirected=800), True),
        (quiet(may_send_client=False), True),  # as agreed: hold
        (quiet(kind="early"), True),
        (quiet(ended=4.0), True),  # too short to mean anything
    ],
)
def test_ok_needs_both_sides_heard_in_every_phase_in_which_both_may_send(phase, ok):
    assert media_ok(scene(phases=[phase])) is ok


FAILED = {"call": 1, "leg": 1, "client_addr": SERVER, "server_addr": GATEWAY, "state": "alert"}


@pytest.mark.parametrize(
    ("shake", "ok"),
    [
        ({"started": 19.0, "time": 19.0}, None),
        ({"started": 5.0, "time": 5.0}, True),
        ({"started": 19.0, "time": 19.0, "state": "complete"}, True),
        ({"started": 19.0, "time": 19.0, "leg": 2}, None),
    ],
    ids=["after the media", "media went on", "completed", "on the other leg"],
)
def test_a_handshake_that_failed_after_the_last_media_leaves_open_what_follows(shake, ok):
    assert media_ok(scene(dtls=[*good()["dtls"], FAILED | shake])) is ok


@pytest.mark.parametrize(("ended", "ok"), [(20.0, True), (60.0, None)])
def test_media_of_unknown_direction_that_ends_long_before_its_phase_proves_nothing(ended, ok):
    only = {
        "call": 1,
        "leg": 1,
        "phase": 1,
        "kind": "answered",
        "frame": 21,
        "time": 3.0,
        "started": 3.0,
        "ended": ended,
        "packets_undirected": 1700,
    }
    assert media_ok(scene(base=foreign(), phases=[only])) is ok


@pytest.mark.parametrize(("arrived", "heard"), [(0, False), (1, True)])
def test_media_of_which_the_receivers_place_shows_nothing_are_not_heard(arrived, heard):
    """Each capture shows what its own side sends: both directions, and neither is heard."""
    seen = seen_from(EVERY_PLACE, [passage("server", "client", arrived, 850, kind="rtp")])
    assert both_ways(scene(**seen), 1) is heard
    assert media_ok(scene(**seen)) is heard


def test_a_flow_that_is_lost_says_nothing_of_another():
    lost = passage("server", "client", 0, 90, kind="rtp", from_dst_addr="192.168.178.34")
    assert both_ways(scene(**seen_from(EVERY_PLACE, [lost])), 1) is True


def test_a_picture_that_comes_is_no_sound_that_does():
    video = [
        stream(way, media="video", ssrc=n) for n, way in ((7, "server_to_client"), (8, "client_to_server"))
    ]
    sound = stream("server_to_client", media="audio")
    assert both_ways(scene(rtp_streams=[*video, sound]), 1) is False
    assert both_ways(scene(rtp_streams=[*video, sound, stream("client_to_server", media="audio")]), 1)
    assert both_ways(scene(rtp_streams=video, sdp_media=[section(media="video")]), 1), (
        "nothing else was agreed"
    )


def test_audio_is_due_on_a_leg_until_it_ends():
    found = talks(scene(legs=[leg(1), leg(2, end_time=5.0)]))
    assert [(talk.leg, talk.seconds) for talk in found] == [(1, 17.0), (2, 2.0)]
