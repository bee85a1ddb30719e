"""The server's media uses a port outside the range that the firewall is supposed to open."""

from collections.abc import Iterator

from postproc.diagnose.evidence.case import SERVER, Case, evidence
from postproc.diagnose.evidence.media import connected
from postproc.diagnose.evidence.paths import TO_CLIENT
from postproc.model.addresses import endpoint
from postproc.model.findings import Finding, Rule, cause, remedy
from postproc.model.loading import PacketRow
from postproc.model.text import Text

TITLE = Text(
    "The server's media port {used} is outside the range {ports}.",
    "Der Medien-Port {used} des Servers liegt außerhalb des Bereichs {ports}.",
)
DETAIL = Text(
    "Firewalls are opened for {ports}; packets of other ports are likely to be dropped.",
    "Firewalls werden für {ports} geöffnet; Pakete anderer Ports werden wahrscheinlich verworfen.",
)


def find(case: Case) -> Iterator[Finding]:
    ranges = case.deployment.media_ports.get(SERVER, ())
    if not ranges or not _applies(case):
        return
    for leg in case.judged_legs:
        sent: list[PacketRow] = [
            *(row for row in case.bindings if row.leg == leg and row.direction == TO_CLIENT),
            *(row for row in case.rtp_streams if row.leg == leg and row.direction == TO_CLIENT),
        ]
        odd = [row for row in sent if case.deployment.is_media_port(SERVER, row.src_port) is False]
        if odd and not connected(case, leg):
            facts = {
                "used": sorted({endpoint(row.src_addr, row.src_port) for row in odd}),
                "ports": [f"{each[0]}-{each[-1]}" for each in ranges],
            }
            yield Finding(RULE.name, "suspect", 0.7, evidence(*odd), TITLE, (DETAIL,), facts, leg=leg)


def _applies(case: Case) -> bool:
    """Whether the port ranges apply: they belong to a product that takes part in the call."""
    return not case.deployment.products or case.deployment.name in case.products


RULE = Rule(
    code="NAT007",
    name="media-port-out-of-range",
    stage="nat",
    summary=Text("Media port out of range", "Medien-Port außerhalb des Bereichs"),
    claim=Text(
        "The server sends media from a port outside the range given for it, and no path came about.",
        "Der Server sendet Medien von einem Port außerhalb des vorgesehenen Bereichs, und es entstand kein Pfad.",
    ),
    causes=(cause("The port range was changed on the server.", "Der Portbereich wurde am Server geändert."),),
    remedies=(
        remedy(
            "Set the range back to {ports}, or open the firewall for the ports in use and name them in the deployment file.",
            "Den Bereich auf {ports} zurücksetzen oder die Firewall für die verwendeten Ports öffnen und sie in der Deployment-Datei nennen.",
        ),
    ),
    references=(),
    known_problems=Text(
        "The capture must be taken at the server: behind its NAT the ports may differ.",
        "Der Mitschnitt muss am Server aufgenommen sein: Hinter dessen NAT können die Ports anders sein.",
    ),
    find=find,
)
