"""A whole call in correlated tables, to be spoilt by the tests of the rules.

``scene()`` is a good XPhone call of two legs: the client behind NAT, the server
public, checks, DTLS and media both ways on leg 1, plain RTP on leg 2. Named
tables replace the good ones: ``scene(bindings=[check(outcome="unanswered")])``;
``foreign()`` is a plain SIP call of two phones without ICE.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from postproc import diagnose
from postproc.diagnose.describe import described
from postproc.diagnose.evidence.case import Case, beside, cases
from postproc.model.deployment import Deployment, Markers
from postproc.model.findings import Finding, Rule
from postproc.model.tables import Tables
from postproc.model.text import LANGS
from tests import builders
from tests.builders import APP, GATEWAY, SERVER

CLIENT_PRIVATE, CLIENT_PUBLIC, SERVER_PUBLIC = "192.168.178.34", "198.51.100.77", "203.0.113.10"
CLIENT_PORT, SERVER_PORT = 50000, 30000

XPHONE = Deployment(
    "test",
    products={"xphone": ("XPhone", "sipsorcery", "IceLink"), "freeswitch": ("FreeSWITCH", "XPhone Call")},
    media_ports={"server": (range(30000, 33001),)},
    markers=Markers(
        sdp_owner={"client": ("IceLink",), "server": ("FreeSWITCH",)},
        user_agent={"server": ("XPhone Call Controller", "FreeSWITCH")},
    ),
)

Row = dict[str, Any]
Scene = dict[str, Sequence[Mapping[str, Any]]]


def check(direction: str = "server_to_client", **changes: Any) -> Row:
    """A connectivity check on leg 1; give each its own transaction_id, or time."""
    server, client = (SERVER, SERVER_PORT), (CLIENT_PUBLIC, CLIENT_PORT)
    source, target = (server, client) if direction == "server_to_client" else (client, server)
    base = {
        "call": 1,
        "leg": 1,
        "purpose": "check",
        "direction": direction,
        "outcome": "success",
        "requests": 1,
        "src_addr": source[0],
        "src_port": source[1],
        "dst_addr": target[0],
        "dst_port": target[1],
        "rtt_ms": 20.0,
        "response_frame": 900,
        "time": 1.0,
        "copies": 0,
    }
    row = base | changes
    if row["outcome"] not in ("success", "error"):
        row |= {"rtt_ms": None, "response_frame": None}
    row.setdefault("transaction_id", f"{direction}-{row['time']}-{row['dst_addr']}:{row['dst_port']}")
    return row


def unanswered(count: int, direction: str = "server_to_client", **changes: Any) -> list[Row]:
    """So many checks, one a second, to which nothing came back."""
    return [check(direction, time=1.0 + n, outcome="unanswered", **changes) for n in range(count)]


def stream(direction: str = "server_to_client", **changes: Any) -> Row:
    """An SRTP stream on leg 1 from second 3 to 20."""
    server, client = (SERVER, SERVER_PORT), (CLIENT_PUBLIC, CLIENT_PORT)
    source, target = (server, client) if direction == "server_to_client" else (client, server)
    return {
        "call": 1,
        "leg": 1,
        "direction": direction,
        "ssrc": 1 if direction == "server_to_client" else 2,
        "src_addr": source[0],
        "src_port": source[1],
        "dst_addr": target[0],
        "dst_port": target[1],
        "packets": 850,
        "expected": 850,
        "secured": True,
        "codec": "PCMA/8000",
        "clock_rate": 8000,
        "first_time": 3.0,
        "last_time": 20.0,
        "time": 3.0,
        "max_gap_ms": 25.0,
        "jitter_ms": 1.0,
    } | changes


def plain_stream(source: str, target: str, **changes: Any) -> Row:
    """An RTP stream between two machines on leg 2."""
    base = {"leg": 2, "direction": "other", "src_addr": source, "dst_addr": target, "secured": False}
    return stream() | base | {"ssrc": hash((source, target)) % 2**32} | changes


def phase(leg: int = 1, **changes: Any) -> Row:
    """The answered phase of a leg, media both ways from its start to its end."""
    return {
        "call": 1,
        "leg": leg,
        "phase": 1,
        "kind": "answered",
        "started": 3.0,
        "ended": 20.0,
        "opened_by": 1,
        "frame": 21,
        "time": 3.0,
        "may_send_client": True,
        "may_send_server": True,
        "packets_from_client": 850,
        "first_from_client": 3.1,
        "last_from_client": 19.9,
        "packets_from_server": 850,
        "first_from_server": 3.1,
        "last_from_server": 19.9,
    } | changes


def candidate(side: str, addr: str, addr_class: str, kind: str = "host", **changes: Any) -> Row:
    """An a=candidate line on leg 1: the client's in the offer (INVITE), the server's in the answer."""
    offer = side == "client"
    port = CLIENT_PORT if offer else SERVER_PORT
    return {
        "call": 1,
        "leg": 1,
        "call_id": "a@x",
        "side": side,
        "offer_answer": "offer" if offer else "answer",
        "sdp_owner": "IceLink-3" if offer else "FreeSWITCH",
        "addr": addr,
        "port": port,
        "type": kind,
        "addr_class": addr_class,
        "ufrag": side,
        "component": 1,
        "transport": "udp",
        "cseq": 1,
        "time": 0.0 if offer else 0.2,
        "frame": 1 if offer else 5,
        "side_by": "marker",
    } | changes


def section(call_id: str = "a@x", **changes: Any) -> Row:
    """An m=audio section of the client's offer."""
    return {
        "call_id": call_id,
        "sdp_owner": "IceLink-3",
        "media": "audio",
        "port": CLIENT_PORT,
        "proto": "UDP/TLS/RTP/SAVPF",
        "direction": "sendrecv",
        "connection_addr": CLIENT_PUBLIC,
        "ufrag": "client",
        "setup": "actpass",
        "fingerprint": "sha-256 AA",
        "formats": "8",
        "codecs": "8=PCMA/8000",
        "time": 0.0,
        "frame": 1,
    } | changes


def leg(number: int, **changes: Any) -> Row:
    """Leg 1 (app to server, with ICE) or leg 2 (server to gateway, without)."""
    first = {
        "call_id": "a@x",
        "uac_addr": APP,
        "uas_addr": SERVER,
        "uac_agent": "sipsorcery_v4.0.79.1",
        "uas_agent": "XPhone Call Controller",
        "role": "inbound",
        "invite_time": 0.0,
        "time": 0.0,
        "frame": 1,
    }
    second = {
        "call_id": "b@x",
        "uac_addr": SERVER,
        "uas_addr": GATEWAY,
        "uac_agent": "XPhone Call Controller",
        "uas_agent": "PBX",
        "role": "outbound",
        "invite_time": 0.3,
        "time": 0.3,
        "frame": 6,
    }
    common = {
        "call": 1,
        "leg": number,
        "uac_port": 5060,
        "uas_port": 5060,
        "transport": "udp",
        "from_user": "721",
        "to_user": "+498984079810",
        "progress_time": 0.5,
        "ringing_time": 0.6,
        "answer_time": 3.0,
        "end_time": 20.0,
        "final_status": 200,
        "final_reason": "OK",
        "ended_by": "uac",
        "state": "completed",
        "retransmissions": 0,
    }
    return common | (first if number == 1 else second) | changes


def message(leg: int, what: str | int, time: float, **changes: Any) -> Row:
    """A request of a leg's caller, or a response of its called party."""
    ends = ((APP, SERVER), (SERVER, GATEWAY))[leg - 1]
    source, target = ends if isinstance(what, str) else ends[::-1]
    said = {"method": what} if isinstance(what, str) else {"status": what, "reason": "OK"}
    return (
        {
            "call_id": "ab"[leg - 1] + "@x",
            "src_addr": source,
            "dst_addr": target,
            "time": time,
            "cseq_method": what if isinstance(what, str) else "INVITE",
            "has_sdp": what == "INVITE",
        }
        | said
        | changes
    )


def good() -> Scene:
    return {
        "captures": [{"first_time": 0.0, "last_time": 60.0, "packets": 4000}],
        "calls": [
            {
                "call": 1,
                "legs": 2,
                "final_status": 200,
                "start": 0.0,
                "answer": 3.0,
                "end": 20.0,
                "joined_by": "header",
                "confidence": 1.0,
                "ambiguous": False,
            }
        ],
        "legs": [leg(1), leg(2)],
        "sip_messages": [
            message(1, "INVITE", 0.0, frame=1),
            message(1, 183, 0.2, frame=5, has_sdp=True),
            message(1, 200, 3.0, frame=21),
            message(2, "INVITE", 0.3, frame=6),
            message(2, 200, 3.0, frame=20, has_sdp=True),
            message(2, "BYE", 20.0, frame=30),
            message(1, "BYE", 20.0, frame=31),
        ],
        "sdp_media": [
            section(),
            section(
                sdp_owner="FreeSWITCH",
                port=SERVER_PORT,
                connection_addr=SERVER_PUBLIC,
                ufrag="server",
                setup="active",
                time=0.2,
                frame=5,
            ),
            section(
                "b@x",
                sdp_owner="FreeSWITCH",
                port=30010,
                connection_addr=SERVER,
                ufrag=None,
                setup=None,
                fingerprint=None,
                proto="RTP/AVP",
                time=0.3,
                frame=6,
            ),
            section(
                "b@x",
                sdp_owner="pbx",
                port=11800,
                connection_addr=GATEWAY,
                ufrag=None,
                setup=None,
                fingerprint=None,
                proto="RTP/AVP",
                time=3.0,
                frame=20,
            ),
        ],
        "candidates": [
            candidate("client", CLIENT_PRIVATE, "private"),
            candidate(
                "client",
                CLIENT_PUBLIC,
                "documentation",
                "srflx",
                related_addr=CLIENT_PRIVATE,
                related_port=CLIENT_PORT,
            ),
            candidate("server", SERVER_PUBLIC, "documentation"),
        ],
        "bindings": [check(), check("client_to_server", time=1.1)],
        "pairs": [
            {
                "call": 1,
                "leg": 1,
                "local_addr": SERVER,
                "local_port": SERVER_PORT,
                "local_type": "host",
                "remote_addr": CLIENT_PUBLIC,
                "remote_port": CLIENT_PORT,
                "remote_type": "srflx",
                "sent": 2,
                "answered": 2,
                "errors": 0,
                "nominated": True,
                "state": "succeeded",
                "first_time": 1.0,
                "last_time": 1.1,
                "dtls": "complete",
                "media_packets": 1700,
            }
        ],
        "dtls": [
            {
                "call": 1,
                "leg": 1,
                "client_addr": SERVER,
                "client_port": SERVER_PORT,
                "server_addr": CLIENT_PUBLIC,
                "server_port": CLIENT_PORT,
                "state": "complete",
                "client_hellos": 1,
                "started": 1.2,
                "completed": 1.3,
                "duration_ms": 100.0,
                "time": 1.2,
                "fingerprint_matches": True,
            }
        ],
        "rtp_streams": [
            stream(),
            stream("client_to_server"),
            plain_stream(SERVER, GATEWAY),
            plain_stream(GATEWAY, SERVER),
        ],
    }


def foreign() -> Scene:
    """A plain SIP call of two phones through no B2BUA, RTP/AVP both ways."""
    one, other = "192.0.2.10", "192.0.2.20"
    only = leg(
        1, uac_addr=one, uas_addr=other, uac_agent="Linphone/4", uas_agent="Asterisk PBX 18", role="single"
    )
    plain = {"ufrag": None, "setup": None, "fingerprint": None, "proto": "RTP/AVP"}
    return good() | {
        "calls": [dict(good()["calls"][0]) | {"legs": 1, "joined_by": "single"}],
        "legs": [only],
        "sdp_media": [
            section(sdp_owner="lin", connection_addr=one, port=7078, **plain),
            section(sdp_owner="root", connection_addr=other, port=12000, time=0.5, frame=5, **plain),
        ],
        "candidates": [],
        "bindings": [],
        "pairs": [],
        "dtls": [],
        "rtp_streams": [plain_stream(one, other, leg=1), plain_stream(other, one, leg=1)],
    }


def tables(**changes: Sequence[Mapping[str, Any]]) -> Tables:
    """The good scene, or a base given as ``base``, with the tables named replaced."""
    base = changes.pop("base", None)
    held: Any = {**(base or good()), **changes}
    made = Tables().with_(**{name: builders.rows(name, *rows) for name, rows in held.items()})
    return builders.attributed(made)


def scene(deployment: Deployment = XPHONE, **changes: Any) -> Case:
    """The only call of such tables as the rules see it."""
    (case,) = cases(tables(**changes), deployment)
    return case


def asked(rule: Rule, deployment: Deployment = XPHONE, **changes: Any) -> list[Finding]:
    """What one rule finds in such a call, or beside it."""
    return list(rule.find(scene_for(rule, deployment, **changes)))


def scene_for(rule: Rule, deployment: Deployment = XPHONE, **changes: Any) -> Case:
    """What the rule is asked about: the call, or what is beside it."""
    outside = changes.pop("outside", False)  # for a rule that is asked about both
    if rule.beside_calls or outside:
        return beside(tables(**changes), deployment)
    return scene(deployment, **changes)


def verdict(**changes: Any) -> Any:
    """The row of calls after the whole diagnosis."""
    judged, _ = diagnose.diagnose(tables(**changes), XPHONE)
    return judged.calls.iloc[0]


def told_both(finding: Finding, rule: Rule, case: Case | None = None) -> dict[str, dict[str, Any]]:
    """The finding's record in both languages: fails where a text names a fact that is not there."""
    told = {lang: described(finding, rule, case or scene(), lang).row() for lang in LANGS}
    assert told["en"]["title"] != told["de"]["title"]
    for each in told.values():
        assert each["title"] and each["causes"] and each["remedies"]
        assert "{" not in f"{each['title']}{each['detail']}{each['causes']}{each['remedies']}"
    return told
