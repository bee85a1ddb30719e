"""A phone's registration fails: refused, challenged repeatedly, or unanswered."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from postproc.diagnose.evidence.case import Case, evidence
from postproc.diagnose.evidence.signalling import phrase
from postproc.diagnose.evidence.timers import lasting
from postproc.model.addresses import endpoint
from postproc.model.enumerations import Verdict
from postproc.model.findings import Finding, Rule, cause, remedy
from postproc.model.rows import SipMessageRow
from postproc.model.statuses import CHALLENGES, FORBIDDEN, is_failure, is_refusal, is_success
from postproc.model.text import Text

REFUSED = Text(
    "{users:3} cannot register at {server}: {attempts:attempt|attempts} from {client}, the last answered with {answer}.",
    "{users:3} kann sich bei {server} nicht registrieren: {attempts:Versuch|Versuche} von {client}, zuletzt beantwortet mit {answer}.",
)
NOT_GIVEN = Text(
    "{users:3} is not registered at {server}: asked for credentials ({answer}), {client} gives none.",
    "{users:3} ist bei {server} nicht registriert: Nach Zugangsdaten gefragt ({answer}), liefert {client} keine.",
)
SILENT = Text(
    "{users:3} cannot register at {server}: {attempts} REGISTER from {client} got no response.",
    "{users:3} kann sich bei {server} nicht registrieren: {attempts} REGISTER von {client} blieben ohne Antwort.",
)
UNHEARD = Text(
    "{users:3} is not registered at {server}: {client} sends REGISTER again and again although it was answered ({answer}).",
    "{users:3} ist bei {server} nicht registriert: {client} sendet das REGISTER immer wieder, obwohl es beantwortet wurde"
    " ({answer}).",
)
WENT_TO = Text(
    "The same request came {repeats} more times after its response, which went to {reached}.",
    "Dieselbe Anfrage kam nach ihrer Antwort, die an {reached} ging, noch {repeats}-mal.",
)
WITH_CREDENTIALS = Text(
    "Credentials were sent and not accepted {refused:time|times}.",
    "Zugangsdaten wurden gesendet und {refused}-mal nicht angenommen.",
)
TOO_OLD = Text(
    "{server} takes only the nonce for too old (stale=true), not the password for wrong; {client} does not try the new one.",
    "{server} hält nur den Nonce für zu alt (stale=true), nicht das Kennwort für falsch; {client} versucht es mit dem neuen nicht.",
)
BRIEF = Text(
    "It asked for {asked} s each time; {server} grants {least:0} s or more (Min-Expires).",
    "Gewünscht waren jedes Mal {asked} s; {server} gewährt erst {least:0} s und mehr (Min-Expires).",
)
BRIEF_UNSAID = Text(
    "It asked for {asked} s each time, and {server} wants a longer time.",
    "Gewünscht waren jedes Mal {asked} s, und {server} verlangt mehr.",
)
UNKNOWN_DIGEST = Text(
    "The only digest asked for is {digest}; a phone that knows MD5 only cannot answer that.",
    "Verlangt wird allein der Digest {digest}; ein Telefon, das nur MD5 kennt, kann darauf nicht antworten.",
)
LASTING = Text(
    "It went on for {seconds:0} s; no REGISTER of theirs succeeded afterwards.",
    "Das dauerte {seconds:0} s; danach gelang kein REGISTER mehr.",
)
SETTLE = Text(
    "the log of {server} names the reason for each attempt.",
    "Das Log von {server} nennt zu jedem Versuch den Grund.",
)

# What is wrong with the message and not with the user, as for an INVITE (call_rejected).
MALFORMED = frozenset({400, 405, 406, 413, 414, 415, 416, 420, 493, 501, 505, 513})
# Refusals after a success that count as a failure: 1 would report stale nonces and reordered responses, 3 would
# notice a password changed on the server one expiry later.
REFUSED_AGAIN = 2
TOO_BRIEF = 423  # retried with a longer Expires (RFC 3261, section 10.2.8)
# Retransmissions after the response to the same request: one or two cross it on a slow path, a fourth comes after 7.5 s.
UNHEARD_TIMES = 3
# Seconds the capture must continue after a single failure: a phone prompts its user, or retries with
# credentials, within seconds. With 0, a capture that ends between challenge and retry is reported.
WATCHED_S = 5.0
ABOUT_USER = frozenset(
    {"credentials", "not_given", "refused", "silent"}
)  # who and where, not how it is asked
SHOWN = 20  # frames listed of requests and of responses


class Attempts(NamedTuple):
    """All REGISTERs of one user on one hop, and their responses, by time."""

    user: str
    requests: Sequence[SipMessageRow]
    responses: Sequence[SipMessageRow]

    @property
    def succeeded(self) -> bool:
        """Whether one was accepted and at most one refused since (stale nonce, reordered response)."""
        accepted = max((row.time for row in self.responses if is_success(row.status)), default=None)
        if accepted is None:
            return False
        answered = [row for row in self.responses if row.time > accepted and is_failure(row.status)]
        refused = {*self.refusals, *(row for row in answered if row.status not in CHALLENGES)}
        return len(refused.intersection(answered)) < REFUSED_AGAIN

    @property
    def times(self) -> int:
        """The number of attempts; a challenge and its retry count as one."""
        numbers = {(row.call_id, row.cseq): row.authorized for row in self.requests}
        count = sum(numbers.values())
        return count or len(numbers)

    @property
    def unheard(self) -> int:
        """How often a request was sent again after its final response (RFC 3261, section 17.1.2.2: it ends that)."""
        answered: dict[tuple[str, int | None, str | None], datetime] = {}
        for row in self.responses:
            if is_refusal(row.status):
                answered.setdefault((row.call_id, row.cseq, row.branch), row.time)
        keys = ((row.time, answered.get((row.call_id, row.cseq, row.branch))) for row in self.requests)
        return sum(final is not None and sent > final for sent, final in keys)

    @property
    def refusals(self) -> list[SipMessageRow]:
        """Final failures of requests with credentials."""
        with_credentials = {(row.call_id, row.cseq) for row in self.requests if row.authorized}
        failed = [row for row in self.responses if is_failure(row.status) and row.status != TOO_BRIEF]
        return [row for row in failed if (row.call_id, row.cseq) in with_credentials]


def find(case: Case) -> Iterator[Finding]:
    ends = {each.capture: each.last_time for each in case.run_captures}
    failures: dict[tuple[str, ...], list[Attempts]] = defaultdict(list)
    for attempts in _attempts(case):
        last = max([*attempts.requests, *attempts.responses], key=lambda row: row.time)
        end = ends.get(last.capture)
        watched = (end - last.time).total_seconds() if end is not None else 0.0
        if (tag := _failure(attempts, watched)) is not None:
            first = attempts.requests[0]
            failures[tag, first.capture, first.src_addr, first.dst_addr].append(attempts)
    for (tag, *_), same_failure in failures.items():
        yield _finding(tag, same_failure)


def _attempts(case: Case) -> Iterator[Attempts]:
    """Yield the attempts by user and hop, without requests forwarded by a proxy."""
    rows = [row for row in case.sip_messages if row.cseq_method == "REGISTER"]
    sent = [row for row in rows if row.method == "REGISTER"]
    passed_on = {(row.capture, row.call_id, row.dst_addr) for row in sent if row.src_addr != row.dst_addr}
    by_hop: dict[tuple[str, ...], list[SipMessageRow]] = defaultdict(list)
    for row in sent:
        if (row.capture, row.call_id, row.src_addr) not in passed_on:
            by_hop[row.capture, row.src_addr, row.dst_addr, row.to_uri or "–"].append(row)
    answers: dict[tuple[str, str, int | None], list[SipMessageRow]] = defaultdict(list)
    for row in rows:
        if row.status is not None:
            answers[row.capture, row.call_id, row.cseq].append(row)
    for (*_, user), requests in by_hop.items():
        numbers = dict.fromkeys((row.capture, row.call_id, row.cseq) for row in requests)
        hosts = {requests[0].src_addr, requests[0].dst_addr}
        responses = (row for number in numbers for row in answers[number])
        here = [row for row in responses if {row.src_addr, row.dst_addr} <= hosts]
        yield Attempts(user, requests, sorted(here, key=lambda row: row.time))


def _failure(attempts: Attempts, watched: float) -> str | None:
    """Return the kind of failure; None if there was none, or if the capture ends too early."""
    if attempts.succeeded:
        return None
    finals = [row for row in attempts.responses if is_refusal(row.status)]
    if not attempts.responses:
        return "silent" if lasting(attempts.requests) else None
    if not finals or (watched < WATCHED_S and attempts.times < 2 and finals[-1].status != FORBIDDEN):
        return None
    if attempts.unheard >= UNHEARD_TIMES:
        return "unheard"
    return _refusal(attempts, finals[-1].status or 0)


def _refusal(attempts: Attempts, last: int) -> str | None:
    """Return what the last final response, which is none of 2xx, says of the failure; None if it is none."""
    if last in CHALLENGES:
        return _unaccepted(attempts) if attempts.refusals else "not_given"
    if last == TOO_BRIEF:
        return "brief" if _never_longer(attempts) else None
    if not is_failure(last):
        return None
    return "credentials" if last == FORBIDDEN else "malformed" if last in MALFORMED else "refused"


def _unaccepted(attempts: Attempts) -> str:
    """Return whether credentials were wrong, or each time only their nonce was too old."""
    told = [row.challenge or "" for row in attempts.refusals if row.status in CHALLENGES]
    return "stale" if told and all("stale" in each.split(",") for each in told) else "credentials"


def _never_longer(attempts: Attempts) -> bool:
    """Whether no request after a 423 asks for more time than the one that it refused."""
    refused = [row for row in attempts.responses if row.status == TOO_BRIEF]
    asked = {(row.call_id, row.cseq): row.expires for row in attempts.requests}
    first = asked.get((refused[0].call_id, refused[0].cseq))
    later = [row.expires for row in attempts.requests if row.time > refused[0].time]
    return first is not None and len(refused) >= REFUSED_AGAIN and all((each or 0) <= first for each in later)


def _finding(tag: str, held: Sequence[Attempts]) -> Finding:
    requests = [row for attempts in held for row in attempts.requests]
    responses = [row for attempts in held for row in attempts.responses]
    first, last = requests[0], max([*requests, *responses], key=lambda row: row.time)
    answered = next((row for row in reversed(responses) if is_refusal(row.status)), None)
    refused = sum(len(attempts.refusals) for attempts in held)
    verdict: Verdict = "suspect" if tag == "not_given" else "fault"
    digests = [row.challenge for row in responses if row.challenge]
    strange = tag == "not_given" and bool(digests) and not any("MD5" in each.split(",") for each in digests)
    least = max((row.expires or 0 for row in responses if row.status == TOO_BRIEF), default=0)
    detail = {"unheard": [WENT_TO], "stale": [TOO_OLD], "brief": [BRIEF if least else BRIEF_UNSAID]}.get(
        tag, []
    )
    return Finding(
        RULE.name,
        verdict,
        0.6 if tag == "not_given" else 0.9,
        evidence(*requests[:SHOWN], *responses[:SHOWN]),
        {"silent": SILENT, "not_given": NOT_GIVEN, "unheard": UNHEARD}.get(tag, REFUSED),
        (
            *([WITH_CREDENTIALS] if refused else []),
            *detail,
            *([UNKNOWN_DIGEST] if strange else []),
            LASTING,
        ),
        {
            "users": [attempts.user for attempts in held],
            "server": first.dst_addr,
            "client": first.src_addr,
            "attempts": sum(attempts.times for attempts in held) if tag != "silent" else len(requests),
            "answer": phrase(answered.status, answered.reason) if answered else "–",
            "refused": refused,
            "repeats": sum(attempts.unheard for attempts in held),
            "reached": endpoint(answered.dst_addr, answered.dst_port) if answered else "–",
            "seconds": (last.time - first.time).total_seconds(),
            "asked": first.expires,
            "least": least,
            "digest": digests[-1] if digests else "–",
        },
        None if tag == "unheard" else SETTLE,
        tags=frozenset(
            {tag} | ({"digest"} if strange else set()) | ({"user"} if tag in ABOUT_USER else set())
        ),
    )


RULE = Rule(
    code="SIP015",
    name="registration-failed",
    stage="sip",
    beside_calls=True,
    summary=Text("Registration failed", "Registrierung gescheitert"),
    claim=Text(
        "A phone's REGISTER is refused, or not answered, and none succeeds afterwards: it cannot be called.",
        "Das REGISTER eines Telefons wird abgelehnt oder nicht beantwortet, und danach gelingt keines: Es ist nicht erreichbar.",
    ),
    causes=(
        cause(
            "The responses do not reach {client}: it listens on another port than it sends from (Via without rport, RFC 3581), or NAT"
            " or a firewall drops them on the way back.",
            "Die Antworten erreichen {client} nicht: Es lauscht auf einem anderen Port, als es sendet (Via ohne rport, RFC 3581), oder"
            " NAT oder Firewall verwerfen sie auf dem Rückweg.",
            tag="unheard",
        ),
        cause(
            "User name, password or realm do not fit.",
            "Benutzername, Kennwort oder Realm passen nicht.",
            tag="credentials",
        ),
        cause(
            "The user does not exist there, or may not register from this address.",
            "Den Benutzer gibt es dort nicht, oder er darf sich von dieser Adresse nicht registrieren.",
            tag="user",
        ),
        cause(
            "{client} gives up although it is to repeat the request with the new nonce (RFC 7616, section 3.3).",
            "{client} gibt auf, obwohl die Anfrage mit dem neuen Nonce zu wiederholen ist (RFC 7616, Abschnitt 3.3).",
            tag="stale",
        ),
        cause(
            "{client} has a shorter registration interval set than {server} allows, and does not follow its Min-Expires.",
            "Bei {client} ist ein kürzeres Registrierungsintervall eingestellt, als {server} zulässt; Min-Expires wird nicht befolgt.",
            tag="brief",
        ),
        cause(
            "{server} does not take the message itself: a header, the CSeq or the URI; a header of the response may say which.",
            "{server} nimmt die Nachricht selbst nicht an: einen Header, die CSeq oder die URI; ein Header der Antwort nennt"
            " womöglich, was.",
            tag="malformed",
        ),
        cause(
            "{client} does not know the digest that {server} asks for ({digest}, RFC 8760).",
            "{client} kennt den Digest nicht, den {server} verlangt ({digest}, RFC 8760).",
            tag="digest",
        ),
        cause(
            "The phone has no password configured for this realm, or its user did not enter one.",
            "Im Telefon ist für diesen Realm kein Kennwort hinterlegt, oder der Benutzer hat keines eingegeben.",
            tag="not_given",
        ),
        cause(
            "The server is not reachable at this address and port, or a firewall drops SIP.",
            "Der Server ist unter dieser Adresse und diesem Port nicht erreichbar, oder eine Firewall verwirft SIP.",
            tag="silent",
        ),
    ),
    remedies=(
        remedy(
            "Compare {reached} with the port in the Via of the REGISTER; have {client} send from the port on which it listens, or use"
            " rport; capture there whether the responses arrive.",
            "{reached} mit dem Port im Via des REGISTER vergleichen; {client} von dem Port senden lassen, auf dem es lauscht, oder mit"
            " rport; dort mitschneiden, ob die Antworten ankommen.",
            tag="unheard",
        ),
        remedy(
            "Compare user name, password and domain of {client} with those at {server}.",
            "Benutzername, Kennwort und Domäne von {client} mit denen bei {server} vergleichen.",
            tag="user",
        ),
        remedy(
            "Leave the password alone; update {client}, or have {server} keep a nonce valid for longer.",
            "Das Kennwort so lassen; {client} aktualisieren oder {server} Nonces länger gelten lassen.",
            tag="stale",
        ),
        remedy(
            "Set the registration interval of {client} to at least what {server} grants ({least:0} s).",
            "Das Registrierungsintervall von {client} mindestens so lang einstellen, wie {server} es gewährt ({least:0} s).",
            tag="brief",
        ),
        remedy(
            "Read the whole response ({answer}): Warning, P-Registrar-Error and the like; compare with a phone that registers.",
            "Die ganze Antwort lesen ({answer}): Warning, P-Registrar-Error und Ähnliches; mit einem Telefon vergleichen, das"
            " sich registriert.",
            tag="malformed",
        ),
        remedy(
            "Let {server} ask for MD5 as well, or update {client}.",
            "{server} auch MD5 verlangen lassen oder {client} aktualisieren.",
            tag="digest",
        ),
        remedy(
            "Look whether {server} blocks the address after failed attempts (fail2ban).",
            "Prüfen, ob {server} die Adresse nach Fehlversuchen sperrt (fail2ban).",
            tag="user",
        ),
    ),
    references=("RFC 3261, section 10", "RFC 3261, section 22", "RFC 7616, section 3.3", "RFC 8760"),
    known_problems=Text(
        "Strangers who guess passwords look the same.",
        "Fremde, die Kennwörter raten, sehen genauso aus.",
    ),
    find=find,
)
