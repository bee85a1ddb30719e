"""SRTP arrives and cannot be decrypted."""

import pytest

from postproc.diagnose.rules.srtp_not_decrypted import RULE
from tests.diagnose.refusals import log
from tests.diagnose.scenes import asked, foreign, message, section, stream, told_both, verdict


def failures(seconds, *, start=4.0, per_line=25, why=" (auth check failed)", **changes):
    """A line every half second, each with the count of failures since the last packet that was good."""
    return [
        log(
            "srtp",
            f"SRTP audio unprotect failed with code 7{why} {n * per_line}",
            100 + n,
            time=start + n / 2,
            level="WARNING",
            **changes,
        )
        for n in range(int(seconds * 2) + 1)
    ]


def test_a_call_whose_srtp_fails_all_along_is_a_fault_though_packets_flow_both_ways():
    lines = failures(10.0)
    (found,) = asked(RULE, log_events=lines)
    assert (found.verdict, found.confidence, found.leg) == ("fault", 0.95, 1)
    shown = told_both(found, RULE)
    assert shown["en"]["title"] == "The server cannot decrypt the SRTP of leg 1: 500 packets in 10.0 s."
    assert (
        shown["de"]["title"]
        == "Der Server kann das SRTP von Leg 1 nicht entschlüsseln: 500 Pakete in 10,0 s."
    )
    assert (
        "The server's log says so: fs.log:100 SRTP audio unprotect failed with code 7 (auth check failed) 0"
        " and 20 more. 850 packets from 198.51.100.77 arrived on the leg" in shown["en"]["detail"]
    )
    row = verdict(log_events=lines)
    assert (row.verdict, row.cause) == ("fault", "srtp-not-decrypted")


def test_where_few_of_the_packets_fail_it_is_a_doubt():
    (found,) = asked(RULE, log_events=failures(10.0, per_line=10))
    assert (found.verdict, found.confidence) == ("suspect", 0.6)
    assert "Weniger als die Hälfte der Pakete war betroffen" in told_both(found, RULE)["de"]["detail"]


def test_older_versions_count_nothing_and_write_a_line_a_packet():
    lines = [
        log("srtp", "Error: SRTP unprotect failed with code 7 (auth check failed)", n, time=4.0 + n / 50)
        for n in range(500)
    ]
    (found,) = asked(RULE, log_events=lines)
    assert (found.verdict, found.facts["failed"]) == ("fault", 500)


def test_without_a_stream_in_the_captures_the_log_stands_alone():
    (found,) = asked(RULE, log_events=failures(10.0), rtp_streams=[])
    assert found.verdict == "fault"
    assert "arrived on the leg" not in told_both(found, RULE)["en"]["detail"]


def test_it_explains_that_the_other_leg_hears_nothing():
    streams = [
        stream(),
        stream("client_to_server"),
        stream(leg=2, direction="other", src_addr="x", dst_addr="y"),
    ]
    assert verdict(log_events=failures(10.0), rtp_streams=streams).cause == "srtp-not-decrypted"


@pytest.mark.parametrize(
    "lines",
    [
        [],
        failures(1.0),  # keys change
        failures(10.0, why=" (replay check failed)"),
        failures(10.0, call_id="c@x"),
    ],
)
def test_silent(lines):
    assert asked(RULE, log_events=lines) == []


LASTS = 16.98  # 850 packets, one every 20 ms
CLEAR, TAGGED = 172, 182  # bytes of RTP header and 20 ms of G.711; with HMAC_SHA1_80


def unlike(one=CLEAR, other=TAGGED, proto="RTP/SAVP", crypto="AES_CM_128_HMAC_SHA1_80", **changes):
    """Two phones that agree on a profile; the bytes of each one's packets. ``changes``: of the first one's stream."""
    base = foreign()
    ends = ("192.0.2.10", 7078), ("192.0.2.20", 12000)
    said = {"from_tag": "a", "cseq": 1, "has_sdp": True, "call_id": "a@x"}
    there, back = ({"src_addr": x[0], "dst_addr": y[0]} for x, y in ((ends[0], ends[1]), (ends[1], ends[0])))
    codec = {"payload_type": 8, "last_payload_type": 8, "codec": "PCMA", "max_gap_ms": 21.0, "packets": 850}
    codec |= {
        "other_payload_types": None,
        "lost": 0,
        "expected": 850,
        "first_time": 3.0,
        "last_time": 3.0 + LASTS,
    }
    way = {"leg": 1, "direction": "other", "ssrc": 1}
    plain = {"ufrag": None, "setup": None, "fingerprint": None, "proto": proto, "crypto": crypto}
    return base | {
        "sip_messages": [
            message(1, "INVITE", 0.0, frame=1, **said, **there),
            message(1, 200, 3.0, frame=5, to_tag="b", **said, **back),
        ],
        "sdp_media": [
            section(connection_addr=ends[0][0], port=ends[0][1], **plain),
            section(connection_addr=ends[1][0], port=ends[1][1], time=3.0, frame=5, **plain),
        ],
        "rtp_streams": [
            stream(**way | codec | there, src_port=7078, dst_port=12000, bytes=850 * one) | changes,
            stream(**way | codec | back, src_port=12000, dst_port=7078, bytes=850 * other),
        ],
    }


AVP = {"proto": "RTP/AVP", "crypto": None}


def test_plain_rtp_where_srtp_is_agreed():
    (found,) = asked(RULE, base=unlike())
    assert (found.verdict, found.confidence, found.leg, found.tags) == (
        "suspect",
        0.8,
        1,
        {"unlike", "plain"},
    )
    told = told_both(found, RULE)
    assert told["en"]["title"] == (
        "192.0.2.10:7078 sends its audio on leg 1 unencrypted although SRTP is agreed: each of its 850 packets is exactly"
        " as long as the PCMA in it (160 bytes)."
    )
    assert "unverschlüsselt, obwohl SRTP vereinbart ist" in told["de"]["title"]
    assert "10 bytes longer" in told["en"]["detail"]
    assert "log" not in told["en"]["remedies"]
    row = verdict(base=unlike())
    assert (row.verdict, row.cause) == ("suspect", "srtp-not-decrypted")


def test_srtp_where_plain_rtp_is_agreed():
    (found,) = asked(RULE, base=unlike(TAGGED, CLEAR, **AVP))
    assert (found.verdict, found.confidence, found.tags) == ("suspect", 0.8, {"unlike", "unasked"})
    told = told_both(found, RULE)
    assert "although RTP without encryption is agreed" in told["en"]["title"]
    assert "obwohl RTP ohne Verschlüsselung vereinbart ist" in told["de"]["title"]
    assert "plays noise" in told["en"]["detail"]


@pytest.mark.parametrize("codec", ["PCMU", "G722"])
@pytest.mark.parametrize("tag", [4, 16])
def test_the_tag_may_be_of_another_suite(codec, tag):
    scene = unlike(other=CLEAR + tag, codec=codec, packets=150, bytes=150 * CLEAR, lost=9, max_gap_ms=900.0)
    assert len(asked(RULE, base=scene)) == 1


@pytest.mark.parametrize(
    "scene",
    [
        unlike(CLEAR, CLEAR),  # a relay beside the capture point decrypts
        unlike(TAGGED, TAGGED),
        unlike(TAGGED, TAGGED, **AVP),
        unlike(CLEAR, CLEAR, **AVP),
        unlike(CLEAR + 8, CLEAR, **AVP),  # a header extension
        unlike(TAGGED, CLEAR, proto="RTP/AVP"),  # keys in SDP: SRTP if both can
        unlike(CLEAR + 1),
        unlike(other=CLEAR + 3),
        unlike(codec="opus"),
        unlike(packets=149, bytes=149 * CLEAR),
        unlike(bytes=None),
        unlike(bytes=850 * CLEAR - 1),  # packets of several lengths
        unlike(src_port=7080),
        unlike(first_time=40.0, last_time=40.0 + LASTS),
    ],
)
def test_silent_where_both_sides_are_alike_or_lengths_tell_nothing(scene):
    assert asked(RULE, base=scene) == []


def test_silent_where_agreements_differ_or_keys_are_agreed_on_in_the_media_path():
    scene = unlike()
    say = {"from_tag": "a", "to_tag": "b", "cseq": 2, "has_sdp": True, "call_id": "a@x"}
    scene["sip_messages"] += [
        message(1, "INVITE", 9.0, frame=30, **say),
        message(1, 200, 9.1, frame=31, **say),
    ]
    scene["sdp_media"] += [
        row | {"proto": "RTP/AVP", "crypto": None, "time": 9.0, "frame": frame}
        for row, frame in zip(scene["sdp_media"], (30, 31), strict=True)
    ]
    assert asked(RULE, base=scene) == []
    asking = unlike(TAGGED, CLEAR, **AVP)
    asking["sdp_media"][0] |= {"zrtp_packets": 5}
    assert asked(RULE, base=asking) == []


PHONE, PROXY, PEER = "192.0.2.10", "192.0.2.1", "192.0.2.20"


def keyed(*, there=("k1", "k1"), back=("k2", "k2"), tags="1", **changes):
    """A call of two phones by SDES through a proxy; the keys' digests before it and after it."""
    base = foreign()
    sdes = {
        "ufrag": None,
        "setup": None,
        "fingerprint": None,
        "proto": "RTP/SAVP",
        "crypto": "AES_CM_128_HMAC_SHA1_80",
    }
    offer = {
        "sdp_owner": "one",
        "session_id": "7",
        "session_version": "1",
        "connection_addr": PHONE,
        "crypto_tags": tags,
    }
    answer = {
        "sdp_owner": "two",
        "session_id": "9",
        "session_version": "1",
        "connection_addr": PEER,
        "crypto_tags": "1",
    }
    hops = ((PHONE, PROXY), (PROXY, PEER))
    messages, sections = [], []
    for nth, ((source, target), key) in enumerate(zip(hops, there, strict=True)):
        at = {"time": 0.1 * nth, "frame": 1 + nth}
        messages.append(message(1, "INVITE", src_addr=source, dst_addr=target, from_tag="a", cseq=1, **at))
        sections.append(section(crypto_keys=key, **(sdes | offer | at | changes)))
    for nth, ((target, source), key) in enumerate(zip(reversed(hops), back, strict=True)):
        at = {"time": 1.0 + 0.1 * nth, "frame": 11 + nth}
        ends = {
            "src_addr": source,
            "dst_addr": target,
            "from_tag": "a",
            "to_tag": "b",
            "cseq": 1,
            "has_sdp": True,
        }
        messages.append(message(1, 200, **ends, **at))
        sections.append(section(crypto_keys=key, **(sdes | answer | at | changes)))
    return base | {"sip_messages": messages, "sdp_media": sections}


def test_a_key_that_changes_on_the_way_while_the_media_address_stays():
    (found,) = asked(RULE, base=keyed(back=("k2", "k3")))
    assert (found.verdict, found.confidence, found.tags) == ("suspect", 0.8, {"altered"})
    assert (found.facts["source"], found.facts["reader"]) == (PEER, PHONE)
    told = told_both(found, RULE)["en"]
    assert f"The SRTP key of {PEER} on leg 1 gets to {PHONE} changed" in told["title"]
    assert PROXY in told["remedies"]
    row = verdict(base=keyed(back=("k2", "k3")))
    assert (row.verdict, row.cause) == ("suspect", "srtp-not-decrypted")


def test_in_an_offer_the_keys_count_that_the_answer_takes():
    (found,) = asked(RULE, base=keyed(there=("k1,k5", "k4,k5"), tags="1,2"))
    assert found.facts["source"] == PHONE
    assert asked(RULE, base=keyed(there=("k1,k5", "k1,k6"), tags="1,2")) == []
    assert len(asked(RULE, base=keyed(there=("k1", "k4"), back=("k2", "k3")))) == 2


def test_silent_where_keys_stay_or_a_relay_has_its_own():
    assert asked(RULE, base=keyed()) == []
    relayed = keyed(back=("k2", "k3"))
    relayed["sdp_media"][-1]["connection_addr"] = PROXY
    assert asked(RULE, base=relayed) == []
    assert asked(RULE, base=keyed(back=("k2", "k3"), fingerprint="sha-256 AA")) == []  # DTLS may be used
    newer = keyed(back=("k2", "k3"))
    newer["sdp_media"][-1]["session_version"] = "2"
    assert asked(RULE, base=newer) == []
    cut = [{"first_time": 0.0, "last_time": 60.0, "packets": 99, "messages_cut": 3}]
    assert asked(RULE, base=keyed(back=("k2", "k3")), captures=cut) == []
