"""One side has only IPv6 addresses, the other only IPv4: they cannot exchange packets."""

from collections.abc import Iterator

from postproc.diagnose.evidence.candidates import version
from postproc.diagnose.evidence.case import Case, evidence
from postproc.diagnose.evidence.media import both_ways
from postproc.diagnose.evidence.negotiation import Exchange, exchanges
from postproc.diagnose.evidence.paths import checks
from postproc.diagnose.evidence.server import LOGGED, LONGEST
from postproc.diagnose.evidence.signalling import offered_audio, refusal
from postproc.model.addresses import alternatives
from postproc.model.findings import Finding, Rule, cause, remedy
from postproc.model.loading import Row
from postproc.model.rows import SdpMediaRow
from postproc.model.text import Text

ANSWERED = Text(
    "On leg {number} {offerer} offers {offered} only and {answerer} answers with {answered} only: no path between them.",
    "Auf Leg {number} bietet {offerer} nur {offered} an, {answerer} antwortet nur mit {answered}: Dazwischen gibt es keinen"
    " Pfad.",
)
REFUSED = Text(
    "The offer has {offered} addresses only, and {answerer}, which is reached by {answered}, refuses it: {answer}.",
    "Das Angebot enthält nur {offered}-Adressen, und {answerer}, über {answered} erreichbar, lehnt es ab: {answer}.",
)
NOTHING = Text(
    "No check was answered and no media went both ways on this leg.",
    "Auf diesem Leg wurde kein Check beantwortet, und Medien in beide Richtungen gab es nicht.",
)
SETTLE = Text(
    "the server's log says which of the candidates it could use, and its configuration whether it has {offered}"
    " addresses.",
    "Das Log des Servers zeigt, welche Kandidaten er nutzen konnte, seine Konfiguration, ob er {offered}-Adressen hat.",
)

FAMILIES = {4: "IPv4", 6: "IPv6"}
NOWHERE = frozenset({"0.0.0.0", "::"})  # hold in the style of RFC 2543, or Trickle ICE: no information
REFUSALS = frozenset({488, 606})  # RFC 3261, sections 21.4.26 and 21.6.4: the description is not acceptable
NO_PATH = "no network path"  # FreeSWITCH's reason for a candidate of an address family it lacks


def find(case: Case) -> Iterator[Finding]:
    answered = {leg.leg for leg in case.legs if leg.answer_time is not None}
    for leg in sorted(answered):
        last = next((each for each in reversed(exchanges(case, leg)) if each.accepted), None)
        if last is not None and not _reached(case, leg) and (mismatch := _mismatch(case, leg, last)):
            yield mismatch
    if not answered:
        yield from _refused(case)


def families(case: Case, section: SdpMediaRow) -> frozenset[int]:
    """Return the IP versions of a description's addresses; empty if one is hidden (mDNS) or none is known yet."""
    offered = [row.addr for row in case.candidates if row.ufrag and row.ufrag == section.ufrag and row.addr]
    if not offered and section.connection_addr and section.connection_addr not in NOWHERE:
        offered = [section.connection_addr, *(addr for addr, _ in alternatives(section.alternatives))]
    versions = {version(addr) for addr in offered}
    return frozenset() if None in versions else frozenset(each for each in versions if each)


def _reached(case: Case, leg: int | None) -> bool:
    """Whether the two are connected nevertheless, by NAT64 or a dual-stack relay."""
    return bool(both_ways(case, leg)) or bool(checks(case, None, leg).answered)


def _mismatch(case: Case, leg: int | None, last: Exchange) -> Finding | None:
    offered, answered = (families(case, each.audio) for each in last)
    if len(offered) != 1 or len(answered) != 1 or offered == answered:
        return None
    facts = {
        "number": leg,
        "offerer": last.offer.message.src_addr,
        "answerer": last.answer.message.src_addr,
        "offered": _named(offered),
        "answered": _named(answered),
    }
    return Finding(
        RULE.name,
        "fault",
        0.9,
        evidence(last.offer.message, last.answer.message),
        ANSWERED,
        (NOTHING,),
        facts,
        leg=leg,
        tags=frozenset({"answered"}),
    )


def _refused(case: Case) -> Iterator[Finding]:
    """Yield findings on refusals of a one-family offer by a machine that signals over the other family; its log makes them certain."""
    refused = refusal(case, REFUSALS)
    if refused is None or refused.origin is not refused.response:
        return
    audio = offered_audio(case, refused.invite)
    reached = version(refused.origin.src_addr)
    offered = families(case, audio) if audio is not None else frozenset()
    if audio is None or reached is None or len(offered) != 1 or reached in offered:
        return
    lines = [row for row in case.log_events if NO_PATH in (row.text or "").lower()]
    facts: dict[str, object] = {
        "answerer": refused.origin.src_addr,
        "offered": _named(offered),
        "answered": FAMILIES[reached],
        "answer": refused.phrase,
    }
    rows: list[Row] = [refused.invite, refused.response]
    if lines:
        facts["line"] = (lines[0].text or "")[:LONGEST]
    yield Finding(
        RULE.name,
        "fault" if lines else "suspect",
        0.95 if lines else 0.6,
        evidence(*rows),
        REFUSED,
        (LOGGED,) if lines else (),
        facts,
        None if lines else SETTLE,
        leg=refused.leg.leg,
        tags=frozenset({"refused"}),
    )


def _named(versions: frozenset[int]) -> str:
    return FAMILIES[min(versions)]


RULE = Rule(
    code="SDP012",
    name="address-family-mismatch",
    stage="sdp",
    breaks="address_family",
    summary=Text("No common IP version", "Keine gemeinsame IP-Version"),
    claim=Text(
        "All addresses of one side are IPv6 and all of the other IPv4, so that no path exists between them.",
        "Eine Seite nennt nur IPv6-Adressen, die andere nur IPv4-Adressen; zwischen ihnen gibt es keinen Pfad.",
    ),
    causes=(
        cause(
            "The client is in an IPv6-only network, as mobile carriers have, and finds no IPv4 address of its own (NAT64"
            " without 464XLAT).",
            "Der Client ist in einem reinen IPv6-Netz, wie Mobilfunknetze es sind, und findet keine eigene IPv4-Adresse (NAT64"
            " ohne 464XLAT).",
        ),
        cause(
            "The media server has no address of the other version, or is not bound to it.",
            "Der Medienserver hat keine Adresse der anderen Version oder ist nicht daran gebunden.",
        ),
        cause(
            "IPv4 or IPv6 is switched off in the application or in the VPN.",
            "IPv4 oder IPv6 ist in der Anwendung oder im VPN abgeschaltet.",
        ),
    ),
    remedies=(
        remedy(
            "Give the media server an address of both versions, and have it offer both.",
            "Dem Medienserver eine Adresse jeder Version geben und ihn beide anbieten lassen.",
        ),
        remedy(
            "Use a TURN server that is reached by both versions and allocates both (RFC 8656, ADDITIONAL-ADDRESS-FAMILY).",
            "Einen TURN-Server nutzen, der über beide Versionen erreichbar ist und beide zuteilt (RFC 8656,"
            " ADDITIONAL-ADDRESS-FAMILY).",
        ),
        remedy(
            "FreeSWITCH: a profile has one address in rtp-ip; for IPv6 add a profile of its own, or allow IPv6 candidates"
            " (apply-candidate-acl any_v6.auto) where the host has IPv6.",
            "FreeSWITCH: Ein Profil hat eine Adresse in rtp-ip; für IPv6 ein eigenes Profil anlegen oder, wenn der Host"
            " IPv6 hat, IPv6-Kandidaten zulassen (apply-candidate-acl any_v6.auto).",
            product="freeswitch",
        ),
    ),
    references=("RFC 8445, section 6.1.2.2", "RFC 8421", "RFC 6052"),
    known_problems=Text(
        "Where a check was answered or media went both ways, as by NAT64, the rule is silent; a name in place of an address"
        " (mDNS) leaves it open.",
        "Wo ein Check beantwortet wurde oder Medien in beide Richtungen flossen, etwa über NAT64, schweigt die Regel; ein"
        " Name statt einer Adresse (mDNS) lässt es offen.",
    ),
    find=find,
)
