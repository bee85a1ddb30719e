"""What to ask next, by the step of the walk at which a call stopped; each with a cell that answers.

The cells know ``run`` (the results) and ``call`` (the call looked at).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from postproc.model.text import Text

UNDECIDED = ("failed", "cannot_tell")


@dataclass(frozen=True)
class Question:
    """Markdown of ours, and the code that answers it."""

    text: Text
    code: str


TRACE = Question(
    Text(
        "**Is the trace whole?** Loopback and Ethernet of the server should both be in it, without a "
        "capture filter, from before the INVITE until after the BYE.",
        "**Ist der Mitschnitt vollständig?** Loopback und Ethernet des Servers gehören beide hinein, ohne "
        "Mitschnittfilter, von vor dem INVITE bis nach dem BYE.",
    ),
    'run.captures[["capture", "interfaces", "packets", "first_time", "last_time", "cut_short", "warnings"]].T',
)
JOINS = Question(
    Text(
        "**Which legs belong together, and how sure is that?** A leg that is missing was not captured, "
        "or was never dialled.",
        "**Welche Legs gehören zusammen, und wie sicher ist das?** Ein fehlendes Leg wurde nicht "
        "mitgeschnitten oder nie gewählt.",
    ),
    'call.joins[["call_id_a", "call_id_b", "evidence", "score", "accepted"]]',
)
REFUSAL = Question(
    Text(
        "**Who refused, and with which words?** 403 and 488 within milliseconds come from an access list; "
        "the server's log says from which (`--fs-log`).",
        "**Wer hat abgelehnt, und mit welchen Worten?** Ein 403 oder 488 nach wenigen Millisekunden kommt "
        "von einer Zugriffsliste; von welcher, sagt das Log des Servers (`--fs-log`).",
    ),
    'call.transactions[["time", "method", "src_addr", "dst_addr", "final_status", "final_reason", "final_time"]]',
)
LOG = Question(
    Text(
        "**What does the server's log say?** Empty if the run was given none.",
        "**Was sagt das Log des Servers?** Leer, wenn keines angegeben war.",
    ),
    'call.log_events[["time", "level", "kind", "text"]]',
)
DISCOVERY = Question(
    Text(
        "**Was a STUN server asked, and did it answer?** Without an answer there is no public (srflx) candidate.",
        "**Wurde ein STUN-Server gefragt, und hat er geantwortet?** Ohne Antwort gibt es keinen öffentlichen "
        "Kandidaten (srflx).",
    ),
    'stun = call.bindings[call.bindings["purpose"] == "discovery"]\n'
    'stun[["time", "src_addr", "src_port", "dst_addr", "dst_port", "outcome", "mapped_addr", "mapped_port"]]',
)
DIRECTIONS = Question(
    Text(
        "**Who sends checks, and who is answered?** Requests of one side only point to a firewall in front "
        "of the other, or to a side without usable candidates.",
        "**Wer sendet Checks, und wer bekommt Antwort?** Requests nur einer Seite deuten auf eine Firewall vor "
        "der anderen oder auf eine Seite ohne brauchbare Kandidaten.",
    ),
    'call.bindings.groupby(["leg", "purpose", "direction", "outcome"]).size().rename("bindings").reset_index()',
)
NAT = Question(
    Text(
        "**What did the NAT make of the addresses?** A port that changes, or several public addresses, make "
        "the offered candidate useless.",
        "**Was hat das NAT aus den Adressen gemacht?** Ein veränderter Port oder mehrere öffentliche Adressen "
        "machen den angebotenen Kandidaten unbrauchbar.",
    ),
    'call.nat_mappings[["leg", "base_addr", "base_port", "mapped_addr", "mapped_port", "learned_from", '
    '"port_preserved"]]',
)
UNREACHABLE = Question(
    Text(
        "**Did a router say that it cannot deliver?** ICMP errors name the place where packets end.",
        "**Hat ein Router gemeldet, dass er nicht zustellen kann?** ICMP-Fehler nennen die Stelle, an der die "
        "Pakete enden.",
    ),
    'call.icmp_errors[["time", "reporter", "type", "code", "src_addr", "dst_addr", "dst_port"]]',
)
HANDSHAKE = Question(
    Text(
        "**How far did DTLS get?** ClientHellos that are repeated are not answered; large certificates may be "
        "lost as fragments; an alert names its reason.",
        "**Wie weit kam DTLS?** Wiederholte ClientHellos bleiben unbeantwortet; große Zertifikate gehen als "
        "Fragmente verloren; ein Alert nennt seinen Grund.",
    ),
    'call.dtls_messages[["time", "frame", "src_addr", "dst_addr", "content", "handshake_type", "alert"]]',
)
SECONDS = Question(
    Text(
        "**When did media flow, and when was there loss?** One row per stream, one column per second: "
        "packets received.",
        "**Wann flossen Medien, und wann gab es Verlust?** Eine Zeile je Strom, eine Spalte je Sekunde: "
        "empfangene Pakete.",
    ),
    'call.rtp_seconds.pivot_table(index="stream", columns="second", values="packets", aggfunc="sum")',
)
SETUP = Question(
    Text(
        "**How long did each stage take?** The first event of each lane, in seconds after the INVITE.",
        "**Wie lange dauerte jeder Abschnitt?** Das erste Ereignis jeder Spur, in Sekunden nach dem INVITE.",
    ),
    'first = call.timeline.groupby(["leg", "lane"])["time"].min()\n'
    '(first - call.timeline["time"].min()).dt.total_seconds().rename("seconds").reset_index()',
)

BY_STEP: Mapping[str, tuple[Question, ...]] = {
    "trace": (TRACE,),
    "legs": (REFUSAL, LOG, JOINS),
    "client_candidates": (DISCOVERY, NAT),
    "server_candidates": (DISCOVERY, NAT, LOG),
    "requests": (DIRECTIONS, LOG, TRACE),
    "answers": (DIRECTIONS, NAT, UNREACHABLE, LOG),
    "dtls": (HANDSHAKE, UNREACHABLE, LOG),
    "media": (SECONDS, UNREACHABLE, LOG),
}
ALWAYS = (SETUP, NAT, SECONDS)  # of a call that is well, too


def questions(steps: Iterable[Mapping[str, Any]]) -> Sequence[Question]:
    """What to ask of a call, each once: first what belongs to the steps at which it stopped."""
    stopped = [step["step"] for step in steps if step["state"] in UNDECIDED]
    asked = [question for step in stopped for question in BY_STEP.get(step, ())]
    return list(dict.fromkeys([*asked, *ALWAYS]))
