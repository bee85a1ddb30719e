"""Media sent to an address that no candidate or SDP names."""

import pytest

from postproc.diagnose.evidence.hops import strays
from postproc.diagnose.rules.media_on_unexpected_path import RULE
from tests.builders import SERVER
from tests.diagnose.scenes import (
    CLIENT_PRIVATE,
    asked,
    check,
    foreign,
    good,
    plain_stream,
    scene,
    stream,
    told_both,
    verdict,
)

ONE, OTHER = "192.0.2.10", "192.0.2.20"


def test_media_to_an_address_nobody_offered_is_suspect():
    stray = plain_stream(OTHER, "192.0.2.99", leg=1, dst_port=4000)
    sent = plain_stream(ONE, OTHER, leg=1, src_port=7078, dst_port=12000)
    (found,) = asked(RULE, base=foreign(), rtp_streams=[sent, stray])
    assert (found.verdict, found.facts["target"]) == ("suspect", "192.0.2.99:4000")
    assert "192.0.2.99:4000" in told_both(found, RULE)["de"]["title"]


STRAY = plain_stream(OTHER, "192.0.2.99", leg=1, src_port=12000, dst_port=4000)
SENT = plain_stream(ONE, OTHER, leg=1, src_port=7078, dst_port=12000)


def test_media_that_leave_who_is_heard_unanswered_go_astray_though_packets_go_both_ways():
    before = plain_stream(OTHER, ONE, leg=1, src_port=12000, dst_port=7078, last_time=STRAY["first_time"])
    scene = {"base": foreign(), "rtp_streams": [before, SENT, STRAY]}
    (found,) = asked(RULE, **scene)
    assert (found.tags, found.facts["heard"]) == ({"astray"}, f"{ONE}:7078")
    assert "192.0.2.99 never sends anything itself" in told_both(found, RULE)["en"]["detail"]
    assert verdict(**scene)["cause"] == "media-on-unexpected-path"


@pytest.mark.parametrize(("until", "found"), [(10.9, True), (11.0, False)])
def test_a_host_that_sends_some_packets_to_a_port_that_latches_is_nobody(until, found):
    before = plain_stream(OTHER, ONE, leg=1, src_port=12000, dst_port=7078, last_time=STRAY["first_time"])
    few = {"packets": 4, "first_time": 8.0, "last_time": until}
    stranger = plain_stream("192.0.2.99", OTHER, leg=1, src_port=4000, dst_port=12000, **few)
    told = asked(RULE, base=foreign(), rtp_streams=[before, SENT, STRAY, stranger])
    assert bool(told) is found
    if found:
        assert (
            "192.0.2.99, which nobody named, had sent 4 packets" in told_both(told[0], RULE)["en"]["detail"]
        )


@pytest.mark.parametrize(
    "changes",
    [
        {"src_port": 12002},  # not the socket that hears
        {"packets": 3},
        {"media": "video"},
        {"first_time": 18.5},
        {"leg": None},
    ],
)
def test_silent_about_media_of_which_that_is_not_known(changes):
    back = plain_stream(OTHER, ONE, leg=1, src_port=12004, dst_port=7078, last_time=2.9)
    assert not strays(scene(base=foreign(), rtp_streams=[back, SENT, STRAY | changes]))


def test_silent_where_the_target_is_an_alternative_address():
    media = [row | {"alternatives": "192.0.2.99 4000"} for row in foreign()["sdp_media"]]
    assert asked(RULE, base=foreign(), rtp_streams=[SENT, STRAY], sdp_media=media) == []


def test_silent_about_a_copy_for_a_recorder():
    back = plain_stream(OTHER, ONE, leg=1, src_port=12000, dst_port=7078)
    assert asked(RULE, base=foreign(), rtp_streams=[back, SENT, STRAY]) == []


def test_silent_when_the_target_sends_from_there_itself():
    nat = plain_stream("192.0.2.99", OTHER, leg=1, src_port=4000, dst_port=12000, packets=3)
    back = plain_stream(OTHER, "192.0.2.99", leg=1, src_port=12000, dst_port=4000)
    assert asked(RULE, base=foreign(), rtp_streams=[nat, back]) == []


def test_silent_while_only_one_description_is_known():
    base = foreign()
    stray = plain_stream(OTHER, "192.0.2.99", leg=1, dst_port=4000)
    assert asked(RULE, base=base, sdp_media=base["sdp_media"][1:], rtp_streams=[stray]) == []


def test_silent_when_audio_goes_both_ways():
    assert asked(RULE, base=foreign()) == []


def beside(port=12001, *, back=None, comes=(), **changes):
    """The phone sends to a port of the server at which nobody is, and hears the server's media from another one."""
    sent = plain_stream(ONE, OTHER, leg=1, src_port=7078, dst_port=port) | changes
    heard = plain_stream(OTHER, ONE, leg=1, src_port=12000, dst_port=7078)
    more = [plain_stream(ONE, OTHER, leg=1, src_port=7078, dst_port=12000) | back] if back else []
    return {"base": foreign(), "rtp_streams": [heard, sent, *more, *comes]}


@pytest.mark.parametrize(("port", "rtcp"), [(12001, True), (12010, False)])
def test_media_to_a_port_of_the_right_host_at_which_nobody_is(port, rtcp):
    (found,) = asked(RULE, **beside(port))
    assert (found.verdict, found.confidence, found.tags) == ("suspect", 0.8, {"astray"})
    told = told_both(found, RULE)
    assert f"Media goes to {OTHER}:{port}" in told["en"]["title"]
    assert f"Von {OTHER}:{port} kommt nie etwas" in told["de"]["detail"]
    assert ("where RTCP belongs" in told["en"]["detail"]) is rtcp
    row = verdict(**beside(port))
    assert (row.verdict, row.cause) == ("suspect", "media-on-unexpected-path")


@pytest.mark.parametrize(
    "scene",
    [
        beside(12000),
        beside(back={"first_time": 9.0}),
        beside(comes=[plain_stream(OTHER, ONE, leg=1, src_port=12001, dst_port=7090, packets=1)]),
        beside(relayed=True),
        beside(last_time=5.9),
        beside(packets=3),
    ],
    ids=["as named", "it changes over", "somebody is there", "in TURN", "not for long", "a few"],
)
def test_silent_about_ports_at_which_somebody_is_or_may_be(scene):
    assert asked(RULE, **scene) == []


PRIVATE = {"dst_addr": CLIENT_PRIVATE}


def on_a_pair(*, outcome="success", **changes):
    """Checks succeed with the client's public candidate; the server's media goes to the private one."""
    checks = [check(), check("client_to_server"), check(outcome=outcome, time=1.5, **PRIVATE)]
    media = [stream(**PRIVATE) | changes, stream("client_to_server"), *good()["rtp_streams"][2:]]
    return {"rtp_streams": media, "bindings": checks}


def test_media_to_a_candidate_that_did_not_prove_to_work():
    scene = on_a_pair(outcome="unanswered")
    (found,) = asked(RULE, **scene)
    assert (found.verdict, found.confidence, found.tags) == ("suspect", 0.8, {"pair"})
    told = told_both(found, RULE)
    assert f"a candidate that did not prove to work: 850 packets from {SERVER}" in told["en"]["title"]
    assert "mit dem kein Check gelang" in told["de"]["detail"]
    assert verdict(**scene).cause == "media-on-unexpected-path"


def test_silent_about_media_on_a_pair_whose_check_succeeded():
    assert asked(RULE, **on_a_pair()) == []
    no_checks = on_a_pair() | {"bindings": []}
    assert all("pair" not in found.tags for found in asked(RULE, **no_checks))
