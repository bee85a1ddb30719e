"""Media in one direction only."""

from itertools import pairwise

import pytest

from postproc.diagnose.rules.one_way_media import RULE
from tests import builders
from tests.builders import APP, GATEWAY, SERVER
from tests.diagnose.evidence.test_media import quiet
from tests.diagnose.places import CAPTURES, ENDS, passage
from tests.diagnose.scenes import (
    CLIENT_PUBLIC,
    asked,
    foreign,
    good,
    leg,
    message,
    phase,
    plain_stream,
    section,
    stream,
    told_both,
    unanswered,
    verdict,
)

ONE = "192.0.2.10"


def test_a_client_that_hears_nothing_is_a_fault():
    (found,) = asked(RULE, rtp_streams=[stream("client_to_server")])
    assert (found.verdict, found.leg, found.facts["packets"], found.facts["back"]) == ("fault", 1, 850, 0)
    assert "hört 17 s lang nichts" in told_both(found, RULE)["de"]["detail"]


def test_a_few_packets_back_are_no_audio():
    (found,) = asked(RULE, rtp_streams=[stream("client_to_server"), stream(packets=30, last_time=4.0)])
    assert (found.verdict, found.facts["back"]) == ("fault", 30)


def test_the_other_leg_waits_for_the_clients_media():
    broken = {"bindings": unanswered(5), "dtls": [], "pairs": []}
    (found,) = asked(RULE, rtp_streams=[plain_stream(GATEWAY, SERVER)], **broken)
    assert (found.verdict, found.leg, found.tags) == ("suspect", 2, {"lost", "other-leg"})
    row = verdict(rtp_streams=[plain_stream(GATEWAY, SERVER)], **broken)
    assert row.cause == "no-binding-success"


@pytest.mark.parametrize(("hellos", "named"), [(5, True), (4, False)])
def test_a_side_that_sends_zrtp_and_no_media(hellos, named):
    base = foreign()
    media = [
        row | {"zrtp_packets": hellos if row["connection_addr"] != ONE else None} for row in base["sdp_media"]
    ]
    (found,) = asked(RULE, base=base, rtp_streams=[base["rtp_streams"][0]], sdp_media=media)
    told = told_both(found, RULE)["en"]
    assert ("zrtp" in found.tags, "Make ZRTP optional at 192.0.2.20" in told["remedies"]) == (named, named)


def test_a_capture_without_any_packet_back_cannot_tell():
    base = foreign()
    by_proxy = [{**row, "src_addr": "192.0.2.99", "dst_addr": "192.0.2.98"} for row in base["sip_messages"]]
    (found,) = asked(RULE, base=base, sip_messages=by_proxy, rtp_streams=[base["rtp_streams"][0]])
    assert found.verdict == "cannot_tell"
    assert found.settle is not None


def test_a_few_packets_throughout_the_call_are_noted_as_silence():
    sparse = stream("client_to_server", packets=20, expected=20)
    (found,) = asked(RULE, rtp_streams=[stream(), sparse])
    assert (found.verdict, found.facts["back"]) == ("note", 20)
    assert "silence suppression" in told_both(found, RULE)["en"]["detail"]


def test_silent_when_views_of_two_captures_differ_by_nat():
    seen = [
        stream(),
        stream("client_to_server"),
        stream("client_to_server", capture="b.pcapng", src_addr="192.168.1.2"),
    ]
    assert asked(RULE, rtp_streams=seen) == []


def test_silent_on_hold():
    held = [*good()["sdp_media"], section(direction="sendonly", time=5.0)]
    assert asked(RULE, rtp_streams=[stream("client_to_server")], sdp_media=held) == []


def test_silent_when_it_lasted_a_moment_only():
    assert asked(RULE, rtp_streams=[stream("client_to_server", last_time=4.0, packets=50)]) == []


def test_a_side_that_never_came_is_missing_though_the_other_stopped_at_the_end():
    stopped = quiet(packets_from_server=500, last_from_server=9.0)
    (found, *_) = asked(RULE, phases=[stopped], rtp_streams=[stream()])
    assert (found.verdict, found.leg) == ("fault", 1)


def relayed(*back):
    """A phone's stream over a relay to another phone, on one leg, and what comes back."""
    ports = {"src_port": 1000, "dst_port": 1000, "ssrc": 5}
    return [plain_stream(ONE, "192.0.2.5", **ports), plain_stream("192.0.2.5", "192.0.2.20", **ports), *back]


ANSWER = plain_stream("192.0.2.20", "192.0.2.5", src_port=1000, dst_port=1000, ssrc=6)


def test_what_ends_at_a_relay_is_not_heard():
    directed = [
        row | {"direction": way, "leg": 1}
        for row, way in zip(
            relayed(ANSWER), ("client_to_server", "client_to_server", "server_to_client"), strict=True
        )
    ]
    (found,) = asked(RULE, rtp_streams=directed)
    assert (found.facts["source"], found.facts["packets"], found.facts["back"]) == (ONE, 850, 0)
    directed[1]["ssrc"] = 9  # transcoded
    assert [each.facts for each in asked(RULE, rtp_streams=directed)] == [found.facts]


def test_what_a_relay_passes_on_is_heard():
    passed = plain_stream("192.0.2.5", ONE, src_port=1000, dst_port=1000, ssrc=9)  # transcoded
    assert asked(RULE, rtp_streams=relayed(ANSWER, passed)) == []


def test_what_a_relay_passes_on_to_another_place_is_heard():
    """A stream counts at the place nearest to its receiver: what the relay sends to the phone, in the phone's capture."""
    hops = relayed(ANSWER, plain_stream("192.0.2.5", ONE, src_port=1000, dst_port=1000, ssrc=6))
    ways = ("client_to_server", "client_to_server", "server_to_client", "server_to_client")
    directed = [row | {"direction": way, "leg": 1} for row, way in zip(hops, ways, strict=True)]
    directed[3]["counted_in"] = "phone.pcapng"
    behind_nat = directed[3] | {"dst_addr": "192.168.178.20", "capture": "phone.pcapng", "packets": 490}
    assert asked(RULE, rtp_streams=[*directed, behind_nat | {"counted_in": None}]) == []


def wanting(reason='Q.850;cause=604;text="MEDIA_TIMEOUT"', leg=1, **changes):
    """The server ends a leg for want of media."""
    source, target = ((SERVER, APP), (SERVER, GATEWAY))[leg - 1]
    ends = {"src_addr": source, "dst_addr": target, "reason_header": reason, "frame": 29}
    bye = message(leg, "BYE", 20.0, **ends | changes)
    return {"sip_messages": [row for row in good()["sip_messages"] if row.get("method") != "BYE"] + [bye]}


@pytest.mark.parametrize(
    "reason", [None, 'SIP ;cause=200; text="RTP Timeout"', 'SIP;cause=480;text="Media inactivity"']
)
def test_media_that_its_receiver_does_not_get_is_one_way_though_sent_to_the_last(reason):
    scene = wanting(**{"reason": reason} if reason else {})
    (found,) = asked(RULE, **scene)
    assert (found.verdict, found.confidence, found.leg, found.facts["packets"]) == ("suspect", 0.7, 1, 850)
    told = told_both(found, RULE)
    assert told["en"]["title"].startswith(f"{SERVER} ended the call for want of media (")
    assert "850 Pakete dorthin" in told["de"]["title"]
    row = verdict(**scene)
    assert (row.verdict, row.cause) == ("suspect", "one-way-media")


@pytest.mark.parametrize(
    "changes",
    [
        {"reason": 'Q.850;cause=16;text="NORMAL_CLEARING"'},
        {"reason": 'SIP;cause=408;text="Request Timeout"'},
        {"time": 22.1},  # it had stopped
        {"src_addr": "10.0.50.9"},  # nothing goes to there
    ],
)
def test_silent_where_nobody_lacks_media_that_are_sent(changes):
    scene = wanting(**{key: value for key, value in changes.items() if key != "time"})
    scene["sip_messages"][-1]["time"] = builders.at(changes["time"]) if "time" in changes else 20.0
    assert asked(RULE, **scene) == []


def test_media_go_to_the_address_that_was_described():
    (found,) = asked(RULE, **wanting(src_addr=APP, dst_addr=SERVER))
    assert (found.facts["target"], found.facts["source"]) == (APP, SERVER)


def test_who_lacks_media_and_sent_none_is_told_so():
    (found,) = asked(RULE, **wanting(), rtp_streams=[stream("client_to_server")])
    assert "itself sent no media on this leg" in told_both(found, RULE)["en"]["detail"]


ADDRESSES = {"local_addr": SERVER, "remote_addr": APP}
LISTENS = ADDRESSES | {"may_send_client": False, "packets_from_client": 0, "last_from_client": None}


@pytest.mark.parametrize(("kind", "before"), [("answered", []), ("hold", [phase(ended=9.0, **ADDRESSES)])])
def test_a_media_timeout_that_does_not_spare_listeners_and_holds(kind, before):
    heard = [stream(), *(stream("client_to_server", last_time=9.0) for _ in before)]
    heard += [plain_stream(SERVER, GATEWAY), plain_stream(GATEWAY, SERVER)]
    held = phase(phase=2, kind=kind, started=9.0 if before else 3.0, **LISTENS)
    scene = wanting() | {"rtp_streams": heard, "phases": [*before, held]}
    (found,) = asked(RULE, **scene)
    assert (found.verdict, found.confidence, found.tags) == ("suspect", 0.8, {"not-due"})
    told_both(found, RULE)
    row = verdict(**scene)
    assert (row.verdict, row.cause) == ("suspect", "one-way-media")


@pytest.mark.parametrize(
    "changes",
    [
        {"may_send_client": True},
        {"may_send_client": None},
        {"kind": "early"},
        {"local_addr": "10.0.50.9"},
        {"local_addr": APP, "remote_addr": SERVER},  # the side that may send is the one that is missed
    ],
)
def test_silent_on_a_media_timeout_while_media_were_due(changes):
    found = asked(RULE, **wanting(), rtp_streams=[stream()], phases=[phase(**LISTENS | changes)])
    assert [each.tags for each in found] == [{"lost", "starved"}]


def test_silent_of_a_leg_that_is_ended_because_another_one_was():
    scene = wanting(leg=2)
    first = message(1, "BYE", 19.9, src_addr=SERVER, dst_addr=APP, frame=28)
    scene["sip_messages"].insert(-1, first)
    assert asked(RULE, **scene) == []


PHONE, BOX = "192.168.178.42", "192.168.178.1"


def one_leg(told, phone=PHONE, box=BOX, media=None):
    """A phone whose RTP goes to a box and which hears nothing; ``told``: its own address in SDP."""
    plain = {"proto": "RTP/AVP", "ufrag": None, "setup": None, "fingerprint": None}
    to, back = {"src_addr": phone, "dst_addr": box}, {"src_addr": box, "dst_addr": phone}
    return {
        "legs": [leg(1, role="single", uac_addr=phone, uas_addr=box, uac_agent="Phone", uas_agent="Box")],
        "calls": [good()["calls"][0] | {"legs": 1}],
        "sip_messages": [
            message(1, "INVITE", 0.0, frame=1, from_tag="a", cseq=1, has_sdp=True, **to),
            message(1, 200, 3.0, frame=5, from_tag="a", to_tag="b", cseq=1, has_sdp=True, **back),
            message(1, "BYE", 20.0, frame=9, from_tag="a", to_tag="b", cseq=2, **to),
        ],
        "sdp_media": [
            section(connection_addr=told, port=7078, **plain),
            section(time=3.0, frame=5, sdp_owner="box", connection_addr=media or box, port=7082, **plain),
        ],
        "bindings": [],
        "pairs": [],
        "dtls": [],
        "candidates": [],
        "rtp_streams": [plain_stream(phone, media or box, leg=1, src_port=7078, dst_port=7082)],
    }


@pytest.mark.parametrize(
    ("told", "tags", "said"),
    [
        ("198.51.100.42", {"lost", "told", "starved"}, "wants media at 198.51.100.42"),
        (BOX, {"lost", "told", "starved"}, "which is the address of 192.168.178.1 itself"),
        ("media.example.net", {"lost", "name", "starved"}, "but the host name media.example.net"),
        (PHONE, {"lost", "starved"}, "192.168.178.42 ended the call itself, 17 s after its first packet."),
        (None, {"garbled", "starved"}, "(frame 1) has no address in its c= line"),
        ("0.0.0.0", {"garbled", "starved"}, "(frame 1) has no address in its c= line"),
    ],
)
def test_an_address_of_its_own_that_does_not_fit_is_told(told, tags, said):
    (found,) = asked(RULE, **one_leg(told))
    assert (found.verdict, found.tags) == ("suspect", tags)
    assert said in told_both(found, RULE)["en"]["detail"]


@pytest.mark.parametrize(
    ("phone", "media", "expected"),
    [
        (PHONE, "203.0.113.9", ("suspect", 0.6)),  # seen in the phone's own network, where SIP comes in
        (PHONE, "192.168.99.9", ("cannot_tell", 0.5)),
        ("198.51.100.7", "203.0.113.9", ("cannot_tell", 0.5)),
    ],
)
def test_media_from_a_machine_of_which_nothing_is_seen(phone, media, expected):
    (found,) = asked(RULE, **one_leg(phone, phone, media=media))
    assert (found.verdict, found.confidence) == expected


def bridged(**changes):
    """Leg 2's far end speaks and hears nothing; leg 1's audio comes to the server."""
    plain = [dict(row) | {"ufrag": None, "fingerprint": None} for row in good()["sdp_media"]]
    first = phase(local_addr=SERVER) | changes
    second = phase(2, local_addr=SERVER, packets_from_server=0, first_from_server=None, last_from_server=None)
    legs = [leg(1, uac_agent="Phone", uas_agent="PBX"), leg(2, uac_agent="PBX")]
    streams = [
        plain_stream(APP, SERVER, leg=1),
        plain_stream(SERVER, APP, leg=1),
        plain_stream(GATEWAY, SERVER),
    ]
    quiet_tables = {"bindings": [], "pairs": [], "dtls": [], "candidates": []}
    told = {"sdp_media": plain, "legs": legs, "rtp_streams": streams, "phases": [first, second]}
    return told | quiet_tables


def test_a_server_that_gets_the_audio_and_does_not_pass_it_on():
    (found,) = [each for each in asked(RULE, **bridged()) if each.leg == 2]
    assert (found.tags, found.facts["other"]) == ({"fed"}, 1)
    assert "from the other end of leg 1, but" in told_both(found, RULE)["en"]["detail"]


@pytest.mark.parametrize(
    "changes",
    [{"packets_from_client": 3}, {"kind": "hold"}, {"kind": "early"}, {"started": 0.0, "ended": 2.9}],
)
def test_a_server_that_gets_no_audio_then_has_nothing_to_pass_on(changes):
    found = [each for each in asked(RULE, **bridged(**changes)) if each.leg == 2]
    assert all("fed" not in each.tags for each in found)


def of_vpn(named="198.51.100.61", heard="10.8.0.10", server="192.168.3.5", back=None, sip_from=None):
    """A phone in the VPN names a public address; the server's RTP goes there, the phone's comes from the VPN."""
    scene = one_leg(named, sip_from or heard, server)
    came = plain_stream(heard, server, leg=1, direction="client_to_server", src_port=7078, dst_port=7082)
    went = plain_stream(server, named, leg=1, direction="server_to_client", src_port=7082, dst_port=7078)
    streams = [came, went]
    returned = [came | {"src_addr": back, "ssrc": 9}] if back else []
    return scene | {"rtp_streams": [*streams, *returned]}


def test_media_that_leave_for_the_public_address_of_a_phone_in_the_same_vpn_do_not_arrive():
    row = verdict(**of_vpn())
    assert (row.verdict, row.cause) == ("suspect", "one-way-media")
    (found,) = asked(RULE, **of_vpn())
    assert "wants media at 198.51.100.61" in told_both(found, RULE)["en"]["detail"]


@pytest.mark.parametrize(
    "scene",
    [
        of_vpn(named="10.8.0.11"),
        of_vpn(heard="198.51.100.62"),
        of_vpn(server="203.0.113.5"),
        of_vpn(back="198.51.100.61"),
        of_vpn(sip_from="10.8.0.1"),
    ],
    ids=["a private one", "it speaks from outside", "a public server", "seen to send", "by way of a proxy"],
)
def test_silent_where_such_an_address_may_be_reached(scene):
    assert asked(RULE, **scene) == []


@pytest.mark.parametrize("places", [("server", "client"), ("server", "wan", "client")])
def test_both_directions_meet_where_nat_is_between_the_places_of_a_plain_call(places):
    """Each direction counts at its receiver's place, under addresses that the other place does not have."""
    base = foreign()
    (source, _), (target, _) = ENDS["client"]
    down = base["rtp_streams"][1] | {"src_addr": source, "dst_addr": target, "capture": CAPTURES["client"]}
    up = base["rtp_streams"][0] | {"src_addr": CLIENT_PUBLIC, "dst_addr": SERVER}
    early = down | {"capture": CAPTURES["server"], "src_addr": SERVER, "packets": 5, "ssrc": 9}
    streams = [up, down, early | {"first_time": 0.5, "last_time": 0.6}]
    stretches = [*pairwise(places)]
    passed = [
        *(passage(*each, 850, 850, kind="rtp", leg=1) for each in stretches),
        *(passage(*each[::-1], 850, 850, "client_to_server", kind="rtp", leg=1) for each in stretches),
    ]
    assert asked(RULE, base=base, rtp_streams=streams, passages=passed) == []
    (found,) = asked(RULE, base=base, rtp_streams=streams[:1] + streams[2:], passages=passed)
    assert found.facts["back"] == 0


def test_the_far_end_of_the_other_leg_does_not_wait_for_the_clients_media():
    """Only the server waits, and only as long as it has nothing to pass on."""
    silent_far = [stream(), stream("client_to_server"), plain_stream(SERVER, GATEWAY)]
    ends = {"local_addr": SERVER, "remote_addr": GATEWAY, "packets_from_client": 0}
    (found,) = asked(RULE, rtp_streams=silent_far, phases=[phase(), phase(2, **ends)])
    assert found.tags == {"lost", "starved"}
    (found,) = asked(RULE, rtp_streams=[plain_stream(GATEWAY, SERVER)], phases=[phase(2, **ends)])
    assert found.tags == {"lost", "other-leg"}


def test_a_side_that_hears_nothing_and_does_not_hang_up_itself():
    scene = one_leg(PHONE)
    ends = {"src_addr": BOX, "dst_addr": PHONE}
    scene["sip_messages"][-1] = message(1, "BYE", 20.0, frame=9, from_tag="b", to_tag="a", cseq=2, **ends)
    (found,) = asked(RULE, **scene)
    assert found.tags == {"lost"}


@pytest.mark.parametrize(("packets", "feeds"), [(400, True), (3, False)])
def test_a_relay_that_gets_the_audio_on_its_other_hop_and_does_not_pass_it_on(packets, feeds):
    scene = one_leg(PHONE)
    far = "203.0.113.77"
    onward = plain_stream(BOX, far, leg=1, src_port=9000, dst_port=9002)
    coming = plain_stream(far, BOX, leg=1, src_port=9002, dst_port=9000, packets=packets)
    scene["rtp_streams"] = [*scene["rtp_streams"], onward, coming]
    found = next(each for each in asked(RULE, **scene) if each.facts["source"] == PHONE)
    assert ("hop" in found.tags) is feeds
    detail = told_both(found, RULE)["en"]["detail"]
    assert (f"from {far}:9002 (400 packets), and {BOX} does not pass it on" in detail) is feeds


@pytest.mark.parametrize(("port", "of_video"), [(4002, True), (0, False)])
def test_a_media_timeout_of_video_that_was_not_due(port, of_video):
    video = section(media="video", port=port, direction="recvonly")
    (found,) = asked(RULE, **wanting(), sdp_media=[*good()["sdp_media"], video])
    assert found.tags == ({"video"} if of_video else {"lost"})
    assert ("of the video agreed on" in told_both(found, RULE)["en"]["detail"]) is of_video


def mute(**changes):
    """A phone whose packets hold nothing, in a call of two."""
    base = foreign()
    first, second = base["rtp_streams"]
    phone, server = 7078, 12000
    sent = first | {"src_port": phone, "dst_port": server} | changes
    return {"base": base, "rtp_streams": [sent, second | {"src_port": server, "dst_port": phone}]}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"bytes": 850 * 12}, "headers without any payload"),
        ({"bytes": 850 * 22, "secured": True}, "headers without any payload"),
        (
            {"codec": "telephone-event", "payload_type": 101, "packets": 60, "bytes": 60 * 16},
            "pressed keys alone",
        ),
    ],
)
def test_packets_in_which_nobody_is_heard_are_no_audio(changes, words):
    (found,) = asked(RULE, **mute(**changes))
    assert (found.verdict, found.tags) == ("suspect", {"wordless"})
    told = told_both(found, RULE)
    assert f"and back {changes.get('packets', 850)} in which nobody can be heard" in told["en"]["title"]
    assert words in told["en"]["detail"]
    assert "Mikrofon" in told["de"]["remedies"]
    row = verdict(**mute(**changes))
    assert (row.verdict, row.cause) == ("suspect", "one-way-media")


@pytest.mark.parametrize(
    "changes",
    [
        {"bytes": 850 * 12 + 1},
        {"bytes": 850 * 13},
        {"bytes": 850 * 23, "secured": True},
        {"bytes": None},
        {"codec": "telephone-event", "payload_type": 101, "other_payload_types": "8", "bytes": 850 * 16},
    ],
)
def test_silent_where_packets_hold_something(changes):
    assert asked(RULE, **mute(**changes)) == []
    assert "codec" in changes or verdict(**mute(**changes)).verdict == "ok"


@pytest.mark.parametrize(("packets", "is_open"), [(5, True), (4, False)])
def test_video_that_comes_without_audio_shows_that_the_path_is_open(packets, is_open):
    base = foreign()
    sent, back = base["rtp_streams"]
    of_video = {"media": "video", "payload_type": 96, "last_payload_type": 96, "codec": "H264"}
    streams = [sent, back | of_video | {"packets": packets}]
    (found,) = asked(RULE, base=base, rtp_streams=streams)
    told = told_both(found, RULE)
    assert (found.verdict, found.tags) == ("suspect", {"open"} if is_open else {"lost"})
    assert ("the path is open, and only audio is missing" in told["en"]["detail"]) == is_open
    assert ("firewall" in told["en"]["causes"]) != is_open
    assert ("Stummschaltung, Mikrofon" in told["de"]["remedies"]) == is_open


def to_placeholder(port=9, named=9, **ice):
    base = foreign()
    sent, _ = base["rtp_streams"]
    said = {"from_tag": "a", "cseq": 1, "has_sdp": True, "call_id": "a@x"}
    one, other = {"src_addr": ONE, "dst_addr": "192.0.2.20"}, {"src_addr": "192.0.2.20", "dst_addr": ONE}
    offer, answer = base["sdp_media"]
    return base | {
        "sip_messages": [
            message(1, "INVITE", 0.0, frame=1, **said, **one),
            message(1, 200, 0.5, frame=5, to_tag="b", **said, **other),
            message(1, "BYE", 30.0, frame=90, **said, **other),
        ],
        "sdp_media": [offer | ice, answer | {"port": named} | ice],
        "rtp_streams": [sent | {"dst_port": port}],
    }


def test_media_go_to_the_placeholder_of_a_description_for_ice():
    (found,) = asked(RULE, base=to_placeholder())
    assert (found.verdict, found.tags) == ("suspect", {"placeholder"})
    told = told_both(found, RULE)
    assert "go to port 9 (discard)" in told["en"]["detail"]
    assert "ICE=remove" in told["en"]["remedies"]
    assert "Platzhalter" in told["de"]["detail"]


@pytest.mark.parametrize(
    "scene", [to_placeholder(port=12000), to_placeholder(named=12000), to_placeholder(ufrag="abcd")]
)
def test_another_port_than_the_placeholder_is_none(scene):
    assert all("placeholder" not in each.tags for each in asked(RULE, base=scene))


def reporting(received):
    """A plain call with one direction of media, whose sender reports to have received so many packets."""
    scene = to_placeholder(port=12000, named=12000)
    return scene | {"rtp_streams": [scene["rtp_streams"][0] | {"sender_received": received}]}


@pytest.mark.parametrize("received", [None, 0, 42])
def test_what_its_receiver_reports_in_small_numbers_is_missing_all_the_same(received):
    (found,) = asked(RULE, base=reporting(received))
    assert (found.verdict, found.tags) == ("suspect", {"lost"})


def test_a_direction_that_its_receiver_reports_is_not_captured():
    (found,) = asked(RULE, base=reporting(800))
    assert asked(RULE, base=reporting(43))[0].tags == {"uncaptured"}
    assert (found.verdict, found.confidence, found.tags) == ("cannot_tell", 0.8, {"uncaptured"})
    told = told_both(found, RULE)
    assert "By its reports 192.0.2.10 received 800 packets meanwhile." in told["en"]["title"]
    assert "Nach den Berichten von 192.0.2.10" in told["de"]["title"]
    assert "asymmetric routing" in told["en"]["causes"]
