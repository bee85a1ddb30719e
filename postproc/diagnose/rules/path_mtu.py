"""Between two places only large datagrams are lost: one of the links does not carry them."""

from collections.abc import Iterator

from postproc.diagnose.evidence.case import Case
from postproc.diagnose.evidence.transit import LEAKS, Loss, counted, losses, proof, sender
from postproc.model.findings import Finding, Rule, Variant, cause, remedy
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


def find(case: Case) -> Iterator[Finding]:
    for loss in losses(case):
        if loss.oversized:
            yield _finding(case, loss)


def _finding(case: Case, loss: Loss) -> Finding:
    transit = loss.transit
    return Finding(
        RULE.name,
        "cannot_tell" if loss.leaks else "fault",
        0.5 if loss.leaks else 0.85,
        proof(transit),
        SIDED if sender(transit) else TITLE,
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
        "rtp": Variant("media", "rtp_transit"),
    },
    from_absence=True,
    summary=Text("Large packets do not pass", "Große Pakete kommen nicht durch"),
    claim=Text(
        "Between two places all datagrams above a size are lost, and smaller ones of the same direction arrive.",
        "Zwischen zwei Mitschnittpunkten gehen alle Datagramme ab einer Größe verloren, kleinere derselben Richtung"
        " kommen an.",
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
        "Of a datagram in fragments only the first one is followed: that a later one is lost is not seen.",
        "Von einem Datagramm in Fragmenten wird nur das erste verfolgt: Geht ein späteres verloren, ist das nicht zu sehen.",
    ),
    find=find,
)
