"""Calls of other systems, and calls out of the ordinary: no false fault, no wording of a product they do not know."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from postproc.diagnose import diagnose
from postproc.model.text import LANGS
from postproc.read import deployment
from tests.builders import GATEWAY, SERVER
from tests.diagnose.scenes import (
    CLIENT_PORT,
    CLIENT_PRIVATE,
    CLIENT_PUBLIC,
    SERVER_PORT,
    SERVER_PUBLIC,
    Scene,
    candidate,
    check,
    foreign,
    leg,
    message,
    plain_stream,
    section,
    stream,
    tables,
    unanswered,
)

ONE, OTHER = "192.0.2.10", "192.0.2.20"
WORDING = ("XPhone", "XCC", "Pin Hole", "WebApi", "sipsorcery", "Admin", "FreeSWITCH", "ext-rtp-ip")
XPHONE = deployment.read("xphone")
Changes = Mapping[str, Sequence[Mapping[str, Any]]]


def plain(owner: str, addr: str, port: int, **changes: Any) -> dict[str, Any]:
    return (
        section(
            sdp_owner=owner,
            connection_addr=addr,
            port=port,
            ufrag=None,
            setup=None,
            fingerprint=None,
            proto="RTP/AVP",
        )
        | changes
    )


def first_leg(**changes: Any) -> dict[str, Any]:
    ends = {"uac_addr": ONE, "uas_addr": OTHER, "uac_agent": "Linphone/4", "uas_agent": "Asterisk PBX 18"}
    return leg(1, **ends | {"role": "single"} | changes)


def webrtc() -> Scene:
    """A browser that calls Asterisk: mDNS and srflx candidates, ICE, DTLS-SRTP both ways."""
    agents = {"uac_agent": "SIP.js/0.20", "uas_agent": "Asterisk PBX 18", "transport": "ws", "role": "single"}
    return foreign() | {
        "legs": [leg(1, **agents)],
        "sdp_media": [
            section(sdp_owner="mozilla..."),
            section(
                sdp_owner="root",
                connection_addr=SERVER_PUBLIC,
                port=SERVER_PORT,
                ufrag="server",
                setup="active",
                time=0.2,
                frame=5,
            ),
        ],
        "candidates": [
            candidate("client", "4f6a.local", "mdns", sdp_owner="-"),
            candidate("client", CLIENT_PUBLIC, "documentation", "srflx", sdp_owner="-"),
            candidate("server", SERVER_PUBLIC, "documentation", sdp_owner="root"),
        ],
        "bindings": [check(), check("client_to_server", time=1.1)],
        "pairs": [{"call": 1, "leg": 1, "state": "succeeded", "sent": 2, "answered": 2}],
        "dtls": [
            {
                "call": 1,
                "leg": 1,
                "client_addr": SERVER,
                "client_port": SERVER_PORT,
                "server_addr": CLIENT_PUBLIC,
                "server_port": CLIENT_PORT,
                "state": "complete",
                "completed": 1.3,
                "fingerprint_matches": True,
            }
        ],
        "rtp_streams": [stream(), stream("client_to_server")],
    }


def over_ipv6() -> Scene:
    server, client = ("2001:db8::10", SERVER_PORT), ("2001:db8:1::77", CLIENT_PORT)
    there = {"src_addr": server[0], "dst_addr": client[0]}
    back = {"src_addr": client[0], "dst_addr": server[0]}
    return webrtc() | {
        "candidates": [
            candidate("client", client[0], "documentation", sdp_owner="-"),
            candidate("server", server[0], "documentation", sdp_owner="root"),
        ],
        "bindings": [check(**there), check("client_to_server", time=1.1, **back)],
        "dtls": [],
        "rtp_streams": [stream(**there), stream("client_to_server", **back)],
    }


def relayed() -> Scene:
    """Both ways through a TURN server; the direct checks died."""
    relay = {"src_addr": "192.0.2.99", "src_port": 50100}
    return webrtc() | {
        "candidates": [
            *webrtc()["candidates"],
            candidate("client", "192.0.2.99", "documentation", "relay", port=50100),
        ],
        "bindings": [*unanswered(6), check("client_to_server", time=2.1, **relay)],
        "rtp_streams": [
            stream(dst_addr="192.0.2.99", dst_port=50100),
            stream("client_to_server", **relay),
        ],
    }


def held() -> Scene:
    """Held by re-INVITE after ten seconds, music on hold one way until the end."""
    return foreign() | {
        "sdp_media": [
            *foreign()["sdp_media"],
            plain("lin", ONE, 7078, direction="sendonly", time=10.0, frame=40),
            plain("root", OTHER, 12000, direction="recvonly", time=10.1, frame=41),
        ],
        "rtp_streams": [
            plain_stream(ONE, OTHER, leg=1, packets=850),
            plain_stream(OTHER, ONE, leg=1, packets=350, last_time=10.0),
        ],
    }


def latching() -> Scene:
    """The phone names its private address; the server answers to where its packets come from."""
    return foreign() | {
        "sdp_media": [plain("phone", "192.168.7.7", 5004), plain("root", OTHER, 12000, time=0.5, frame=5)],
        "rtp_streams": [
            plain_stream("198.51.100.9", OTHER, leg=1, src_port=61000, dst_port=12000),
            plain_stream(OTHER, "198.51.100.9", leg=1, src_port=12000, dst_port=61000),
        ],
    }


def with_video() -> Scene:
    video = [
        plain("lin", ONE, 7080, media="video", codecs="96=H264/90000", formats="96"),
        plain("root", OTHER, 0, media="video", codecs="96=H264/90000", formats="96", time=0.5, frame=5),
    ]
    return foreign() | {"sdp_media": [*foreign()["sdp_media"], *video]}


def fax() -> Scene:
    image = [
        plain("root", OTHER, 4000, media="image", codecs=None, formats="t38", time=8.0, frame=40),
        plain("lin", ONE, 4002, media="image", codecs=None, formats="t38", time=8.1, frame=41),
    ]
    short = {"last_time": 8.0, "packets": 250}
    return foreign() | {
        "sdp_media": [*foreign()["sdp_media"], *image],
        "rtp_streams": [plain_stream(ONE, OTHER, leg=1, **short), plain_stream(OTHER, ONE, leg=1, **short)],
    }


def still_up() -> Scene:
    return foreign() | {
        "captures": [{"first_time": 0.0, "last_time": 20.0, "packets": 4000}],
        "legs": [first_leg(end_time=None, ended_by=None, state="established")],
        "calls": [dict(foreign()["calls"][0]) | {"end": None}],
        "sip_messages": [row for row in foreign()["sip_messages"] if row.get("method") != "BYE"],
    }


def silent_talker() -> Scene:
    sparse = {"packets": 18, "expected": 18, "max_gap_ms": 2000.0}
    return foreign() | {
        "rtp_streams": [plain_stream(ONE, OTHER, leg=1), plain_stream(OTHER, ONE, leg=1, **sparse)]
    }


def voicemail() -> Scene:
    """A call to the server itself."""
    return foreign() | {"legs": [first_leg(uas_agent="FreeSWITCH-mod_sofia/1.10")]}


def failed(status: int | None, state: str = "failed", **changes: Any) -> Scene:
    ended = first_leg(final_status=status, state=state, answer_time=None, end_time=4.0, **changes)
    return foreign() | {
        "calls": [dict(foreign()["calls"][0]) | {"final_status": status, "answer": None, "end": 4.0}],
        "legs": [ended],
        "sip_messages": [
            message(1, "INVITE", 0.0, frame=1),
            message(1, 183, 0.2, frame=5, has_sdp=True),
            message(1, status or 487, 4.0, frame=9),
        ],
        "rtp_streams": [],
    }


GOOD: dict[str, Scene] = {
    "plain SIP": foreign(),
    "WebRTC": webrtc(),
    "IPv6": over_ipv6(),
    "TURN": relayed(),
    "hold": held(),
    "latching": latching(),
    "video refused": with_video(),
    "T.38": fax(),
    "still up": still_up(),
    "DTX": silent_talker(),
    "voicemail": voicemail(),
    "redirected": failed(302),
    "not available": failed(480),
    "declined": failed(603),
    "cancelled in early media": failed(487, "cancelled"),
}


@pytest.mark.parametrize("name", GOOD)
def test_a_good_call_of_another_system_is_ok(name: str):
    judged, _ = diagnose(tables(base=GOOD[name]), XPHONE)
    row = judged.calls.iloc[0]
    assert (row.verdict, judged.calls["cause"].isna().all()) == ("ok", True)
    assert set(judged.findings["verdict"]) <= {"note"}


def bypassing() -> Scene:
    return foreign() | {"rtp_streams": []}


def announcement() -> Scene:
    one_way = [plain("lin", ONE, 7078), plain("root", OTHER, 12000, direction="sendonly", time=0.5, frame=5)]
    return foreign() | {"sdp_media": one_way, "rtp_streams": [plain_stream(OTHER, ONE, leg=1)]}


DOUBT: dict[str, Scene] = {"media bypasses the capture": bypassing(), "announcement": announcement()}


@pytest.mark.parametrize("name", DOUBT)
def test_where_nothing_can_be_told_it_says_so(name: str):
    judged, _ = diagnose(tables(base=DOUBT[name]), XPHONE)
    assert judged.calls.iloc[0].verdict == "cannot_tell"
    assert set(judged.findings["verdict"]) <= {"note", "cannot_tell"}


BAD: dict[str, tuple[Scene, str]] = {
    "WebRTC": (
        webrtc() | {"bindings": unanswered(6), "pairs": [], "dtls": [], "rtp_streams": []},
        "no-binding-success",
    ),
    "IPv6": (
        over_ipv6() | {"bindings": unanswered(6, dst_addr="2001:db8:1::77"), "pairs": [], "rtp_streams": []},
        "no-binding-success",
    ),
    "rejected": (failed(503), "call-rejected"),
    "DTLS": (
        webrtc()
        | {
            "rtp_streams": [],
            "dtls": [
                dict(webrtc()["dtls"][0])
                | {"state": "client_hello_only", "client_hellos": 5, "started": 1.2, "completed": None}
            ],
        },
        "dtls-incomplete",
    ),
    "one way": (webrtc() | {"rtp_streams": [stream()]}, "one-way-media"),
    "private": (
        webrtc()
        | {
            "candidates": [
                candidate("client", CLIENT_PRIVATE, "private", sdp_owner="-"),
                candidate("server", SERVER, "private", sdp_owner="root"),
            ],
            "bindings": unanswered(6, dst_addr=CLIENT_PRIVATE),
            "pairs": [],
            "dtls": [],
            "rtp_streams": [],
        },
        "public-candidate-missing",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_a_broken_call_of_another_system_is_told_in_words_it_knows(name: str):
    base, cause = BAD[name]
    for lang in LANGS:
        judged, _ = diagnose(tables(base=base), XPHONE, lang=lang)
        assert judged.calls.iloc[0].cause == cause
        said = " ".join(
            str(value)
            for column in ("title", "detail", "causes", "remedies")
            for value in judged.findings[column]
        )
        assert [word for word in WORDING if word in said] == []


def test_headlines_of_the_extraordinary():
    told = {
        name: diagnose(tables(base=base), XPHONE)[0].calls.iloc[0].headline
        for name, base in (GOOD | DOUBT).items()
    }
    assert told["redirected"] == "The call was redirected (302)."
    assert told["not available"] == "The called party was not available (480)."
    assert told["announcement"].startswith("Nothing wrong is seen; media flows in one direction only")
    assert told["media bypasses the capture"].startswith("No media of leg 1 is in the capture. The caller (")
    assert told["latching"].startswith("Media flows both ways (850 and 850 packets). The caller (")


def test_the_gateways_leg_of_a_call_without_ice_is_judged_like_any_other():
    one_way = [plain_stream(ONE, GATEWAY, leg=1)]
    base = foreign() | {"rtp_streams": one_way, "legs": [first_leg() | {"uas_addr": GATEWAY}]}
    judged, _ = diagnose(tables(base=base), XPHONE)
    assert judged.calls.iloc[0].verdict in ("suspect", "cannot_tell")
