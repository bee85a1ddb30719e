"""An answered call without media."""

import pytest

from postproc.diagnose.rules.no_media import RULE
from tests.builders import GATEWAY, SERVER
from tests.diagnose.evidence.test_media import quiet
from tests.diagnose.scenes import (
    asked,
    foreign,
    good,
    leg,
    phase,
    plain_stream,
    section,
    stream,
    told_both,
    unanswered,
    verdict,
)

LEG_2 = [plain_stream(SERVER, GATEWAY), plain_stream(GATEWAY, SERVER)]


def test_a_leg_without_rtp_though_ice_and_dtls_were_ready_is_a_fault():
    (found,) = asked(RULE, rtp_streams=LEG_2)
    assert (found.verdict, found.leg, found.tags) == ("fault", 1, {"audio", "ready"})
    assert "Leg 1 stand 17 s ohne ein einziges RTP-Paket" in told_both(found, RULE)["de"]["title"]


def test_without_a_path_it_is_a_plain_consequence():
    (found,) = asked(RULE, rtp_streams=LEG_2, bindings=unanswered(5), dtls=[], pairs=[])
    assert (found.verdict, found.settle) == ("fault", None)


def test_another_leg_without_rtp_is_suspect_where_its_machines_are_seen():
    (found,) = asked(RULE, rtp_streams=[stream(), stream("client_to_server")])
    assert (found.verdict, found.leg) == ("suspect", 2)


def test_media_that_may_bypass_the_capture_cannot_be_judged():
    (found,) = asked(RULE, base=foreign(), rtp_streams=[])
    assert found.verdict == "cannot_tell"
    assert "192.0.2.10, 192.0.2.20" in told_both(found, RULE)["en"]["detail"]


@pytest.mark.parametrize("direction", ["inactive", "sendonly", "recvonly"])
def test_silent_on_hold(direction):
    held = [*good()["sdp_media"], section(direction=direction, time=5.0)]
    assert asked(RULE, rtp_streams=LEG_2, sdp_media=held) == []


def test_silent_when_the_call_was_too_short():
    call = [dict(good()["calls"][0]) | {"end": 4.0}]
    assert asked(RULE, rtp_streams=LEG_2, calls=call) == []


def test_a_hold_at_the_end_does_not_excuse_the_phases_before_it():
    phases = [
        quiet(packets_from_server=0),
        quiet(phase=2, kind="hold", started=20.0, ended=21.0, may_send_client=False),
    ]
    held = [*good()["sdp_media"], section(direction="sendonly", time=19.0, frame=29)]
    (found,) = asked(RULE, phases=phases, rtp_streams=[], sdp_media=held, legs=[leg(1)])
    assert (found.verdict, found.leg) == ("fault", 1)
    assert asked(RULE, phases=phases[1:], rtp_streams=[], sdp_media=held, legs=[leg(1)]) == []


def test_zrtp_on_both_sides_and_nothing_else():
    media = [row | {"zrtp_packets": 20} for row in foreign()["sdp_media"]]
    (found,) = asked(RULE, base=foreign(), sdp_media=media, rtp_streams=[])
    assert (found.verdict, found.tags) == ("suspect", {"audio", "zrtp"})
    assert "ZRTP packets (40, RFC 6189) come from" in told_both(found, RULE)["en"]["detail"]


def test_video_without_audio_is_told_as_such():
    base = foreign()
    of_video = {
        "media": "video",
        "payload_type": 96,
        "last_payload_type": 96,
        "codec": "H264",
        "packets": 400,
    }
    streams = [row | of_video for row in base["rtp_streams"]]
    (found,) = asked(RULE, base=base, rtp_streams=streams)
    assert (found.verdict, found.confidence, found.tags) == ("suspect", 0.6, {"audio", "ready"})
    told = told_both(found, RULE)
    assert "came 800 packets of video, and in 17 s not one of audio" in told["en"]["title"]
    assert "kamen 800 Pakete Video" in told["de"]["title"]
    assert "audio would be seen" in told["en"]["detail"]
    assert "microphone permission" in told["en"]["remedies"]


def faxed(fax_packets=0, **changes):
    """Both sides agreed on T.38 at second 8; the sections have so many packets each."""
    image = {"media": "image", "proto": "UDPTL", "formats": "t38", "codecs": None, "fax_packets": fax_packets}
    plain = {"ufrag": None, "setup": None, "fingerprint": None}
    sections = [
        section(connection_addr=addr, port=port, time=8.0, frame=frame, **image, **plain)
        for addr, port, frame in ((CALLER, 7078, 40), (CALLED, 12000, 41))
    ]
    fax = phase(phase=2, started=8.0, opened_by=40, frame=41, may_send_client=False, may_send_server=False)
    nothing = {"packets_from_client": 0, "packets_from_server": 0}
    phases = [phase(ended=8.0), fax | nothing | changes]
    return {"base": foreign(), "sdp_media": [*foreign()["sdp_media"], *sections], "phases": phases}


CALLER, CALLED = "192.0.2.10", "192.0.2.20"


def test_t38_is_agreed_and_no_fax_packet_comes():
    (found,) = asked(RULE, **faxed())
    assert (found.verdict, found.leg, found.tags) == ("suspect", 1, {"fax", "unseen"})
    shown = told_both(found, RULE)["en"]
    assert f"12 s, and not one UDPTL packet to {CALLER}:7078, {CALLED}:12000" in shown["title"]
    row = verdict(**faxed())
    assert (row.verdict, row.cause) == ("suspect", "no-media")


def test_fax_packets_elsewhere_than_at_this_capture_cannot_be_judged():
    elsewhere = [
        row | {"src_addr": "192.0.2.98", "dst_addr": "192.0.2.99"} for row in foreign()["rtp_streams"]
    ]
    found = asked(RULE, **faxed(), rtp_streams=elsewhere)
    assert {each.verdict for each in found if "fax" in each.tags} == {"cannot_tell"}


@pytest.mark.parametrize("scene", [faxed(25), faxed(None), faxed(ended=9.0), faxed(kind="early")])
def test_silent_where_fax_packets_come_or_are_not_due(scene):
    assert asked(RULE, **scene) == []


def one_way(sent, reply=(0, 0)):
    """The caller sends so many fax packets; ``reply``: those from the called side's address, and to the caller's."""
    scene = faxed()
    caller, called = scene["sdp_media"][-2:]
    caller |= {"fax_packets_sent": sent, "fax_packets": reply[1]}
    called |= {"fax_packets_sent": reply[0], "fax_packets": sent}
    return scene


def test_fax_packets_of_one_side_alone():
    (found,) = asked(RULE, **one_way(5))
    assert (found.verdict, found.confidence, found.tags) == ("suspect", 0.7, {"fax"})
    assert f"5 UDPTL packets went to {CALLED}:12000, and none" in told_both(found, RULE)["en"]["title"]
    assert verdict(**one_way(5)).verdict == "suspect"


@pytest.mark.parametrize("scene", [one_way(4), one_way(5, (1, 0)), one_way(5, (0, 1))])
def test_silent_where_few_were_sent_or_the_other_side_is_behind_nat(scene):
    assert asked(RULE, **scene) == []


def test_fax_packets_that_go_elsewhere_than_agreed():
    (found,) = asked(RULE, **one_way(60, (5, 0)))
    assert (found.verdict, found.confidence, found.tags) == ("suspect", 0.7, {"astray"})
    told = told_both(found, RULE)
    assert f"not one of the 5 UDPTL packets of {CALLED}:12000 goes to {CALLER}:7078" in told["en"]["title"]
    assert "gehen fehl" in told["de"]["title"]
    assert "learnt from incoming RTP" in told["en"]["causes"]
    row = verdict(**one_way(60, (5, 0)))
    assert (row.verdict, row.cause) == ("suspect", "no-media")


@pytest.mark.parametrize("scene", [one_way(60, (4, 0)), one_way(60, (60, 1))])
def test_silent_where_fax_packets_arrive_or_few_are_sent(scene):
    assert asked(RULE, **scene) == []


def test_a_fax_is_as_good_as_audio():
    row = verdict(**faxed(25))
    assert row.verdict == "ok"
    alone = faxed(25)
    alone |= {"phases": alone["phases"][1:], "rtp_streams": []}
    alone["sdp_media"] = alone["sdp_media"][2:]
    row = verdict(**alone)
    assert (row.verdict, "T.38" in row.headline) == ("ok", True)


@pytest.mark.parametrize(
    ("answered", "nominated", "waits"), [(3, False, True), (2, False, False), (3, True, False)]
)
def test_checks_that_succeed_and_nominate_no_pair(answered, nominated, waits):
    pair = good()["pairs"][0] | {"answered": answered, "nominated": nominated}
    (found,) = asked(RULE, rtp_streams=LEG_2, dtls=[], pairs=[pair])
    assert ("waiting" in found.tags) is waits
    told = told_both(found, RULE)["en"]
    assert ("no pair was nominated" in told["detail"]) is waits
    assert ("USE-CANDIDATE" in told["remedies"]) is waits


SRC, SRS = "192.0.2.10", "192.0.2.20"


def recorded(
    *silent, offered="sendonly", answered="recvonly", ports=((7078, 7080), (12000, 12002)), **changes
):
    """A recorder gets two parties in a section each; ``silent`` are the numbers of those that stay empty."""
    base = foreign()
    plain = {"ufrag": None, "setup": None, "fingerprint": None, "proto": "RTP/AVP"}
    said = [
        section(connection_addr=SRC, port=port, direction=offered, sdp_owner="src", **plain)
        for port in ports[0]
    ] + [
        section(
            connection_addr=SRS, port=port, direction=answered, sdp_owner="srs", time=0.5, frame=5, **plain
        )
        for port in ports[1]
    ]
    media = [
        plain_stream(SRC, SRS, leg=1, src_port=ports[0][n], dst_port=ports[1][n], ssrc=n, **changes)
        for n in range(2)
        if n not in silent
    ]
    return {"base": base, "sdp_media": said, "rtp_streams": media}


def test_one_of_two_sections_that_stays_empty():
    (found,) = [each for each in asked(RULE, **recorded(1)) if "section" in each.tags]
    assert (found.verdict, found.confidence, found.facts["nth"]) == ("suspect", 0.7, 2)
    told = told_both(found, RULE)
    assert f"{SRC} sends to {SRS}:12000, and nothing to {SRS}:12002" in told["en"]["title"]
    assert "Eine fehlt also in der Aufzeichnung" in told["de"]["detail"]
    assert verdict(**recorded(1)).cause == "no-media"


def test_an_empty_section_counts_though_the_other_has_media_both_ways():
    scene = recorded(1, offered="sendrecv", answered="sendrecv")
    back = plain_stream(SRS, SRC, leg=1, src_port=12000, dst_port=7078, ssrc=9)
    judged = verdict(**{**scene, "rtp_streams": [*scene["rtp_streams"], back]})
    assert (judged.verdict, judged.cause, judged.media_ok) == ("suspect", "no-media", True)
    (found,) = [each for each in asked(RULE, **scene) if each.tags == {"section"}]
    told = told_both(found, RULE)
    assert "recorded" not in "".join(told["en"]["causes"] + told["en"]["remedies"])


@pytest.mark.parametrize(
    "scene",
    [
        recorded(),
        recorded(0, 1),
        recorded(1, packets=3),
        recorded(1, answered="inactive"),
        recorded(1, ports=((7078, 7080), (12000, 0))),
        recorded(1, ports=((7078, 7080), (12000, 12000))),
    ],
    ids=["both come", "none comes", "a few packets", "nothing due", "refused", "bundled"],
)
def test_silent_about_sections_that_get_media_or_need_none(scene):
    assert all("section" not in found.tags for found in asked(RULE, **scene))
