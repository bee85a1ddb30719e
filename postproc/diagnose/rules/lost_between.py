"""Packets leave one place and do not reach the next: they are lost between these two."""

from collections.abc import Iterator

from postproc.diagnose.evidence.case import Case
from postproc.diagnose.evidence.transit import LEAKS, SETTLE, Loss, counted, cut_off, losses, proof, sender
from postproc.model.enumerations import Verdict
from postproc.model.findings import Finding, Rule, Variant, cause, remedy
from postproc.model.text import Text

ALL_OF_SIDE = Text(
    "All {sent} {what:word} from the {sender:word} are lost between {origin:word} and {target:word}.",
    "Alle {sent} {what:word} des {sender:word}s gehen zwischen {origin:word} und {target:word} verloren.",
)
ALL = Text(
    "All {sent} {what:word} from {source} to {destination} are lost between {origin:word} and {target:word}.",
    "Alle {sent} {what:word} von {source} an {destination} gehen zwischen {origin:word} und {target:word} verloren.",
)
SHARE_OF_SIDE = Text(
    "{percent:1} % of the {what:word} from the {sender:word} are lost between {origin:word} and {target:word}.",
    "{percent:1} % der {what:word} des {sender:word}s gehen zwischen {origin:word} und {target:word} verloren.",
)
SHARE = Text(
    "{percent:1} % of the {what:word} from {source} to {destination} are lost between {origin:word} and"
    " {target:word}.",
    "{percent:1} % der {what:word} von {source} an {destination} gehen zwischen {origin:word} und {target:word}"
    " verloren.",
)
CUT_OFF_SIDE = Text(
    "From {first:clock} on no {what:word} from the {sender:word} get from {origin:word} to {target:word}: the last"
    " {lost} are lost.",
    "Ab {first:clock} kommen keine {what:word} des {sender:word}s mehr von {origin:word} bis {target:word}: Die letzten"
    " {lost} gehen verloren.",
)
CUT_OFF = Text(
    "From {first:clock} on no {what:word} from {source} to {destination} get from {origin:word} to {target:word}: the"
    " last {lost} are lost.",
    "Ab {first:clock} kommen keine {what:word} von {source} an {destination} mehr von {origin:word} bis {target:word}:"
    " Die letzten {lost} gehen verloren.",
)
WAY = Text("Arrived on the way: {stretches:way}.", "Unterwegs angekommen: {stretches:way}.")
FLOW = Text(
    "At {origin:word} they go from {source} to {destination}.",
    "Am Punkt {origin:word} gehen sie von {source} an {destination}.",
)
WHEN = Text(
    "The first is lost at {first:hms}, the last at {last:clock} (by the reference clock).",
    "Der erste Verlust liegt bei {first:hms}, der letzte bei {last:clock} (nach der Bezugsuhr).",
)
UNHEARD = Text(
    "{capture} shows no packet of this direction: it may be that it recorded one direction only.",
    "{capture} zeigt kein Paket dieser Richtung: Womöglich wurde dort nur eine Richtung aufgezeichnet.",
)
UNSEEN = Text(
    "{capture} shows no packet of the call at all: this counts only if it ran at the interface the call takes.",
    "{capture} zeigt gar kein Paket des Anrufs: Das zählt nur, wenn dort an der Schnittstelle mitgeschnitten wurde,"
    " über die der Anruf läuft.",
)

# Seconds of silence to a stream's end that count as a cut; a choice: shorter, a single burst of losses counts.
NOTICED_S = 1.0


def find(case: Case) -> Iterator[Finding]:
    for loss in losses(case):
        if not loss.oversized and not loss.one_way:
            yield _finding(case, loss)


def _finding(case: Case, loss: Loss) -> Finding:
    transit = loss.transit
    side = sender(case, transit)
    titles = (SHARE_OF_SIDE, SHARE)
    if loss.everything:
        titles = (ALL_OF_SIDE, ALL)
    elif cut_off(case, loss) >= NOTICED_S:
        titles = (CUT_OFF_SIDE, CUT_OFF)
    certain = loss.certain
    doubts = (LEAKS, UNHEARD, UNSEEN)
    doubt = () if certain else (doubts[0 if loss.leaks else 1 if loss.sees else 2],)
    return Finding(
        RULE.name,
        _verdict(case, loss),
        0.9 if certain else 0.5 if loss.leaks else 0.7,
        proof(transit),
        titles[side is None],
        (WAY, FLOW, WHEN, *doubt),
        counted(case, loss),
        None if certain else SETTLE,
        leg=transit.leg,
        tags=frozenset({transit.kind}),
    )


def _verdict(case: Case, loss: Loss) -> Verdict:
    """Return the verdict on a loss, with the thresholds of media-lost for shares and of media-stopped for silence.

    A capture that drops packets drops isolated ones, or shows one direction only; a stream that is captured
    up to a moment and not beyond is a sign of neither.
    """
    limits = case.deployment.thresholds
    silence = cut_off(case, loss)
    is_large = loss.percent > limits.loss_percent
    if loss.leaks and silence < NOTICED_S and (loss.everything or is_large):
        return "cannot_tell"
    if loss.everything:
        return "fault" if loss.certain else "suspect"
    if silence > limits.stopped_seconds:
        return "suspect" if loss.leaks else "fault"
    return "suspect" if is_large else "note"


RULE = Rule(
    code="NET001",
    name="lost-between",
    stage="stun",
    variants={
        "sip": Variant("sip", "sip_transit"),
        "stun": Variant("stun", "stun_transit"),
        "dtls": Variant("dtls", "dtls_transit"),
        "rtp": Variant("media", "rtp_transit"),
    },
    from_absence=True,
    despite_media=True,
    summary=Text("Lost between two places", "Verlust zwischen zwei Mitschnittpunkten"),
    claim=Text(
        "Packets are seen at one place and not at the next along their way: between the two they are lost.",
        "Pakete sind an einem Mitschnittpunkt zu sehen und am nächsten auf ihrem Weg nicht: Dazwischen gehen sie"
        " verloren.",
    ),
    causes=(
        cause(
            "A firewall or a NAT without a mapping between the two places drops them.",
            "Eine Firewall oder ein NAT ohne passende Zuordnung zwischen beiden Punkten verwirft sie.",
        ),
        cause(
            "There is no route from the one place to the other for this address.",
            "Für diese Adresse gibt es keine Route vom einen Punkt zum anderen.",
        ),
        cause(
            "The line between the two is overloaded or bad.",
            "Die Strecke zwischen beiden ist überlastet oder schlecht.",
            tag="rtp",
        ),
        cause(
            "A SIP ALG or a filter for port 5060 takes the messages.",
            "Ein SIP-ALG oder ein Filter für Port 5060 fängt die Nachrichten ab.",
            tag="sip",
        ),
    ),
    remedies=(
        remedy(
            "Look at the devices between the two places: their rules, NAT tables and drop counters at that time.",
            "Die Geräte zwischen beiden Punkten prüfen: ihre Regeln, NAT-Tabellen und Verwurfszähler zu dieser Zeit.",
        ),
        remedy(
            "Capture at one more place between the two to narrow it down.",
            "An einem weiteren Punkt dazwischen mitschneiden, um die Stelle einzugrenzen.",
        ),
        remedy(
            "Let UDP pass both ways between the media ports of both sides (server: {ports}).",
            "UDP in beiden Richtungen zwischen den Medien-Ports beider Seiten durchlassen (Server: {ports}).",
            tag="stun",
        ),
    ),
    references=("RFC 8445, section 7", "RFC 4787, section 5"),
    known_problems=Text(
        "It needs captures that overlap in time; where the farther one loses packets itself, nobody can tell.",
        "Nötig sind Mitschnitte, die sich zeitlich überlappen; verliert der fernere selbst Pakete, bleibt es unklar.",
    ),
    find=find,
)
