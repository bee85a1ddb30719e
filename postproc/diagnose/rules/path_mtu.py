"""Only large datagrams are lost, between two places or before the only one: a link does not pass them."""

from collections import defaultdict
from collections.abc import Iterator

from postproc.diagnose.evidence.case import Case, evidence
from postproc.diagnose.evidence.signalling import phrase
from postproc.diagnose.evidence.transit import LEAKS, Loss, counted, losses, proof, sender
from postproc.diagnose.evidence.view import truncated
from postproc.model.addresses import endpoint
from postproc.model.findings import Finding, Rule, Variant, cause, remedy
from postproc.model.rows import SipMessageRow
from postproc.model.text import Text

SIDED = Text(
    "Large {what:word} from the {sender:word} are lost between {origin:word} and {target:word}: none of"
    " {smallest} bytes or more arrives.",
    "Große {what:word} des {sender:word}s gehen zwischen {origin:word} und {target:word} verloren: Ab {smallest}"
    " Byte kommt nichts an.",
)
TITLE = Text(
    "Large {what:word} from {source} to {destination} are lost between {origin:word} and {target:word}: none of"
    " {smallest} bytes or more arrives.",
    "Große {what:word} von {source} an {destination} gehen zwischen {origin:word} und {target:word} verloren: Ab"
    " {smallest} Byte kommt nichts an.",
)
SIZES = Text(
    "The largest packet that arrives has {largest} bytes; {lost} larger ones are lost. Arrived on the way:"
    " {stretches:way}.",
    "Das größte Paket, das ankommt, hat {largest} Byte; {lost} größere gehen verloren. Unterwegs angekommen:"
    " {stretches:way}.",
)
IN_PART = Text(
    "Of large SIP packets from {source} to {destination} only the first IP fragment is seen: {what} was sent {times}"
    " times in {seconds:0} s, and nobody answered it.",
    "Von großen SIP-Paketen von {source} an {destination} ist nur das erste IP-Fragment zu sehen: {what} wurde in"
    " {seconds:0} s {times}-mal gesendet und blieb unbeantwortet.",
)
UNFILTERED = Text(
    "a capture at {source} and at {destination} with no filter by port, which would leave out all fragments but the first.",
    "Ein Mitschnitt bei {source} und bei {destination} ohne Filter auf Ports, der alle Fragmente außer dem ersten wegließe.",
)
REPEATED = 3  # copies of a message; a choice: one may be lost by chance, and its retransmission too


def find(case: Case) -> Iterator[Finding]:
    for loss in losses(case):
        if loss.oversized:
            yield _finding(case, loss)
    if truncated(case):
        return  # messages end early, whether fragmented or not
    sent: dict[tuple[object, ...], list[SipMessageRow]] = defaultdict(list)
    for row in case.sip_messages:
        key = row.call_id, row.cseq, row.branch, row.method, row.status
        sent[row.capture, row.src_addr, row.dst_addr, *key].append(row)
    for copies in sent.values():
        cut = all(row.cut_short for row in copies)
        if cut and len(copies) >= REPEATED and not any(_answers(row, copies[0]) for row in case.sip_messages):
            yield _in_part(copies)


def _answers(row: SipMessageRow, sent: SipMessageRow) -> bool:
    """Whether a message is a response to the request, or the ACK for the response."""
    if (row.call_id, row.cseq) != (sent.call_id, sent.cseq):
        return False
    if sent.status is None:
        return row.status is not None and row.cseq_method == sent.method
    return row.method == "ACK"


def _in_part(copies: list[SipMessageRow]) -> Finding:
    first = copies[0]
    facts: dict[str, object] = {
        "source": endpoint(first.src_addr, first.src_port),
        "destination": endpoint(first.dst_addr, first.dst_port),
        "what": first.method or phrase(first.status, first.reason),
        "times": len(copies),
        "seconds": (copies[-1].time - first.time).total_seconds(),
    }
    return Finding(
        RULE.name,
        "suspect",
        0.7,
        evidence(*copies),
        IN_PART,
        (),
        facts,
        UNFILTERED,
        leg=first.leg,
        tags=frozenset({"sip"}),
    )


def _finding(case: Case, loss: Loss) -> Finding:
    transit = loss.transit
    return Finding(
        RULE.name,
        "cannot_tell" if loss.leaks else "fault",
        0.5 if loss.leaks else 0.85,
        proof(transit),
        SIDED if sender(case, transit) else TITLE,
        (SIZES, LEAKS) if loss.leaks else (SIZES,),
        counted(case, loss) | {"smallest": loss.smallest_lost, "largest": loss.largest_arrived},
        leg=transit.leg,
        tags=frozenset({transit.kind}),
    )


RULE = Rule(
    code="NET003",
    name="path-mtu",
    stage="stun",
    variants={
        "sip": Variant("sip", "large_messages"),
        "stun": Variant("stun", "stun_transit"),
        "dtls": Variant("dtls", "large_datagrams"),
        "rtp": Variant(
            "media", "rtp_transit", despite_media=True
        ),  # audio is small and passes, video does not
    },
    from_absence=True,
    summary=Text("Large packets do not pass", "Große Pakete kommen nicht durch"),
    claim=Text(
        "All datagrams above a size are lost between two places, and smaller ones arrive; or of a SIP message only the"
        " first IP fragment comes, and it is never answered.",
        "Zwischen zwei Mitschnittpunkten gehen alle Datagramme ab einer Größe verloren, kleinere kommen an; oder von"
        " einer SIP-Nachricht kommt nur das erste IP-Fragment, und sie bleibt unbeantwortet.",
    ),
    causes=(
        cause(
            "A link between the two (VPN, PPPoE, tunnel) has a smaller MTU, and fragments are dropped.",
            "Eine Strecke dazwischen (VPN, PPPoE, Tunnel) hat eine kleinere MTU, und Fragmente werden verworfen.",
        ),
        cause(
            "A firewall drops ICMP 'fragmentation needed', so that the sender never learns the MTU.",
            "Eine Firewall verwirft ICMP 'fragmentation needed', sodass der Absender die MTU nie erfährt.",
        ),
    ),
    remedies=(
        remedy(
            "Find the narrow place: ping with DF bit set and growing size between the two places.",
            "Die Engstelle suchen: Ping mit gesetztem DF-Bit und wachsender Größe zwischen beiden Punkten.",
        ),
        remedy(
            "Let IP fragments and ICMP 'fragmentation needed' pass in firewalls.",
            "IP-Fragmente und ICMP 'fragmentation needed' in Firewalls durchlassen.",
        ),
        remedy(
            "Use smaller certificates (ECDSA P-256), or a smaller DTLS MTU in the server.",
            "Kleinere Zertifikate (ECDSA P-256) oder eine kleinere DTLS-MTU im Server verwenden.",
            tag="dtls",
        ),
        remedy(
            "Carry SIP over TCP: RFC 3261 asks for it from 1300 bytes on.",
            "SIP über TCP führen: RFC 3261 verlangt das ab 1300 Byte.",
            tag="sip",
        ),
    ),
    references=("RFC 8899", "RFC 6347, section 4.1.1.1", "RFC 3261, section 18.1.1"),
    known_problems=Text(
        "Between two places only the first fragment of a datagram is followed: that a later one is lost is not seen there.",
        "Zwischen zwei Punkten wird von einem Datagramm nur das erste Fragment verfolgt: Geht ein späteres verloren, ist das"
        " dort nicht zu sehen.",
    ),
    find=find,
)
