"""The capture starts during the call: it contains neither the INVITE nor the SDP."""

from collections.abc import Iterator

from postproc.diagnose.evidence.case import Case, evidence
from postproc.diagnose.evidence.media import media_ok
from postproc.model.enumerations import Verdict
from postproc.model.findings import Finding, Rule, cause, remedy
from postproc.model.rows import LegRow
from postproc.model.text import Text

TITLE = Text(
    "The capture starts in the middle of the call: the INVITE between {caller} and {called} is not in it.",
    "Der Mitschnitt beginnt mitten im Anruf: Der INVITE zwischen {caller} und {called} fehlt.",
)
UNKNOWN = Text(
    "So offer, answer and candidates are not known, nor how the call was set up.",
    "Damit sind Angebot, Antwort und Kandidaten unbekannt, ebenso wie der Anruf aufgebaut wurde.",
)


def find(case: Case) -> Iterator[Finding]:
    late = [leg for leg in case.legs if leg.state == "starts_mid_call" and not _begins_one_way(case, leg)]
    if not late:
        return
    facts = {"caller": late[0].uac_addr, "called": late[0].uas_addr}
    whole = any(leg.invite_time is not None for leg in case.legs)
    verdict: Verdict = "note" if media_ok(case) is True or whole else "cannot_tell"
    yield Finding(RULE.name, verdict, 0.95, evidence(*late), TITLE, (UNKNOWN,), facts, leg=late[0].leg)


def _begins_one_way(case: Case, leg: LegRow) -> bool:
    """Whether responses to the INVITE are captured but nothing from its sender: a direction is missing, not the start."""
    messages = [row for row in case.sip_messages if row.call_id == leg.call_id]
    answered = any(row.status is not None and row.cseq_method == "INVITE" for row in messages)
    return answered and len({row.src_addr for row in messages}) == 1


RULE = Rule(
    code="CAP003",
    name="starts-mid-call",
    stage="capture",
    breaks="capture_start",
    summary=Text("Capture starts in mid-call", "Mitschnitt beginnt mitten im Anruf"),
    claim=Text(
        "Messages of a call are in the capture, but not the INVITE that began it.",
        "Nachrichten eines Anrufs sind im Mitschnitt, nicht aber der INVITE, mit dem er begann.",
    ),
    causes=(
        cause(
            "The capture was started after dialling.", "Der Mitschnitt wurde erst nach dem Wählen gestartet."
        ),
        cause(
            "The first files of a ring buffer have been overwritten or were not given.",
            "Die ersten Dateien eines Ringpuffers sind überschrieben oder wurden nicht angegeben.",
        ),
    ),
    remedies=(
        remedy(
            "Repeat the test: start the capture first, then call.",
            "Den Test wiederholen: erst den Mitschnitt starten, dann anrufen.",
        ),
        remedy(
            "Give all files of a ring buffer together.", "Alle Dateien eines Ringpuffers gemeinsam angeben."
        ),
    ),
    references=("RFC 3261, section 12",),
    known_problems=Text(
        "A call whose SIP is not captured at all has no INVITE either; first-leg-missing speaks of that.",
        "Fehlt das SIP eines Anrufs ganz, fehlt auch der INVITE; davon handelt first-leg-missing.",
    ),
    find=find,
)
