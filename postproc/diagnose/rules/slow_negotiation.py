"""The server takes long to answer an offer."""

from collections.abc import Iterator

from postproc.diagnose.evidence.case import Case, evidence
from postproc.diagnose.evidence.media import media_ok
from postproc.diagnose.evidence.server import Line, logged, quoted
from postproc.diagnose.evidence.timers import in_ms
from postproc.model.enumerations import Verdict
from postproc.model.findings import Finding, Rule, cause, remedy
from postproc.model.rows import SipMessageRow
from postproc.model.statuses import is_progress, is_success
from postproc.model.text import Text

MANY = 20  # log lines on access lists and candidates; a call with short lists has fewer than ten

TITLE = Text(
    "Slow negotiation: {server} took {took_ms:0} ms from the INVITE to its SDP.",
    "Langsame Aushandlung: {server} brauchte vom INVITE bis zu seinem SDP {took_ms:0} ms.",
)
USUAL = Text(
    "Usual are a few milliseconds; up to {limit_ms:0} ms are not remarked.",
    "Üblich sind wenige Millisekunden; bis {limit_ms:0} ms gelten als unauffällig.",
)
LISTS = Text(
    "The server's log has {lines} lines on access lists and candidates in between, as {log:1}:"
    " the lists are probably too long.",
    "Dazwischen stehen im Log des Servers {lines} Zeilen zu Zugriffslisten und Kandidaten, etwa {log:1}:"
    " Vermutlich sind die Listen zu lang.",
)
LOOK_UP = Text(
    "In between the server asked a STUN server for its address.",
    "Dazwischen fragte der Server einen STUN-Server nach seiner Adresse.",
)
SETTLE = Text(
    "the server's log shows what it did in this time.",
    "Das Log des Servers zeigt, was er in dieser Zeit getan hat.",
)


def find(case: Case) -> Iterator[Finding]:
    limit = case.deployment.thresholds.slow_negotiation_ms
    inbound = {leg.leg for leg in case.legs if leg.role != "outbound"}  # there the server answers
    for leg in inbound.intersection(case.client_legs):
        invite, answered = _negotiation(case, leg)
        if invite is None or answered is None or _waited_for_others(case, leg, answered):
            continue
        took = in_ms(answered.time - invite.time)
        lines = _lines(case, invite, answered)
        alone = len(case.numbers) == 1  # it may wait for a leg that is not captured
        if took > limit and (not alone or len(lines) >= MANY):
            yield _finding(case, invite, answered, lines)


def _negotiation(case: Case, leg: int) -> tuple[SipMessageRow | None, SipMessageRow | None]:
    """Return the INVITE with the offer and the provisional response with the answer; a 200 waits for a person."""
    mine = [row for row in case.sip_messages if case.leg_of.get(row.call_id) == leg]
    answered = next(
        (r for r in mine if is_progress(r.status) and r.has_sdp and r.cseq_method == "INVITE"),
        None,
    )
    if answered is None:
        return None, None
    invites = (row for row in mine if row.method == "INVITE" and row.has_sdp and row.cseq == answered.cseq)
    return next(invites, None), answered


def _waited_for_others(case: Case, leg: int, answered: SipMessageRow) -> bool:
    """Whether the answer is forwarded: another leg had ringing, progress or an answer before."""
    return any(
        (is_progress(row.status) or is_success(row.status))
        and row.cseq_method == "INVITE"
        and row.time <= answered.time
        for row in case.sip_messages
        if case.leg_of.get(row.call_id) != leg
    )


def _finding(case: Case, invite: SipMessageRow, answered: SipMessageRow, lines: list[Line]) -> Finding:
    looked_up = [
        row
        for row in case.bindings
        if row.purpose == "discovery" and invite.time <= row.time <= answered.time
    ]
    facts = {
        "server": answered.src_addr,
        "took_ms": in_ms(answered.time - invite.time),
        "limit_ms": case.deployment.thresholds.slow_negotiation_ms,
        "lines": len(lines),
        "log": quoted(lines),
    }
    has_many = len(lines) >= MANY
    verdict: Verdict = "suspect" if has_many and media_ok(case) is not True else "note"
    details = [USUAL, *([LISTS] if has_many else []), *([LOOK_UP] if looked_up else [])]
    return Finding(
        RULE.name,
        verdict,
        0.8 if has_many else 0.5,
        evidence(invite, answered),
        TITLE,
        tuple(details),
        facts,
        None if has_many else SETTLE,
        leg=case.leg_of[invite.call_id],
        tags=frozenset({"lists"} if has_many else ()),
    )


def _lines(case: Case, invite: SipMessageRow, answered: SipMessageRow) -> list[Line]:
    """Return the leg's log lines on lists and candidates between the two."""
    lines = [line for kind in ("acl", "candidate") for line in logged(case, kind, call_id=invite.call_id)]
    return [
        line for line in lines if line.row.time is not None and invite.time <= line.row.time <= answered.time
    ]


RULE = Rule(
    code="SIP004",
    name="slow-negotiation",
    stage="sip",
    breaks="negotiation",
    summary=Text("Slow media negotiation", "Langsame Medienaushandlung"),
    claim=Text(
        "From the INVITE to the server's own SDP more time passes than the server needs of itself.",
        "Vom INVITE bis zur eigenen SDP-Antwort des Servers vergeht mehr Zeit, als dieser selbst dafür braucht.",
    ),
    causes=(
        cause(
            "Access lists with too many entries: each candidate is compared with all of them.",
            "Zugriffslisten mit zu vielen Einträgen: Jeder Kandidat wird mit allen verglichen.",
        ),
        cause(
            "The server waits for a STUN server or for name resolution before it answers.",
            "Der Server wartet vor der Antwort auf einen STUN-Server oder eine Namensauflösung.",
        ),
        cause("The server is overloaded.", "Der Server ist überlastet."),
    ),
    remedies=(
        remedy(
            "Shorten blacklist and whitelist of the XCC; merge neighbouring networks into larger ones.",
            "Black- und Whitelist des XCC kürzen; benachbarte Netze zu größeren zusammenfassen.",
            product="xphone",
        ),
        remedy(
            "Shorten the server's access lists and merge neighbouring networks.",
            "Die Zugriffslisten des Servers kürzen und benachbarte Netze zusammenfassen.",
        ),
        remedy(
            "Check that the server reaches its STUN and DNS servers quickly.",
            "Prüfen, ob der Server seine STUN- und DNS-Server schnell erreicht.",
        ),
    ),
    references=("RFC 3264, section 6", "RFC 3261, section 13.3.1.1"),
    known_problems=Text(
        "Where the answer comes only with 200, the time contains the ringing and is not judged.",
        "Kommt die SDP-Antwort erst mit dem 200, enthält die Zeit das Klingeln und wird nicht beurteilt.",
    ),
    find=find,
)
