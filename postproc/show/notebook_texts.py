"""What a generated notebook says between its cells, in both languages: Markdown of ours."""

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
