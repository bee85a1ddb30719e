"""A private address in the c= line of a leg without ICE."""

import pytest

from postproc.diagnose.rules.private_connection_address import RULE
from tests.diagnose.scenes import asked, foreign, leg, message, plain_stream, section, told_both, verdict

PHONE, SERVER, HOME = "198.51.100.24", "203.0.113.10", "192.168.0.17"
PLAIN = {"ufrag": None, "setup": None, "fingerprint": None, "proto": "RTP/AVP"}


def call(phone: str = PHONE, server: str = SERVER, *, streams, wire=(PHONE, SERVER), **plain):
    """A phone calls a server without ICE: the addresses in their c= lines, and those on the wire."""
    ends = {"src_addr": wire[0], "dst_addr": wire[1]}
    back = {"src_addr": wire[1], "dst_addr": wire[0]}
    return foreign() | {
        "legs": [leg(1, uac_addr=wire[0], uas_addr=wire[1], role="single")],
        "sip_messages": [
            message(1, "INVITE", 0.0, frame=1, from_tag="a", cseq=1, **ends),
            message(1, 200, 3.0, frame=5, from_tag="a", to_tag="b", cseq=1, has_sdp=True, **back),
        ],
        "sdp_media": [
            section(sdp_owner="z", connection_addr=phone, port=7078, **(PLAIN | plain)),
            section(
                sdp_owner="pbx", connection_addr=server, port=12000, time=3.0, frame=5, **(PLAIN | plain)
            ),
        ],
        "rtp_streams": [plain_stream(*ends, leg=1, direction=None) for ends in streams],
    }


CONTAINER = call(HOME, "172.17.0.2", streams=[("172.17.0.2", HOME)], wire=(PHONE, "172.17.0.2"))


def test_nothing_comes_to_the_private_address_a_server_names():
    (found,) = asked(RULE, base=CONTAINER)
    assert (found.verdict, found.confidence, found.tags) == ("suspect", 0.7, {"named"})
    shown = told_both(found, RULE)
    assert shown["en"]["title"] == (
        f"The SDP from 172.17.0.2 names 172.17.0.2 for media, which {PHONE} cannot reach: no RTP came to it."
    )
    assert "850 packets went the other way" in shown["en"]["detail"]
    row = verdict(base=CONTAINER)
    assert (row.verdict, row.cause) == ("suspect", "private-connection-address")


def test_rtp_to_a_phones_private_address_while_its_own_comes_from_outside_is_a_fault():
    scene = call(HOME, streams=[(PHONE, SERVER), (SERVER, HOME)])
    (found,) = asked(RULE, base=scene)
    assert (found.verdict, found.tags) == ("fault", {"symmetric"})
    assert f"comes from {PHONE}" in told_both(found, RULE)["en"]["detail"]
    assert verdict(base=scene).verdict == "fault"  # though packets go both ways


def test_a_carriers_translation_address_is_private_and_without_the_phones_rtp_a_suspicion():
    (found,) = asked(RULE, base=call("192.0.0.4", streams=[(SERVER, "192.0.0.4")]))
    assert (found.verdict, found.facts["addr"]) == ("suspect", "192.0.0.4")


@pytest.mark.parametrize("named", ["fe80::20b:82ff:fe11:2233", "fd00::7"])
def test_nothing_is_sent_to_an_address_of_ipv6_that_ends_at_the_router(named):
    outside, server = "2001:db8:5::21", "2001:db8:9::1"
    scene = call(named, server, streams=[(outside, server)], wire=(outside, server))
    (found,) = asked(RULE, base=scene)
    assert (found.verdict, found.facts["addr"], found.facts["packets"]) == ("suspect", named, 850)


def test_the_same_address_in_vain_on_two_legs_is_a_fault():
    trunk, own = "192.0.2.61", "172.17.0.2"
    first, plain = CONTAINER, {"sdp_owner": "pbx", **PLAIN}
    to_trunk, from_trunk = {"src_addr": own, "dst_addr": trunk}, {"src_addr": trunk, "dst_addr": own}
    both = first | {
        "legs": [*first["legs"], leg(2, uac_addr=own, uas_addr=trunk)],
        "sip_messages": [
            *first["sip_messages"],
            message(2, "INVITE", 0.3, frame=6, from_tag="c", cseq=1, **to_trunk),
            message(2, 200, 3.0, frame=20, from_tag="c", to_tag="d", cseq=1, has_sdp=True, **from_trunk),
        ],
        "sdp_media": [
            *first["sdp_media"],
            section("b@x", connection_addr=own, port=30010, time=0.3, frame=6, **plain),
            section("b@x", connection_addr=trunk, port=11800, time=3.0, frame=20, **plain),
        ],
        "rtp_streams": [*first["rtp_streams"], plain_stream(own, trunk)],
    }
    found = asked(RULE, base=both)
    assert [(each.verdict, each.leg) for each in found] == [("fault", 1), ("fault", 2)]
    assert "nothing came to it there either" in told_both(found[0], RULE)["en"]["detail"]


NEAR, FAR = "10.0.1.10", "10.0.2.10"


@pytest.mark.parametrize(
    "scene",
    [
        # Phones in one private network behind a public SIP server; the firewall drops RTP.
        call(NEAR, FAR, streams=[(NEAR, FAR)], wire=(NEAR, SERVER)),
        call(NEAR, FAR, streams=[(FAR, NEAR)], wire=(SERVER, FAR)),
        call(
            "192.168.1.5",
            "192.168.2.5",
            streams=[("192.168.1.5", "192.168.2.5")],
            wire=("192.168.1.5", SERVER),
        ),
        call(
            "fd00:1::5", "fd00:2::5", streams=[("fd00:1::5", "fd00:2::5")], wire=("fd00:1::5", "2001:db8::1")
        ),
        # One of them names a public address that is not its own.
        call("203.0.113.99", FAR, streams=[(NEAR, FAR)], wire=(NEAR, SERVER)),
    ],
)
def test_where_both_sides_may_be_in_one_private_network_it_is_a_note(scene):
    (found,) = asked(RULE, base=scene)
    assert (found.verdict, found.confidence) == ("note", 0.5)
    assert found.facts["theirs"] in told_both(found, RULE)["en"]["title"]
    assert verdict(base=scene).cause != RULE.name


def test_a_nat_between_two_such_phones_is_seen_by_the_source_of_the_media():
    behind = call(NEAR, FAR, streams=[(PHONE, FAR), (FAR, NEAR)], wire=(SERVER, FAR))
    (found,) = asked(RULE, base=behind)
    assert (found.verdict, found.facts["seen"]) == ("fault", PHONE)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("172.17.0.2", "172.18.0.9"),
        (NEAR, "192.168.1.5"),
        ("192.0.0.4", "192.0.0.5"),
        ("100.64.0.7", "100.64.3.1"),
    ],
)
def test_other_private_networks_and_those_of_a_machine_or_carrier_are_not_one(one, other):
    (found,) = asked(RULE, base=call(one, other, streams=[(one, other)], wire=(one, SERVER)))
    assert found.facts["addr"] == one


def test_silent_where_icmp_says_that_its_own_media_are_not_delivered():
    scene = call(HOME, SERVER, streams=[(HOME, SERVER)], wire=(HOME, SERVER))
    assert len(asked(RULE, base=scene)) == 1
    sent = scene["rtp_streams"][0]
    quoted = {name: sent[name] for name in ("src_addr", "src_port", "dst_addr", "dst_port")}
    icmp = {
        "call": 1,
        "leg": 1,
        "reporter": "192.0.2.1",
        "type": 3,
        "code": 1,
        "version": 4,
        "transport": "udp",
    }
    assert asked(RULE, base=scene, icmp_errors=[icmp | quoted | {"frame": 8}]) == []
    assert len(asked(RULE, base=scene, icmp_errors=[icmp | quoted | {"frame": 8, "dst_addr": PHONE}])) == 1


AT_ROUTER = call(HOME, streams=[])  # a capture on both sides of the NAT, in which each SSRC is seen twice
AT_ROUTER["rtp_streams"] = [
    plain_stream(*ends, leg=1, direction=None, ssrc=ssrc, packets=packets)
    for ends, ssrc, packets in (
        ((HOME, SERVER), 1, 849),
        ((PHONE, SERVER), 1, 850),
        ((SERVER, PHONE), 2, 849),
        ((SERVER, HOME), 2, 850),
    )
]


@pytest.mark.parametrize(
    "scene",
    [
        call(HOME, streams=[(PHONE, SERVER), (SERVER, PHONE)]),  # the server has learnt where the phone is
        call(HOME, streams=[(PHONE, SERVER), (SERVER, PHONE), (SERVER, HOME)]),  # after its first packets
        call(
            HOME, "10.0.0.5", streams=[("10.0.0.5", HOME)], wire=(HOME, "10.0.0.5")
        ),  # networks routed to each other
        call(
            HOME, streams=[(HOME, SERVER), (SERVER, HOME)], wire=(HOME, SERVER)
        ),  # seen inside the NAT, both ways
        AT_ROUTER,
        call(HOME, streams=[], wire=(HOME, SERVER)),  # a capture of SIP alone shows no media in any call
        CONTAINER
        | {"sdp_media": [each | {"ufrag": "u"} for each in CONTAINER["sdp_media"]]},  # ICE finds its way
        CONTAINER | {"sdp_media": [each | {"direction": "sendonly"} for each in CONTAINER["sdp_media"]]},
        foreign(),
    ],
)
def test_silent(scene):
    assert asked(RULE, base=scene) == []


def test_an_answer_in_a_prack_counts_as_one():
    scene = call(HOME, streams=[(PHONE, SERVER), (SERVER, HOME)])
    there, back = {"src_addr": PHONE, "dst_addr": SERVER}, {"src_addr": SERVER, "dst_addr": PHONE}
    tags = {"from_tag": "a", "to_tag": "b"}
    scene["sip_messages"] = [
        message(1, "INVITE", 0.0, frame=1, from_tag="a", cseq=1, **there) | {"has_sdp": False},
        message(1, 183, 0.5, frame=5, cseq=1, rseq=1, has_sdp=True, **tags, **back),
        message(1, "PRACK", 0.6, frame=6, cseq=2, has_sdp=True, **tags, **there),
        message(1, 200, 3.0, frame=9, cseq=1, **tags, **back),
    ]
    phone, server = scene["sdp_media"]
    scene["sdp_media"] = [server | {"time": 0.5}, phone | {"time": 0.6, "frame": 6}]
    (found,) = asked(RULE, base=scene)
    assert (found.verdict, found.tags) == ("fault", {"symmetric"})


def renamed(until=8.0, addr=HOME, method="ACK"):
    """An INVITE without SDP at 7 s, an offer in its 200, and the phone's answer in the ACK names a private address."""
    scene = call(PHONE, streams=[(PHONE, SERVER), (SERVER, PHONE), (SERVER, addr)])
    there, back = {"src_addr": PHONE, "dst_addr": SERVER}, {"src_addr": SERVER, "dst_addr": PHONE}
    tags = {"from_tag": "a", "to_tag": "b", "cseq": 2}
    first, reply = scene["sip_messages"]
    scene["sip_messages"] = [
        first | {"has_sdp": True},
        reply,
        message(1, "INVITE", 7.0, frame=30, **tags, **there) | {"has_sdp": False},
        message(1, 200, 7.1, frame=31, has_sdp=True, **tags, **back),
        message(1, method, 7.2, frame=32, has_sdp=True, **tags, **there),
    ]
    phone, server = scene["sdp_media"]
    scene["sdp_media"] += [
        server | {"time": 7.1, "frame": 31},
        phone | {"time": 7.2, "frame": 32, "connection_addr": addr},
    ]
    scene["rtp_streams"][1] |= {"last_time": until}
    scene["rtp_streams"][2] |= {"first_time": 7.3}
    return scene


def test_an_address_named_in_mid_call_counts_from_then_on():
    (found,) = asked(RULE, base=renamed())
    assert (found.verdict, found.facts["addr"], found.evidence.frames[1:]) == ("fault", HOME, (31, 32))
    assert asked(RULE, base=renamed(until=8.3)) == []  # the server goes on sending where it learnt to
    assert asked(RULE, base=renamed(addr="198.51.100.30")) == []
