"""The client's leg reaches the server, but the leg that the server makes is not captured."""

from collections.abc import Iterator

from postproc.diagnose.ending import ended_well
from postproc.diagnose.evidence.case import Case, evidence
from postproc.diagnose.evidence.media import media_ok
from postproc.diagnose.evidence.signalling import server_called
from postproc.diagnose.evidence.view import watched_after
from postproc.model.findings import Finding, Rule, cause, remedy
from postproc.model.rows import LegRow, SipMessageRow
from postproc.model.statuses import is_refusal
from postproc.model.text import Text

TITLE = Text(
    "Only the leg from {caller} to the server {server} is in the capture; the onward leg is missing.",
    "Nur das Leg von {caller} zum Server {server} ist im Mitschnitt; das weiterführende Leg fehlt.",
)
ANSWERED = Text(
    "The server answered ({status}); whom it called for that, and with what result, is not to be seen.",
    "Der Server antwortete ({status}); wen er dafür anrief und mit welchem Ergebnis, ist nicht zu sehen.",
)
HANGS = Text(
    "The server took the INVITE and gave no final response.",
    "Der Server nahm den INVITE an, antwortete aber nicht endgültig.",
)
NATURAL = Text(
    "Calls that the server itself answers (voicemail, announcements, conferences) have no second leg.",
    "Anrufe, die der Server selbst annimmt (Voicemail, Ansagen, Konferenzen), haben kein zweites Leg.",
)
SETTLE = Text(
    "capture on every interface of the server, without a capture filter; or give the server's log (--fs-log).",
    "auf allen Schnittstellen des Servers und ohne Mitschnittfilter mitschneiden; oder das Log des Servers"
    " angeben (--fs-log).",
)


def find(case: Case) -> Iterator[Finding]:
    if len(case.numbers) != 1 or case.call.ambiguous or ended_well(case) or media_ok(case) is True:
        return
    leg = case.legs[0]
    failed = is_refusal(leg.final_status)
    if failed or not server_called(case, leg) or not _watched(case, leg):
        return
    last = _reached(case, leg)
    if last is None:
        return
    facts = {"caller": leg.uac_addr, "server": leg.uas_addr, "status": last.status}
    detail = ANSWERED if (last.status or 0) > 100 else HANGS
    yield Finding(
        RULE.name,
        "cannot_tell",
        0.6,
        evidence(leg, last),
        TITLE,
        (detail, NATURAL),
        facts,
        SETTLE,
        leg=leg.leg,
    )


def _reached(case: Case, leg: LegRow) -> SipMessageRow | None:
    """Return the most advanced response to the INVITE, which proves that the server handles the call."""
    mine = (row for row in case.sip_messages if row.call_id == leg.call_id and row.cseq_method == "INVITE")
    return max((row for row in mine if row.status), key=lambda row: row.status or 0, default=None)


def _watched(case: Case, leg: LegRow) -> bool:
    """Whether the capture lasts long enough for the server to have called somebody."""
    begun = leg.invite_time
    return begun is not None and watched_after(case, begun) >= case.deployment.thresholds.too_short_seconds


RULE = Rule(
    code="SIP003",
    name="second-leg-missing",
    stage="sip",
    breaks="second_leg",
    summary=Text("Second leg missing", "Zweites Leg fehlt"),
    claim=Text(
        "The server took the client's leg, but the leg by which it calls the other side is not in the capture.",
        "Der Server hat das Leg des Clients angenommen, aber das Leg zur Gegenstelle ist nicht im Mitschnitt.",
    ),
    causes=(
        cause(
            "The capture was made on the loopback interface only, or on another network card than the one"
            " towards the gateway.",
            "Es wurde nur auf der Loopback-Schnittstelle mitgeschnitten oder auf einer anderen Netzwerkkarte"
            " als der zum Gateway.",
        ),
        cause(
            "A capture filter left the other leg out (another port, another transport).",
            "Ein Mitschnittfilter hat das andere Leg ausgelassen (anderer Port, anderes Transportprotokoll).",
        ),
        cause(
            "The other leg is encrypted (SIP over TLS), and its keys are not at hand.",
            "Das andere Leg ist verschlüsselt (SIP über TLS), und die Schlüssel liegen nicht vor.",
        ),
        cause(
            "The server answered the call itself, or found no route to the destination.",
            "Der Server hat den Anruf selbst angenommen oder keinen Weg zum Ziel gefunden.",
        ),
    ),
    remedies=(
        remedy(
            "Capture Ethernet and loopback of the XCC together, unfiltered.",
            "Ethernet und Loopback des XCC gemeinsam und ungefiltert mitschneiden.",
            product="xphone",
        ),
        remedy(
            "Capture on all interfaces of the server at once and without a capture filter.",
            "Auf allen Schnittstellen des Servers gleichzeitig und ohne Mitschnittfilter mitschneiden.",
        ),
        remedy(
            "For SIP over TLS give the session keys (--keylog).",
            "Für SIP über TLS die Sitzungsschlüssel angeben (--keylog).",
        ),
    ),
    references=("RFC 7092, section 3",),
    known_problems=Text(
        "It needs a marker of the server in the deployment file; a call between two phones has one leg by nature.",
        "Nötig ist ein Kennzeichen des Servers in der Deployment-Datei; ein Anruf zwischen zwei Telefonen hat"
        " von Natur aus nur ein Leg.",
    ),
    find=find,
)
