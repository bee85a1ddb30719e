import pytest

from postproc.model.logtexts import KINDS, TEXTS, origin, said
from postproc.model.tables import LOG_EVENTS

CHANNEL, UUID = "sofia/xphone/721@10.0.50.118:4901", "7c23e725-d185-4aa5-88f0-e1826fc17e59"
LINES = [
    (
        f"{CHANNEL} receiving invite from 10.0.50.118:4901 version: 1.10.12-release 64bit call-id: a@b",
        "invite",
        {"channel": CHANNEL, "addr": "10.0.50.118", "port": "4901", "call_id": "a@b"},
    ),
    (
        "sofia/internal/1@x receiving invite from 2001:db8::1:5060 version: 1.6.20",
        "invite",
        {"channel": "sofia/internal/1@x", "addr": "2001:db8::1", "port": "5060"},
    ),
    (
        "sofia/trunk/+49 sending invite call-id: (null)",
        "invite",
        {"channel": "sofia/trunk/+49", "call_id": "(null)"},
    ),
    ("sofia/trunk/+49 sending invite version: 1.10.12", "sdp", {"channel": "sofia/trunk/+49"}),
    ("Remote SDP: o=- 1 1 IN IP4 192.0.2.1", "sdp", {"author": "Remote"}),
    ("Ring SDP:", "sdp", {"author": "Ring"}),
    (f"Local SDP {CHANNEL}: o=a: 1 1", "sdp", {"author": "Local", "channel": CHANNEL}),
    (f"New Channel {CHANNEL} [{UUID}]", "channel", {"channel": CHANNEL, "opened": UUID}),
    (
        f"Originate Resulted in Success: [sofia/trunk/+49] Peer UUID: {UUID}",
        "peer",
        {"channel": "sofia/trunk/+49", "peer": UUID},
    ),
    (
        "Originate Resulted in Error Cause: 487 [ORIGINATOR_CANCEL]",
        "originate_failed",
        {"status": "487", "cause": "ORIGINATOR_CANCEL"},
    ),
    (
        'verifying acl "xphone_servers" for ip/port 10.0.50.118:0.',
        "acl",
        {"verdict": "verifying", "list": "xphone_servers", "addr": "10.0.50.118", "port": "0"},
    ),
    (
        'IP 10.0.50.118 Rejected by acl "domains". Falling back to Digest auth.',
        "acl",
        {"verdict": "Rejected", "list": "domains", "addr": "10.0.50.118"},
    ),
    (
        'IP 192.0.2.1 Approved by acl "lan[]". Access Granted.',
        "acl",
        {"verdict": "Approved", "list": "lan", "addr": "192.0.2.1"},
    ),
    (
        "IP/Port 192.0.2.1 5060 Rejected by acls and auth-calls-acl-only flag is set, rejecting call",
        "acl",
        {"verdict": "Rejected", "addr": "192.0.2.1", "port": "5060"},
    ),
    ("NO candidate ACL defined, Defaulting to wan.auto", "candidate", {"list": "wan.auto"}),
    (
        "Save audio Candidate cid: 1 proto: udp type: srflx addr: 198.51.100.77:43148",
        "candidate",
        {
            "verdict": "Save",
            "media": "audio",
            "component": "1",
            "transport": "udp",
            "type": "srflx",
            "addr": "198.51.100.77",
            "port": "43148",
        },
    ),
    (
        "Drop video Candidate cid: 2 proto: UDP type: host addr: fe80::1:9 (no network path)",
        "candidate",
        {
            "verdict": "Drop",
            "media": "video",
            "component": "2",
            "transport": "UDP",
            "type": "host",
            "addr": "fe80::1",
            "port": "9",
            "reason": "no network path",
        },
    ),
    ("Searching for rtcp candidate.", "candidate", {"verdict": "Searching", "protocol": "rtcp"}),
    (
        "Choose rtp candidate, index 1, 198.51.100.77:43148",
        "candidate",
        {"verdict": "Choose", "protocol": "rtp", "index": "1", "addr": "198.51.100.77", "port": "43148"},
    ),
    (
        "Choose same candidate, index 0, for rtcp based on rtcp-mux attribute 192.0.2.1:4",
        "candidate",
        {"verdict": "Choose", "protocol": "same", "index": "0", "addr": "192.0.2.1", "port": "4"},
    ),
    ("Look for Relay Candidates as last resort", "candidate", {}),
    (
        "setting remote audio ice addr to index 0 192.0.2.1:4 based on candidate",
        "candidate",
        {"verdict": "setting", "media": "audio", "index": "0", "addr": "192.0.2.1", "port": "4"},
    ),
    (
        "Activating RTP audio ICE: Q0Ny:XAtcv0O3 192.168.178.34:33246",
        "ice",
        {
            "protocol": "RTP",
            "media": "audio",
            "remote_ufrag": "Q0Ny",
            "local_ufrag": "XAtcv0O3",
            "addr": "192.168.178.34",
            "port": "33246",
        },
    ),
    (
        "Auto Changing audio stun/rtp/dtls port from 192.0.2.1:1 to 192.0.2.2:2 idx:-1",
        "ice_move",
        {
            "media": "audio",
            "protocol": "rtp",
            "old_addr": "192.0.2.1",
            "old_port": "1",
            "addr": "192.0.2.2",
            "port": "2",
            "index": "-1",
        },
    ),
    (
        "Auto Changing audio port from 192.0.2.1:1 to 192.0.2.2:2",
        "rtp_move",
        {"media": "audio", "old_addr": "192.0.2.1", "old_port": "1", "addr": "192.0.2.2", "port": "2"},
    ),
    (
        "STUN Success [203.0.113.10]:[40424]",
        "stun",
        {"verdict": "Success", "addr": "203.0.113.10", "port": "40424"},
    ),
    (
        "Stun Failed! 192.0.2.53:3478 [Timeout]",
        "stun",
        {"verdict": "Failed", "server": "192.0.2.53:3478", "reason": "Timeout"},
    ),
    ("STUN Failed! No IP returned", "stun", {"verdict": "Failed"}),
    ("No audio stun for a long time!", "stun", {"media": "audio", "verdict": "long time"}),
    (
        "Changing audio DTLS state from SETUP to READY",
        "dtls",
        {"media": "audio", "old_state": "SETUP", "state": "READY"},
    ),
    ("audio Fingerprint Verified.", "dtls", {"media": "audio", "verdict": "Verified"}),
    ("audio Fingerprint Verification Failed!", "dtls", {"media": "audio", "verdict": "Verification Failed"}),
    (
        "audio Handshake failure 1. This may happen when you use legacy DTLS v1.0",
        "dtls",
        {"verdict": "Handshake failure", "error": "1"},
    ),
    (
        f"{CHANNEL} no suitable candidates found.",
        "media",
        {"channel": CHANNEL, "verdict": "no suitable candidates"},
    ),
    ("CODEC NEGOTIATION ERROR.  SDP:", "media", {}),
    ("Crypto not negotiated but required.", "media", {}),
    (
        f"AUDIO RTP [{CHANNEL}] 10.0.50.118 port 30376 -> 192.0.2.1 port 11800 codec: 8 ms: 20",
        "media",
        {
            "channel": CHANNEL,
            "local_addr": "10.0.50.118",
            "local_port": "30376",
            "addr": "192.0.2.1",
            "port": "11800",
        },
    ),
    (
        "AUDIO RTP REPORTS ERROR: [Bad Address!]",
        "media",
        {"media": "AUDIO", "verdict": "REPORTS ERROR", "reason": "Bad Address!"},
    ),
    ("a=crypto in RTP/AVP, refer to rfc3711", "media", {"verdict": "crypto in RTP/AVP"}),
    (
        "Audio Codec Compare [PCMA:8:8000:20:64000:1] ++++ is saved as a match",
        "codec",
        {"codec": "PCMA", "verdict": "saved as a match"},
    ),
    (
        "got audio stun binding response 487",
        "stun",
        {"media": "audio", "verdict": "binding response", "error": "487"},
    ),
    (
        "SRTP audio unprotect failed with code 7 (auth check failed) 10",
        "srtp",
        {
            "media": "audio",
            "verdict": "unprotect failed",
            "error": "7",
            "reason": "auth check failed",
            "errors": "10",
        },
    ),
    (f"Ring-Ready {CHANNEL}!", "ringing", {"channel": CHANNEL}),
    (f"Pre-Answer {CHANNEL}!", "pre_answer", {"channel": CHANNEL}),
    (f"Channel [{CHANNEL}] has been answered", "answered", {"channel": CHANNEL}),
    ("Responding to INVITE with: 488", "response", {"status": "488"}),
    (
        f"Hangup {CHANNEL} [CS_NEW] [CALL_REJECTED]",
        "hangup",
        {"channel": CHANNEL, "state": "CS_NEW", "cause": "CALL_REJECTED"},
    ),
]


@pytest.mark.parametrize(("text", "kind", "facts"), LINES, ids=[text[:30] for text, *_ in LINES])
def test_a_line_tells_its_kind_and_facts(text, kind, facts):
    assert said(text) == (kind, facts)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Session 1 Ended",
        "Mr. New Channel is late",
        "Hangup hook executed",
        "BLAH has been answered",
        'Processing IP 192.0.2.1 Rejected by acl "x" <721>->1 in context a',
        "DTLS state from",
    ],
)
def test_other_lines_tell_nothing(text):
    assert said(text) is None


def test_every_text_is_tried_here_and_its_kind_is_in_the_table_s_documentation():
    tried = {next(t for t in TEXTS if t.words in text and t.pattern.match(text)) for text, *_ in LINES}
    assert tried == set(TEXTS)
    (column,) = [column for column in LOG_EVENTS.columns if column.name == "kind"]
    assert [kind for kind in KINDS if kind not in column.doc] == []


def test_the_origin_and_the_ports_of_a_description():
    text = (
        "Local SDP: o=FreeSWITCH 1795 1796 IN IP4 10.0.50.118; m=audio 31514 RTP/AVP 8; m=video 0 RTP/AVP 9"
    )
    assert origin(text) == ("FreeSWITCH", "1795", frozenset({31514, 0}))
    assert origin("Local SDP: m=audio 31514 RTP/AVP 8") is None


def test_a_hostile_line_takes_no_long_time():
    for line in (
        " receiving invite from " * 90,
        "Hangup " + " [CS_A] [" * 200,
        "AUDIO RTP [" + "] a port 1 -> " * 140,
    ):
        assert said(line[:2000]) is None
