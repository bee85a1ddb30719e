"""The server tries only private addresses of the client, though a public one is offered."""

from collections.abc import Iterator

from postproc.diagnose.evidence.candidates import BEHIND_NAT, offered, public
from postproc.diagnose.evidence.case import CLIENT, Case, evidence
from postproc.diagnose.evidence.media import connected
from postproc.diagnose.evidence.paths import TO_CLIENT, TO_SERVER, checks
from postproc.model.addresses import addr_class, endpoint
from postproc.model.findings import Finding, Rule, cause, remedy
from postproc.model.text import Text

TITLE = Text(
    "The server tries only the client's private address {targets}, never its public one {public}.",
    "Der Server versucht nur die private Adresse {targets} des Clients, nie die öffentliche {public}.",
)
DETAIL = Text(
    "{sent:request|requests} went to {targets} and none was answered; {public} was offered and never asked.",
    "{sent:Request|Requests} gingen an {targets}, keiner wurde beantwortet; {public} war angeboten und wurde nie angefragt.",
)
SETTLE = Text(
    "`postproc acl check` with the server's access lists shows which candidate it has to take.",
    "`postproc acl check` mit den Zugriffslisten des Servers zeigt, welchen Kandidaten er nehmen muss.",
)


def find(case: Case) -> Iterator[Finding]:
    for leg in case.judged_legs:
        sent, back = checks(case, TO_CLIENT, leg), checks(case, TO_SERVER, leg)
        untried = public(offered(case, CLIENT, leg))
        private = {addr for addr, _ in sent.targets if addr_class(addr) in BEHIND_NAT}
        if (
            connected(case, leg)
            or back.sent
            or not untried
            or len(private) < len({a for a, _ in sent.targets})
        ):
            continue
        if sent.dead(case.deployment.thresholds):
            facts = {
                "targets": [endpoint(*target) for target in sent.targets],
                "sent": sent.sent,
                "public": [endpoint(row.addr, row.port) for row in untried],
            }
            yield Finding(
                RULE.name, "suspect", 0.8, evidence(*sent.silent), TITLE, (DETAIL,), facts, SETTLE, leg=leg
            )


RULE = Rule(
    code="ICE007",
    name="wrong-candidate-tried",
    stage="stun",
    breaks="pair",
    from_absence=True,
    summary=Text("Wrong candidate tried", "Falscher Kandidat versucht"),
    claim=Text(
        "The server asks a private candidate to which it has no route, and never the public one that is offered.",
        "Der Server fragt einen privaten Kandidaten an, zu dem er keine Route hat, und nie den angebotenen öffentlichen.",
    ),
    causes=(
        cause(
            "The server takes the first candidate in SDP order that its access lists accept, and that is the private one.",
            "Der Server nimmt den ersten Kandidaten in SDP-Reihenfolge, den seine Zugriffslisten zulassen, und das ist der private.",
            product="freeswitch",
        ),
        cause(
            "The server does not try the client's candidates one after the other.",
            "Der Server versucht die Kandidaten des Clients nicht nacheinander.",
        ),
    ),
    remedies=(
        remedy(
            "Enable the Pin Hole Puncher: XCC then tries every candidate of the client.",
            "Den Pin Hole Puncher einschalten: Der XCC versucht dann alle Kandidaten des Clients.",
            product="xphone",
        ),
        remedy(
            "Put the networks that are not used for media into the blacklist, so that the private candidate is refused.",
            "Die nicht für Medien genutzten Netze in die Blacklist aufnehmen, damit der private Kandidat abgelehnt wird.",
            product="xphone",
        ),
        remedy(
            "Set apply-candidate-acl to a list that refuses private addresses without a route (wan.auto).",
            "apply-candidate-acl auf eine Liste setzen, die private Adressen ohne Route ablehnt (wan.auto).",
            product="freeswitch",
        ),
        remedy(
            "Find out why the client's own requests do not reach the server: they would lead it to the right address.",
            "Klären, warum die Requests des Clients den Server nicht erreichen: Sie würden ihn zur richtigen Adresse führen.",
        ),
    ),
    references=("RFC 8445, section 6.1.2",),
    known_problems=Text(
        "The first request only opens the path; where the client's own requests arrive, the rule is silent.",
        "Der erste Request öffnet nur den Weg; kommen die Requests des Clients an, schweigt die Regel.",
    ),
    find=find,
)
