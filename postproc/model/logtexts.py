r"""Parse FreeSWITCH log lines: the texts worth keeping, and the facts in them.

The texts come from its sources from 1.6 to 1.10 (sofia.c, sofia_glue.c, switch_core_media.c,
switch_rtp.c, switch_channel.c, switch_ivr_originate.c). Source line numbers change between versions,
so only the text counts. All code that reads, assigns or interprets log lines uses this module::

    >>> said('IP 192.0.2.1 Rejected by acl "lan"')
    ('acl', {'verdict': 'Rejected', 'addr': '192.0.2.1', 'list': 'lan'})
"""

import re
from typing import NamedTuple

UUID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
NULL = "(null)"  # what FreeSWITCH writes where it has no Call-ID yet


class LogText(NamedTuple):
    """A log text: its kind, a substring that preselects lines, and the pattern that extracts the facts."""

    kind: str
    words: str
    pattern: re.Pattern[str]


def _text(kind: str, words: str, pattern: str) -> LogText:
    return LogText(kind, words, re.compile(pattern))


CHANNEL, AT, MEDIA = r"(?P<channel>.+?)", r"(?P<addr>\S+):(?P<port>\d+)", r"(?P<media>\S+)"
CAUSE = r"\[(?P<cause>\w+)\]"
RECEIVING, SENDING = " receiving invite from ", " sending invite "
SUCCESS, ERROR = "Originate Resulted in Success: ", "Originate Resulted in Error Cause: "
TEXTS = (
    _text("invite", RECEIVING, rf"{CHANNEL}{RECEIVING}{AT}(?: .*?call-id: (?P<call_id>\S+))?"),
    _text("invite", f"{SENDING}call-id: ", rf"{CHANNEL}{SENDING}call-id: (?P<call_id>\S+)"),
    _text("sdp", f"{SENDING}version: ", rf"{CHANNEL}{SENDING}version: "),
    _text("sdp", " SDP:", r"(?P<author>Local|Remote|Ring) SDP:"),
    _text("sdp", "Local SDP ", rf"(?P<author>Local) SDP {CHANNEL}:(?: |$)"),
    _text("channel", "New Channel ", rf"New Channel (?P<channel>.+) \[(?P<opened>{UUID})\]"),
    _text("peer", SUCCESS, rf"{SUCCESS}\[(?P<channel>.*)\] Peer UUID: (?P<peer>{UUID})"),
    _text("originate_failed", ERROR, rf"{ERROR}(?P<status>\d+) {CAUSE}"),
    _text("acl", "verifying acl ", rf'(?P<verdict>verifying) acl "(?P<list>[^"]*)" for ip/port {AT}'),
    _text("acl", " by acl ", r'IP (?P<addr>\S+) (?P<verdict>Rejected|Approved) by acl "(?P<list>[^"\[]*)'),
    _text("acl", " by acls ", r"IP/Port (?P<addr>\S+) (?P<port>\d+) (?P<verdict>Rejected) by acls"),
    _text("candidate", "NO candidate ACL defined", r"NO candidate ACL defined, Defaulting to (?P<list>\S+)"),
    _text(
        "candidate",
        " Candidate cid: ",
        r"(?P<verdict>Save|Drop|Choose|Checking)(?: (?P<media>\w+))? Candidate cid: (?P<component>\d+) "
        rf"proto: (?P<transport>\S+) type: (?P<type>\S+) addr: {AT}(?: \((?P<reason>.*)\))?",
    ),
    _text("candidate", "Searching for ", r"(?P<verdict>Searching) for (?P<protocol>rtc?p) candidate"),
    _text(
        "candidate",
        " candidate, index ",
        r"(?P<verdict>Choose) (?P<protocol>rtc?p|same) candidate, index (?P<index>\d+), "
        rf"(?:for .* attribute )?{AT}",
    ),
    _text("candidate", "Look for Relay Candidates", r"Look for Relay Candidates as last resort"),
    _text(
        "candidate",
        " ice addr to index ",
        rf"(?P<verdict>setting) remote {MEDIA} ice addr to index (?P<index>\d+) {AT}",
    ),
    _text(
        "ice",
        " ICE: ",
        rf"Activating (?P<protocol>\S+) {MEDIA} ICE: (?P<remote_ufrag>[^\s:]+):(?P<local_ufrag>\S+) {AT}",
    ),
    _text(
        "ice_move",
        "/dtls port from ",
        rf"Auto Changing {MEDIA} stun/(?P<protocol>\w+)/dtls port from (?P<old_addr>\S+):(?P<old_port>\d+) "
        rf"to {AT}(?: idx:(?P<index>-?\d+))?",
    ),
    _text(
        "rtp_move",
        "Auto Changing ",
        rf"Auto Changing {MEDIA} port from (?P<old_addr>\S+):(?P<old_port>\d+) to {AT}",
    ),
    _text("stun", " Success [", r"S(?i:tun) (?P<verdict>Success) \[(?P<addr>[^\]]+)\]:\[(?P<port>\d+)\]"),
    _text("stun", " Failed! ", r"S(?i:tun) (?P<verdict>Failed)!(?: (?P<server>\S+) \[(?P<reason>.*)\])?"),
    _text("stun", " stun for a long time", rf"No {MEDIA} stun for a (?P<verdict>long time)"),
    _text(
        "dtls",
        " DTLS state from ",
        rf"Changing {MEDIA} DTLS state from (?P<old_state>\w+) to (?P<state>\w+)",
    ),
    _text("dtls", " Fingerprint Verif", rf"{MEDIA} Fingerprint (?P<verdict>Verified|Verification Failed)"),
    _text("dtls", "Handshake failure ", r"(?:\S+ )?(?P<verdict>Handshake failure) (?P<error>\d+)"),
    _text("media", " no suitable candidates found", rf"{CHANNEL} (?P<verdict>no suitable candidates) found"),
    _text("media", "CODEC NEGOTIATION ERROR", r"CODEC NEGOTIATION ERROR"),
    _text("media", "Crypto not negotiated", r"Crypto not negotiated but required"),
    _text("media", "a=crypto in RTP/AVP", r"a=(?P<verdict>crypto in RTP/AVP)"),
    _text(
        "codec",
        " is saved as a ",
        r"\w+ Codec Compare \[(?P<codec>[^:\]]+)[^\]]*\] \+* ?is (?P<verdict>saved as a (?:near-)?match)",
    ),
    _text(
        "media",
        "AUDIO RTP [",
        r"AUDIO RTP \[(?P<channel>.+)\] (?P<local_addr>\S+) port (?P<local_port>\d+) -> "
        r"(?P<addr>\S+) port (?P<port>\d+)",
    ),
    _text("media", " RTP REPORTS ERROR", rf"{MEDIA} RTP (?P<verdict>REPORTS ERROR): \[(?P<reason>.*)\]"),
    _text(
        "srtp",
        " unprotect failed with code ",
        rf"(?:Error: )?SRTP(?: {MEDIA})? (?P<verdict>unprotect failed) with code (?P<error>\d+)"
        r"(?: \((?P<reason>[^)]*)\))?(?: (?P<errors>\d+))?",
    ),
    _text(
        "stun",
        " stun binding response ",
        rf"got {MEDIA} stun (?P<verdict>binding response) (?P<error>\d+)",
    ),
    _text("ringing", "Ring-Ready ", r"Ring-Ready (?P<channel>.+)!"),
    _text("pre_answer", "Pre-Answer ", r"Pre-Answer (?P<channel>.+)!"),
    _text("answered", " has been answered", r"Channel \[(?P<channel>.+)\] has been answered"),
    _text("response", "Responding to INVITE with: ", r"Responding to INVITE with: (?P<status>\d+)"),
    _text("hangup", "Hangup ", rf"Hangup (?P<channel>.+) \[(?P<state>CS_\w+)\] {CAUSE}"),
)
ORIGIN = re.compile(r"(?:^|[ ;])o=(?P<owner>\S+) (?P<session_id>\S+) ")
MEDIA_PORT = re.compile(r"(?:^|[ ;])m=\w+ (\d{1,5})")
KINDS = tuple(dict.fromkeys(text.kind for text in TEXTS))
# Levels (switch_log.c) of lines that are always kept and quoted.
LOUD = ("WARNING", "ERR", "CRIT", "ALERT", "EMERG")
NAMED = re.compile(r"\b(?:sofia|verto|loopback|rtc)/[^\s\[\]]+")


def channel_named(text: str) -> str | None:
    """Return the channel name in any text, such as ``sofia/internal/1010@203.0.113.10``, or None."""
    match = NAMED.search(text)
    return match[0] if match else None


def said(text: str) -> tuple[str, dict[str, str]] | None:
    """Return the kind of a log text and its facts by name; None if it matches none of TEXTS.

    ``addr`` and ``port`` are the remote ones, ``list`` the access list, ``verdict`` the line's own word.
    Facts missing from the line are missing from the result.
    """
    for log_text in TEXTS:
        if log_text.words in text and (match := log_text.pattern.match(text)):
            return log_text.kind, {name: value for name, value in match.groupdict().items() if value}
    return None


def origin(text: str) -> tuple[str, str, frozenset[int]] | None:
    """Return owner, session id and ports in a line of kind ``sdp`` (RFC 8866, section 5.2), or None."""
    match = ORIGIN.search(text)
    return match and (match["owner"], match["session_id"], frozenset(map(int, MEDIA_PORT.findall(text))))
