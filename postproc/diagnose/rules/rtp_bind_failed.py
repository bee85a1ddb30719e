"""The server cannot open its media port: only its log shows it, on the wire there is a refusal."""

from collections.abc import Iterator

from postproc.diagnose.evidence.case import Case, evidence
from postproc.diagnose.evidence.server import BY_LOG, Line, logged, quoted
from postproc.model.findings import Finding, Rule, cause, remedy
from postproc.model.rows import LegRow
from postproc.model.statuses import is_refusal
from postproc.model.text import Text

# FreeSWITCH's errors (switch_rtp.c) about its own sockets; "Remote Address Error" is about the other side.
OWN_SOCKET = ("Bind Error", "Socket Error", "Local Address Error")

TITLE = Text(
    "The server cannot open its media port {socket}: {reason}.",
    "Der Server kann seinen Medien-Port {socket} nicht öffnen: {reason}.",
)
ANY_PORT = Text(
    "The server cannot open a port for its media: {reason}.",
    "Der Server kann keinen Port für seine Medien öffnen: {reason}.",
)
ENDED = Text("The leg then ends with {status} {phrase}.", "Das Leg endet daraufhin mit {status} {phrase}.")


def find(case: Case) -> Iterator[Finding]:
    legs = {leg.call_id: leg for leg in case.legs}
    for call_id, leg in legs.items():
        lines = [line for line in logged(case, "media", call_id=call_id) if _own_socket(line)]
        if lines:
            yield _finding(case, leg, lines)


def _own_socket(line: Line) -> bool:
    """Whether the line is about the server's own socket, and not only about video."""
    return line.facts.get("media") == "AUDIO" and line.facts.get("reason", "").startswith(OWN_SOCKET)


def _finding(case: Case, leg: LegRow, lines: list[Line]) -> Finding:
    reason, _, socket = lines[0].facts["reason"].partition("!")
    mine = [row for row in case.sip_messages if row.call_id == leg.call_id]
    refused = next((row for row in mine if is_refusal(row.status) and row.cseq_method == "INVITE"), None)
    facts = {
        "reason": reason,
        "socket": socket.strip() or None,
        "log": quoted(lines),
        "status": refused.status if refused else None,
        "phrase": refused.reason or "" if refused else "",
    }
    return Finding(
        RULE.name,
        "fault",
        0.95,
        evidence(mine[0] if mine else leg, refused),
        TITLE if facts["socket"] else ANY_PORT,
        (BY_LOG, ENDED) if refused else (BY_LOG,),
        facts,
        leg=leg.leg,
    )


RULE = Rule(
    code="SDP010",
    name="rtp-bind-failed",
    stage="sdp",
    breaks="media_port",
    summary=Text("Media port cannot be opened", "Medien-Port lässt sich nicht öffnen"),
    claim=Text(
        "The server's log says that it could not bind the address and port its media were to use.",
        "Das Log des Servers sagt, dass sich Adresse und Port für seine Medien nicht öffnen ließen.",
    ),
    causes=(
        cause(
            "The address configured for media is none of the server's own: a public or an old address, or one"
            " outside the container.",
            "Die für Medien konfigurierte Adresse gehört dem Server nicht: eine öffentliche oder alte Adresse"
            " oder eine außerhalb des Containers.",
        ),
        cause(
            "Another program uses ports of the media range: a second server, an SBC, a service on the same host.",
            "Ein anderes Programm belegt Ports des Medien-Bereichs: ein zweiter Server, ein SBC, ein Dienst auf"
            " demselben Host.",
        ),
        cause(
            "The server ran out of sockets or ports.",
            "Dem Server sind Sockets oder Ports ausgegangen.",
        ),
    ),
    remedies=(
        remedy(
            "Configure an address of the server itself for media, and the public one only for what it announces.",
            "Für Medien eine Adresse des Servers selbst konfigurieren und die öffentliche nur für das, was er bekannt gibt.",
        ),
        remedy(
            "FreeSWITCH: rtp-ip of the SIP profile is an address of the host, ext-rtp-ip the public one; restart"
            " the profile.",
            "FreeSWITCH: rtp-ip im SIP-Profil ist eine Adresse des Hosts, ext-rtp-ip die öffentliche; danach das"
            " Profil neu starten.",
            product="freeswitch",
        ),
        remedy(
            "Look for the program that holds the port (ss -ulpn), or give the server a range of its own ({ports}).",
            "Nach dem Programm suchen, das den Port belegt (ss -ulpn), oder dem Server einen eigenen Bereich geben ({ports}).",
        ),
    ),
    references=("FreeSWITCH switch_rtp.c: switch_rtp_set_local_address", "RFC 3264, section 5.1"),
    known_problems=Text(
        "Without the server's log there is only the refusal.",
        "Ohne Log des Servers ist nur die Ablehnung zu sehen.",
    ),
    find=find,
)
