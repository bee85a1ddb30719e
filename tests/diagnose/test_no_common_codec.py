"""Offer and answer without a common audio codec."""

import pytest

from postproc.diagnose.rules.candidates_rejected_by_acl import RULE as ACL
from postproc.diagnose.rules.no_common_codec import RULE
from postproc.model.deployment import Thresholds
from tests.builders import GATEWAY, SERVER
from tests.diagnose.refusals import CAUSE_88, NO_MEDIA, at_once, log, offer, passed_on, refused_leg
from tests.diagnose.scenes import asked, foreign, good, leg, message, section, stream, told_both, verdict

PLAIN = {"ufrag": None, "setup": None, "fingerprint": None, "proto": "RTP/AVP"}
PCMU = {"formats": "0,101", "codecs": "0=PCMU/8000,101=telephone-event/8000"}
PCMA = {"formats": "8,101", "codecs": "8=PCMA/8000,101=telephone-event/8000"}
AMR = {"formats": "96", "codecs": "96=AMR/8000"}


def mismatch(answered=PCMA, **changes):
    """Leg 2's answer has another codec than its offer; leg 1 then gets 488."""
    scene = passed_on(488) | NO_MEDIA
    scene["legs"] = [scene["legs"][0], leg(2, end_time=3.1, end_reason=CAUSE_88)]
    scene["sip_messages"] = [
        message(1, "INVITE", 0.0),
        message(1, 183, 0.1, has_sdp=True),
        message(2, "INVITE", 0.3),
        message(2, 200, 3.0, has_sdp=True, frame=20),
        message(1, 488, 3.2),
    ]
    scene["sdp_media"] = [
        offer(),
        section("b@x", time=0.3, frame=3, **PLAIN, **PCMU),
        section("b@x", time=3.0, frame=20, **PLAIN, **answered),
    ]
    return scene | changes


def test_an_answer_with_another_codec_than_offered_is_a_fault():
    (found,) = asked(RULE, **mismatch())
    assert (found.verdict, found.leg, found.evidence.frames) == ("fault", 2, (3, 5, 20))
    told = told_both(found, RULE)
    assert (
        told["en"]["title"]
        == f"No common codec: {SERVER} offers PCMU/8000, {GATEWAY} answers with PCMA/8000."
    )
    assert "Q.850-Ursache 88" in told["de"]["detail"]
    assert "488 OK" in told["en"]["detail"]


def test_without_a_failure_it_is_a_suspicion():
    scene = mismatch(legs=[leg(1), leg(2)])
    (found,) = asked(RULE, **scene)
    assert found.verdict == "suspect"
    told_both(found, RULE)


def test_silent_where_media_flows_all_the_same():
    assert asked(RULE, **mismatch(legs=[leg(1), leg(2)], rtp_streams=good()["rtp_streams"])) == []


def test_silent_where_a_codec_is_shared_or_not_known():
    assert asked(RULE, **mismatch(answered=PCMU, legs=[leg(1), leg(2)])) == []
    assert (
        asked(RULE, **mismatch(answered={"formats": "8,97", "codecs": "8=PCMA/8000"}, legs=[leg(1), leg(2)]))
        == []
    )


def test_tones_alone_are_no_common_codec():
    (found,) = asked(RULE, **mismatch())
    assert found.facts["offered"] == ["PCMU/8000"]


def test_the_other_sides_refusal_is_a_suspicion_with_the_codecs_named():
    (found,) = asked(RULE, **passed_on(488))
    assert (found.verdict, found.facts["refuser"], found.leg) == ("suspect", GATEWAY, 2)
    told = told_both(found, RULE)
    assert told["en"]["title"] == f"{GATEWAY} refuses the media offered by the server (PCMA/8000): 488 No."


def test_an_offer_of_unusual_codecs_refused_at_once_is_a_suspicion():
    (found,) = asked(RULE, **at_once(488, reason_header=CAUSE_88, sdp_media=[offer(**AMR)]))
    assert (found.verdict, found.facts["offered"]) == ("suspect", ["AMR/8000"])
    assert "PCMA, PCMU, G722, Opus" in told_both(found, RULE)["en"]["detail"]


def test_an_offer_without_candidates_points_at_the_profile():
    (found,) = asked(RULE, **at_once(488, candidates=[], sdp_media=[offer(proto="RTP/AVP", ufrag=None)]))
    assert found.verdict == "suspect"
    assert "RTP/AVP" in told_both(found, RULE)["en"]["title"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("CODEC NEGOTIATION ERROR.  SDP:", "No common codec"),
    ],
)
def test_the_log_makes_it_certain(line, said):
    (found,) = asked(RULE, **at_once(488, reason_header=CAUSE_88), log_events=[log("media", line)])
    assert found.verdict == "fault"
    told = told_both(found, RULE)
    assert said in told["en"]["title"]
    assert f"fs.log:7 {line[:20]}" in told["de"]["detail"]


@pytest.mark.parametrize(
    "warning",
    ['305 pbx "Incompatible media format"', '399 sbc "x", 304 pbx "Media"', '399 sbc "No suitable codec"'],
)
def test_a_warning_makes_it_certain_and_clears_the_candidates(warning):
    scene = at_once(488, warning=warning)
    (found,) = asked(RULE, **scene)
    assert (found.verdict, found.confidence) == ("fault", 0.85)
    assert f"Warning {warning}." in told_both(found, RULE)["en"]["detail"]
    assert asked(ACL, **scene) == []
    assert asked(RULE, **at_once(488, warning='399 sbc "Overload 3304 "')) == []


def test_silent_where_the_log_says_that_a_codec_matched():
    lines = [
        log("codec", "Audio Codec Compare [PCMA:8:8000:20:64000:1] ++++ is saved as a match", 7),
        log("media", "CODEC NEGOTIATION ERROR.  SDP:", 8),
    ]
    scene = at_once(
        488,
        reason_header=CAUSE_88,
        candidates=[],
        sdp_media=[offer(formats="96", codecs="96=AMR/8000", ufrag=None)],
    )
    assert len(asked(RULE, **scene, log_events=lines[1:])) == 1
    assert asked(RULE, **scene, log_events=lines) == []


def test_silent_where_the_candidates_were_refused():
    assert asked(RULE, **at_once(488, reason_header=CAUSE_88)) == []


def test_silent_without_a_description_and_on_other_failures():
    assert asked(RULE, **at_once(488, sdp_media=[])) == []
    assert asked(RULE, **passed_on(503)) == []


def test_silent_when_the_server_names_no_reason_for_usual_codecs():
    plain = refused_leg(1, 488, role="single", uac_agent="Phone/1", uas_agent="Proxy/2")
    assert asked(RULE, **at_once(488, legs=[plain], sdp_media=[offer(sdp_owner="-")])) == []


def test_silent_on_good_and_foreign_calls():
    assert asked(RULE) == []
    assert asked(RULE, base=foreign()) == []


def test_the_real_codec_mismatch(judged):
    (call,) = judged("codec_488").tables.calls.itertuples()
    assert (call.verdict, call.cause) == ("fault", "no-common-codec")
    assert call.headline.startswith(
        "No common codec: 10.0.50.118 offers PCMU/8000, 10.0.50.20 answers with PCMA/8000."
    )
    assert list(judged("codec_488").tables.findings["name"]) == ["no-common-codec"]


def strange(kind, **changes):
    """The client sends a payload type; the leg's descriptions name 8."""
    streams = [stream("client_to_server", payload_type=kind, codec=None, **changes), *good()["rtp_streams"]]
    return {"rtp_streams": [row for n, row in enumerate(streams) if n != 2]}


@pytest.mark.parametrize("kind", [0, 9, 111])
def test_media_of_a_payload_type_that_nobody_named_is_a_suspicion(kind):
    (found,) = asked(RULE, **strange(kind))
    assert (found.verdict, found.leg, found.tags, found.facts["agreed"]) == (
        "suspect",
        1,
        {"strange", "unshared"},
        ["8"],
    )
    assert f"sends payload type {kind}" in told_both(found, RULE)["en"]["title"]
    assert (verdict(**strange(kind)).verdict, verdict(**strange(kind)).cause) == ("suspect", RULE.name)


def test_silent_on_named_types_comfort_noise_and_a_few_packets():
    enough = Thresholds().one_way_packets
    both = {"rtp_streams": [stream(way, payload_type=0) for way in ("client_to_server", "server_to_client")]}
    for rows in (both, strange(8), strange(13), strange(None), strange(0, packets=enough - 1)):
        assert asked(RULE, **rows) == []
    assert asked(RULE, **strange(0, packets=enough))


def test_a_sender_that_changes_its_ssrc_is_told_once():
    two = [stream("client_to_server", payload_type=0, packets=3, ssrc=ssrc, frame=ssrc) for ssrc in (7, 8)]
    (found,) = asked(RULE, rtp_streams=[stream(), *two])
    assert (found.facts["packets"], found.evidence.frames) == (6, (7, 8))


def test_silent_on_payload_types_where_a_description_is_not_known():
    only = [row for row in good()["sdp_media"] if row["frame"] != 5]
    unread = [row | {"formats": None} if row["frame"] == 5 else row for row in good()["sdp_media"]]
    assert asked(RULE, **strange(0), sdp_media=only) == []
    assert asked(RULE, **strange(0), sdp_media=unread) == []


def renumbered(kind, first=3.0, until=20.0, last_kind=None, **changes):
    """The client names another payload type by re-INVITE at 12 s; the server sends ``kind``."""
    say = {"from_tag": "a", "to_tag": "b", "has_sdp": True}
    scene = good()
    scene["sip_messages"] = [
        message(1, "INVITE", 0.0, frame=1, cseq=1, from_tag="a", has_sdp=True),
        message(1, 200, 3.0, frame=5, cseq=1, **say),
        message(1, "INVITE", 12.0, frame=40, cseq=2, **say),
        message(1, 200, 12.1, frame=41, cseq=2, **say),
        *scene["sip_messages"][3:],
    ]
    numbers = {"formats": "96,101", "codecs": "96=PCMA/8000,101=telephone-event/8000"}
    for time, frame, more in ((12.0, 40, {}), (12.1, 41, {"sdp_owner": "FreeSWITCH", "port": 31000})):
        scene["sdp_media"].append(section(time=time, frame=frame, **numbers | more))
    types = {"payload_type": kind, "last_payload_type": kind if last_kind is None else last_kind}
    back = stream("client_to_server", payload_type=96, last_payload_type=96)
    return scene | {"rtp_streams": [stream(first_time=first, last_time=until, **types, **changes), back]}


@pytest.mark.parametrize(("first", "begins"), [(3.0, "no longer names"), (12.5, "does not name")])
def test_a_sender_that_keeps_to_an_earlier_description(first, begins):
    (found,) = asked(RULE, **renumbered(8, first))
    assert (found.verdict, found.confidence, found.tags) == ("suspect", 0.7, {"outdated"})
    assert found.facts["agreed"] == ["96", "101"]
    told = told_both(found, RULE)
    assert begins in told["en"]["title"]
    assert "Allow a codec on both legs" not in told["en"]["remedies"]
    assert verdict(**renumbered(8, first)).cause == RULE.name


def test_silent_where_the_sender_follows_or_the_capture_does_not_show_it():
    least, few = Thresholds().one_way_seconds, Thresholds().one_way_packets - 1
    assert asked(RULE, **renumbered(8, until=12.0 + least))
    for scene in (
        renumbered(8, until=11.9 + least),
        renumbered(8, last_kind=96),  # mostly before the change, and it followed
        renumbered(8, last_kind=101),  # the last packet is a pressed key
        renumbered(96),
        renumbered(8, codec="CN/8000"),
        renumbered(8, packets=few),
        renumbered(8, dst_port=9),  # told to nobody: another socket, or NAT
    ):
        assert asked(RULE, **scene) == []


def test_silent_where_the_receiver_has_named_another_place_since():
    """That media still go to the old one has a rule of its own."""
    scene = renumbered(96)
    scene["rtp_streams"][1] |= {"payload_type": 8, "last_payload_type": 8}
    scene["sdp_media"][-2] |= {"port": 50010}
    assert asked(RULE, **scene) == []


def test_silent_where_the_receiver_uses_the_number_as_well():
    scene = renumbered(8)
    scene["rtp_streams"][1] |= {"payload_type": 8, "last_payload_type": 8}
    assert asked(RULE, **scene) == []


@pytest.mark.parametrize(("until", "count"), [(12.5, 1), (12.0 + Thresholds().one_way_seconds, 0)])
def test_the_number_of_the_receiver_counts_only_after_its_description(until, count):
    """Both used it up to the re-INVITE, which one side follows by a stream of its own."""
    scene = renumbered(8)
    back = scene["rtp_streams"].pop()
    scene["rtp_streams"] += [
        back | {"payload_type": 8, "last_payload_type": 8, "last_time": until},
        back | {"ssrc": 9, "first_time": 12.2},
    ]
    assert len(asked(RULE, **scene)) == count


def declined(*beside, port=0, **changes):
    """The called party takes the call, and none of its audio."""
    scene = mismatch(legs=[leg(1), leg(2)])
    scene["sip_messages"] = [row | {"cseq": 1, "from_tag": "a"} for row in scene["sip_messages"][:-1]]
    scene["sip_messages"][-1] |= changes
    answer = section("b@x", time=3.0, frame=20, **PLAIN, **PCMU) | {"port": port}
    return scene | {"sdp_media": [*scene["sdp_media"][:2], answer, *(answer | each for each in beside)]}


def taken_out(until=13.1, port=0):
    """A re-INVITE at 12 s, answered at 12.1 s with port 0, and no media after ``until``."""
    scene = renumbered(96, until=until)
    scene["rtp_streams"][1] |= {"last_time": until}
    scene["sdp_media"][-1] |= {"port": port}
    return scene


def test_audio_taken_out_in_mid_call():
    (found,) = asked(RULE, **taken_out())
    assert (found.verdict, found.leg, found.facts["seconds"]) == ("suspect", 1, 7.9)
    assert "takes the audio out of leg 1 during the call" in told_both(found, RULE)["en"]["title"]


@pytest.mark.parametrize("scene", [taken_out(until=13.2), taken_out(port=31000)])
def test_silent_where_audio_goes_on(scene):
    assert asked(RULE, **scene) == []


def late(scene, leg_, at, frames, to_tag):
    """The same offer and answer (frames), the offer in the 200 to an INVITE without SDP and the answer in its ACK."""
    said = {"from_tag": "a", "cseq": 2}
    there, back = {"src_addr": GATEWAY, "dst_addr": SERVER}, {"src_addr": SERVER, "dst_addr": GATEWAY}
    told = [
        message(leg_, "INVITE", at, frame=900, has_sdp=False, to_tag=to_tag, **said, **there),
        message(leg_, 200, at, frame=frames[0], has_sdp=True, to_tag="b", **said, **back),
        message(leg_, "ACK", at + 0.1, frame=frames[1], has_sdp=True, to_tag="b", **said, **there),
    ]
    others = [row for row in scene["sip_messages"] if row.get("frame") not in frames]
    return scene | {"sip_messages": [*others, *told]}


def test_audio_taken_out_by_the_answer_in_an_ack():
    (found,) = asked(RULE, **late(taken_out(), 1, 12.0, (40, 41), "b"))
    assert (found.verdict, found.facts["seconds"]) == ("suspect", 7.9)
    assert f"{GATEWAY} takes the audio out of leg 1" in told_both(found, RULE)["en"]["title"]
    assert asked(RULE, **late(taken_out(port=31000), 1, 12.0, (40, 41), "b")) == []


def test_a_call_begun_without_audio_by_the_answer_in_an_ack():
    (found,) = asked(RULE, **late(declined(), 2, 2.9, (3, 20), None))
    told = told_both(found, RULE)
    assert "begins the call on leg 2 without audio: port 0 in its answer (ACK)" in told["en"]["title"]
    assert "beginnt den Anruf auf Leg 2 ohne Audio" in told["de"]["title"]


VIDEO = {"media": "video", "port": 40000}


@pytest.mark.parametrize(
    ("beside", "said"), [((), "Nothing else"), ((VIDEO,), "What it does accept: video.")]
)
def test_audio_refused_by_port_0_is_a_suspicion(beside, said):
    (found,) = asked(RULE, **declined(*beside))
    assert (found.verdict, found.confidence, found.leg, found.tags) == (
        "suspect",
        0.7,
        2,
        {"declined", "unshared"},
    )
    told = told_both(found, RULE)
    assert told["en"]["title"] == (
        f"{GATEWAY} accepts the call on leg 2 without its audio: port 0 in the answer to an offer of PCMU/8000."
    )
    assert said in told["en"]["detail"]
    assert "kein Mikrofon" in told["de"]["causes"]


@pytest.mark.parametrize(
    "scene",
    [
        declined(port=40000),
        declined({"port": 40000}),  # of two ways to speak one
        declined({"media": "image", "port": 40000}),  # a fax
        declined(status=183),
        declined() | {"rtp_streams": good()["rtp_streams"]},
    ],
)
def test_silent_where_audio_is_taken_or_another_medium_stands_for_it(scene):
    assert asked(RULE, **scene) == []


def test_silent_on_a_body_that_is_no_sdp():
    plain = {"candidates": [], "sdp_media": [offer(proto="RTP/AVP", ufrag=None)]}
    assert asked(RULE, **at_once(415, **plain)) == []


def test_an_answer_of_which_only_events_are_left():
    events = {"formats": "101", "codecs": "101=telephone-event/8000"}
    (found,) = asked(RULE, **mismatch(answered=events, legs=[leg(1), leg(2)]))
    assert (found.verdict, found.leg) == ("suspect", 2)
    assert told_both(found, RULE)["en"]["title"].startswith(f"No codec is left: {SERVER} offers PCMU/8000")
    assert asked(RULE, **mismatch(answered=events | {"port": 0}, legs=[leg(1), leg(2)], rtp_streams=[])) != [
        found
    ]


def in_amr(offered, answered, *, used=96, **answer):
    """A plain call whose two sides describe AMR-WB in these payload formats, with media both ways."""
    both = {"formats": "96,97", "codecs": "96=AMR-WB/16000,97=AMR-WB/16000"}
    one, other = foreign()["sdp_media"]
    sdp = [one | both | {"packing": offered}, other | both | {"packing": answered} | answer]
    sip = [
        message(1, "INVITE", 0.0, frame=1, has_sdp=True),
        message(1, 200, 0.5, frame=5, has_sdp=True),
    ]
    streams = [dict(row) | {"payload_type": used} for row in foreign()["rtp_streams"]]
    return {"base": foreign(), "sdp_media": sdp, "sip_messages": sip, "rtp_streams": streams}


OTHER_NUMBER = {"formats": "98", "codecs": "98=AMR-WB/16000", "packing": "98=octet-align"}


@pytest.mark.parametrize(
    ("scene", "said"),
    [
        (in_amr("96=octet-align", "96=plain"), "offered is octet-align, answered bandwidth-efficient"),
        (in_amr("96=octet-align+crc", "96=octet-align"), "offered is octet-align+crc, answered octet-align"),
        (
            in_amr("96=plain,97=plain", "", used=98, **OTHER_NUMBER),
            "offered is bandwidth-efficient, answered octet-align",
        ),
    ],
)
def test_one_codec_in_two_payload_formats(scene, said):
    (found,) = asked(RULE, **scene)
    assert (found.verdict, found.tags, found.facts["codec"]) == ("suspect", {"packed"}, "AMR-WB/16000")
    assert said in told_both(found, RULE)["en"]["title"]
    row = verdict(**scene)
    assert (row.verdict, row.cause) == ("suspect", "no-common-codec")


@pytest.mark.parametrize(
    "scene",
    [
        in_amr("96=octet-align,97=plain", "96=octet-align,97=plain"),
        in_amr("96=octet-align,97=plain", "97=plain"),
        in_amr("96=octet-align", "96=plain", used=97),
        in_amr("97=octet-align,96=plain", "", used=98, **OTHER_NUMBER),
        in_amr(None, "96=plain"),
        in_amr("96=octet-align", None),
    ],
    ids=["same", "one of two", "not in use", "renumbered", "not offered", "not answered"],
)
def test_silent_where_the_payload_formats_agree(scene):
    assert asked(RULE, **scene) == []


def offerers_number(kind=111, *, theirs="96=opus/48000", until=20.0):
    """The answer gives opus another number than the offer; both sides send by the offer's."""
    scene = good()
    ends = {"from_tag": "a", "to_tag": "b"}
    scene["sip_messages"] = [
        message(1, "INVITE", 0.0, frame=1, cseq=1, from_tag="a"),
        message(1, 200, 3.0, frame=5, cseq=1, has_sdp=True, **ends),
        *scene["sip_messages"][3:],
    ]
    offer, answer, *other = scene["sdp_media"]
    scene["sdp_media"] = [
        offer | {"formats": "111", "codecs": "111=opus/48000"},
        answer | {"connection_addr": SERVER, "formats": theirs.split("=")[0], "codecs": theirs, "time": 3.0},
        *other,
    ]
    used = {"payload_type": kind, "last_payload_type": kind, "codec": "opus", "clock_rate": 48000}
    streams = [stream(**used), stream("client_to_server", last_time=until, **used)]
    return scene | {"rtp_streams": [*streams, *scene["rtp_streams"][2:]]}


def test_a_receiver_that_sends_by_the_offerers_number_takes_its_own_all_the_same():
    scene = offerers_number()
    (found,) = asked(RULE, **scene)
    assert (found.verdict, found.tags, found.facts["theirs"]) == ("suspect", {"outdated"}, 96)
    told = told_both(found, RULE)
    assert "There this codec has the number 96" in told["en"]["detail"]
    assert "sagt nichts darüber, was er annimmt" in told["de"]["detail"]
    assert verdict(**scene).cause == RULE.name


def test_silent_where_the_receiver_gave_no_other_number_to_the_codec():
    assert asked(RULE, **offerers_number(theirs="111=opus/48000")) == []
    assert asked(RULE, **offerers_number(theirs="96=speex/16000")) == []
    assert asked(RULE, **offerers_number(until=3.5)) == []
