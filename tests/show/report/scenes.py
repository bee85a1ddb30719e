"""A run to make reports of: a call without Binding Success, one that is well, one without SIP."""

import pandas as pd

from postproc.model.tables import Tables
from tests import builders
from tests.builders import APP, CLIENT, GATEWAY, SERVER, rows

BEHIND = "192.168.178.34"
WALK = {
    1: [
        {
            "step": "trace",
            "state": "passed",
            "question": "Is the trace complete?",
            "said": "765 packets.",
            "capture": None,
            "frames": [],
            "filter": 'sip.Call-ID == "a1@x"',
        },
        {
            "step": "requests",
            "state": "failed",
            "question": "Are requests sent each way?",
            "said": "2 to the client, 0 to the server.",
            "capture": "a.pcapng",
            "frames": [19, 21],
            "filter": "stun",
        },
        {
            "step": "answers",
            "state": "failed",
            "question": "Are they answered?",
            "said": "No Binding Success: 2 of 2.",
            "capture": "a.pcapng",
            "frames": [19, 21],
            "filter": "stun",
        },
        {
            "step": "dtls",
            "state": "not_reached",
            "question": "Is DTLS completed?",
            "said": "The call did not get that far.",
            "capture": None,
            "frames": [],
            "filter": None,
        },
    ],
    2: [
        {
            "step": "media",
            "state": "passed",
            "question": "Does media flow?",
            "said": "100 and 90.",
            "capture": "a.pcapng",
            "frames": [50],
            "filter": "udp.port == 30002",
        }
    ],
}


def findings(*records: dict) -> pd.DataFrame:
    base = {
        "severity": "error",
        "verdict": "fault",
        "confidence": 0.95,
        "call": 1,
        "leg": 1,
        "frames": "19,21",
        "facts": "{}",
        "detail": "What was seen.",
        "causes": "A firewall drops UDP.\nThere is no route.",
        "remedies": "Capture on both sides.",
        "reference": "RFC 8445, section 7",
    }
    return rows("findings", *(base | record for record in records))


def tables() -> Tables:
    return Tables(
        captures=builders.captures(
            {"packets": 765, "first_time": 0.0, "last_time": 60.0, "warnings": "cut short\nno loopback"}
        ),
        calls=builders.calls(
            {
                "call": 1,
                "legs": 2,
                "from_user": "721",
                "to_user": "+498984079810",
                "start": 0.0,
                "end": 17.0,
                "final_status": 200,
                "verdict": "fault",
                "cause": "no-binding-success",
                "joined_confidence": 0.99,
                "joined_by": "causality,host",
                "ambiguous": False,
                "headline": "No Binding Success: 2 of 2.",
            },
            {
                "call": 2,
                "legs": 1,
                "from_user": "760",
                "to_user": "0911",
                "start": 20.0,
                "end": 50.0,
                "final_status": 200,
                "verdict": "ok",
                "joined_confidence": 1.0,
                "joined_by": "single",
                "ambiguous": False,
                "headline": "Media flows both ways.",
            },
            {"call": 3, "legs": 0, "start": 55.0, "joined_by": "ice", "ambiguous": False},
        ),
        legs=builders.legs(
            {
                "call": 1,
                "leg": 1,
                "call_id": "a1@x",
                "uac_addr": APP,
                "uac_port": 4901,
                "uas_addr": SERVER,
                "uas_port": 4900,
                "role": "inbound",
                "invite_time": 0.0,
                "answer_time": 2.0,
                "end_time": 17.0,
                "final_status": 200,
                "final_reason": "OK",
                "uac_agent": "phone/1",
                "uas_agent": "switch/2",
                "state": "completed",
                "from_user": "721",
                "to_user": "+498984079810",
            },
            {
                "call": 1,
                "leg": 2,
                "call_id": "b1@x",
                "uac_addr": SERVER,
                "uac_port": 5060,
                "uas_addr": GATEWAY,
                "uas_port": 5060,
                "role": "outbound",
                "invite_time": 0.1,
                "final_status": 200,
                "state": "completed",
            },
            {
                "call": 2,
                "leg": 1,
                "call_id": "a2@x",
                "uac_addr": APP,
                "uac_port": 4901,
                "uas_addr": SERVER,
                "uas_port": 4900,
                "role": "single",
                "invite_time": 20.0,
                "final_status": 200,
                "state": "completed",
            },
        ),
        candidates=builders.candidates(
            candidate(type="host", addr=BEHIND, addr_class="private", acl_verdict="denied"),
            candidate(
                type="srflx",
                addr=CLIENT,
                addr_class="public",
                acl_verdict="allowed",
                related_addr=BEHIND,
                related_port=50000,
            ),
            candidate(
                type="host",
                addr=SERVER,
                port=30000,
                side="server",
                ufrag="S",
                addr_class="private",
                sdp_owner="FreeSWITCH",
            ),
        ),
        bindings=builders.bindings(
            binding(time=1.0, frame=19),
            binding(time=2.0, frame=21, transaction_id="01"),
            binding(
                time=0.5,
                frame=13,
                transaction_id="02",
                purpose="discovery",
                direction="other",
                dst_addr="192.0.2.53",
                dst_port=3478,
                outcome="success",
                rtt_ms=0.4,
                response_frame=14,
                mapped_addr="203.0.113.10",
                mapped_port=30000,
            ),
        ),
        stun_messages=builders.stun_messages({"call": 1, "time": 1.0, "frame": 19}),
        pairs=builders.pairs(
            {
                "call": 1,
                "leg": 1,
                "local_addr": SERVER,
                "local_port": 30000,
                "local_type": "host",
                "remote_addr": CLIENT,
                "remote_port": 50000,
                "remote_type": "srflx",
                "sent": 2,
                "answered": 0,
                "errors": 0,
                "nominated": False,
                "media_packets": 0,
                "state": "failed",
            },
        ),
        dtls=builders.dtls(
            {
                "call": 2,
                "leg": 1,
                "client_addr": SERVER,
                "client_port": 30002,
                "server_addr": CLIENT,
                "server_port": 50002,
                "state": "complete",
                "started": 21.0,
                "completed": 21.1,
                "duration_ms": 100.0,
                "fingerprint_matches": False,
            },
        ),
        rtp_streams=builders.rtp_streams(
            {
                "call": 2,
                "leg": 1,
                "stream": 1,
                "direction": "server_to_client",
                "codec": "PCMA",
                "secured": True,
                "packets": 94,
                "lost": 6,
                "first_time": 22.0,
                "last_time": 50.0,
                "jitter_ms": 1.25,
            },
        ),
        findings=findings(
            {"code": "ICE001", "name": "no-binding-success", "title": "No Binding Success: 2 of 2."},
            {"code": "RTP001", "name": "no-media", "title": "No media.", "caused_by": "no-binding-success"},
            {
                "code": "RTP002",
                "name": "one-way-media",
                "title": "One way.",
                "caused_by": "no-media",
                "leg": 2,
            },
            {
                "code": "NAT005",
                "name": "hotspot-client",
                "title": "A hotspot.",
                "verdict": "note",
                "frames": "4",
            },
        ),
    )


def candidate(**known: object) -> dict:
    base = {
        "call": 1,
        "leg": 1,
        "side": "client",
        "ufrag": "C",
        "port": 50000,
        "transport": "udp",
        "time": 0.0,
        "frame": 4,
        "sdp_owner": "IceLink",
    }
    return base | known


def binding(**known: object) -> dict:
    base = {
        "call": 1,
        "leg": 1,
        "purpose": "check",
        "direction": "server_to_client",
        "src_addr": SERVER,
        "src_port": 30000,
        "dst_addr": CLIENT,
        "dst_port": 50000,
        "transaction_id": "00",
        "requests": 1,
        "outcome": "unanswered",
        "copies": 0,
    }
    return base | known
