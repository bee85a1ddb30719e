"""Checks are answered, but nobody starts the DTLS handshake."""

from collections.abc import Iterator

from postproc.diagnose.evidence.case import Case, evidence
from postproc.diagnose.evidence.media import both_ways
from postproc.diagnose.evidence.negotiation import Described, exchanges
from postproc.diagnose.evidence.paths import best, checks, secured, starter
from postproc.diagnose.evidence.signalling import author
from postproc.diagnose.evidence.view import end
from postproc.model.findings import Finding, Rule, Variant, cause, remedy
from postproc.model.text import Text

TITLE = Text(
    "DTLS never started: {answered} Binding Requests were answered, but no ClientHello followed in {seconds:0} s.",
    "DTLS hat nie begonnen: {answered} Binding Requests wurden beantwortet, aber in {seconds:0} s folgte kein ClientHello.",
)
WHO = Text(
    "By a=setup:active it is the {side:word}'s turn to begin.",
    "Nach a=setup:active müsste der {side:word} beginnen.",
)
NOBODY = Text(
    "No SDP says a=setup:active: both may be waiting.",
    "In keinem SDP steht a=setup:active: Womöglich warten beide.",
)


RENEWED = Text(
    "{who} names another certificate (a=fingerprint) on leg {number} from frame {frame} on, and no DTLS handshake follows: media go on"
    " for {seconds:0} s with the keys of before.",
    "{who} nennt auf Leg {number} ab Frame {frame} ein anderes Zertifikat (a=fingerprint), und kein DTLS-Handshake folgt: Die Medien"
    " laufen {seconds:0} s lang mit den bisherigen Schlüsseln weiter.",
)
NEW_ASSOCIATION = Text(
    "Another fingerprint asks for a new DTLS association (RFC 8842, section 4). Who made a new connection for it, as browsers do, cannot"
    " decrypt what comes with the keys of before.",
    "Ein anderer Fingerprint verlangt eine neue DTLS-Assoziation (RFC 8842, Abschnitt 4). Wer dafür eine neue Verbindung aufgebaut hat,"
    " wie es Browser tun, kann mit den bisherigen Schlüsseln nichts entschlüsseln.",
)
SETTLE_RENEWED = Text(
    "whether {who} or the other side logs packets that cannot be decrypted (failed to unprotect).",
    "ob {who} oder die andere Seite Pakete protokolliert, die nicht zu entschlüsseln sind (failed to unprotect).",
)


def find(case: Case) -> Iterator[Finding]:
    for number in case.numbers:
        yield from _renewed(case, number)
    until = end(case)
    for leg in case.judged_legs:
        good = checks(case, leg=leg).of("success")
        handshake = best(case, leg)
        begun = handshake is not None and handshake.state != "none"
        if not good or begun or until is None or both_ways(case, leg) or not secured(case, leg):
            continue
        seconds = (until - good[0].time).total_seconds()
        if seconds >= case.deployment.thresholds.too_short_seconds:
            side = starter(case, leg)
            facts = {"answered": len(good), "seconds": seconds, "side": side}
            yield Finding(
                RULE.name,
                "fault" if side else "suspect",
                0.85 if side else 0.7,
                evidence(*good),
                TITLE,
                (WHO,) if side else (NOBODY,),
                facts,
                leg=leg,
                tags=frozenset({side or "nobody"}),
            )


def _renewed(case: Case, leg: int) -> Iterator[Finding]:
    """Yield a finding on a fingerprint that changes in the call while the streams of before go on without a handshake."""
    every = [each for each in exchanges(case, leg) if each.accepted]
    known: dict[tuple[object, ...], Described] = {}
    for part in sorted((part for each in every for part in each), key=lambda part: part.message.time):
        place = author(part.message), part.message.dst_addr
        before, known[place] = known.get(place), part
        if before is None or not _differs(before.audio.fingerprint, part.audio.fingerprint):
            continue
        since = part.message.time
        shaken = [row.started or row.time for row in case.dtls if row.leg == leg]
        goes_on = [
            row.last_time
            for row in case.rtp_streams
            if row.leg == leg and row.secured and row.first_time < since and row.last_time > since
        ]
        seconds = (max(goes_on) - since).total_seconds() if goes_on else 0.0
        begun = any(started < since for started in shaken)
        if begun and max(shaken) < since and seconds >= case.deployment.thresholds.too_short_seconds:
            yield Finding(
                RULE.name,
                "suspect",
                0.7,
                evidence(before.message, part.message),
                RENEWED,
                (NEW_ASSOCIATION,),
                {
                    "who": part.message.src_addr,
                    "number": leg,
                    "frame": part.message.frame,
                    "seconds": seconds,
                },
                SETTLE_RENEWED,
                leg=leg,
                tags=frozenset({"renewed"}),
            )
            return


def _differs(before: str | None, now: str | None) -> bool:
    """Whether two fingerprints of one hash function differ; of two functions, they may be of one certificate."""
    if not before or not now:
        return False
    (kind, _, value), (kind_now, _, value_now) = (each.lower().partition(" ") for each in (before, now))
    return kind == kind_now and value != value_now


RULE = Rule(
    code="DTLS001",
    name="dtls-not-started",
    stage="dtls",
    breaks="handshake_start",
    from_absence=True,
    variants={"renewed": Variant("dtls", "handshake_start", despite_media=True)},
    summary=Text("DTLS not started", "DTLS nicht begonnen"),
    claim=Text(
        "The path is there, DTLS-SRTP is agreed, and no ClientHello is sent; or none after a side has named another certificate in the call.",
        "Der Pfad ist da, DTLS-SRTP ist vereinbart, und es wird kein ClientHello gesendet; oder keiner, nachdem eine Seite im Anruf ein"
        " anderes Zertifikat genannt hat.",
    ),
    causes=(
        cause(
            "Its own checks to the chosen candidate were not answered: FreeSWITCH from 1.10.11 on waits for that.",
            "Die eigenen Checks zum gewählten Kandidaten blieben unbeantwortet: FreeSWITCH ab 1.10.11 wartet darauf.",
            product="freeswitch",
            tag="server",
        ),
        cause(
            "{who} begins anew for a hold or resume (new peer connection), or another party has taken its place, and the other side takes"
            " the standing session for enough; or a relay between them changes the fingerprint and not the session.",
            "{who} beginnt für Halten oder Zurückholen neu (neue Peer-Connection), oder eine andere Partei ist an seine Stelle getreten, und"
            " der Gegenseite genügt die bestehende Sitzung; oder ein Relay dazwischen ändert den Fingerprint, nicht aber die Sitzung.",
            tag="renewed",
        ),
        cause(
            "Both sides wait for the other to begin: the roles in a=setup contradict each other.",
            "Beide Seiten warten auf die andere: Die Rollen in a=setup widersprechen sich.",
            tag="nobody",
        ),
        cause(
            "The ClientHello is lost on the sender's own machine or before the capture point.",
            "Der ClientHello geht auf dem Rechner des Absenders oder vor dem Mitschnittpunkt verloren.",
        ),
    ),
    remedies=(
        remedy(
            "rtpengine: update it, or fix the hash of both sides (DTLS-fingerprint=sha-256), so that a change is seen as one; or have {who}"
            " keep its connection in a re-INVITE.",
            "rtpengine: aktualisieren oder den Hash beider Seiten festlegen (DTLS-fingerprint=sha-256), damit eine Änderung als solche"
            " erkannt wird; oder {who} die Verbindung bei einem Re-INVITE behalten lassen.",
            tag="renewed",
        ),
        remedy("Capture on the side that has to begin.", "Auf der Seite mitschneiden, die beginnen muss."),
        remedy(
            "Find out why the server's own Binding Requests stay unanswered.",
            "Klären, warum die eigenen Binding Requests des Servers unbeantwortet bleiben.",
            tag="server",
        ),
    ),
    references=("RFC 5763, section 5", "RFC 8842, section 5"),
    known_problems=Text(
        "A capture that began after the handshake shows none; where media flows the rule is silent.",
        "Ein Mitschnitt, der nach dem Handshake begann, zeigt keinen; fließen Medien, schweigt die Regel.",
    ),
    find=find,
)
