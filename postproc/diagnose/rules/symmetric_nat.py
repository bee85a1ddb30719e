"""A NAT maps one base to different ports for different destinations (RFC 4787: endpoint-dependent)."""

from collections.abc import Iterator

from postproc.diagnose.evidence.candidates import Base, bases, offered, public
from postproc.diagnose.evidence.case import CLIENT, Case, evidence
from postproc.diagnose.evidence.media import connected
from postproc.diagnose.evidence.paths import TO_SERVER, checks
from postproc.model.addresses import endpoint
from postproc.model.findings import Finding, Rule, cause, remedy
from postproc.model.text import Text

TITLE = Text(
    "The {side:word} is behind a symmetric NAT: its port differs by destination ({mapped}).",
    "Der {side:word} steht hinter einem symmetrischen NAT: Sein Port hängt vom Ziel ab ({mapped}).",
)
MAPPED = Text(
    "{base} is seen as {mapped} by different peers.",
    "{base} erscheint verschiedenen Gegenstellen als {mapped}.",
)
CAME_FROM = Text(
    "Its checks come from {mapped}, while its candidate says {offered}.",
    "Seine Checks kommen von {mapped}, sein Kandidat nennt aber {offered}.",
)


def find(case: Case) -> Iterator[Finding]:
    for leg in case.judged_legs:
        if connected(case, leg):
            continue
        mapped = [base for base in bases(case, leg) if _differs(base)]
        for base in mapped:
            facts = {
                "side": base.side,
                "base": endpoint(base.addr, base.port),
                "mapped": [endpoint(*seen) for seen in sorted(base.seen)],
            }
            yield Finding(
                RULE.name,
                "fault",
                0.9,
                evidence(*base.rows),
                TITLE,
                (MAPPED,),
                facts,
                leg=leg,
                tags=frozenset({base.side}),
            )
        if CLIENT not in {base.side for base in mapped}:
            yield from _by_source(case, leg)


def _differs(base: Base) -> bool:
    """Whether two observers saw different ports at one address."""
    observed = [row for row in base.rows if row.learned_from in ("stun_server", "check")]
    ports: dict[str, set[int]] = {}
    for row in observed:
        ports.setdefault(row.mapped_addr, set()).add(row.mapped_port)
    observers = {(row.seen_by_addr, row.seen_by_port) for row in observed}
    return len(observers) > 1 and any(len(seen_ports) > 1 for seen_ports in ports.values())


def _by_source(case: Case, leg: int | None) -> Iterator[Finding]:
    """Yield findings on client checks from its public address but from an unknown port."""
    candidates = public(offered(case, CLIENT, leg))
    endpoints = {(row.addr, row.port) for row in candidates}
    odd = [
        row
        for row in checks(case, TO_SERVER, leg).rows
        if row.src_addr in {addr for addr, _ in endpoints} and (row.src_addr, row.src_port) not in endpoints
    ]
    if odd:
        facts = {
            "side": CLIENT,
            "mapped": sorted({endpoint(row.src_addr, row.src_port) for row in odd}),
            "offered": [endpoint(row.addr, row.port) for row in candidates],
        }
        yield Finding(
            RULE.name,
            "suspect",
            0.7,
            evidence(*odd),
            TITLE,
            (CAME_FROM,),
            facts,
            leg=leg,
            tags=frozenset({CLIENT}),
        )


RULE = Rule(
    code="NAT001",
    name="symmetric-nat",
    stage="nat",
    breaks="nat_type",
    summary=Text("Symmetric NAT", "Symmetrisches NAT"),
    claim=Text(
        "A NAT maps one address and port differently for each destination, so the candidate learnt from STUN does not hold.",
        "Ein NAT setzt dieselbe Adresse samt Port je Ziel anders um; der per STUN gelernte Kandidat stimmt deshalb nicht.",
    ),
    causes=(
        cause(
            "The router in front of the server translates ports at random for every destination.",
            "Der Router vor dem Server setzt Ports für jedes Ziel zufällig um.",
            tag="server",
        ),
        cause(
            "The client is in a mobile or guest network with symmetric NAT.",
            "Der Client ist in einem Mobilfunk- oder Gastnetz mit symmetrischem NAT.",
            tag="client",
        ),
    ),
    remedies=(
        remedy(
            "Give the media server static NAT without port translation, or forward its media ports ({ports}) one to one.",
            "Dem Medienserver statisches NAT ohne Portumsetzung geben oder seine Medien-Ports ({ports}) eins zu eins weiterleiten.",
            tag="server",
        ),
        remedy(
            "With the server reachable at a fixed public address a client behind symmetric NAT works: check the server's side first.",
            "Ist der Server unter fester öffentlicher Adresse erreichbar, funktioniert auch ein Client hinter symmetrischem NAT: zuerst die Serverseite prüfen.",
            tag="client",
        ),
        remedy("Otherwise a TURN server is needed.", "Sonst ist ein TURN-Server nötig."),
    ),
    references=("RFC 4787, section 4.1", "RFC 5780", "RFC 8489, section 14.2"),
    known_problems=Text(
        "A mapping that expired between two observations looks the same.",
        "Eine Zuordnung, die zwischen zwei Beobachtungen abgelaufen ist, sieht genauso aus.",
    ),
    find=find,
)
