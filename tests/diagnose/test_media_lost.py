"""RTP packets lost within a stream."""

import pytest

from postproc.diagnose.rules.media_lost import RULE, percent
from tests.builders import GATEWAY, SERVER
from tests.diagnose.places import EVERY_PLACE, passages, seen_from
from tests.diagnose.scenes import asked, check, phase, plain_stream, stream, told_both, verdict


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


def interrupted(pause=10.0, lasts=600.0, lost=500, **changes):
    """A stream of ten minutes at 50 packets a second, most of a pause counted on in its sequence numbers."""
    expected = int(lasts * 50)
    times = {"first_time": 3.0, "last_time": 3.0 + lasts, "max_gap_ms": pause * 1000}
    return stream(expected=expected, packets=expected - lost, lost=lost, **(times | changes))


OTHER_WAY = stream("client_to_server", expected=30000, packets=30000, last_time=603.0)


@pytest.mark.parametrize(("lasts", "percents"), [(30.0, 33.3), (600.0, 1.7), (3600.0, 0.3)])
def test_seconds_on_end_without_a_packet_are_a_suspicion_however_long_the_call(lasts, percents):
    (found,) = asked(RULE, rtp_streams=[interrupted(lasts=lasts), OTHER_WAY])
    assert (found.verdict, round(found.facts["percent"], 1)) == ("suspect", percents)
    told = told_both(found, RULE)
    assert told["en"]["title"].startswith("For 10 s no RTP packet came from ")
    assert "one pause of 10000 ms" in told["en"]["detail"]
    whole = OTHER_WAY | {"packets": int(50 * lasts), "expected": int(50 * lasts), "last_time": 3.0 + lasts}
    row = verdict(rtp_streams=[interrupted(lasts=lasts), whole])
    assert (row.verdict, row.cause) == ("suspect", "media-lost")


def test_an_interruption_is_as_long_as_media_that_has_stopped_and_its_packets_were_sent():
    for row, count in [
        (interrupted(5.0, lost=250), 1),
        (interrupted(4.9, lost=245), 0),
        (interrupted(10.0, lost=250), 1),
        (interrupted(10.0, lost=249), 0),  # hardly any were sent
        (interrupted(10.0, lost=0), 0),  # silence suppression
    ]:
        assert len(asked(RULE, rtp_streams=[row, OTHER_WAY])) == count


def seconds_of(number: int, pauses: dict[int, int]):
    """Rows of rtp_seconds of a minute; of the seconds in ``pauses`` nothing came, and so many packets are lost."""
    silent = {each for at in pauses for each in (at, at + 1)}
    return [
        {
            "stream": number,
            "second": second,
            "time": 3.0 + second,
            "last_time": 3.98 + second,
            "packets": 50,
            "lost": pauses.get(second - 2, 0),
        }
        for second in range(60)
        if second not in silent
    ]


@pytest.mark.parametrize(
    ("pauses", "verdict_"),
    [
        ({8: 100, 18: 100, 28: 100}, "suspect"),
        ({8: 100, 18: 100}, "note"),
        ({8: 0, 18: 100, 28: 100}, "note"),  # one of the pauses is silence
    ],
)
def test_short_outages_again_and_again_are_a_suspicion(pauses, verdict_):
    lost = sum(pauses.values())
    row = interrupted(2.02, lasts=60.0, lost=lost, stream=1)
    (found,) = asked(RULE, rtp_streams=[row, OTHER_WAY | {"stream": 2}], rtp_seconds=seconds_of(1, pauses))
    assert found.verdict == verdict_
    if verdict_ == "suspect":
        shown = told_both(found, RULE)
        assert shown["en"]["title"].startswith("3 times no RTP packet came from ")
        assert "for up to 2.0 s; 300 are missing." in shown["en"]["title"]
        assert "3-mal kam auf Leg 1 bis zu 2,0 s lang kein RTP-Paket" in shown["de"]["title"]


LONG_CALL = interrupted(lasts=3600.0)


def test_silent_on_a_pause_in_a_hold_elsewhere_or_of_the_capture():
    hold = phase(kind="hold", started=20.0, ended=30.0)
    meanwhile = stream(dst_port=50002, first_time=20.0, last_time=30.0)
    still = OTHER_WAY | {"max_gap_ms": 9900.0}
    assert asked(RULE, rtp_streams=[LONG_CALL, OTHER_WAY], phases=[phase(), hold]) == []
    assert asked(RULE, rtp_streams=[LONG_CALL, OTHER_WAY, meanwhile]) == []
    assert asked(RULE, rtp_streams=[LONG_CALL, still]) == []
    assert asked(RULE, rtp_streams=[LONG_CALL, OTHER_WAY], phases=[phase(), hold | {"ended": 24.9}])


def reported(lost: int, **changes):
    return stream(reports=5, reported_lost=lost, reported_expected=1000, report_frame=900, **changes)


@pytest.mark.parametrize(("lost", "verdict_"), [(288, "suspect"), (88, "note"), (9, None), (-3, None)])
def test_losses_behind_the_capture_point_are_in_the_receiver_s_reports(lost, verdict_):
    found = asked(RULE, rtp_streams=[reported(lost), stream("client_to_server")])
    assert [each.verdict for each in found] == [verdict_] * (verdict_ is not None)


def test_reported_loss_says_whose_reports_they_are_and_where_the_packets_were_seen():
    (found,) = asked(RULE, rtp_streams=[reported(288), stream("client_to_server")])
    assert (found.confidence, found.leg, 900 in found.evidence.frames) == (0.85, 1, True)
    shown = told_both(found, RULE)
    title = "By its own reports 28.8 % of the RTP packets sent to 198.51.100.77:50000 on leg 1 do not arrive there."
    assert shown["en"]["title"] == title
    assert shown["de"]["detail"].endswith("am Mitschnittpunkt kamen sie vorbei.")


def test_what_is_missing_here_already_is_no_loss_behind():
    (found,) = asked(RULE, rtp_streams=[reported(290) | lossy(288), stream("client_to_server")])
    assert "as seen at the capture point" in told_both(found, RULE)["en"]["detail"]


AUDIO = [stream(), stream("client_to_server")]


def test_video_that_is_lost_is_suspect_though_audio_is_whole():
    """A relay that passes it on shows the same packets twice; where fewer arrive is told."""
    video = lossy(700, ssrc=7, media="video")
    streams = [*AUDIO, video, video | {"src_port": 30008, "lost": 690}]
    (found,) = asked(RULE, rtp_streams=streams)
    assert (found.verdict, found.tags, found.facts["percent"]) == ("suspect", {"video"}, 70.0)
    assert told_both(found, RULE)["en"]["title"].startswith("70.0 % of the video packets")
    row = verdict(rtp_streams=streams)
    assert (row.verdict, row.cause) == ("suspect", "media-lost")


@pytest.mark.parametrize(
    "video",
    [
        lossy(90, ssrc=7, media="video"),
        stream(ssrc=7, media="video", packets=600, expected=600, max_gap_ms=5000.0),
        stream(ssrc=7, media="video", packets=6, expected=40, lost=34),
    ],
    ids=["little", "a sender that pauses", "too few to count"],
)
def test_silent_on_video_that_arrives(video):
    assert asked(RULE, rtp_streams=[*AUDIO, video]) == []


def test_nobody_can_tell_of_video_where_the_capture_lacks_answers():
    unasked = [check(time=1.0 + n, outcome="response_only") for n in range(2)]
    (found,) = asked(RULE, rtp_streams=[*AUDIO, lossy(700, ssrc=7, media="video")], bindings=unasked)
    assert found.verdict == "cannot_tell"
