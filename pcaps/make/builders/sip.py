"""SIP messages and the dialog that sends them (RFC 3261)."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from pcaps.make.builders.packets import Endpoint
from pcaps.make.builders.recording import Path
from pcaps.make.builders.seed import Seed
from postproc.wire.sip import sized

SERVER_AGENT, B2BUA_AGENT, GATEWAY_AGENT = "sipsorcery_v4.0.79.1", "XPhone Call Controller", "LabPBX/16.2"
CONTENT = "Content-Type"
ALLOW = "INVITE, ACK, BYE, CANCEL, OPTIONS, MESSAGE, INFO, UPDATE, REGISTER, REFER, NOTIFY"
REASONS = {
    100: "Trying",
    180: "Ringing",
    183: "Session Progress",
    200: "OK",
    202: "Accepted",
    401: "Unauthorized",
    403: "Forbidden",
    407: "Proxy Authentication Required",
    408: "Request Timeout",
    415: "Unsupported Media Type",
    422: "Session Interval Too Small",
    481: "Call/Transaction Does Not Exist",
    480: "Temporarily Unavailable",
    486: "Busy Here",
    487: "Request Terminated",
    488: "Not Acceptable Here",
    500: "Server Internal Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    603: "Declined",
}


def hostport(endpoint: Endpoint) -> str:
    host = f"[{endpoint[0]}]" if ":" in endpoint[0] else endpoint[0]
    return f"{host}:{endpoint[1]}"


@dataclass
class Dialog:
    """One Call-ID between "uac" and "uas"; it writes the messages and counts them."""

    path: Path
    ends: dict[str, Endpoint]
    seed: Seed
    call_id: str
    caller: str = "721"
    callee: str = "+498984079810"
    name: str = "Anna Mobil"
    transport: str = "UDP"
    agents: tuple[str, str] = (B2BUA_AGENT, GATEWAY_AGENT)
    cseq: int = 1
    messages: int = 0
    final_status: int | None = None
    ended_by: str = ""
    uas_tag: str = ""
    _invite: tuple[int, str] = field(default=(0, ""), init=False)
    _own_cseq: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.uac_tag = self.seed.text(13)
        self._first_uas_tag = self.uas_tag or self.seed.text(13)
        self.uri = f"sip:{self.callee}@{hostport(self.ends['uas'])}" + (
            "" if self.transport == "UDP" else f";transport={self.transport.lower()}"
        )

    def invite(self, at: float, body: str, extra: Sequence[str] = ()) -> bytes:
        """Send an INVITE, or a re-INVITE once the dialog is established."""
        self._invite = (self.cseq, self._branch())
        self.cseq += 1
        return self.request(
            at, "INVITE", extra=extra, body=body, cseq=self._invite[0], branch=self._invite[1]
        )

    def again(self, at: float, sender: str, data: bytes) -> None:
        """Retransmit the message."""
        self.path.send(at, sender, data)
        self.messages += 1

    def respond(
        self,
        at: float,
        status: int,
        *,
        body: str = "",
        extra: Sequence[str] = (),
        tag: str | None = None,
        method: str = "INVITE",
    ) -> bytes:
        """Send the UAS's response to the last INVITE, or to its CANCEL."""
        if (
            method == "INVITE"
            and status >= 200
            and (self.final_status or 0) // 100 != 2
            and status not in (401, 407)
        ):
            self.final_status = status
        tag = "" if status == 100 else tag or self._first_uas_tag
        if tag and method == "INVITE" and status < 300:
            self.uas_tag = tag
        head = self._head(self._invite[1], tag, f"{self._invite[0]} {method}", "uas")
        return self._send(at, "uas", f"SIP/2.0 {status} {REASONS[status]}", [*head, *extra], body)

    def ack(self, at: float, *, failed: bool = False) -> bytes:
        """Send ACK.

        For a failure in the INVITE's transaction, for a success in a new one (RFC 3261, 17.1.1.3).
        """
        branch = self._invite[1] if failed else self._branch()
        return self.request(
            at, "ACK", cseq=self._invite[0], branch=branch, tag=self._first_uas_tag if failed else None
        )

    def cancel(self, at: float, extra: Sequence[str] = ()) -> bytes:
        return self.request(at, "CANCEL", cseq=self._invite[0], branch=self._invite[1], tag="", extra=extra)

    def refuse(self, at: float, status: int, *, acked: float = 0.001, extra: Sequence[str] = ()) -> None:
        """Send a final failure and its ACK."""
        self.respond(at, status, extra=extra)
        self.ack(at + acked, failed=True)

    def bye(
        self, at: float, sender: str = "uac", *, answered: float = 0.006, extra: Sequence[str] = ()
    ) -> None:
        """Send a BYE and its 200."""
        self.ended_by = f"BYE by the {sender}"
        self.exchange(at, "BYE", sender, answered=answered, extra=extra)

    def exchange(
        self,
        at: float,
        method: str,
        sender: str = "uac",
        *,
        status: int = 200,
        answered: float = 0.006,
        extra: Sequence[str] = (),
        answer_extra: Sequence[str] = (),
        body: str = "",
        answer_body: str = "",
    ) -> None:
        """Send a request of either end, and its response."""
        cseq, branch = self._next_cseq(sender), self._branch()
        self.request(at, method, cseq=cseq, branch=branch, extra=extra, sender=sender, body=body)
        peer = "uas" if sender == "uac" else "uac"
        head = self._head(branch, self.uas_tag, f"{cseq} {method}", peer, sender)
        self._send(
            at + answered, peer, f"SIP/2.0 {status} {REASONS[status]}", [*head, *answer_extra], answer_body
        )

    def request(
        self,
        at: float,
        method: str,
        *,
        cseq: int,
        branch: str,
        tag: str | None = None,
        extra: Sequence[str] = (),
        body: str = "",
        sender: str = "uac",
    ) -> bytes:
        head = self._head(branch, self.uas_tag if tag is None else tag, f"{cseq} {method}", sender, sender)
        uri = self.uri if sender == "uac" else f"sip:{self.caller}@{hostport(self.ends['uac'])}"
        contact = [self.contact(sender)] if method == "INVITE" else []
        return self._send(
            at, sender, f"{method} {uri} SIP/2.0", ["Max-Forwards: 70", *head, *contact, *extra], body
        )

    def _next_cseq(self, sender: str) -> int:
        if sender == "uac":
            self.cseq += 1
            return self.cseq - 1
        self._own_cseq += 1
        return self._own_cseq

    def _branch(self) -> str:
        return f"z9hG4bK{self.seed.text(13)}"

    def contact(self, end: str) -> str:
        user = f"{self.callee}@" if end == "uas" else ""
        return f"Contact: <sip:{user}{hostport(self.ends[end])};transport={self.transport.lower()}>"

    def _head(self, branch: str, tag: str, cseq: str, writer: str, requester: str = "uac") -> list[str]:
        """Return the headers shared by request and responses.

        From is the requester (RFC 3261, section 8.2.6.2).
        """
        local = f'"{self.name}" <sip:{self.caller}@{hostport(self.ends["uac"])}>;tag={self.uac_tag}'
        remote = f"<{self.uri}>" + (f";tag={tag}" if tag else "")
        first, second = (local, remote) if requester == "uac" else (remote, local)
        agent = self.agents[0] if writer == "uac" else self.agents[1]
        return [
            f"Via: SIP/2.0/{self.transport} {hostport(self.ends[requester])};rport;branch={branch}",
            f"From: {first}",
            f"To: {second}",
            f"Call-ID: {self.call_id}",
            f"CSeq: {cseq}",
            f"{'Server' if agent == GATEWAY_AGENT else 'User-Agent'}: {agent}",
        ]

    def _send(self, at: float, sender: str, start_line: str, headers: Sequence[str], body: str) -> bytes:
        kinds = {
            name: value for name, _, value in (line.partition(": ") for line in headers) if name == CONTENT
        }
        plain = [line for line in headers if not line.startswith(f"{CONTENT}:")]
        kind = kinds.get(CONTENT, "application/sdp")
        data = sized(start_line, [*plain, f"Allow: {ALLOW}"] if body else plain, body, kind)
        self.path.send(at, sender, data)
        self.messages += 1
        return data

    def truth(self, leg: int) -> dict[str, object]:
        return {
            "leg": leg,
            "transport": self.transport,
            "from_": hostport(self.ends["uac"]),
            "to": hostport(self.ends["uas"]),
            "call_id": self.call_id,
            "final_status": self.final_status,
            "ended_by": self.ended_by,
            "messages": self.messages,
        }
