"""The values of enumerated columns: types for mypy, and the declarations in the tables.

mypy rejects a misspelled value in a comparison with such a column.
"""

from typing import Any, Literal, get_args

# Ends of a call, and directions.
Side = Literal["client", "server", "other"]
SideBy = Literal["marker", "b2bua", "role"]
Direction = Literal["server_to_client", "client_to_server", "other"]
LegRole = Literal["inbound", "outbound", "single"]
EndedBy = Literal["uac", "uas"]
Refresher = Literal["uac", "uas"]

# SIP.
IceTransport = Literal["udp", "tcp"]
SipTransport = Literal["udp", "tcp", "tls", "sctp", "ws", "wss"]
ConnectionEvent = Literal["fin", "reset", "client_hello", "server_hello", "alert", "keyed"]

# TCP, TLS and HTTP before a call.
TcpOutcome = Literal["established", "refused", "unanswered", "reset", "one_sided", "midstream"]
TcpEnd = Literal["client_fin", "server_fin", "client_reset", "server_reset"]
TcpSide = Literal["client", "server"]
TlsOutcome = Literal["complete", "alert", "closed", "unfinished"]
SignalrRequest = Literal["negotiate", "websocket", "events", "poll", "send", "end"]

# SDP.
MediaDirection = Literal["sendrecv", "sendonly", "recvonly", "inactive"]
OfferAnswer = Literal["offer", "answer", "trickle"]
LegState = Literal["trying", "ringing", "answered", "completed", "cancelled", "failed", "starts_mid_call"]
PhaseKind = Literal["early", "answered", "hold", "resumed", "restart"]

# ICE.
AddressClass = Literal[
    "private",
    "public",
    "cgnat",
    "link_local",
    "loopback",
    "mdns",
    "ula",
    "documentation",
    "multicast",
    "unspecified",
    "invalid",
]
AclVerdict = Literal["allowed", "denied", "unknown"]
StunClass = Literal["request", "indication", "success", "error"]
IceRole = Literal["controlling", "controlled"]
Purpose = Literal["check", "discovery", "keepalive"]
Outcome = Literal["success", "error", "unanswered", "pending", "response_only"]
PairState = Literal["succeeded", "half", "failed", "never_checked"]
LearnedFrom = Literal["stun_server", "check", "candidate"]

# DTLS.
HandshakeState = Literal["none", "client_hello_only", "incomplete", "complete", "alert"]

# Places where a capture was made, and the kinds of packets that pass between two of them.
Place = Literal["server", "wan", "client"]
PassageKind = Literal["stun", "dtls", "rtp", "rtcp", "sip"]

# Diagnosis and timeline.
Verdict = Literal["fault", "suspect", "cannot_tell", "note", "ok"]
CallVerdict = Literal["ok", "fault", "suspect", "cannot_tell"]
Severity = Literal["error", "warning", "note", "info"]
EventSeverity = Literal["normal", "note", "warning", "error"]
Lane = Literal["sip", "sdp", "stun", "dtls", "media", "icmp", "log"]
LogKind = Literal[
    "invite",
    "channel",
    "peer",
    "originate_failed",
    "acl",
    "candidate",
    "ice",
    "ice_move",
    "rtp_move",
    "stun",
    "dtls",
    "media",
    "codec",
    "srtp",
    "sdp",
    "pre_answer",
    "ringing",
    "answered",
    "response",
    "hangup",
    "warning",
]


def words(enumeration: Any) -> tuple[str, ...]:  # noqa: ANN401  (a Literal has no type of its own)
    """Return the values of an enumeration, in the order declared."""
    return get_args(enumeration)
