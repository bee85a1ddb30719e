"""SIP messages and session descriptions as text (RFC 3261, RFC 8866, RFC 8839)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from postproc.wire import sdp
from postproc.wire.ip import Endpoint
from postproc.wire.sdp import written
from postproc.wire.sip import sized

PRIORITIES = {"host": 2130706431, "srflx": 1694498815}
REASONS = {100: "Trying", 180: "Ringing", 183: "Session Progress", 200: "OK", 486: "Busy Here"}
REASONS |= {487: "Request Terminated"}
CLEARING = 'Reason: Q.850;cause=16;text="NORMAL_CLEARING"'
BUSY = 'Reason: Q.850;cause=17;text="USER_BUSY"'


@dataclass(frozen=True)
class Dialog:
    """One leg: a Call-ID between two user agents."""

    call_id: str
    caller: str
    callee: str
    uac: Endpoint
    uas: Endpoint
    transport: str
    uac_agent: str
    uas_agent: str

    @property
    def caller_address(self) -> str:
        return f'"Caller {self.caller}" <sip:{self.caller}@{self.uac.addr}>;tag={self.call_id[:10]}'

    @property
    def callee_address(self) -> str:
        return f"<sip:{self.callee}@{self.uas.addr}>"

    @property
    def to_tag(self) -> str:
        return f";tag={self.call_id[10:20]}"

    @property
    def reversed(self) -> "Dialog":
        """Return the dialog as seen by the called party, for its own requests."""
        return replace(self, uac=self.uas, uas=self.uac, uac_agent=self.uas_agent, uas_agent=self.uac_agent)


@dataclass(frozen=True)
class Candidate:
    type: str
    addr: str
    port: int
    base: Endpoint | None = None


@dataclass(frozen=True)
class IceAgent:
    """One side of an ICE session, with the certificate it will show in DTLS."""

    ufrag: str
    password: str
    candidates: Sequence[Candidate]
    fingerprint: str
    setup: str


def invite(dialog: Dialog, sdp: str, extra: Sequence[str] = ()) -> bytes:
    allow = "Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, INFO, UPDATE, REFER, NOTIFY"
    headers = [_contact(dialog.uac, dialog.transport), allow, "Supported: timer, replaces", *extra]
    return _request(dialog, "INVITE", "INVITE", extra=headers, sdp=sdp)


def ack(dialog: Dialog, success: bool) -> bytes:
    """Return an ACK: for a failure in the INVITE's transaction (RFC 3261, section 17.1.1.3)."""
    return _request(dialog, "ACK", "ACK" if success else "INVITE", confirmed=True)


def cancel(dialog: Dialog) -> bytes:
    """Return a CANCEL, with the INVITE's branch (RFC 3261, section 9.1)."""
    return _request(dialog, "CANCEL", "INVITE")


def bye(dialog: Dialog, by_uas: bool) -> bytes:
    return _request(dialog, "BYE", "BYE", cseq=2, extra=[CLEARING], confirmed=True, by_uas=by_uas)


def response(
    dialog: Dialog, status: int, method: str = "INVITE", *, cseq: int = 1, sdp: str = "", by_uac: bool = False
) -> bytes:
    """Return the response to a request of the UAC, or (``by_uac``) of the UAS."""
    sender = dialog.reversed if by_uac else dialog
    contact = [_contact(sender.uas, dialog.transport)] if sdp else []
    reason = [BUSY] if status == 486 else []
    branch = "INVITE" if method == "CANCEL" else method
    head = [f"SIP/2.0 {status} {REASONS[status]}", _via(sender, cseq, branch)]
    head += _parties(dialog, confirmed=status != 100, by_uas=by_uac)
    head += [f"CSeq: {cseq} {method}", f"User-Agent: {sender.uas_agent}", *contact, *reason]
    return sized(head[0], head[1:], sdp)


def _request(
    dialog: Dialog,
    method: str,
    branch: str,
    *,
    cseq: int = 1,
    extra: Sequence[str] = (),
    sdp: str = "",
    confirmed: bool = False,
    by_uas: bool = False,
) -> bytes:
    """Return a request; ``confirmed``: with To tag, ``by_uas``: sent by the UAS."""
    sender = dialog.reversed if by_uas else dialog
    user, host = dialog.caller if by_uas else dialog.callee, sender.uas
    uri = f"sip:{user}@{host.addr}:{host.port};transport={dialog.transport.lower()}"
    head = [f"{method} {uri} SIP/2.0", _via(sender, cseq, branch), "Max-Forwards: 70"]
    head += _parties(dialog, confirmed=confirmed, by_uas=by_uas)
    head += [f"CSeq: {cseq} {method}", f"User-Agent: {sender.uac_agent}", *extra]
    return sized(head[0], head[1:], sdp)


def secured_sdp(owner: str, media: Endpoint, agent: IceAgent) -> str:
    """Return a description with ICE and DTLS-SRTP, as of a WebRTC softphone."""
    session = ["v=0", f"o={owner} {media.port} 1 IN IP4 {media.addr}", "s=-", "t=0 0"]
    line = [f"m=audio {media.port} UDP/TLS/RTP/SAVPF 111 8 101", f"c=IN IP4 {media.addr}", "a=mid:0"]
    ice = [f"a=ice-ufrag:{agent.ufrag}", f"a=ice-pwd:{agent.password}"]
    dtls = [f"a=fingerprint:sha-256 {agent.fingerprint}", f"a=setup:{agent.setup}"]
    codecs = ["a=rtpmap:111 opus/48000/2", "a=fmtp:111 minptime=10;useinbandfec=1"]
    codecs += ["a=rtpmap:8 PCMA/8000", "a=rtpmap:101 telephone-event/8000", "a=fmtp:101 0-15"]
    candidates = [_candidate(number, each) for number, each in enumerate(agent.candidates)]
    ways = ["a=rtcp-mux", "a=sendrecv"]
    return written(*session, *line, *ice, *dtls, *codecs, *ways, *candidates, "a=end-of-candidates")


def plain_sdp(owner: str, media: Endpoint) -> str:
    session = ["v=0", f"o={owner} {media.port} 1 IN IP4 {media.addr}", "s=-", f"c=IN IP4 {media.addr}"]
    line = ["t=0 0", f"m=audio {media.port} RTP/AVP 8 101", "a=rtpmap:8 PCMA/8000"]
    return written(*session, *line, "a=rtpmap:101 telephone-event/8000", "a=fmtp:101 0-15", "a=ptime:20")


def _candidate(number: int, candidate: Candidate) -> str:
    priority = PRIORITIES[candidate.type] - number
    base = candidate.base
    related = (("raddr", base.addr), ("rport", str(base.port))) if base else ()
    line = sdp.Candidate(
        str(842163049 + number),
        1,
        "udp",
        priority,
        candidate.addr,
        candidate.port,
        candidate.type,
        (*related, ("generation", "0")),
    )
    return f"a=candidate:{line}"


def _via(sender: Dialog, cseq: int, transaction: str) -> str:
    branch = f"z9hG4bK{sender.call_id[:12]}{cseq}{transaction[0]}"
    return f"Via: SIP/2.0/{sender.transport} {sender.uac.addr}:{sender.uac.port};branch={branch};rport"


def _contact(agent: Endpoint, transport: str) -> str:
    return f"Contact: <sip:{agent.addr}:{agent.port};transport={transport.lower()}>"


def _parties(dialog: Dialog, *, confirmed: bool, by_uas: bool) -> list[str]:
    caller, callee = dialog.caller_address, dialog.callee_address + (dialog.to_tag if confirmed else "")
    from_, to = (callee, caller) if by_uas else (caller, callee)
    return [f"From: {from_}", f"To: {to}", f"Call-ID: {dialog.call_id}"]
