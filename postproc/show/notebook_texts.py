"""Texts of a notebook in both languages, and the questions it asks about each step of the walk."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from postproc.model.text import Text

TITLE = Text("# Calls in {name}", "# Anrufe in {name}")
INTRO = Text(
    "{calls} calls in this capture. The notebook shows the worst of them first, from the messages to the media, and "
    "ends with questions worth asking next. Run all cells from top to bottom, then change what you like.",
    "{calls} Anrufe in diesem Mitschnitt. Das Notebook zeigt den schlimmsten zuerst, von den Nachrichten bis zu den "
    "Medien, und endet mit Fragen, die sich als Nächstes lohnen. Alle Zellen von oben nach unten ausführen, "
    "dann nach Belieben ändern.",
)
INTRO_ONE = Text(
    "One call in this capture. The notebook shows it from the messages to the media, and ends with questions "
    "worth asking next. Run all cells from top to bottom, then change what you like.",
    "Ein Anruf in diesem Mitschnitt. Das Notebook zeigt ihn von den Nachrichten bis zu den Medien und endet mit "
    "Fragen, die sich als Nächstes lohnen. Alle Zellen von oben nach unten ausführen, dann nach Belieben ändern.",
)
INTRO_NONE = Text(
    "No call was found in this capture. The cells below show what is in it.",
    "In diesem Mitschnitt wurde kein Anruf gefunden. Die folgenden Zellen zeigen, was darin ist.",
)
SETUP = Text(
    "The results of `postproc run` are read; if they are gone, the capture is analysed anew.",
    "Die Ergebnisse von `postproc run` werden gelesen; fehlen sie, wird der Mitschnitt neu ausgewertet.",
)
SETUP_ANEW = Text(
    "The capture is analysed; with `postproc.load(FOLDER)` the results of `postproc run` are read instead.",
    "Der Mitschnitt wird ausgewertet; `postproc.load(ORDNER)` liest stattdessen die Ergebnisse von `postproc run`.",
)
CALLS = Text("## The calls, worst first", "## Die Anrufe, der schlimmste zuerst")
WORST = Text("## The call to look at first", "## Der Anruf, den man zuerst ansieht")
WANTED = Text("## Call {call}", "## Anruf {call}")
RESULT = Text("**Result:** {headline}", "**Ergebnis:** {headline}")
STOPPED = Text(
    "On the way from the trace to the media the answer is first *no* or *unclear* at: **{question}** {said}",
    "Auf dem Weg vom Mitschnitt zu den Medien lautet die Antwort zuerst *nein* oder *unklar* bei: **{question}** "
    "{said}",
)
LEGS = Text(
    "### Legs\n\nOne column per leg: who called whom, with which programs, and how it ended.",
    "### Legs\n\nEine Spalte je Leg: wer wen mit welchen Programmen anrief, und wie es endete.",
)
LADDER = Text(
    "### Ladder\n\nAll legs side by side; STUN, DTLS and media stand between the SIP arrows.",
    "### Ablaufdiagramm\n\nAlle Legs nebeneinander; STUN, DTLS und Medien stehen zwischen den SIP-Pfeilen.",
)
PLACES = Text(
    "### Places\n\nWhat each place shows of what the one before it sent, lost packets as broken arrows, and how the "
    "clocks differ.",
    "### Mitschnittpunkte\n\nWas jeder Punkt von dem zeigt, was der vorige gesendet hat, verlorene Pakete als "
    "abgebrochene Pfeile, und wie die Uhren voneinander abweichen.",
)
TIMES = Text("### Over time", "### Im zeitlichen Verlauf")
CANDIDATES = Text(
    "### Candidates\n\nDoes each side offer an address the other can reach: a private and a public one?",
    "### Kandidaten\n\nBietet jede Seite eine Adresse an, die die andere erreicht: eine private und eine "
    "öffentliche?",
)
BINDINGS = Text(
    "### Bindings\n\nIs each Binding Request followed by a Binding Success? One row per candidate pair.",
    "### Bindings\n\nFolgt auf jeden Binding Request ein Binding Success? Eine Zeile je Kandidatenpaar.",
)
MEDIA = Text("### DTLS and media", "### DTLS und Medien")
FINDINGS = Text(
    "### Findings\n\nWhat was found, root causes and consequences alike (`caused_by`).",
    "### Befunde\n\nWas gefunden wurde, Ursachen wie Folgen (`caused_by`).",
)
PACKETS = Text(
    "### Single frames\n\n`call.packets(FILTER)` shows the call's frames with all their fields; `call.filter` is the "
    "same selection for Wireshark.",
    "### Einzelne Frames\n\n`call.packets(FILTER)` zeigt die Frames des Anrufs mit allen Feldern; `call.filter` ist "
    "dieselbe Auswahl für Wireshark.",
)
QUESTIONS = Text("## Questions worth asking next", "## Fragen, die sich als Nächstes lohnen")
OTHERS = Text(
    "## The next calls\n\nUp to three after the worst one. To go through another with all cells above, set "
    "`call = run.call(NUMBER)` and run them again.",
    "## Die nächsten Anrufe\n\nBis zu drei nach dem schlimmsten. Um einen anderen mit allen Zellen oben durchzugehen, "
    "`call = run.call(NUMMER)` setzen und sie noch einmal ausführen.",
)
NOTHING = Text(
    "## Questions worth asking next\n\nWas SIP encrypted (then a key log is needed: `--keylog`)? Was the right "
    "interface captured, loopback included? Was there a capture filter?",
    "## Fragen, die sich als Nächstes lohnen\n\nWar SIP verschlüsselt (dann wird eine Schlüsseldatei gebraucht: "
    "`--keylog`)? Wurde die richtige Schnittstelle mitgeschnitten, Loopback eingeschlossen? Gab es einen "
    "Mitschnittfilter?",
)


UNDECIDED = ("failed", "cannot_tell")


class Question(NamedTuple):
    """A question in Markdown, and the code that answers it."""

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
CALL_SETUP = Question(
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
ALWAYS = (CALL_SETUP, NAT, SECONDS)  # asked even of a call that is ok


QUERIED = re.compile(r"call\.(\w+)[.\[]")  # the table that a question's code reads


def questions(steps: Iterable[Mapping[str, Any]], empty: Collection[str] = ()) -> Sequence[Question]:
    """Return the questions about a call without duplicates, those of the steps at which it stopped first.

    Questions about tables that are ``empty`` for this call are left out.
    """
    stopped = [step["step"] for step in steps if step["state"] in UNDECIDED]
    of_steps = [question for step in stopped for question in BY_STEP.get(step, ())]
    return [
        candidate
        for candidate in dict.fromkeys([*of_steps, *ALWAYS])
        if not {*QUERIED.findall(candidate.code)} & {*empty}
    ]
