"""A router rewrites SIP on its way: two captures of one message differ."""

from collections.abc import Iterator

from postproc.diagnose.evidence.case import Case, evidence
from postproc.model.findings import Advice, Finding, Rule
from postproc.model.rows import SipMessageRow
from postproc.model.text import Text

TITLE = Text(
    "SIP is rewritten between the captures: {what} of the same {message} is {one} here and {other} there.",
    "SIP wird zwischen den Mitschnitten umgeschrieben: {what} derselben Nachricht {message} ist hier {one} und dort {other}.",
)
DETAIL = Text(
    "{capture} and {other_capture} hold the same message (Call-ID, CSeq and branch), but not the same text.",
    "{capture} und {other_capture} enthalten dieselbe Nachricht (Call-ID, CSeq und Branch), aber nicht denselben Text.",
)


def find(case: Case) -> Iterator[Finding]:
    held: dict[tuple[object, ...], SipMessageRow] = {}
    for row in case.sip_messages:
        key = (row.call_id, row.cseq, row.cseq_method, row.method, row.status, row.branch, row.to_tag)
        first = held.setdefault(key, row)
        if row.branch and first.capture != row.capture and _contact(first) != _contact(row):
            facts = {
                "what": "Contact", "message": row.method or str(row.status), "one": first.contact,
                "other": row.contact, "capture": first.capture, "other_capture": row.capture,
            }  # fmt: skip
            yield Finding(
                RULE.name, "suspect", 0.8, evidence(first, row), TITLE, (DETAIL,), facts,
                leg=case.leg_of.get(row.call_id),
            )  # fmt: skip
            return


def _contact(row: SipMessageRow) -> str | None:
    """Contact without what may differ by white space."""
    return "".join(row.contact.split()) if row.contact else None


RULE = Rule(
    code="NAT008",
    name="sip-alg",
    stage="nat",
    summary=Text("SIP ALG", "SIP-ALG"),
    claim=Text(
        "A router on the way changes addresses inside SIP messages.",
        "Ein Router auf dem Weg ändert Adressen in SIP-Nachrichten.",
    ),
    causes=(
        Advice(Text(
            "A SIP ALG in a router or firewall.",
            "Ein SIP-ALG in Router oder Firewall.",
        )),
        Advice(Text(
            "A session border controller or proxy that does so on purpose.",
            "Ein Session Border Controller oder Proxy, der das absichtlich tut.",
        )),
    ),
    remedies=(
        Advice(Text(
            "Switch off the SIP ALG, or use another port than 5060 or TLS.",
            "Das SIP-ALG abschalten oder einen anderen Port als 5060 oder TLS verwenden.",
        )),
    ),
    references=("RFC 3261, section 8.1.1.8",),
    known_problems=Text(
        "It needs the same message in two captures; one capture alone does not prove an ALG.",
        "Nötig ist dieselbe Nachricht in zwei Mitschnitten; einer allein beweist kein ALG.",
    ),
    find=find,
)  # fmt: skip
