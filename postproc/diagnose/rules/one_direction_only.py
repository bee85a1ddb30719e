"""The capture contains only one direction of the traffic between two machines."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from postproc.diagnose.evidence.case import Case, evidence
from postproc.diagnose.evidence.view import Ends, ends_seen, truncated
from postproc.model.addresses import uri_host
from postproc.model.findings import Finding, Rule, cause, remedy
from postproc.model.loading import PacketRow
from postproc.model.rows import SipMessageRow
from postproc.model.text import Text

ENOUGH = 2  # packets that respond to something unseen; a single one may be due to the capture's start
BINDING, DTLS = "Binding Response", "DTLS"  # what takes the path of media
OPENING = frozenset({"client_hello", "hello_verify_request"})  # sent without having received anything

TITLE = Text(
    "Only packets from {sender} to {receiver} are in the capture, none in the other direction.",
    "Der Mitschnitt enthält nur Pakete von {sender} an {receiver}, keine in der Gegenrichtung.",
)
PROOF = Text(
    "{count:packet answers|packets answer} something that was not captured ({kinds}): so there were packets"
    " in the other direction.",
    "{count:Paket antwortet|Pakete antworten} auf etwas, das nicht aufgezeichnet wurde ({kinds}):"
    " Pakete in der Gegenrichtung gab es also.",
)
UNKNOWN = Text(
    "What came back, and what was left unanswered, cannot be told from this capture.",
    "Was zurückkam und was unbeantwortet blieb, lässt sich aus diesem Mitschnitt nicht sagen.",
)


class _Sight(NamedTuple):
    """A packet's direction, and whether it proves that its sender had received something."""

    ends: Ends
    row: PacketRow
    answers: str | None
    port: int | None = None  # its sender's, for what takes the path of media


def find(case: Case) -> Iterator[Finding]:
    sights = [each for each in _sights(case) if each.ends[0] != each.ends[1]]
    ways, told, reached = {each.ends for each in sights}, _icmp_ways(case), _reached(case)
    proofs: dict[Ends, list[_Sight]] = {}
    for each in sights:
        back = each.ends[::-1]
        heard = back in ways if each.port is None else (each.ends[0], each.port) in reached
        if each.answers and not heard and back not in told:
            proofs.setdefault(each.ends, []).append(each)
    for (sender, receiver), proof in proofs.items():
        if len(proof) >= ENOUGH:
            facts = {
                "sender": sender,
                "receiver": receiver,
                "count": len(proof),
                "kinds": list(dict.fromkeys(each.answers for each in proof)),
            }
            rows = [each.row for each in proof]
            yield Finding(
                RULE.name,
                "cannot_tell",
                0.9,
                evidence(*rows),
                TITLE,
                (PROOF, UNKNOWN),
                facts,
                leg=_leg(case, rows),
            )


def on_media_path(finding: Finding) -> bool:
    """Whether such a finding says that the capture leaves out a machine's checks, DTLS and media."""
    return finding.rule == RULE.name and bool({BINDING, DTLS} & {*finding.facts["kinds"]})


def _leg(case: Case, rows: Iterable[PacketRow]) -> int | None:
    legs = (case.leg_of.get(row.call_id) for row in rows if isinstance(row, SipMessageRow))
    return next((leg for leg in legs if leg is not None), None)


def _sights(case: Case) -> Iterator[_Sight]:
    messages = _sip(case.sip_messages)
    yield from (each._replace(answers=None) for each in messages) if truncated(case) else messages
    for binding in case.bindings:
        answers = BINDING if binding.outcome == "response_only" else None
        yield from (_Sight(ends, binding, answers, binding.dst_port) for ends in ends_seen(binding))
    for message in case.dtls_messages:
        opens = message.content == "alert" or message.handshake_type in OPENING
        ends = message.src_addr, message.dst_addr
        yield _Sight(ends, message, None if opens else DTLS, message.src_port)
    for stream in case.rtp_streams:
        yield _Sight((stream.src_addr, stream.dst_addr), stream, None)


def _reached(case: Case) -> set[tuple[str, int]]:
    """Return the media addresses to which any packet went, from wherever: a filter may let all SIP through.

    A flight that goes to the address in SDP answers the ClientHello that NAT made come from another one.
    """
    media = {(row.dst_addr, row.dst_port) for row in case.rtp_streams}
    keys = {(row.dst_addr, row.dst_port) for row in case.dtls_messages}
    unasked = [row for row in case.bindings if row.outcome == "response_only"]
    asked = [row for row in case.bindings if row.outcome != "response_only"]
    answered = {(row.src_addr, row.src_port) for row in (*unasked, *(r for r in asked if r.response_frame))}
    return media | keys | answered | {(row.dst_addr, row.dst_port) for row in asked}


def _sip(messages: Sequence[SipMessageRow]) -> Iterator[_Sight]:
    """Yield SIP packets; a response proves a request, a request within a dialog the response that created it.

    Not where its sender got that response, or the request that made the dialog, from another address: a proxy's, or that
    of a NAT, and it now goes to the Contact.
    """
    reached = {(row.call_id, row.dst_addr, row.status is not None) for row in messages}
    contacts = {(row.call_id, uri_host(row.contact)) for row in messages if row.status is not None}
    asked = {(row.call_id, row.dst_addr) for row in messages if row.method == "INVITE"}
    for row in messages:
        by_response = (row.call_id, row.src_addr, True) in reached
        by_request = row.method != "ACK" and (row.call_id, row.src_addr, False) in reached
        end = (row.call_id, row.dst_addr)
        by_contact = (
            end in contacts and end not in asked
        )  # perhaps from another of its sender's own addresses
        explained = row.status is None and (by_response or by_request or by_contact)
        yield _Sight((row.src_addr, row.dst_addr), row, None if explained else _answers(row))


def _answers(row: SipMessageRow) -> str | None:
    """Return the message's name if it proves that its sender had received something; else None."""
    if row.status is not None:
        return f"{row.status} {row.cseq_method or ''}".strip()
    return str(row.method) if row.method == "ACK" or row.to_tag else None


def _icmp_ways(case: Case) -> set[Ends]:
    """Return the directions of ICMP errors to the sender of the quoted packet, which are thus captured."""
    return {(row.dst_addr, row.src_addr) for row in case.icmp_errors}


RULE = Rule(
    code="CAP004",
    name="one-direction-only",
    stage="capture",
    breaks="capture_directions",
    summary=Text("Only one direction captured", "Nur eine Richtung mitgeschnitten"),
    claim=Text(
        "Of two machines that talked to each other only the packets of one are in the capture.",
        "Von zwei Systemen, die miteinander sprachen, sind nur die Pakete der einen im Mitschnitt.",
    ),
    causes=(
        cause(
            "A mirror port (SPAN) of the switch copies only received or only sent packets.",
            "Ein Spiegelport (SPAN) des Switches kopiert nur empfangene oder nur gesendete Pakete.",
        ),
        cause(
            "The two directions take different ways: several network cards, asymmetric routing, teaming.",
            "Die beiden Richtungen nehmen verschiedene Wege: mehrere Netzwerkkarten, asymmetrisches Routing, Teaming.",
        ),
        cause(
            "A capture filter lets only one direction through (src or dst instead of host).",
            "Ein Mitschnittfilter lässt nur eine Richtung durch (src oder dst statt host).",
        ),
    ),
    remedies=(
        remedy(
            "Capture on the server itself and on all of its interfaces.",
            "Auf dem Server selbst und auf allen seinen Schnittstellen mitschneiden.",
        ),
        remedy(
            "Let the mirror port copy both directions; capture without a filter.",
            "Den Spiegelport beide Richtungen kopieren lassen; ohne Filter mitschneiden.",
        ),
    ),
    references=("RFC 3261, section 12.1", "RFC 8489, section 6.3"),
    known_problems=Text(
        "Where nothing in sight answers anything, as with unanswered requests, the rule stays silent:"
        " then perhaps nothing came back.",
        "Antwortet nichts Sichtbares auf etwas anderes, wie bei unbeantworteten Anfragen, schweigt die Regel:"
        " Dann kam vielleicht wirklich nichts zurück.",
    ),
    find=find,
)
