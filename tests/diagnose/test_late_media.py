"""Media that begins long after the answer."""

import pytest

from postproc.diagnose.rules.late_media import RULE
from tests.builders import GATEWAY, SERVER
from tests.diagnose.scenes import (
    asked,
    check,
    foreign,
    good,
    leg,
    message,
    phase,
    plain_stream,
    section,
    stream,
    told_both,
    verdict,
)


def both(first: float):
    return [stream(first_time=first, time=first), stream("client_to_server", first_time=first, time=first)]


def test_media_held_up_by_dtls_is_suspect():
    late = [dict(good()["dtls"][0]) | {"completed": 7.0}]
    found, _ = asked(RULE, rtp_streams=both(7.1), dtls=late)
    assert (found.verdict, found.tags) == ("suspect", {"ice"})
    assert "4,1 s nach dem Abheben" in told_both(found, RULE)["de"]["title"]
    assert verdict(rtp_streams=both(7.1), dtls=late).verdict == "suspect"


def test_media_held_up_by_checks_is_suspect():
    found, _ = asked(RULE, rtp_streams=both(9.0), bindings=[check(time=8.5)])
    assert found.facts["ice"] == 5.5


def test_a_sender_that_begins_late_is_but_noted():
    found, _ = asked(RULE, rtp_streams=both(6.0))
    assert (found.verdict, found.tags) == ("note", {"sender"})


def test_silent_when_media_is_prompt():
    assert asked(RULE, rtp_streams=both(3.4)) == []


def test_silent_on_hold():
    held = [*good()["sdp_media"], section(direction="inactive", time=3.0)]
    assert asked(RULE, rtp_streams=both(9.0), sdp_media=held) == []


def begun(client=9.0, server=9.1, **changes):
    """A plain call, answered at second 3, in which the sides begin then."""
    one, other = "192.0.2.10", "192.0.2.20"
    streams = [plain_stream(one, other, leg=1), plain_stream(other, one, leg=1)]
    said = phase(first_from_client=client, first_from_server=server) | changes
    return {"base": foreign(), "phases": [said], "rtp_streams": streams}


def test_silence_of_both_sides_after_the_answer_is_a_suspicion_even_if_audio_follows():
    (found,) = asked(RULE, **begun())
    assert (found.verdict, found.leg, found.tags) == ("suspect", 1, {"dead"})
    assert "On leg 1 nothing comes from either side for 6 s" in told_both(found, RULE)["en"]["title"]
    row = verdict(**begun())
    assert (row.verdict, row.cause) == ("suspect", "late-media")


@pytest.mark.parametrize(
    "scene",
    [
        begun(7.9, 8.5),
        begun(3.1),
        begun(server=3.1),
        begun(None),
        begun(may_send_client=False),
        begun(kind="early"),
        begun() | {"legs": [*foreign()["legs"], leg(2, answer_time=9.0, uac_addr=SERVER, uas_addr=GATEWAY)]},
    ],
    ids=[
        "short",
        "one in time",
        "other in time",
        "only one",
        "one-way",
        "ringing",
        "the other leg is answered then",
    ],
)
def test_silent_where_one_side_begins_or_nothing_is_due(scene):
    assert all("dead" not in found.tags for found in asked(RULE, **scene))


def toneless(*more, answered=12.0, first=12.1, sdp=True, **changes):
    """A plain call with 183 and SDP at 1 s, whose media from the called side begins at ``first``."""
    one, other = "192.0.2.10", "192.0.2.20"
    ends = {"src_addr": other, "dst_addr": one}
    sip = [
        message(1, "INVITE", 0.0, frame=1, src_addr=one, dst_addr=other),
        message(1, 183, 1.0, frame=5, has_sdp=sdp, reason="Session Progress", **ends),
        *(each | ends for each in more),
        message(1, 200, answered, frame=9, has_sdp=True, **ends),
    ]
    base = foreign()
    early = {"first_time": 1.1, "time": 1.1, "last_time": 40.0}  # the caller's own media
    late = {"first_time": first, "time": first, "last_time": 40.0}
    streams = [dict(row) | (early if row["src_addr"] == one else late) for row in base["rtp_streams"]]
    legs = [dict(base["legs"][0]) | {"answer_time": answered}]
    return {"base": base, "sip_messages": sip, "rtp_streams": streams, "legs": legs} | changes


def test_early_media_announced_and_not_sent_is_a_note():
    found = [each for each in asked(RULE, **toneless()) if "toneless" in each.tags]
    assert [(each.verdict, each.facts["seconds"]) for each in found] == [("note", 11.0)]
    assert "the caller heard no ringing tone" in told_both(found[0], RULE)["en"]["title"]


@pytest.mark.parametrize(
    "scene",
    [
        toneless(first=8.0),
        toneless(answered=5.9, first=6.0),
        toneless(message(1, 180, 2.0, frame=6)),
        toneless(sdp=False),
        toneless(rtp_streams=[]),
    ],
    ids=["it came", "shorter than a pause", "the phone rings itself", "not announced", "no media seen"],
)
def test_silent_where_the_caller_may_hear_a_tone(scene):
    assert all("toneless" not in each.tags for each in asked(RULE, **scene))
