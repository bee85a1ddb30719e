"""Both sides act as DTLS client, or both as server (RFC 5763, section 5; RFC 8842)."""

from collections.abc import Iterator

from postproc.diagnose.evidence.case import Case, evidence
from postproc.diagnose.evidence.media import both_ways, connected, talks
from postproc.diagnose.evidence.negotiation import Exchange, exchanges
from postproc.diagnose.evidence.paths import hellos_of_both
from postproc.model.findings import Finding, Rule, cause, remedy
from postproc.model.rows import DtlsMessageRow
from postproc.model.text import Text

BOTH_ASK = Text(
    "{one} and {other} both send a ClientHello on leg {number}: each takes itself for the DTLS client.",
    "{one} und {other} senden auf Leg {number} beide ein ClientHello: Jeder hält sich für den DTLS-Client.",
)
BOTH_WAIT = Text(
    "Nobody sends a ClientHello on leg {number}: by their SDP both sides wait for the other's.",
    "Auf Leg {number} sendet niemand ein ClientHello: Laut SDP warten beide Seiten auf das der anderen.",
)
SETUPS = Text(
    "The offer says a=setup:{offered}, the answer a=setup:{answered}.",
    "Im Angebot steht a=setup:{offered}, in der Antwort a=setup:{answered}.",
)
NO_SERVER = Text("No ServerHello was sent.", "Ein ServerHello wurde nicht gesendet.")

# The pairs of a=setup with which neither side has to start (RFC 4145, section 4.1).
WAITING = frozenset(
    {("passive", "passive"), ("passive", "actpass"), ("passive", "holdconn"), ("actpass", "holdconn")}
)


def find(case: Case) -> Iterator[Finding]:
    legs = [None] if not case.legs else case.numbers
    for leg in legs:
        if both_ways(case, leg):
            continue
        last = next((each for each in reversed(exchanges(case, leg)) if each.accepted), None)
        hellos = _both_ask(case, leg)
        if hellos:
            yield _asking(leg, last, *hellos)
        elif last is not None and _both_wait(case, leg, last):
            yield _waiting(leg, last)


def _both_ask(case: Case, leg: int | None) -> list[DtlsMessageRow]:
    """Return each end's first ClientHello on the first path where both sent one and neither a ServerHello."""
    paths: dict[object, list[DtlsMessageRow]] = {}
    for row in case.dtls_messages:
        if row.leg == leg:
            ends = frozenset({(row.src_addr, row.src_port), (row.dst_addr, row.dst_port)})
            paths.setdefault((row.capture, ends), []).append(row)
    return next((hellos for messages in paths.values() if (hellos := hellos_of_both(messages))), [])


def _both_wait(case: Case, leg: int | None, last: Exchange) -> bool:
    """Whether ICE has been up long enough, DTLS is agreed, and by SDP neither side starts."""
    offer, answer = last.offer.audio, last.answer.audio
    roles = (offer.setup or "", answer.setup or "")
    long = any(
        talk.leg == leg and talk.seconds >= case.deployment.thresholds.one_way_seconds for talk in talks(case)
    )
    return (
        bool(offer.fingerprint and answer.fingerprint)
        and (roles in WAITING or roles[::-1] in WAITING)
        and not any(row.leg == leg for row in case.dtls_messages)
        and long
        and connected(case, leg)
    )


def _roles(last: Exchange | None) -> dict[str, object]:
    if last is None:
        return {}
    return {"offered": last.offer.audio.setup or "–", "answered": last.answer.audio.setup or "–"}


def _asking(leg: int | None, last: Exchange | None, one: DtlsMessageRow, other: DtlsMessageRow) -> Finding:
    facts = {"one": one.src_addr, "other": other.src_addr, "number": leg or "–"} | _roles(last)
    return Finding(
        RULE.name,
        "fault",
        0.85,
        evidence(one, other),
        BOTH_ASK,
        (NO_SERVER, SETUPS) if last is not None else (NO_SERVER,),
        facts,
        leg=leg,
        tags=frozenset({"asking"}),
    )


def _waiting(leg: int | None, last: Exchange) -> Finding:
    return Finding(
        RULE.name,
        "fault",
        0.85,
        evidence(last.offer.message, last.answer.message),
        BOTH_WAIT,
        (SETUPS,),
        {"number": leg} | _roles(last),
        leg=leg,
        tags=frozenset({"waiting"}),
    )


RULE = Rule(
    code="DTLS006",
    name="dtls-role-conflict",
    stage="dtls",
    breaks="dtls_roles",
    summary=Text("DTLS roles in conflict", "DTLS-Rollen im Widerspruch"),
    claim=Text(
        "Both sides send a ClientHello, or both wait for one: no handshake comes about.",
        "Beide Seiten senden ein ClientHello, oder beide warten auf eines: Ein Handshake kommt nicht zustande.",
    ),
    causes=(
        cause(
            "One side does not keep to the role that a=setup gives it.",
            "Eine Seite hält sich nicht an die Rolle, die a=setup ihr gibt.",
            tag="asking",
        ),
        cause(
            "The answer takes the role that the offer has taken already.",
            "Die Antwort nimmt die Rolle, die das Angebot schon genommen hat.",
            tag="waiting",
        ),
        cause(
            "A proxy or media server on the way changed a=setup in one direction only.",
            "Ein Proxy oder Medienserver unterwegs hat a=setup nur in einer Richtung geändert.",
        ),
    ),
    remedies=(
        remedy(
            "Offer a=setup:actpass, and have the answering side say active or passive.",
            "a=setup:actpass anbieten und die antwortende Seite active oder passive wählen lassen.",
        ),
        remedy(
            "rtpengine: set DTLS=passive or DTLS-reverse=passive for the side that insists on its role.",
            "rtpengine: für die Seite, die auf ihrer Rolle besteht, DTLS=passive oder DTLS-reverse=passive setzen.",
        ),
    ),
    references=("RFC 5763, section 5", "RFC 8842, section 5.3"),
    known_problems=Text(
        "Hellos of both sides that cross and are answered afterwards are no conflict.",
        "ClientHellos beider Seiten, die sich kreuzen und danach beantwortet werden, sind kein Widerspruch.",
    ),
    find=find,
)
