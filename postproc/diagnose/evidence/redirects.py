"""Redirections that lead back to an address that was asked, in sentences of rule ``call-rejected``."""

from collections.abc import Iterator

from postproc.diagnose.evidence.case import Case, evidence
from postproc.diagnose.evidence.signalling import phrase
from postproc.model.addresses import uri_host
from postproc.model.findings import Finding, cause, remedy
from postproc.model.rows import SipMessageRow
from postproc.model.statuses import is_redirection, is_refusal
from postproc.model.text import Text

IN_CIRCLES = Text(
    "{who} redirects the call to {contact}, an address that had been asked already: {times:such redirection|such redirections}, and nobody"
    " took the call.",
    "{who} leitet den Anruf auf {contact} um, wo schon gefragt wurde: {times:solche Umleitung|solche Umleitungen}, und niemand nahm den"
    " Anruf an.",
)
SETTLE = Text(
    "the log of {who}, or its user's forwarding, says where the call was to go.",
    "Das Log von {who} oder die Rufumleitung dort sagt, wohin der Anruf gehen sollte.",
)
CAUSE = cause(
    "The forwarding at {who} names its own number, two forwardings name each other, or a redirect server knows the callee by that address only (lookup without a"
    " registered device).",
    "Die Rufumleitung bei {who} nennt die eigene Rufnummer, zwei Umleitungen nennen einander, oder ein Redirect-Server kennt den Angerufenen nur unter dieser Adresse"
    " (Nachschlagen ohne registriertes Gerät).",
    tag="redirected",
)
REMEDY = remedy(
    "Correct the forwarding for {contact} at {who}, or have the caller's server not follow redirections (let {who} forward by"
    " itself).",
    "Die Umleitung für {contact} bei {who} berichtigen, oder den Server des Anrufers Umleitungen nicht folgen lassen ({who} leitet"
    " dann selbst weiter).",
    tag="redirected",
)


def in_circles(rule: str, case: Case) -> Iterator[Finding]:
    """Yield a finding on a call whose last redirection names an address asked before (RFC 3261, section 8.1.3.4)."""
    first = [leg for leg in case.legs if leg.leg == 1]
    if any(leg.answer_time is not None or leg.state == "cancelled" for leg in case.legs):
        return
    mine = {leg.call_id for leg in first}
    rows = [row for row in case.sip_messages if row.call_id in mine and row.cseq_method == "INVITE"]
    answers = [row for row in rows if is_refusal(row.status)]
    back = [row for row in answers if is_redirection(row.status) and _asked_before(rows, row)]
    if not back or back[-1] is not answers[-1]:
        return
    last = back[-1]
    yield Finding(
        rule,
        "suspect",
        0.8,
        evidence(*back),
        IN_CIRCLES,
        (),
        {
            "who": last.src_addr,
            "answer": phrase(last.status, last.reason),
            "contact": last.contact,
            "times": len(back),
        },
        SETTLE,
        leg=last.leg,
        tags=frozenset({"redirected"}),
    )


def _asked_before(rows: list[SipMessageRow], answer: SipMessageRow) -> bool:
    """Whether the Contact of a redirection is the Request-URI of an INVITE up to then."""
    asked = (row for row in rows if row.method == "INVITE" and row.time <= answer.time)
    return any(_same(answer.contact, row.request_uri) for row in asked)


def _same(contact: str | None, asked: str | None) -> bool:
    """Whether two URIs name one user at one host and port, by one transport."""
    return contact is not None and asked is not None and _place(contact) == _place(asked)


def _place(uri: str) -> tuple[str, str, str | None, str, str | None]:
    bare, _, parameters = uri.lower().partition(";")
    scheme, _, rest = bare.partition(":")
    user, _, host = rest.rpartition("@")
    port = host.rpartition(":")[2] if ":" in host and not host.endswith("]") else "5060"
    named = dict(part.partition("=")[::2] for part in parameters.split(";"))
    return scheme, user, uri_host(uri), port, named.get("transport")
