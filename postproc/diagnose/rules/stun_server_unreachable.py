"""The server gets no response from its STUN server about its public address."""

from collections.abc import Iterator

from postproc.diagnose.evidence.candidates import offered, public
from postproc.diagnose.evidence.case import SERVER, Case, evidence
from postproc.diagnose.evidence.paths import requests
from postproc.diagnose.evidence.server import BY_LOG, Line, logged, quoted, server_addresses
from postproc.model.addresses import endpoint
from postproc.model.enumerations import Verdict
from postproc.model.findings import Finding, Rule, cause, remedy
from postproc.model.rows import BindingRow
from postproc.model.text import Text

TITLE = Text(
    "The STUN server {stun_server} left {requests:look-up|look-ups} of the server unanswered.",
    "Der STUN-Server {stun_server} hat {requests:Anfrage|Anfragen} des Servers nicht beantwortet.",
)
DETAIL = Text(
    "{requests:Binding Request|Binding Requests} from {source} to {stun_server} got no answer.",
    "Ohne Antwort: {requests:Binding Request|Binding Requests} von {source} an {stun_server}.",
)
REFUSED = Text(
    "The call was then rejected with {status}, {seconds:1} s after the INVITE.",
    "Der Anruf wurde danach mit {status} abgewiesen, {seconds:1} s nach dem INVITE.",
)
SETTLE = Text(
    "a single look-up may get lost; a longer capture or the server's log shows whether it was repeated.",
    "Eine einzelne Anfrage kann verloren gehen; ein längerer Mitschnitt oder das Log des Servers zeigt, ob sie"
    " wiederholt wurde.",
)
LOOK_UP_FAILED = Text(
    "The STUN server {stun_server} did not answer the server: {reason}.",
    "Der STUN-Server {stun_server} hat dem Server nicht geantwortet: {reason}.",
)
LOGGED = Text('The log says: "{log}".', "Das Log sagt: „{log}“.")


def find(case: Case) -> Iterator[Finding]:
    own = server_addresses(case)
    by_target: dict[tuple[str, int], list[BindingRow]] = {}
    for row in case.bindings:
        if row.purpose == "discovery" and row.src_addr in own:
            by_target.setdefault((row.dst_addr, row.dst_port), []).append(row)
    if any(row.outcome == "success" for rows in by_target.values() for row in rows):
        return
    if public(offered(case, SERVER)):
        return  # it knows its public address: the response was not captured, or an earlier one is still valid
    silent = {
        target: rows for target, rows in by_target.items() if any(row.outcome == "unanswered" for row in rows)
    }
    for target, rows in silent.items():
        yield _finding(case, target, rows)
    if not silent and (failed := [line for line in logged(case, "stun") if "server" in line.facts]):
        yield _logged(case, failed)


def _logged(case: Case, failed: list[Line]) -> Finding:
    """Return a finding on failed look-ups that only the log shows."""
    refused = next((row for row in case.sip_messages if (row.status or 0) >= 500), None)
    rows = [row for row in (*case.sip_messages[:1], refused) if row is not None]
    facts = {
        "stun_server": failed[0].facts["server"],
        "reason": failed[0].facts.get("reason", "–"),
        "log": quoted(failed),
    }
    return Finding(
        RULE.name,
        "fault",
        0.9,
        evidence(*(rows or case.legs)),
        LOOK_UP_FAILED,
        (BY_LOG,),
        facts,
        leg=case.leg_of.get(failed[0].row.call_id or ""),
    )


def _finding(case: Case, target: tuple[str, int], rows: list[BindingRow]) -> Finding:
    facts: dict[str, object] = {
        "stun_server": endpoint(*target),
        "source": endpoint(rows[0].src_addr, rows[0].src_port),
        "requests": requests(rows),
    }
    details = [DETAIL]
    failed = next((leg for leg in case.legs if leg.final_status and leg.final_status >= 500), None)
    if failed and failed.invite_time and failed.end_time:
        facts |= {
            "status": failed.final_status,
            "seconds": (failed.end_time - failed.invite_time).total_seconds(),
        }
        details.append(REFUSED)
    failures = [row for row in case.log_events if row.kind == "stun" and "fail" in (row.text or "").lower()]
    if failures:
        facts["log"] = failures[0].text
        details.append(LOGGED)
    repeated = requests(rows) >= case.deployment.thresholds.dead_requests
    certain = bool(failures or failed) or repeated
    # The server may have offered a public address to a client whose SIP cannot be read.
    doubted: Verdict = "note" if rows[0].leg in case.unread_legs else "suspect"
    return Finding(
        RULE.name,
        "fault" if certain else doubted,
        0.97 if failures else 0.9 if certain else 0.6,
        evidence(*rows),
        TITLE,
        tuple(details),
        facts,
        None if certain else SETTLE,
        leg=rows[0].leg,
    )


RULE = Rule(
    code="STUN001",
    name="stun-server-unreachable",
    stage="sdp",
    breaks="stun_server",
    from_absence=True,
    summary=Text("STUN server unreachable", "STUN-Server nicht erreichbar"),
    claim=Text(
        "The server's look-ups of its public address stay unanswered.",
        "Die Anfragen des Servers nach seiner öffentlichen Adresse bleiben unbeantwortet.",
    ),
    causes=(
        cause(
            "A firewall drops UDP to the STUN server, or its answers.",
            "Eine Firewall verwirft UDP zum STUN-Server oder dessen Antworten.",
        ),
        cause(
            "The STUN server is down, or its name or port is wrong.",
            "Der STUN-Server ist außer Betrieb, oder Name oder Port stimmen nicht.",
        ),
    ),
    remedies=(
        remedy(
            "Allow UDP from the server to {stun_server} and back.",
            "UDP vom Server zu {stun_server} und zurück freigeben.",
        ),
        remedy(
            "Check the STUN server on the admin page Telefonie & Meetings > Netzwerk; XCC asks again at its next restart.",
            "Den STUN-Server auf der Admin-Seite Telefonie & Meetings > Netzwerk prüfen; der XCC fragt beim nächsten Neustart wieder.",
            product="xphone",
        ),
        remedy(
            "Give ext-rtp-ip the public address itself if it never changes.",
            "In ext-rtp-ip die öffentliche Adresse selbst eintragen, wenn sie sich nie ändert.",
            product="freeswitch",
        ),
    ),
    references=("RFC 8489, section 6.2.1",),
    known_problems=Text(
        "Only the server's own look-ups count; what a client asks of its STUN server is not seen here.",
        "Nur Anfragen des Servers selbst zählen; was ein Client seinen STUN-Server fragt, ist hier nicht zu sehen.",
    ),
    find=find,
)
