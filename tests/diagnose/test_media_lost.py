"""Holes in the sound."""

import pytest

from postproc.diagnose.rules.media_lost import RULE, percent
from tests.builders import GATEWAY, SERVER
from tests.diagnose.places import EVERY_PLACE, passages, seen_from
from tests.diagnose.scenes import asked, check, plain_stream, stream, told_both, verdict


def lossy(lost: int, direction: str = "server_to_client", **changes):
    return stream(direction, expected=1000, packets=1000 - lost, lost=lost, **changes)


def test_much_loss_in_one_direction_is_suspect():
    (found,) = asked(RULE, rtp_streams=[lossy(288), stream("client_to_server")])
    assert (found.verdict, found.facts["percent"]) == ("suspect", 28.8)
    assert "28,8 % der RTP-Pakete" in told_both(found, RULE)["de"]["title"]


def test_it_counts_though_media_flows_both_ways():
    row = verdict(rtp_streams=[lossy(288), stream("client_to_server")])  # leg 2 bypasses the capture
    assert (row.verdict, row.cause) == ("suspect", "media-lost")


@pytest.mark.parametrize(("packets", "count"), [(50, 1), (49, 0)])
def test_a_second_of_audio_is_the_least_that_has_a_percentage(packets, count):
    short = stream(expected=packets, packets=packets - 20, lost=20)
    assert len(asked(RULE, rtp_streams=[short, stream("client_to_server")])) == count


def test_loss_that_speech_survives_is_noted():
    (found,) = asked(RULE, rtp_streams=[lossy(88), stream("client_to_server")])
    assert found.verdict == "note"
    row = verdict(rtp_streams=[lossy(88), stream("client_to_server")])
    assert (row.verdict, row.cause is None or row.isna().cause) == ("ok", True)


def test_a_call_without_sip_has_no_leg_to_name():
    (found,) = asked(RULE, legs=[], rtp_streams=[lossy(288, leg=None)])
    assert told_both(found, RULE)["en"]["title"].endswith("are missing.")


def test_where_all_streams_lose_alike_the_capture_may_have_dropped_them():
    streams = [
        lossy(300),
        lossy(310, "client_to_server"),
        plain_stream(SERVER, GATEWAY, expected=1000, lost=300),
    ]
    assert [found.verdict for found in asked(RULE, rtp_streams=streams)] == [
        "cannot_tell",
        "suspect",
        "cannot_tell",
    ]


def test_where_the_capture_lacks_what_was_answered_it_lost_packets_itself():
    unasked = [check(time=1.0 + n, outcome="response_only") for n in range(2)]
    (found,) = asked(RULE, rtp_streams=[lossy(288), stream("client_to_server")], bindings=unasked)
    assert found.verdict == "cannot_tell"
    assert "lost some itself" in told_both(found, RULE)["en"]["detail"]


def test_what_is_lost_in_one_pause_may_be_silence():
    paused = lossy(288, max_gap_ms=4800.0)  # of 17 s
    (found,) = asked(RULE, rtp_streams=[paused, stream("client_to_server")])
    assert found.verdict == "cannot_tell"
    assert "one pause of 4800 ms" in told_both(found, RULE)["en"]["detail"]


def test_few_packets_make_no_percentage():
    class Row:
        expected, lost = 40, 20

    assert percent(Row) == 0.0


def test_silent_about_a_trace_of_loss():
    assert asked(RULE, rtp_streams=[lossy(5), stream("client_to_server")]) == []


def test_where_several_places_show_the_stream_it_is_said_where_packets_arrived():
    seen = seen_from(EVERY_PLACE, passages([1000, 1000, 900], kind="rtp"), passages([9, 9, 9]))
    (found,) = asked(RULE, rtp_streams=[lossy(100), stream("client_to_server")], **seen)
    assert found.facts["stretches"] == [["server", "wan", 1000, 1000], ["wan", "client", 900, 1000]]
    told_both(found, RULE)
