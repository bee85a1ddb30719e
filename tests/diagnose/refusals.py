"""Calls that are refused, for the tests of the rules about final failures."""

from collections.abc import Mapping
from typing import Any

from tests.builders import APP, GATEWAY, SERVER
from tests.diagnose.scenes import CLIENT_PRIVATE, CLIENT_PUBLIC, Row, candidate, good, leg, message, section

Changes = dict[str, list[Mapping[str, Any]]]
CAUSE_88 = 'Q.850;cause=88;text="INCOMPATIBLE_DESTINATION"'
OFFERED = "111=opus/48000,8=PCMA/8000,101=telephone-event/8000"
NO_MEDIA: Changes = {"bindings": [], "pairs": [], "dtls": [], "rtp_streams": []}


def call(status: int, **changes: Any) -> Row:
    return dict(good()["calls"][0]) | {"legs": 1, "joined_by": "single", "final_status": status} | changes


def refused_leg(number: int, status: int, **changes: Any) -> Row:
    """A leg that ended by a final failure."""
    none = {"answer_time": None, "progress_time": None, "ringing_time": None}
    return (
        leg(number, final_status=status, final_reason="No", state="failed", end_time=0.002, **none) | changes
    )


def response(number: int, status: int, time: float, **changes: Any) -> Row:
    return message(number, status, time, reason="No", to_tag="t1") | changes


def offer(**changes: Any) -> Row:
    """The client's audio section, its codecs known."""
    return section(formats="111,8,101", codecs=OFFERED) | changes


def at_once(status: int, after: float = 0.002, **changes: Any) -> Changes:
    """One leg, refused by the server with its first and only response."""
    said = {name: changes.pop(name) for name in ("reason_header", "user_agent", "warning") if name in changes}
    return (
        NO_MEDIA
        | {
            "calls": [call(status)],
            "legs": [refused_leg(1, status, role="single")],
            "sip_messages": [
                message(1, "INVITE", 0.0),
                response(1, status, after, **said),
                message(1, "ACK", after + 0.001),
            ],
            "sdp_media": [offer()],
            "candidates": [
                candidate("client", CLIENT_PRIVATE, "private"),
                candidate("client", CLIENT_PUBLIC, "documentation", "srflx"),
            ],
        }
        | changes
    )


def passed_on(status: int, first: int | None = None, **changes: Any) -> Changes:
    """Two legs: the gateway refuses (by ``first``), and the server passes that on."""
    first = status if first is None else first
    later = {"progress_time": 0.1, "end_time": 1.1}
    return (
        NO_MEDIA
        | {
            "calls": [call(status, legs=2)],
            "legs": [refused_leg(1, status, **later), refused_leg(2, first, **later)],
            "sip_messages": [
                message(1, "INVITE", 0.0),
                response(1, 100, 0.01),
                response(1, 183, 0.1, has_sdp=True),
                message(2, "INVITE", 0.3),
                response(2, first, 1.0),
                response(1, status, 1.1),
            ],
            "sdp_media": [
                offer(),
                section(
                    "b@x",
                    sdp_owner="FreeSWITCH",
                    ufrag=None,
                    proto="RTP/AVP",
                    formats="8",
                    codecs="8=PCMA/8000",
                    time=0.3,
                    frame=4,
                ),
            ],
            "candidates": [],
        }
        | changes
    )


def log(kind: str, text: str, frame: int = 7, **changes: Any) -> Row:
    """A line of the server's log about leg 1, at the time of its INVITE."""
    return {
        "capture": "fs.log",
        "frame": frame,
        "time": 0.001,
        "level": "DEBUG",
        "source": "sofia.c",
        "text": text,
        "call_id": "a@x",
        "kind": kind,
    } | changes


__all__ = ["APP", "CAUSE_88", "GATEWAY", "SERVER", "at_once", "call", "log", "offer", "passed_on", "response"]
