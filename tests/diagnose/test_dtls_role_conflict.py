"""Both sides DTLS clients, or both servers."""

import pytest

from postproc.diagnose.rules.dtls_role_conflict import RULE
from tests.builders import SERVER
from tests.diagnose.scenes import (
    CLIENT_PORT,
    CLIENT_PUBLIC,
    SERVER_PORT,
    asked,
    good,
    message,
    section,
    told_both,
    verdict,
)

SILENT = [each for each in good()["rtp_streams"] if each["leg"] == 2]
DEAD = {"rtp_streams": [], "dtls": []}


def hello(source, target, frame, kind="client_hello"):
    return {
        "call": 1,
        "leg": 1,
        "src_addr": source[0],
        "src_port": source[1],
        "dst_addr": target[0],
        "dst_port": target[1],
        "content": "handshake",
        "handshake_type": kind,
        "frame": frame,
        "time": 1.0 + frame / 100,
    }


ONE, TWO = (SERVER, SERVER_PORT), (CLIENT_PUBLIC, CLIENT_PORT)
BOTH = DEAD | {"dtls_messages": [hello(ONE, TWO, 30), hello(TWO, ONE, 31)]}


def waiting(offered, answered):
    return DEAD | {
        "sip_messages": [
            message(1, "INVITE", 0.0, frame=1, from_tag="a", cseq=1),
            message(1, 200, 3.0, frame=5, from_tag="a", to_tag="b", cseq=1, has_sdp=True),
        ],
        "sdp_media": [
            section(setup=offered),
            section(sdp_owner="s", setup=answered, ufrag="server", time=3.0, frame=5),
        ],
    }


def test_hellos_from_both_sides_are_a_conflict():
    (found,) = asked(RULE, **BOTH)
    assert (found.verdict, found.tags, found.evidence.frames) == ("fault", {"asking"}, (30, 31))
    assert told_both(found, RULE)["en"]["title"].startswith(
        f"{SERVER} and {CLIENT_PUBLIC} both send a ClientHello"
    )
    assert verdict(**BOTH).cause == "dtls-role-conflict"


@pytest.mark.parametrize("roles", [("passive", "passive"), ("actpass", "holdconn"), ("passive", "actpass")])
def test_two_sides_that_wait_by_their_sdp_are_one(roles):
    (found,) = asked(RULE, **waiting(*roles))
    assert (found.verdict, found.tags) == ("fault", {"waiting"})
    assert f"a=setup:{roles[1]}" in told_both(found, RULE)["de"]["detail"]


@pytest.mark.parametrize(
    "scene",
    [
        BOTH | {"dtls_messages": [*BOTH["dtls_messages"], hello(TWO, ONE, 32, "server_hello")]},
        DEAD | {"dtls_messages": [hello(ONE, TWO, 30), hello(ONE, TWO, 31)]},
        BOTH | {"rtp_streams": good()["rtp_streams"]},
        waiting("actpass", "active"),  # somebody is to begin and does not: another picture
        waiting("passive", "passive") | {"pairs": []},  # the path is not there yet
        good(),
    ],
)
def test_silent(scene):
    assert asked(RULE, **scene) == []
