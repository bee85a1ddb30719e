"""A phone's registration fails: refused, challenged repeatedly, or unanswered."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from postproc.diagnose.evidence.case import Case, evidence
from postproc.diagnose.evidence.signalling import CHALLENGES
from postproc.model.enumerations import Verdict
from postproc.model.findings import Finding, Rule, cause, remedy
from postproc.model.rows import SipMessageRow
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
WITH_CREDENTIALS = Text(
    "Credentials were sent and not accepted {refused:time|times}.",
    "Zugangsdaten wurden gesendet und {refused}-mal nicht angenommen.",
)
LASTING = Text(
    "It went on for {seconds:0} s; no REGISTER of theirs succeeded afterwards.",
    "Das dauerte {seconds:0} s; danach gelang kein REGISTER mehr.",
)
SETTLE = Text(
    "the log of {server} names the reason for each attempt.",
    "Das Log von {server} nennt zu jedem Versuch den Grund.",
)

OK = 2  # the class of 2xx responses
FORBIDDEN = 403
# Refusals after a success that count as a failure: 1 would report stale nonces and reordered responses, 3 would
# notice a password changed on the server one expiry later.
REFUSED_AGAIN = 2
TOO_BRIEF = 423  # retried with a longer Expires (RFC 3261, section 10.2.8)
# A REGISTER over UDP is retransmitted after 0.5, 1.5, 3.5 s: 3 would accuse a slow registrar.
REPEATED = 4
LASTING_S = 3.0
# Seconds the capture must continue after a single failure: a phone prompts its user, or retries with
# credentials, within seconds. With 0, a capture that ends between challenge and retry is reported.
WATCHED_S = 5.0
SHOWN = 20  # frames listed of requests and of responses


@dataclass(frozen=True)
class Attempts:
    """All REGISTERs of one user on one hop, and their responses, by time."""

    user: str
    requests: Sequence[SipMessageRow]
    responses: Sequence[SipMessageRow]

    @property
    def succeeded(self) -> bool:
        """Whether one was accepted and at most one refused since (stale nonce, reordered response)."""
        accepted = max((row.time for row in self.responses if (row.status or 0) // 100 == OK), default=None)
        if accepted is None:
            return False
        answered = [row for row in self.responses if row.time > accepted and (row.status or 0) >= 400]
        refused = {*self.refusals, *(row for row in answered if row.status not in CHALLENGES)}
        return len(refused.intersection(answered)) < REFUSED_AGAIN

    @property
    def times(self) -> int:
        """The number of attempts; a challenge and its retry count as one."""
        numbers = {(row.call_id, row.cseq): row.authorized for row in self.requests}
        count = sum(numbers.values())
        return count or len(numbers)

    @property
    def refusals(self) -> list[SipMessageRow]:
        """Final failures of requests with credentials."""
        with_credentials = {(row.call_id, row.cseq) for row in self.requests if row.authorized}
        failed = [row for row in self.responses if (row.status or 0) >= 400 and row.status != TOO_BRIEF]
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
    finals = [row for row in attempts.responses if (row.status or 0) >= 300]
    if not attempts.responses:
        lasted = (attempts.requests[-1].time - attempts.requests[0].time).total_seconds()
        return "silent" if len(attempts.requests) >= REPEATED and lasted >= LASTING_S else None
    if not finals or (watched < WATCHED_S and attempts.times < 2 and finals[-1].status != FORBIDDEN):
        return None
    last = finals[-1].status or 0
    if last in CHALLENGES:
        return "credentials" if attempts.refusals else "not_given"
    if last < 400 or last == TOO_BRIEF:
        return None
    return "credentials" if last == FORBIDDEN else "refused"


def _finding(tag: str, held: Sequence[Attempts]) -> Finding:
    requests = [row for attempts in held for row in attempts.requests]
    responses = [row for attempts in held for row in attempts.responses]
    first, last = requests[0], max([*requests, *responses], key=lambda row: row.time)
    answered = next((row for row in reversed(responses) if (row.status or 0) >= 300), None)
    refused = sum(len(attempts.refusals) for attempts in held)
    verdict: Verdict = "suspect" if tag == "not_given" else "fault"
    return Finding(
        RULE.name,
        verdict,
        0.6 if tag == "not_given" else 0.9,
        evidence(*requests[:SHOWN], *responses[:SHOWN]),
        {"silent": SILENT, "not_given": NOT_GIVEN}.get(tag, REFUSED),
        (*([WITH_CREDENTIALS] if refused else []), LASTING),
        {
            "users": [attempts.user for attempts in held],
            "server": first.dst_addr,
            "client": first.src_addr,
            "attempts": sum(attempts.times for attempts in held) if tag != "silent" else len(requests),
            "answer": f"{answered.status} {answered.reason or ''}".strip() if answered else "–",
            "refused": refused,
            "seconds": (last.time - first.time).total_seconds(),
        },
        SETTLE,
        tags=frozenset({tag}),
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
            "User name, password or realm do not fit.",
            "Benutzername, Kennwort oder Realm passen nicht.",
            tag="credentials",
        ),
        cause(
            "The user does not exist there, or may not register from this address.",
            "Den Benutzer gibt es dort nicht, oder er darf sich von dieser Adresse nicht registrieren.",
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
            "Compare user name, password and domain of {client} with those at {server}.",
            "Benutzername, Kennwort und Domäne von {client} mit denen bei {server} vergleichen.",
        ),
        remedy(
            "Look whether {server} blocks the address after failed attempts (fail2ban).",
            "Prüfen, ob {server} die Adresse nach Fehlversuchen sperrt (fail2ban).",
        ),
    ),
    references=("RFC 3261, section 10", "RFC 3261, section 22"),
    known_problems=Text(
        "Strangers who guess passwords look the same.",
        "Fremde, die Kennwörter raten, sehen genauso aus.",
    ),
    find=find,
)
