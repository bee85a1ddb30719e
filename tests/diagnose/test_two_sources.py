"""Audio from two machines at once."""

import pytest

from postproc.diagnose.rules.two_sources import RULE
from tests.diagnose.scenes import asked, foreign, phase, plain_stream, section, told_both, verdict

ONE, OTHER, BESIDE = "192.0.2.10", "192.0.2.20", "192.0.2.30"
PHONE, SERVER, PLAYER = 7078, 12000, 14000
AGREED = phase(local_addr=OTHER, local_port=SERVER, remote_addr=ONE, remote_port=PHONE)


def call(*more, named=False, phases=(AGREED,), **changes):
    """Two phones talk from second 3 on, and a third machine sends to the first one's socket."""
    base = foreign()
    media = [
        plain_stream(ONE, OTHER, leg=1, src_port=PHONE, dst_port=SERVER),
        plain_stream(OTHER, ONE, leg=1, src_port=SERVER, dst_port=PHONE),
        plain_stream(BESIDE, ONE, leg=1, src_port=PLAYER, dst_port=PHONE, first_time=1.0) | changes,
        *more,
    ]
    plain = {"ufrag": None, "setup": None, "fingerprint": None, "proto": "RTP/AVP"}
    early = [section(sdp_owner="early", connection_addr=BESIDE, port=PLAYER, time=0.4, frame=4, **plain)]
    said = [*base["sdp_media"], *(early if named else [])]
    return {"base": base, "rtp_streams": media, "phases": list(phases), "sdp_media": said}


def test_early_media_of_a_branch_that_lost_plays_on():
    (found,) = asked(RULE, **call(named=True))
    assert (found.verdict, found.confidence, found.tags) == ("suspect", 0.7, {"early"})
    told = told_both(found, RULE)
    assert f"from {OTHER}:{SERVER}, and for 17 s also from {BESIDE}:{PLAYER}" in told["en"]["title"]
    assert "had begun 2 s before the answer" in told["en"]["detail"]
    assert "Early Media eines anderen Zweigs" in told["de"]["detail"]
    row = verdict(**call(named=True))
    assert (row.verdict, row.cause) == ("suspect", "two-sources")


def test_a_stranger_that_nobody_named():
    (found,) = asked(RULE, **call(first_time=5.0))
    assert (found.verdict, found.tags, found.facts["seconds"]) == ("suspect", {"stranger"}, 15.0)
    told = told_both(found, RULE)
    assert f"No description of this leg names {BESIDE}" in told["en"]["detail"]
    assert "strictrtp" in told["de"]["remedies"]


@pytest.mark.parametrize(
    "scene",
    [
        call(last_time=5.9),
        call(packets=3),
        call(dst_port=PHONE + 2),
        call(media="video"),
        call(codec="telephone-event"),
        call(ssrc=plain_stream(OTHER, ONE)["ssrc"]),
        call(src_addr=OTHER),
        call(plain_stream(ONE, BESIDE, leg=1, src_port=PHONE, dst_port=PLAYER)),
        call(phases=[AGREED, AGREED | {"phase": 2, "kind": "resumed", "local_addr": BESIDE}]),
        call(phases=[]),
    ],
    ids=[
        "it ends soon",
        "a few packets",
        "another socket",
        "video",
        "keys",
        "both sides of a NAT",
        "one machine",
        "it is spoken to",
        "agreed later",
        "nothing agreed",
    ],
)
def test_silent_where_one_is_heard_or_both_are_wanted(scene):
    assert asked(RULE, **scene) == []
