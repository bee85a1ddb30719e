"""Part of a DTLS flight is lost: the handshake waits for a fragment."""

from collections.abc import Iterator

from postproc.diagnose.evidence.case import Case, evidence
from postproc.diagnose.evidence.icmp import kind
from postproc.diagnose.evidence.media import both_ways
from postproc.diagnose.evidence.paths import best
from postproc.model.addresses import endpoint
from postproc.model.findings import Finding, Rule, cause, remedy
from postproc.model.icmp import TOO_LARGE
from postproc.model.rows import DtlsRow
from postproc.model.text import Text

TITLE = Text(
    "Part of the DTLS flight from {sender} is missing: {missing}.",
    "Ein Teil des DTLS-Flights von {sender} fehlt: {missing}.",
)
TOO_BIG = Text(
    "{reporter} reports by ICMP that a DTLS packet is too large ({what}).",
    "{reporter} meldet per ICMP, dass ein DTLS-Paket zu groß ist ({what}).",
)


def find(case: Case) -> Iterator[Finding]:
    for leg in case.judged_legs:
        row = best(case, leg)
        if row is None or row.state not in ("incomplete", "client_hello_only") or both_ways(case, leg):
            continue
        large = [each for each in case.icmp_errors if kind(each) in TOO_LARGE]
        if large:
            facts = {"reporter": large[0].reporter, "what": kind(large[0])}
            yield Finding(RULE.name, "fault", 0.9, evidence(*large), TOO_BIG, (), facts, leg=leg)
            continue
        yield from _incomplete(case, leg, row)


def _incomplete(case: Case, leg: int | None, row: DtlsRow) -> Iterator[Finding]:
    """Yield findings on a Certificate that stays incomplete, or a message number missing in the flight."""
    for addr, port in ((row.server_addr, row.server_port), (row.client_addr, row.client_port)):
        sent = [m for m in case.dtls_messages if (m.src_addr, m.src_port) == (addr, port)]
        cut = [m for m in sent if m.handshake_type == "certificate"]
        missing = []
        if cut and not any(m.certificate for m in cut):
            missing.append("Certificate")
        numbers = {m.message_seq for m in sent if m.message_seq is not None and m.epoch == 0}
        skipped = sorted(set(range(max(numbers, default=-1) + 1)) - numbers)
        missing += [f"message_seq {number}" for number in skipped]
        if missing:
            facts = {"sender": endpoint(addr, port), "missing": missing}
            yield Finding(RULE.name, "suspect", 0.8, evidence(*sent), TITLE, (), facts, leg=leg)


RULE = Rule(
    code="DTLS005",
    name="dtls-fragment-lost",
    stage="dtls",
    breaks="flight",
    from_absence=True,
    summary=Text("DTLS fragment lost", "DTLS-Fragment verloren"),
    claim=Text(
        "A handshake message arrives in part only, and the handshake does not go on.",
        "Eine Handshake-Nachricht kommt nur zum Teil an, und der Handshake geht nicht weiter.",
    ),
    causes=(
        cause(
            "The path's MTU is smaller than the packet, or IP fragments are dropped.",
            "Die MTU des Pfads ist kleiner als das Paket, oder IP-Fragmente werden verworfen.",
        ),
        cause(
            "A large certificate (RSA 4096, long chain) or ClientHello makes flights of several packets.",
            "Ein großes Zertifikat (RSA 4096, lange Kette) oder ein großer ClientHello macht Flights aus mehreren Paketen.",
        ),
    ),
    remedies=(
        remedy(
            "Find the narrow place: ping with set DF bit and growing size between both sides.",
            "Die Engstelle suchen: Ping mit gesetztem DF-Bit und wachsender Größe zwischen beiden Seiten.",
        ),
        remedy(
            "Let IP fragments and ICMP 'fragmentation needed' pass in firewalls.",
            "IP-Fragmente und ICMP „fragmentation needed“ in Firewalls durchlassen.",
        ),
        remedy("Use a smaller certificate (ECDSA).", "Ein kleineres Zertifikat verwenden (ECDSA)."),
    ),
    references=("RFC 6347, sections 3.2.3 and 4.1.1.1",),
    known_problems=Text(
        "Packets the capture itself lost look the same.",
        "Pakete, die der Mitschnitt selbst verloren hat, sehen genauso aus.",
    ),
    find=find,
)
