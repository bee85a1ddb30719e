"""What an answer lacks of what its offer demands, and who ends a leg because of a description."""

from datetime import timedelta
from itertools import zip_longest
from typing import NamedTuple

from postproc.diagnose.evidence.case import Case
from postproc.diagnose.evidence.negotiation import Exchange, by_dtls, secured
from postproc.diagnose.evidence.signalling import INCOMPATIBLE, q850
from postproc.model.rows import SdpMediaRow, SipMessageRow

# Browser user agents send BYE within a round trip of an answer they cannot use (JsSIP: 30 ms after the ACK).
# A third of this misses slow mobile links; three times includes people who hang up.
AT_ONCE = timedelta(seconds=2)
# Who holds a call and hears a wrong answer to it: a stack ends it in 60 ms, a person not within half a second.
BY_MACHINE = timedelta(milliseconds=500)
NOT_ACCEPTABLE = ("cause=488", "cause=606", "cause=415")
# Q.850: bearer capability not available (Asterisk's word for 488), not implemented; incompatible destination.
UNSUITABLE = frozenset({58, 65, INCOMPATIBLE})


class Lack(NamedTuple):
    """A missing property as written in SDP; ``tag`` selects advice.

    ``proof``: counts only if the answer is refused; ``garbled``: counts although packets go both ways.
    """

    tag: str
    name: str
    proof: bool = False
    garbled: bool = False


# RFC 3264, section 6.1: the allowed answers to each direction.
DIRECTIONS = {
    "sendonly": {"recvonly", "inactive"},
    "recvonly": {"sendonly", "inactive"},
    "inactive": {"inactive"},
}
LEAST_UFRAG = 4  # characters (RFC 8839, section 5.4); browsers refuse a description with fewer
# RFC 8842, section 5.3: the allowed answers to each a=setup.
SETUPS = {"actpass": {"active", "passive"}, "active": {"passive"}, "passive": {"active"}}


def lacks(exchange: Exchange) -> list[Lack]:
    """Return the properties that the offer requires and the answer lacks."""
    offer, answer = exchange.offer.audio, exchange.answer.audio
    if not exchange.accepted:
        return []
    if secured(offer) != secured(answer):
        return [Lack("profile", offer.proto or "")]
    missing = []
    allowed = DIRECTIONS.get(offer.direction or "", set())
    if allowed and (answer.direction or "sendrecv") not in allowed:
        missing.append(Lack("direction", " | ".join(f"a={each}" for each in sorted(allowed)), proof=True))
    if offer.ufrag and answer.ufrag and len(answer.ufrag) < LEAST_UFRAG:
        missing.append(Lack("ice", f"a=ice-ufrag (≥ {LEAST_UFRAG})", proof=True))
    if by_dtls(offer) and not offer.crypto and not answer.fingerprint:
        missing.append(Lack("keys", "a=fingerprint"))
    elif offer.crypto and not by_dtls(offer) and secured(offer) and not answer.crypto:
        missing.append(Lack("keys", "a=crypto"))
    elif not {*suites(answer)} <= {*suites(offer)} and not by_dtls(offer):  # RFC 4568, section 5.1.2
        taken = {line.rpartition(" ")[2] for line in suites(answer)}
        same = [line for line in suites(offer) if line.rpartition(" ")[2] in taken]
        lines = " | ".join(same or suites(offer))
        missing.append(Lack("tag" if same else "keys", lines, garbled=True))
    elif (
        offer.fingerprint
        and answer.fingerprint
        and answer.setup not in SETUPS.get(offer.setup or "", {answer.setup})
    ):
        missing.append(
            Lack("setup", " | ".join(f"a=setup:{role}" for role in sorted(SETUPS[offer.setup or ""])))
        )
    if offer.rtcp_mux and not answer.rtcp_mux:
        missing.append(Lack("mux", "a=rtcp-mux", proof=not offer.rtcp_mux_only))
    return missing


def suites(section: SdpMediaRow) -> list[str]:
    """Return each a=crypto line without its key, ``a=crypto:1 SUITE``: an answer repeats tag and suite of one."""
    names = section.crypto.split(",") if section.crypto else []
    tags = section.crypto_tags.split(",") if section.crypto_tags else []
    return [
        f"a=crypto{':' if tag else ''}{tag} {name}" for tag, name in zip_longest(tags, names, fillvalue="")
    ]


def ended(case: Case, exchange: Exchange) -> SipMessageRow | None:
    """Return the BYE or CANCEL with which an end rejects the answer: with a fitting reason, or at once; or None."""
    answered = exchange.answer.message
    handed_on = any(row.method == "REFER" and row.call_id == answered.call_id for row in case.sip_messages)
    for row in case.sip_messages:
        if row.call_id != answered.call_id or row.method not in ("BYE", "CANCEL") or row.time < answered.time:
            continue
        if _incompatible(row.reason_header) or (
            not handed_on  # after a transfer its party hangs up at once
            and row.time - answered.time <= AT_ONCE
            and _from_offerer(row, exchange)
            and row.reason_header is None
        ):
            return row
    return None


def decides(refused: SipMessageRow, exchange: Exchange) -> bool:
    """Whether a leg was ended at once, with a Reason that blames the description."""
    at_once = refused.time - exchange.answer.message.time <= AT_ONCE
    return at_once and _incompatible(refused.reason_header)


def by_machine(refused: SipMessageRow, exchange: Exchange) -> bool:
    waited = refused.time - exchange.answer.message.time
    return waited <= BY_MACHINE and _from_offerer(refused, exchange)


def _incompatible(header: str | None) -> bool:
    reason = (header or "").replace(" ", "")
    return q850(header) in UNSUITABLE or any(each in reason for each in NOT_ACCEPTABLE)


def _from_offerer(row: SipMessageRow, exchange: Exchange) -> bool:
    return row.src_addr == exchange.offer.message.src_addr
