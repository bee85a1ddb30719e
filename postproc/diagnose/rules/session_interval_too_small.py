"""422: the caller requests a shorter session timer than the called side allows (RFC 4028)."""

from collections.abc import Iterator

from postproc.diagnose.evidence.case import Case, evidence
from postproc.diagnose.evidence.signalling import phrase, rejection
from postproc.model.findings import Finding, Rule, cause, remedy
from postproc.model.statuses import INTERVAL_TOO_SMALL
from postproc.model.text import Text

TITLE = Text(
    "{refuser} refuses the session timer that {asker} asks for: {answer}.",
    "{refuser} lehnt den von {asker} verlangten Session-Timer ab: {answer}.",
)
BOTH = Text(
    "The INVITE asks for {asked} s (Session-Expires); at least {least} s are wanted (Min-SE).",
    "Der INVITE verlangt {asked} s (Session-Expires); mindestens {least} s sind gefordert (Min-SE).",
)
LEAST = Text("At least {least} s are wanted (Min-SE).", "Mindestens {least} s sind gefordert (Min-SE).")
NOT_AGAIN = Text(
    "The caller does not ask again with a longer one, as RFC 4028 wants.",
    "Der Anrufer fragt nicht, wie RFC 4028 es verlangt, mit einem längeren erneut an.",
)
PASSED_ON = Text(
    "The caller got it as {passed}.",
    "Beim Anrufer kam das als {passed} an.",
)


def find(case: Case) -> Iterator[Finding]:
    refused = rejection(case)
    if refused is None or refused.origin.status != INTERVAL_TOO_SMALL:
        return
    refusal = refused.origin
    request = next(
        (
            row
            for row in case.sip_messages
            if row.method == "INVITE" and (row.call_id, row.cseq) == (refusal.call_id, refusal.cseq)
        ),
        refused.invite,
    )
    detail = [NOT_AGAIN]
    if refusal.min_se is not None:
        detail.insert(0, LEAST if request.session_expires is None else BOTH)
    if refusal is not refused.response:
        detail.append(PASSED_ON)
    yield Finding(
        RULE.name,
        "fault",
        0.95,
        evidence(request, refusal, refused.response),
        TITLE,
        tuple(detail),
        {
            "refuser": refusal.src_addr,
            "asker": refusal.dst_addr,
            "answer": phrase(refusal.status, refusal.reason),
            "asked": request.session_expires,
            "least": refusal.min_se,
            "passed": refused.phrase,
        },
        leg=request.leg,
    )


RULE = Rule(
    code="SIP012",
    name="session-interval-too-small",
    stage="sip",
    breaks="session_timer",
    summary=Text("Session timer too short (422)", "Session-Timer zu kurz (422)"),
    claim=Text(
        "The INVITE is refused with 422: its session timer is shorter than the other side allows.",
        "Der INVITE wird mit 422 abgelehnt: Sein Session-Timer ist kürzer, als die Gegenseite erlaubt.",
    ),
    causes=(
        cause(
            "The caller's Session-Expires is below the minimum that is configured on the other side.",
            "Der Session-Expires des Anrufers liegt unter dem Minimum, das die Gegenseite eingestellt hat.",
        ),
        cause(
            "The caller does not handle 422: it should repeat the INVITE with the Min-SE it was told.",
            "Der Anrufer kommt mit 422 nicht zurecht: Er müsste den INVITE mit dem genannten Min-SE wiederholen.",
        ),
    ),
    remedies=(
        remedy(
            "Let the caller ask for a longer timer (1800 s is usual), or switch its session timers off.",
            "Den Anrufer einen längeren Timer verlangen lassen (üblich: 1800 s) oder dessen Session-Timer abschalten.",
        ),
        remedy(
            "Lower the minimum at {refuser}; RFC 4028 allows 90 s.",
            "Das Minimum bei {refuser} senken; RFC 4028 erlaubt 90 s.",
        ),
        remedy(
            "In FreeSWITCH: minimum-session-expires in the SIP profile, with enable-timer.",
            "In FreeSWITCH: minimum-session-expires im SIP-Profil, zusammen mit enable-timer.",
            product="freeswitch",
        ),
    ),
    references=("RFC 4028, section 6", "RFC 4028, section 7.3"),
    known_problems=Text(
        "A 422 that is answered by another INVITE with a longer timer is no fault and is not reported.",
        "Ein 422, auf das ein weiterer INVITE mit längerem Timer folgt, ist kein Fehler und wird nicht gemeldet.",
    ),
    find=find,
)
