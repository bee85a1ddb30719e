"""Calls that a machine between the parties ends on its own, in sentences of rule ``no-response``."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from postproc.diagnose.evidence.byes import UNKNOWN_CALL
from postproc.diagnose.evidence.case import Case, evidence
from postproc.diagnose.evidence.q850 import NORMAL_CLEARING
from postproc.diagnose.evidence.signalling import AT_ONCE, phrase, q850
from postproc.diagnose.evidence.timers import ROOM_S, TIMEOUT_S, lasting, span_s
from postproc.model.findings import Finding
from postproc.model.loading import by
from postproc.model.rows import SipMessageRow
from postproc.model.text import Text

UNTOLD = Text(
    "{sender} ended the call on leg {number} towards {told} only: {target} went on for {seconds:0} s, and its own BYE got {answer}.",
    "{sender} beendete den Anruf auf Leg {number} nur gegenüber {told}: {target} machte {seconds:0} s weiter, und das eigene BYE von"
    " dort wurde mit {answer} abgewiesen.",
)
ALONE = Text(
    "So whoever is at {target} talked on to nobody.", "Wer bei {target} ist, sprach so lange mit niemandem."
)
SETTLE_UNTOLD = Text(
    "the log of {sender} says why it sends a BYE to one side only.",
    "Das Log von {sender} sagt, warum nur eine Seite ein BYE bekommt.",
)
PINGED = Text(
    "{sender} ended the call on leg {number} for want of answers from {target}: its OPTIONS inside the call, {times} in {seconds:0} s,"
    " got none.",
    "{sender} beendete den Anruf auf Leg {number}, weil {target} nicht antwortete: Auf seine OPTIONS im Anruf, {times} in"
    " {seconds:0} s, kam nichts.",
)
NOBODY = Text(
    "Neither side had hung up: no BYE came to {sender} before.",
    "Keine Seite hatte aufgelegt: Bei {sender} kam vorher kein BYE an.",
)
SETTLE_PINGED = Text(
    "a capture at {target} shows whether the OPTIONS arrives there, and what becomes of it.",
    "Ein Mitschnitt bei {target} zeigt, ob das OPTIONS dort ankommt und was daraus wird.",
)


def untold(rule: str, case: Case) -> Iterator[Finding]:
    """Yield a finding on each call that its proxy ends on one side and knows no more when the other hangs up."""
    least = case.deployment.thresholds.one_way_seconds
    for bye, dialog in _byes(case):
        refused = next(
            (
                row
                for row in dialog
                if row.status in UNKNOWN_CALL
                and (row.cseq, row.cseq_method, row.src_addr, row.dst_addr)
                == (bye.cseq, "BYE", bye.dst_addr, bye.src_addr)
            ),
            None,
        )
        byes = [row for row in dialog if row.method == "BYE" and row.time < bye.time]
        if refused is None or not byes or any(row.src_addr != bye.dst_addr for row in byes):
            continue
        if not any(
            row.status == 200 and row.src_addr == byes[0].dst_addr and row.cseq_method == "BYE"
            for row in dialog
        ):
            continue  # perhaps sent to a wrong address of the side that talks on
        seconds = (bye.time - byes[0].time).total_seconds()
        if (
            seconds < least
            or any(row.dst_addr == bye.src_addr for row in byes)
            or not _talks_on(case, byes[0], least)
        ):
            continue
        yield Finding(
            rule,
            "suspect",
            0.8,
            evidence(byes[0], bye, refused),
            UNTOLD,
            (ALONE,),
            {
                "sender": bye.dst_addr,
                "number": bye.leg,
                "told": byes[0].dst_addr,
                "target": bye.src_addr,
                "seconds": seconds,
                "answer": phrase(refused.status, refused.reason),
            },
            SETTLE_UNTOLD,
            leg=bye.leg,
            tags=frozenset({"untold"}),
        )


def unanswered_pings(rule: str, case: Case) -> Iterator[Finding]:
    """Yield a finding on each call that is ended by whoever had asked by OPTIONS whether it still stands (RFC 3261, section 11)."""
    for bye, dialog in _byes(case):
        before = [row for row in dialog if row.time <= bye.time]
        if any(
            row.method == "BYE" and row.src_addr != bye.src_addr for row in before
        ) or not _of_its_own_accord(bye, dialog):
            continue
        asked: dict[str, list[SipMessageRow]] = defaultdict(list)
        for row in before:
            if row.method == "OPTIONS" and row.to_tag is not None and row.src_addr == bye.src_addr:
                asked[row.dst_addr].append(row)
        answered = {row.src_addr for row in before if row.cseq_method == "OPTIONS" and row.status is not None}
        for target, pings in asked.items():
            waited = (bye.time - pings[-1].time).total_seconds()
            if target not in answered and lasting(pings) and waited <= TIMEOUT_S + ROOM_S:
                yield Finding(
                    rule,
                    "suspect",
                    0.8,
                    evidence(*pings, bye),
                    PINGED,
                    (NOBODY,),
                    {
                        "sender": bye.src_addr,
                        "number": bye.leg,
                        "target": target,
                        "times": len(pings),
                        "seconds": span_s(pings),
                    },
                    SETTLE_PINGED,
                    leg=bye.leg,
                    tags=frozenset({"pinged"}),
                )
                return


def _of_its_own_accord(bye: SipMessageRow, dialog: Sequence[SipMessageRow]) -> bool:
    """Whether a machine between the parties ends the call: it tells both of them, or gives a reason; a person does neither."""
    both = any(
        row.method == "BYE"
        and row.src_addr == bye.src_addr
        and row.dst_addr != bye.dst_addr
        and abs(row.time - bye.time) <= AT_ONCE
        for row in dialog
    )
    return both or (bye.reason_header is not None and q850(bye.reason_header) != NORMAL_CLEARING)


def _byes(case: Case) -> Iterator[tuple[SipMessageRow, Sequence[SipMessageRow]]]:
    """Yield each BYE with the messages of its dialog."""
    for dialog in by(case.sip_messages, "capture", "call_id").values():
        for row in dialog:
            if row.method == "BYE":
                yield row, dialog


def _talks_on(case: Case, bye: SipMessageRow, least: float) -> bool:
    """Whether media of the leg goes on after a BYE on it."""
    until: datetime = bye.time + timedelta(seconds=least)
    return any(row.leg == bye.leg and row.last_time >= until for row in case.rtp_streams)
