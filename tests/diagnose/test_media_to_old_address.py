"""Media to an address that its receiver has left."""

import pytest

from postproc.diagnose.rules.media_to_old_address import RULE
from tests.builders import GATEWAY, SERVER
from tests.diagnose.scenes import (
    CLIENT_PORT,
    CLIENT_PUBLIC,
    SERVER_PORT,
    asked,
    check,
    good,
    plain_stream,
    section,
    stream,
    told_both,
    verdict,
)

OLD, NEW, TRUNK = (GATEWAY, 11800), (GATEWAY, 11900), (SERVER, 30010)


def phase(number: int, started: float, ended: float, remote=OLD, **changes):
    return {
        "call": 1,
        "leg": 2,
        "phase": number,
        "kind": "answered",
        "started": started,
        "ended": ended,
        "frame": 20 + number,
        "time": started,
        "opened_by": 40 + number,
        "may_send_client": True,
        "may_send_server": True,
        "local_addr": TRUNK[0],
        "local_port": TRUNK[1],
        "remote_addr": remote[0],
        "remote_port": remote[1],
        "packets_from_client": 300,
        "packets_from_server": 300,
    } | changes


PHASES = [phase(1, 3.0, 10.0), phase(2, 10.0, 20.0, NEW)]
STALE = plain_stream(SERVER, GATEWAY, src_port=TRUNK[1], dst_port=OLD[1], src_side="server", frame=50)
FIRST = plain_stream(GATEWAY, SERVER, src_port=OLD[1], dst_port=TRUNK[1], last_time=10.0, ssrc=5)
THEN = plain_stream(GATEWAY, SERVER, src_port=NEW[1], dst_port=TRUNK[1], first_time=10.1, ssrc=9)


def stale(**changes):
    return asked(RULE, **({"phases": PHASES, "rtp_streams": [STALE, FIRST, THEN]} | changes))


def test_who_sends_to_the_old_address_is_a_suspicion():
    (found,) = stale()
    assert (found.verdict, found.leg, found.facts["seconds"]) == ("suspect", 2, 10.0)
    shown = told_both(found, RULE)
    assert f"goes on sending to {GATEWAY}:11800" in shown["en"]["title"]
    assert f"own media comes from {GATEWAY}:11900" in shown["en"]["detail"]


def test_it_counts_though_media_is_seen_both_ways():
    row = verdict(phases=PHASES, rtp_streams=[stream(), stream("client_to_server"), STALE, FIRST, THEN])
    assert (row.verdict, row.cause) == ("suspect", "media-to-old-address")


REFUSED = {
    "call": 1,
    "leg": 2,
    "frame": 90,
    "time": 12.0,
    "reporter": GATEWAY,
    "version": 4,
    "type": 3,
    "code": 3,
    "src_addr": SERVER,
    "src_port": TRUNK[1],
    "dst_addr": GATEWAY,
    "dst_port": OLD[1],
    "transport": "udp",
}


def test_an_icmp_error_makes_it_certain():
    (found,) = stale(icmp_errors=[REFUSED])
    assert (found.verdict, found.settle, found.facts["icmp"]) == ("fault", None, 90)
    (before,) = stale(icmp_errors=[REFUSED | {"time": 9.0}])
    assert before.verdict == "suspect"
    (of_another,) = stale(icmp_errors=[REFUSED | {"dst_port": 1}])
    assert of_another.verdict == "suspect"


def test_the_side_that_moved_need_not_send_where_its_old_address_was_described():
    (found,) = stale(rtp_streams=[STALE, FIRST])
    assert "heard" not in found.facts


def test_an_address_behind_nat_counts_where_the_side_is_heard_elsewhere():
    mapped = STALE | {"dst_addr": "192.0.2.99", "dst_port": 40000}
    assert len(stale(rtp_streams=[mapped, THEN])) == 1
    assert stale(rtp_streams=[mapped]) == []
    assert stale(rtp_streams=[mapped | {"src_side": None}, THEN]) == []
    assert stale(rtp_streams=[mapped | {"first_time": 9.0}, THEN]) == []


def test_the_servers_address_may_change_as_well():
    phases = [phase(1, 3.0, 10.0), phase(2, 10.0, 20.0, local_port=30020)]
    sent = plain_stream(GATEWAY, SERVER, src_port=OLD[1], dst_port=TRUNK[1])
    (found,) = stale(phases=phases, rtp_streams=[sent])
    assert found.facts["new"] == f"{SERVER}:30020"


@pytest.mark.parametrize(("last", "count"), [(13.0, 1), (12.9, 0)])
def test_silent_for_what_is_only_under_way(last, count):
    assert len(stale(rtp_streams=[STALE | {"last_time": last}, FIRST, THEN])) == count


@pytest.mark.parametrize(
    "second",
    [
        phase(2, 10.0, 20.0),  # the same address
        phase(2, 10.0, 20.0, ("0.0.0.0", 11900)),
        phase(2, 10.0, 20.0, (GATEWAY, 0)),
        phase(2, 10.0, 20.0, NEW, may_send_server=False),
        phase(2, 10.0, 20.0, NEW, may_send_server=None),
    ],
)
def test_silent(second):
    assert stale(phases=[PHASES[0], second]) == []


def test_who_sends_to_a_fork_that_was_not_accepted():
    early = {"kind": "early", "may_send_client": True}
    phases = [phase(1, 3.0, 5.0, NEW, **early), phase(2, 5.0, 10.0, OLD, **early), phase(3, 10.0, 20.0, NEW)]
    (found,) = stale(phases=phases, rtp_streams=[STALE, THEN])
    assert found.facts["new"] == f"{GATEWAY}:{NEW[1]}"


def test_silent_where_a_side_goes_back_to_an_address_of_before():
    phases = [phase(1, 3.0, 5.0, NEW), phase(2, 5.0, 10.0, OLD), phase(3, 10.0, 20.0, NEW)]
    assert stale(phases=phases) == []


def test_silent_where_the_old_address_is_still_in_use():
    assert stale(rtp_streams=[STALE, FIRST | {"last_time": 14.0}]) == []


def test_silent_where_the_same_machine_sends_to_the_new_one_as_well():
    both = STALE | {"dst_port": NEW[1], "first_time": 10.2, "ssrc": 77}
    assert stale(rtp_streams=[STALE, FIRST, both]) == []


def test_silent_for_a_scrap_and_for_media_that_goes_past_the_server():
    assert stale(rtp_streams=[STALE | {"packets": 3}, THEN]) == []
    assert stale(rtp_streams=[STALE | {"direct": True}, THEN]) == []


def on_leg_1(kind: str = "restart", **tables):
    client = (CLIENT_PUBLIC, CLIENT_PORT)
    moved = ("198.51.101.5", 50002)
    local = {"leg": 1, "local_addr": SERVER, "local_port": SERVER_PORT}
    phases = [phase(1, 3.0, 10.0, client, **local), phase(2, 10.0, 20.0, moved, kind=kind, **local)]
    new = check("client_to_server", time=10.2, src_addr=moved[0], src_port=moved[1])
    streams = [stream(src_side="server"), stream("client_to_server", last_time=9.0)]
    return asked(RULE, **({"phases": phases, "rtp_streams": streams, "bindings": [check(), new]} | tables))


def test_with_ice_it_counts_after_a_restart_that_found_another_pair():
    (found,) = on_leg_1()
    assert found.facts["new"] == "198.51.101.5:50002"


def test_silent_with_ice_where_the_old_pair_still_counts():
    """Consent on it is fresh, no new pair is found yet, or the description changed without a restart."""
    assert on_leg_1(bindings=[check(time=12.0)]) == []
    assert on_leg_1(bindings=[]) == []
    assert on_leg_1("answered") == []


REMAPPED = THEN | {"ssrc": FIRST["ssrc"], "src_addr": "192.0.2.99", "src_port": 52111}


def unannounced(**changes):
    """The stream from the gateway comes from another address from one packet to the next; no SDP says so."""
    return asked(
        RULE, **({"phases": [phase(1, 3.0, 20.0)], "rtp_streams": [STALE, FIRST, REMAPPED]} | changes)
    )


def test_a_stream_that_nat_has_given_another_address_is_not_followed():
    (found,) = unannounced()
    assert (found.verdict, found.tags, found.facts["new"]) == ("suspect", {"mapped"}, "192.0.2.99:52111")
    shown = told_both(found, RULE)
    assert "own stream comes from 192.0.2.99:52111" in shown["en"]["title"]


def test_a_relay_that_passes_both_directions_on_sends_nothing_to_the_new_address():
    """Both hops of a proxy's call are one leg: what goes back to the other phone is no fork."""
    phone = {"dst_addr": "198.51.100.77", "dst_port": 4000}
    back = {"src_addr": "198.51.100.77", "src_port": 4000, "dst_addr": SERVER, "dst_port": 30300}
    onward = [
        FIRST | {"src_addr": SERVER, "src_port": 30300, "last_time": 20.0} | phone,
        STALE | back,
    ]
    (found,) = unannounced(rtp_streams=[STALE, FIRST, *onward, REMAPPED])
    assert (found.tags, found.facts["new"]) == ({"mapped"}, "192.0.2.99:52111")


def test_another_port_of_the_same_machine_is_another_mapping_too():
    (found,) = unannounced(rtp_streams=[STALE, FIRST, REMAPPED | {"src_addr": GATEWAY}])
    assert found.facts["new"] == f"{GATEWAY}:52111"


def test_an_icmp_error_makes_the_lost_mapping_certain():
    (found,) = unannounced(icmp_errors=[REFUSED])
    assert (found.verdict, found.settle, found.facts["icmp"]) == ("fault", None, 90)


@pytest.mark.parametrize(("last", "count"), [(13.1, 1), (13.0, 0)])
def test_silent_where_the_new_mapping_is_followed_in_time(last, count):
    assert len(unannounced(rtp_streams=[STALE | {"last_time": last}, FIRST, REMAPPED])) == count


@pytest.mark.parametrize(
    "streams",
    [
        [STALE, FIRST, THEN],  # another stream: another source behind the same gateway
        [STALE, FIRST | {"last_time": 14.0}, REMAPPED],  # two views of one stream, before and behind NAT
        [STALE, FIRST, REMAPPED | {"capture": "b.pcapng"}],
        [STALE, FIRST, REMAPPED | {"dst_port": 30020}],  # to another port: the receiver named it, not NAT
        [
            STALE,
            FIRST,
            REMAPPED,
            STALE | {"dst_addr": "192.0.2.99", "dst_port": 52111, "first_time": 12.0, "ssrc": 7},
        ],
        [STALE, FIRST, REMAPPED, THEN | {"src_port": OLD[1], "ssrc": 7}],  # the old address still sends
        [FIRST, REMAPPED],
    ],
)
def test_silent_where_the_stream_is_no_other_or_the_old_address_is_in_use(streams):
    assert unannounced(rtp_streams=streams) == []


def test_silent_with_ice_where_the_old_pair_still_answers():
    client = {"src_side": "server"}
    moved = stream("client_to_server", first_time=10.1, src_addr="198.51.101.5", src_port=50002)
    streams = [stream(**client), stream("client_to_server", last_time=9.0), moved]
    assert len(asked(RULE, rtp_streams=streams, bindings=[check(time=4.0)])) == 1
    assert asked(RULE, rtp_streams=streams, bindings=[check(time=12.0)]) == []


@pytest.mark.parametrize(("at", "told"), [(12.0, True), (2.0, False)])
def test_a_re_invite_that_still_names_the_old_address(at, told):
    old = section("b@x", connection_addr=STALE["dst_addr"], port=STALE["dst_port"], time=at, frame=77)
    (found,) = unannounced(sdp_media=[*good()["sdp_media"], old])
    assert ("still" in found.tags) is told
    shown = told_both(found, RULE)["en"]
    assert ("The description in frame 77, sent in that time, still names" in shown["detail"]) is told
