"""The capture ends while the call continues: later events are unknown."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from postproc.diagnose.evidence.case import Case, evidence
from postproc.diagnose.evidence.media import media_ok
from postproc.diagnose.evidence.paths import checks
from postproc.diagnose.evidence.timers import TIMEOUT_S
from postproc.diagnose.evidence.view import truncated, watched_after
from postproc.model.enumerations import Verdict
from postproc.model.findings import Finding, Rule, cause, remedy
from postproc.model.loading import PacketRow
from postproc.model.text import Text

# For how long a call may be silent and still be up.
TALKING_S = 10.0  # media, or consent checks every 5 s (RFC 7675)
RINGING_S = 180.0  # Timer C (RFC 3261, section 16.6)

AFTER_CHECK = Text(
    "The capture ends {seconds} s after the first Binding Request: what became of the call cannot be told.",
    "Der Mitschnitt endet {seconds} s nach dem ersten Binding Request:"
    " Was aus dem Anruf wurde, lässt sich nicht sagen.",
)
AFTER_ANSWER = Text(
    "The capture ends {seconds} s after the answer: too early to judge the call.",
    "Der Mitschnitt endet {seconds} s nach dem Abheben: zu früh, um den Anruf zu beurteilen.",
)
BEFORE_ANSWER = Text(
    "The capture ends {seconds} s after the INVITE, before the call is answered.",
    "Der Mitschnitt endet {seconds} s nach dem INVITE, noch bevor der Anruf angenommen ist.",
)
STILL_UP = Text(
    "The capture ends while the call is still up; its end is not in it.",
    "Der Mitschnitt endet, während der Anruf noch besteht; dessen Ende fehlt.",
)
NO_END = Text(
    "Neither BYE nor CANCEL nor a final failure of it was captured.",
    "Weder BYE noch CANCEL noch eine endgültige Ablehnung wurden aufgezeichnet.",
)
CUT_FILE = Text(
    "The file {file} is cut short: it ends inside a packet.",
    "Die Datei {file} ist abgeschnitten: Sie endet mitten in einem Paket.",
)


class _Moment(NamedTuple):
    """The event from which the time to the capture's end is measured, and its texts."""

    time: datetime
    title: Text


def find(case: Case) -> Iterator[Finding]:
    packets: list[PacketRow] = [*case.sip_messages, *checks(case).rows]
    if not packets or case.last_time is None or _ended(case) or not _going_on(case):
        return
    early = _early(case)
    moment = early or _Moment(min(row.time for row in packets), STILL_UP)
    if early is None and (not case.legs or truncated(case)):
        return  # without SIP, or with parts of it, the end of the call is unknown
    cut = [row.capture for row in case.captures if row.cut_short]
    facts = {"seconds": watched_after(case, moment.time), "file": cut}
    details = [*([NO_END] if case.legs else []), *([CUT_FILE] if cut else [])]
    verdict: Verdict = "cannot_tell" if early else "note"
    first, last = min(packets, key=_time), max(packets, key=_time)
    yield Finding(RULE.name, verdict, 0.95, evidence(first, last), moment.title, tuple(details), facts)


def _time(row: PacketRow) -> datetime:
    return row.time


def _ended(case: Case) -> bool:
    """Whether the first leg has an end, or all others have."""
    ended = {leg.leg for leg in case.legs if leg.end_time is not None}
    others = set(case.numbers) - {1}
    return 1 in ended or bool(others and others <= ended)


def _going_on(case: Case) -> bool:
    """Whether the call's last packet is so near the capture's end that the call continued."""
    rows: tuple[PacketRow, ...] = (*case.sip_messages, *case.bindings, *case.dtls_messages)
    packets = [row.time for row in rows]
    packets += [row.last_time for row in case.rtp_streams]
    packets += [row.last_time for row in case.pairs if row.last_time]
    return watched_after(case, max(packets)) <= _patience(case)


def _patience(case: Case) -> float:
    if not case.legs or any(leg.answer_time or leg.state == "starts_mid_call" for leg in case.legs):
        return TALKING_S
    if any(leg.progress_time for leg in case.legs):
        return RINGING_S
    return TIMEOUT_S


def _early(case: Case) -> _Moment | None:
    """Return the event after which the capture is too short; None if it is long enough, or shows media both ways."""
    if media_ok(case) is True:
        return None
    near = timedelta(seconds=case.deployment.thresholds.too_short_seconds)
    answers = [leg.answer_time for leg in case.legs if leg.answer_time]
    invites = [leg.invite_time for leg in case.legs if leg.invite_time]
    all_checks = checks(case).rows
    if all_checks and _recent(case, all_checks[0].time, near):
        return _Moment(all_checks[0].time, AFTER_CHECK)
    if answers and _recent(case, min(answers), near):
        return _Moment(min(answers), AFTER_ANSWER)
    unanswered = invites and not answers and not truncated(case)
    return _Moment(min(invites), BEFORE_ANSWER) if unanswered else None


def _recent(case: Case, time: datetime, near: timedelta) -> bool:
    return watched_after(case, time) < near.total_seconds()


RULE = Rule(
    code="CAP001",
    name="capture-cut-short",
    stage="capture",
    breaks="capture_end",
    summary=Text("Capture cut short", "Mitschnitt zu kurz"),
    claim=Text(
        "The capture, or its file, ends before the call does; what happened later is not known.",
        "Der Mitschnitt oder seine Datei endet vor dem Anruf; was danach geschah, ist nicht bekannt.",
    ),
    causes=(
        cause(
            "The capture was stopped before the call had ended.",
            "Der Mitschnitt wurde beendet, bevor der Anruf zu Ende war.",
        ),
        cause(
            "A limit on size, time or files of the capture was reached; later files of a ring buffer are missing.",
            "Eine Grenze für Größe, Dauer oder Dateizahl war erreicht; spätere Dateien eines Ringpuffers fehlen.",
        ),
        cause(
            "The file was copied while it was still being written, or the disk was full.",
            "Die Datei wurde kopiert, während noch geschrieben wurde, oder der Datenträger war voll.",
        ),
    ),
    remedies=(
        remedy(
            "Repeat the test: start the capture before dialling, hang up, and stop it a few seconds later.",
            "Den Test wiederholen: vor dem Wählen starten, auflegen und den Mitschnitt erst einige Sekunden danach beenden.",
        ),
        remedy(
            "Give all files of a ring buffer together.", "Alle Dateien eines Ringpuffers gemeinsam angeben."
        ),
    ),
    references=("RFC 3261, section 15", "RFC 8445, section 14"),
    known_problems=Text(
        "An ICE session without SIP shows no end; only a capture that ends at its beginning is reported there.",
        "Eine ICE-Sitzung ohne SIP zeigt kein Ende; gemeldet wird dort nur ein Mitschnitt, der an ihrem Anfang endet.",
    ),
    find=find,
)
