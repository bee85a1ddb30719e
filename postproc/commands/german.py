"""German texts of ``--help`` and of click: commands by name, options by their English text.

Examples are those of the English text.
"""

from collections.abc import Mapping

from postproc.model.text import Text

COMMANDS: Mapping[str, str] = {
    "": "Erklärt jeden Anruf in Mitschnitten: seine Legs, Kandidaten, Bindings und Medien.",
    "run": """Mitschnitte lesen und die Anrufe darin erklären.

    PFADe sind Mitschnitte und Ordner, die mit allem darunter durchsucht werden. Eine Datei, die sich
    nicht lesen lässt, wird mit Grund genannt; die übrigen werden gelesen. Logs unter den PFADen werden
    nur gelesen, wenn --fs-log angegeben ist. Mitschnitte, die sich seit dem letzten Lauf in denselben
    Ordner nicht geändert haben, werden nicht nochmals gelesen; hat sich gar nichts geändert, werden
    dessen Ergebnisse gezeigt und bleiben, wie sie sind. Exit-Status: 0 fertig, 1 Befunde wie mit
    --fail-on verlangt, 2 nicht ausführbar oder kein Mitschnitt lesbar, 130 abgebrochen (Strg-C, SIGTERM,
    SIGHUP): Die früheren Ergebnisse sind dann, wie sie waren.""",
    "watch": """Zu jedem Anruf an seinem Ende melden, was `run` sagen würde.

    Schneidet an Schnittstellen mit (-i) oder liest, was anderes in den ORDNER schreibt, auch Dateien, die
    noch wachsen. Was bei einem laufenden Anruf schon sicher ist, wird sofort gesagt. Strg-C beendet
    geordnet: Laufende Anrufe werden als offen gemeldet. Exit-Status: 0 fertig, 1 Befunde wie mit
    --fail-on verlangt, 2 nicht ausführbar, 130 abgebrochen.""",
    "report": """Den Bericht eines früheren Laufs als HTML-Datei schreiben.

    AUSGABE ist der Ordner mit dessen Ergebnissen; `postproc run` schreibt den Bericht von selbst. Er
    braucht kein Netz. In anderer Sprache als der des Laufs werden die Anrufe neu beurteilt: Deployment
    und Zugriffslisten müssen dann die des Laufs sein.""",
    "export": """Alle Pakete eines Anrufs in eine pcapng-Datei schreiben.

    SIP, STUN, DTLS, Medien, ICMP-Fehler und TURN, mit den ursprünglichen Schnittstellen und Zeiten; jedes
    Paket trägt seine ursprüngliche Framenummer als Kommentar. Ein Anruf in mehreren Mitschnitten ergibt
    je eine Datei. Anrufe haben die Nummern eines früheren Laufs, wenn der Ordner mit seinen Ergebnissen
    oder alle seine Mitschnitte angegeben sind. Mit --redact werden Nummern, Namen, Adressen und alle
    Wörter außer denen von Protokollen und Produkten ersetzt, Medien genullt, und nichts wird geschrieben,
    solange ein Original bleibt.""",
    "annotate": """Einen Mitschnitt mit Befunden als Paketkommentaren kopieren.

    Wireshark zeigt die Kommentare über dem Paket und filtert sie mit
    frame.comment contains "no-binding-success". Vorhandene Kommentare bleiben.
    Vom Ordner mit den Ergebnissen eines Laufs wird jeder Mitschnitt kopiert; mit --call die mit dem Anruf,
    und nur die Befunde dazu werden gesagt.""",
    "ticket": """Ein Support-Ticket aus Mitschnitten und Ergebnissen packen.

    Dazu gehören Logs, eine ausgefüllte Checkliste und die Hashes der Dateien.
    Die Checkliste fragt, was der Support des Herstellers fragt; was die Mitschnitte sagen, ist ausgefüllt,
    was niemand beantwortet hat, ist markiert. Pfade und Ordner dieses Rechners werden nicht verraten.
    Vom Ordner mit den Ergebnissen eines Laufs werden dessen Mitschnitte und Logs gepackt; mit --call die
    Mitschnitte mit diesem Anruf, der im Ticket eine andere Nummer haben kann: Sie wird genannt.

    Mit --redact werden Nummern, Namen und Adressen in allen Dateien ersetzt, dazu alle Wörter in
    Mitschnitten und Logs außer denen von Protokollen und Produkten. In Anlagen und Antworten wird
    ersetzt, wovon Mitschnitte und Logs sprechen; Wörter, die kein Wörterbuch kennt, werden vor dem
    Schreiben gezeigt. Geschrieben wird nur, wenn eine Suche kein Original mehr findet. Die Kundennummer
    bleibt; eine Datei, die kein Text ist, lässt sich dann nicht anhängen.""",
    "notebook": """Ein Notebook zu den Anrufen eines Mitschnitts schreiben.

    Die schlimmsten kommen zuerst. Es lädt die Ergebnisse von `postproc run` oder wertet, wo es keine
    gibt, den Mitschnitt aus, zeigt Legs, Kandidaten, Bindings, Medien und Befunde und endet mit den
    Fragen, die man als Nächstes stellt. Zum Öffnen: JupyterLab oder VS Code. Ein von Hand geändertes
    Notebook wird nicht überschrieben. Mit --call sieht es zuerst diesen Anruf an, nach seiner Nummer in
    den Ergebnissen, wenn deren Ordner angegeben ist. --execute braucht `pip install
    'legshark[notebook]'`.""",
    "compare": """Mitschnitte eines Anrufs von mehreren Punkten vergleichen.

    Gedruckt wird für ein Ticket: die Punkte in ihrer Reihenfolge, ihre Uhren, und je Anruf und Art, wie viele
    Pakete einen Punkt verließen und am nächsten ankamen. Die Punkte ergeben sich aus dem, was die Mitschnitte
    zeigen, die Uhren aus gemeinsamen Paketen; eine DATEI von --name muss nicht nochmals genannt werden.""",
    "merge": """Mitschnitte von mehreren Punkten für Wireshark vereinen.

    Die Zeiten folgen einer Uhr, eine Schnittstelle heißt wie der Punkt, und ein Paket, das der nächste Punkt
    nicht zeigt, sagt das in seinem Kommentar.""",
    "calls": """Die Anrufe eines Datasets auflisten, nach Beginn sortiert.

    Angegebene Zeiten sind UTC, gezeigte in der Zone von --tz (log: die des Logs zum Anruf), mit --json in
    UTC; 30d, 12h und 5m liegen so lange zurück. Optionen, die mehrmals gehen, sind Alternativen.""",
    "prune": "Die Stunden eines Datasets vor einem Zeitpunkt entfernen.",
    "probe": """Server von diesem Rechner aus prüfen.

    Angesprochen wird nur, was genannt ist, und das wird vorher gesagt.

    \b
    ZIEL ist eines von
        https://HOST[:PORT]/...   Name, TCP, TLS, Zertifikat, die Pfade der Anleitung, SignalR
        stun:HOST[:PORT]          die Adresse, die er sieht, und wie NAT abbildet
        udp HOST PORTS            welche Ports je Richtung durchgehen; `udp --listen PORTS`: das andere Ende

    Exit-Status: 0 gefragt, was auch herauskam; 2 nicht ausführbar.""",
    "filter": """Anzeigefilter jedes Anrufs und den Firewall-Zettel zeigen.

    Der Filter zeigt alle Legs des Anrufs, sein STUN, DTLS und seine Medien, ohne jedes Plug-in.
    Für die Firewall: zuerst der Port des Server-Kandidaten, dann jedes Paar von Adressen und Ports mit
    Zeiten, in Worten und als Filter für Wireshark und tcpdump. Anrufe haben die Nummern eines früheren Laufs,
    wenn der Ordner mit dessen Ergebnissen angegeben ist.""",
    "wireshark": 'Plug-in und Profil "Legs" einrichten, Mitschnitte einfärben.',
    "wireshark install": """Plug-in und Profil "Legs" für diesen Benutzer einrichten.

    Die Ordner sind die, die tshark nennt. Was dort lag, wird gesichert; nochmals dasselbe ändert
    nichts. Dateien, die andere geändert haben, bleiben ohne --force unberührt.""",
    "wireshark uninstall": """Alles wieder herausnehmen und herstellen, was vorher da war.

    Auch Profile von `postproc wireshark color` verschwinden.""",
    "wireshark status": "Zeigen, was eingerichtet ist, welches Wireshark es sieht und ob das Plug-in läuft.",
    "wireshark color": """Ein Profil anlegen, dessen Farben und Makros die Anrufe dieses Mitschnitts nennen.

    Es braucht das Plug-in nicht. ${call1} ist alles von Anruf 1, ${call1leg2} das SIP
    seines zweiten Legs. Der Befehl, der den Mitschnitt damit öffnet, wird gezeigt. Vom Ordner mit den
    Ergebnissen eines Laufs bekommen die Mitschnitte mit dem Anruf Profile, die seine Nummer dort kennen.""",
    "acl": "Adressen und Mitschnitte gegen Zugriffslisten prüfen.",
    "acl check": """Zeigen, welcher Eintrag der Zugriffslisten entscheidet, und warum.

    LISTEN ist ein acl.conf.xml, ein ganzes freeswitch.xml oder eine Deployment-Datei (TOML) oder der Name
    einer in FreeSWITCH eingebauten Liste: wan.auto, rfc1918.auto, ...
    Eine Adresse wird an jeder Liste geprüft. Von einem Mitschnitt wird jeder dem Server angebotene Kandidat
    geprüft; welche davon der Server nimmt, wird mit dem Ziel seines ersten Binding Requests verglichen,
    und SIP-Gegenstellen werden an den Signalisierungslisten geprüft.
    Exit-Status: 0 fertig, 2 nicht ausführbar.""",
    "config": "Die Konfigurationsdateien von Webserver und XCC prüfen.",
    "config check": """Zeigen, was in Konfigurationsdateien falsch ist, warum, und was hineingehört.

    DATEI ist ein appsettings.json der Web-API, ein web.config der mobilen Webanwendung oder eine Datei von
    FreeSWITCH oder XCC (acl.conf.xml, switch.conf.xml, ein Profil, vars.xml). Was sich ändert, wird als Diff
    gezeigt; geschrieben wird in die Dateien nie. Eine kaputte Datei wird in einer Zeile mit Stelle genannt.
    Exit-Status: 0 fertig, was auch gefunden wurde; 2, wenn keine der Dateien lesbar war.""",
    "checklist": """Die Checkliste der Anleitung zum Weg in die App durchgehen.

    Die Schritte sind die ihres ersten Ablaufdiagramms: Ist der Weg offen, ist alles eingerichtet?
    Einen Schritt beantworten die Ergebnisse eines Laufs in AUSGABE, Konfigurationsdateien und das, was probe
    ausgegeben hat, soweit sie es zeigen; sonst werden Sie gefragt. Antworten werden aufgehoben: Derselbe
    Befehl macht dort weiter, wo Sie aufgehört haben. Am Ende stehen eine Checkliste und das Ticket.
    Exit-Status: 0 fertig, 2 nicht ausführbar, 130 mit Strg-C beendet.""",
    "rules": """Die Fehlerbilder auflisten, nach denen ein Lauf sucht.

    Sie stehen in der Reihenfolge der Kette: Von mehreren Brüchen ist der erste die Ursache. Mit WORTen nur
    die, in deren Zeile oder Abschnitt jedes davon steht. Wie schwer eins wiegt, sagt der Befund.""",
    "explain": """Ein Fehlerbild mit Ursachen und Abhilfe erklären.

    REGEL ist sein Name oder seine Kennung.""",
    "tables": """Die Tabellen eines Laufs zeigen oder die Spalten einer davon.

    Ihre Beschreibungen sind wie docs/TABLES.md englisch.""",
    "doctor": """Prüfen, ob dieser Rechner Mitschnitte lesen kann.

    Sucht tshark und was dazugehört, die nötigen Felder und Einstellungen und Platz für temporäre Dateien.
    Exit-Status: 0 tauglich, 2 nicht tauglich.""",
}

MANY = "mehrmals möglich"
OPTIONS: Mapping[str, str] = {
    "Show this message and exit.": "Diese Hilfe zeigen.",
    "Show the version and exit.": "Die Version zeigen.",
    "Folder to write the results to.": "Ordner für die Ergebnisse.",
    "Number of captures read at a time.  [default: cores]": (
        "So viele Mitschnitte gleichzeitig lesen.  [Vorgabe: Kerne]"
    ),
    "Also write the tables as CSV.": "Die Tabellen auch als CSV schreiben.",
    "Pass every packet to tshark: slower, same events.": (
        "tshark jedes Paket zeigen: langsamer, dieselben Ereignisse."
    ),
    "TLS keys (SSLKEYLOGFILE format) for SIP over TLS.": (
        "TLS-Schlüssel (Format SSLKEYLOGFILE), um SIP über TLS zu lesen."
    ),
    "FreeSWITCH or XCC log, or a folder of logs; may be repeated.": (
        f"Log von FreeSWITCH oder XCC oder ein Ordner damit; {MANY}."
    ),
    "Facts about the installation: a TOML file, or xphone, freeswitch, generic.": (
        "Was vorab bekannt ist: eine TOML-Datei oder xphone, freeswitch, generic."
    ),
    "Access lists: acl.conf.xml, freeswitch.xml or a deployment file.": (
        "Zugriffslisten: acl.conf.xml, freeswitch.xml oder eine Deployment-Datei."
    ),
    "List applied to candidates; may be repeated, in order.": (
        "Liste für Kandidaten; mehrere in ihrer Reihenfolge angeben."
    ),
    "List applied to SIP peers; may be repeated, in order.": (
        "Liste für SIP-Gegenstellen; mehrere in ihrer Reihenfolge angeben."
    ),
    "Apply only these rules (names or codes; see `postproc rules`).": (
        "Nur diese Regeln fragen (Namen oder Kennungen; `postproc rules`)."
    ),
    "Exit with 1 if there is a finding of this severity or worse.": (
        "Mit 1 enden, wenn ein Befund so schwer ist oder schwerer."
    ),
    "Write only tables and findings.": "Nur Tabellen und Befunde schreiben.",
    "Captures that get a notebook; faults: those with findings.  [default: faults; none with --no-report]": (
        "Zu welchen Mitschnitten ein Notebook entsteht; faults: zu denen mit Befunden.  "
        "[Vorgabe: faults; none mit --no-report]"
    ),
    "Dataset to add the calls to; those already in it are skipped.": (
        "Die Anrufe dem Dataset dort hinzufügen, außer denen, die es hat."
    ),
    "Site the calls belong to.": "Standort, von dem die Anrufe sind.",
    "Language of the output.": "Sprache der Texte.",
    "Print the steps and the findings of every call.": (
        "Zu jedem Anruf den Weg durch die Prüfschritte und die Befunde zeigen."
    ),
    "Time zone of the output: UTC, log (that of the log), local, or a name like Europe/Berlin.": (
        "Zeitzone der gezeigten Zeiten: UTC, log (die des Logs), local oder ein Name wie Europe/Berlin."
    ),
    "Print only errors.": "Nur Fehler zeigen.",
    "tshark to use.  [default: the first on PATH]": (
        "Das tshark, das ausgeführt wird.  [Vorgabe: das erste auf PATH]"
    ),
    "Print a traceback with each error.": "Zu jedem Fehler den Traceback zeigen.",
    "Interface to capture on; may be repeated.": "Schnittstelle zum Mitschneiden; mehrere möglich.",
    "Disk space for captured packets.": "Plattenplatz für das Mitgeschnittene.",
    "Stop after this time.": "Nach dieser Zeit enden.",
    "Print one JSON object per line.": "Ein Objekt je Zeile.",
    "Interval of status messages on stderr; 0: none.": (
        "Wie oft auf stderr der Stand gemeldet wird; 0: nie."
    ),
    "Save the packets of faulty calls there as pcapng.": (
        "Die Pakete von Anrufen mit Fehler als pcapng behalten."
    ),
    "Serve Prometheus metrics on this port of the loopback address.": (
        "Zähler für Prometheus an diesem Port der Loopback-Adresse anbieten."
    ),
    "Exit with 1 if a call had a finding of this severity or worse.": (
        "Mit 1 enden, wenn ein Anruf einen so schweren Befund hatte oder einen schwereren."
    ),
    "Only this call, with all its pictures; may be repeated.": (
        f"Nur diesen Anruf, mit allen Bildern; {MANY}."
    ),
    "File to write.  [default: report.html in OUT; -N with --call, -redacted with --redact]": (
        "Zieldatei.  [Vorgabe: report.html in AUSGABE; -N mit --call, -redacted mit --redact]"
    ),
    "Pseudonymise numbers, names and addresses; reads the captures again.": (
        "Pseudonymisieren: Nummern, Namen, Adressen; liest die Mitschnitte nochmals."
    ),
    "Key for the pseudonyms, so that several files agree.  [default: random]": (
        "Schlüssel der Pseudonyme, damit mehrere Dateien übereinstimmen.  [Vorgabe: zufällig]"
    ),
    "With --redact: further words to replace, one per line.": (
        "Mit --redact: Wörter, die auch ersetzt werden, je Zeile eins."
    ),
    "With --redact: do not ask about words that no dictionary contains.": (
        "Mit --redact: nicht nach Wörtern fragen, die kein Wörterbuch kennt."
    ),
    "Number of the call as shown by `run`.": "Nummer des Anrufs, wie `run` sie zeigt.",
    "File to write.  [default: call-N.pcapng]": "Zieldatei.  [Vorgabe: call-N.pcapng]",
    "Pseudonymise numbers, names, addresses and media in the export.": (
        "Den Auszug pseudonymisieren: Nummern, Namen, Adressen, Medien."
    ),
    "Take the findings from the results of an earlier run.": (
        "Die Befunde aus den Ergebnissen eines früheren Laufs nehmen."
    ),
    "File to write.  [default: CAPTURE's name with .annotated.pcapng, in the current folder]": (
        "Zieldatei.  [Vorgabe: Name des Mitschnitts mit .annotated.pcapng, im aktuellen Ordner]"
    ),
    "Log of a SIP trunk, gateway or app, or a sketch; may be repeated.": (
        f"Log von SIP-Trunk, Gateway oder App, eine Skizze; {MANY}."
    ),
    "Answers to the checklist: JSON or TOML with the keys of checklist.json.": (
        "Antworten auf die Checkliste: JSON oder TOML, mit den Schlüsseln aus checklist.json."
    ),
    "Ask open questions on the terminal.": "Am Terminal fragen, was noch offen ist.",
    "Pseudonymise numbers, names, addresses and media in all files.": (
        "Alles pseudonymisieren: Nummern, Namen, Adressen, Medien."
    ),
    "File to write.": "Zieldatei.",
    "File to write.  [default: ticket.zip, with --call ticket-N.zip]": (
        "Zieldatei.  [Vorgabe: ticket.zip, mit --call ticket-N.zip]"
    ),
    "File to write.  [default: CAPTURE's name with .ipynb, in the current folder]": (
        "Zieldatei.  [Vorgabe: Name des Mitschnitts mit .ipynb, in diesem Ordner]"
    ),
    "Results of `run` to load if they include the capture; otherwise it is analysed.": (
        "Ergebnisse von `run`, die geladen werden, wenn der Mitschnitt dabei ist; sonst wird er ausgewertet."
    ),
    "FreeSWITCH or XCC log for the analysis; may be repeated.": (
        f"Log von FreeSWITCH oder XCC zum Auswerten; {MANY}."
    ),
    "TLS keys (SSLKEYLOGFILE format) for the analysis.": (
        "TLS-Schlüssel (Format SSLKEYLOGFILE) zum Auswerten."
    ),
    "Run the cells and save their output.": "Die Zellen ausführen und ihre Ausgaben behalten.",
    "Name of the place where FILE was captured.": "Wie der Punkt von DATEI heißen soll.",
    "Milliseconds by which FILE's clock is ahead of that of the capture with the call's SIP.": (
        "Um wie viele ms die Uhr von DATEI der des Mitschnitts mit dem SIP des Anrufs vorgeht."
    ),
    "Started at this time or later: 2026-11-22, 2026-11-22T10:30, 12h.": (
        "Die dann oder später begannen: 2026-11-22, 2026-11-22T10:30, 12h."
    ),
    "Started before this time.": "Die davor begannen.",
    "With this verdict.": "Mit diesem Urteil.",
    "With this rule as the root cause.": "Mit dieser Regel als Ursache.",
    "Of this site.": "Dieses Standorts.",
    "With this call_uid.": "Mit dieser Kennung.",
    "Write the calls as results for `report`, `notebook` and `export`.": (
        "Sie als Ergebnisse schreiben, für `report`, `notebook` und `export`."
    ),
    "Age or time: 30d, 12h, 2026-11-22.": "30d, 12h oder eine Zeit: 2026-11-22.",
    "Only this call, by its number as shown by `run`.": "Nur diesen Anruf, nach seiner Nummer in `run`.",
    "Only this call, by its number.": "Nur diesen Anruf, nach seiner Nummer.",
    "Also replace files modified by others; copies of them are kept.": (
        "Auch weitermachen, wo andere Dateien geändert haben; Kopien davon bleiben."
    ),
    "Address to check; may be repeated.": f"Adresse, die geprüft wird; {MANY}.",
    "Capture whose candidates and signalling peers are checked.": (
        "Mitschnitt, dessen Kandidaten und SIP-Gegenstellen geprüft werden."
    ),
    "List applied to candidates, including built-in ones; may be repeated, in order.": (
        "Liste für Kandidaten, auch eingebaute; mehrere in ihrer Reihenfolge angeben."
    ),
    "List applied to SIP peers.": "Liste für SIP-Gegenstellen.",
    "Network of the FreeSWITCH machine itself.": "Netz des Rechners von FreeSWITCH selbst.",
    "Facts about the installation captured: a TOML file, or xphone, freeswitch, generic.": (
        "Deployment der Mitschnitte: eine TOML-Datei oder xphone, freeswitch, generic."
    ),
    "Print as Markdown which rule fires on which capture in PATH, with the logs beside them.": (
        "Welche Regel bei welchem Mitschnitt in PFAD anschlägt, mit den Logs daneben gelesen, als Markdown."
    ),
    "Print the rules with their claims as Markdown.": "Die Regeln mit dem, was sie behaupten, als Markdown.",
    "Where the program that reads the files runs.": "Wo das Programm läuft, das die Dateien liest.",
    "Public URL for the settings; may be repeated.": f"Öffentliche URL der Einstellungen; {MANY}.",
    "Print a list of {file, key, value, line, put, why, level}.": (
        "Eine Liste aus {file, key, value, line, put, why, level} ausgeben."
    ),
    "Deployment file to write, for `run --deployment`: ports, lists, addresses.": (
        "Deployment-Datei, die geschrieben wird, für `run --deployment`: Ports, Listen, Adressen."
    ),
    "Dask scheduler whose workers read the captures; with --dataset they do all the work.": (
        "Arbeiter dieses Dask-Schedulers lesen die Mitschnitte; mit --dataset tun sie die ganze Arbeit."
    ),
    "With udp: act as the other end on these ports.": "Mit udp: an diesen Ports das andere Ende sein.",
    "With udp: token shown by the listener.": "Mit udp: was das andere Ende zeigt.",
    "With --listen: address to listen on.": "Mit --listen: Adresse, an der gelauscht wird.",
    "With --listen: how long to listen.": "Mit --listen: wie lange.",
    "With https: certificates to trust in addition to the system's.": (
        "Mit https: Zertifikate, denen außer denen des Systems vertraut wird."
    ),
    "With https: path of the event channel.  [default: hub of the web API]": (
        "Mit https: Pfad des Ereigniskanals.  [Vorgabe: Hub der Web-API]"
    ),
    "With https: how long to keep the WebSocket open.": "Mit https: den WebSocket so lange offen halten.",
    "With stun: also query the server's other address.": (
        "Mit stun: auch die andere Adresse fragen, die der Server nennt."
    ),
    "Print a list of {step, verdict, rule, said, facts}.": (
        "Eine Liste aus {step, verdict, rule, said, facts} ausgeben."
    ),
    "Configuration file to check; may be repeated.": f"Konfigurationsdatei; {MANY}.",
    "Output of `probe --json`; may be repeated.": f"Was `probe --json` ausgegeben hat; {MANY}.",
    "File to keep the answers in.": "Wo die Antworten aufgehoben werden.",
    "Ticket to pack at the end from the captures of OUT.": (
        "Ticket, das am Ende gepackt wird, aus den Mitschnitten von AUSGABE."
    ),
    "Do not ask: unanswered steps stay open.": "Niemanden fragen: Was nichts beantwortet, bleibt offen.",
    "Print JSON.": "Als JSON.",
    "Print Markdown.": "Als Markdown.",
}

# Placeholders in a usage line or behind an option.
PLACEHOLDERS: Mapping[str, str] = {
    "OPTIONS": "OPTIONEN",
    "COMMAND": "BEFEHL",
    "ARGS": "ARGUMENTE",
    "PATH": "PFAD",
    "FILE": "DATEI",
    "FOLDER": "ORDNER",
    "DIR": "ORDNER",
    "OUT": "AUSGABE",
    "CAPTURE": "MITSCHNITT",
    "INTEGER": "GANZZAHL",
    "FLOAT": "ZAHL",
    "RANGE": "IM BEREICH",
    "DIRECTORY": "ORDNER",
    "RULE": "REGEL",
    "LISTS": "LISTEN",
    "NETWORK": "NETZ",
    "TIME": "ZEIT",
    "SECONDS": "SEKUNDEN",
    "INTERFACE": "SCHNITTSTELLE",
    "CAPTURES": "MITSCHNITTE",
    "ZONE": "ZEITZONE",
    "WORD": "WORT",
    "TARGET": "ZIEL",
}
BRACKETS: Mapping[str, str] = {
    "default: (of the locale)": "Vorgabe: die der Umgebung",
    "default: (the run's)": "Vorgabe: die des Laufs",
    "default: ": "Vorgabe: ",
    "required": "erforderlich",
    "env var: ": "Umgebungsvariable: ",
}

# Error messages of click 8, as templates.
CLICK = (
    Text("Aborted!", "Abgebrochen."),
    Text("Missing command.", "Der Befehl fehlt."),
    Text("Missing argument '{name}'.", "Das Argument '{name}' fehlt."),
    Text("Missing option '{name}'.", "Die Option '{name}' fehlt."),
    Text("Missing argument '{name}'. {more}", "Das Argument '{name}' fehlt. {more}"),
    Text("Missing option '{name}'. {more}", "Die Option '{name}' fehlt. {more}"),
    Text("Choose from:\n\t{choices}", "Zur Wahl stehen:\n\t{choices}"),
    Text("No such option '{name}'.", "Die Option '{name}' gibt es nicht."),
    Text(
        "No such option '{name}'. Did you mean '{near}'?",
        "Die Option '{name}' gibt es nicht. Gemeint: '{near}'?",
    ),
    Text(
        "No such option '{name}'. (Possible options: {near})",
        "Die Option '{name}' gibt es nicht. (Möglich: {near})",
    ),
    Text("No such command '{name}'.", "Den Befehl '{name}' gibt es nicht."),
    Text(
        "No such command '{name}'. Did you mean '{near}'?",
        "Den Befehl '{name}' gibt es nicht. Gemeint: '{near}'?",
    ),
    Text(
        "No such command '{name}'. (Did you mean one of: {near}?)",
        "Den Befehl '{name}' gibt es nicht. (Gemeint ist eins davon: {near}?)",
    ),
    Text("Option '{name}' requires an argument.", "Die Option '{name}' braucht einen Wert."),
    Text("Option '{name}' requires {count} arguments.", "Die Option '{name}' braucht {count} Werte."),
    Text("Option '{name}' does not take a value.", "Die Option '{name}' nimmt keinen Wert."),
    Text("Got unexpected extra argument ({names})", "Ein Argument zu viel ({names})"),
    Text("Got unexpected extra arguments ({names})", "Argumente zu viel ({names})"),
    Text("Argument '{name}' takes {count} values.", "Das Argument '{name}' nimmt {count} Werte."),
    Text("Invalid value: {why}", "Ungültiger Wert: {why}"),
    Text("Invalid value for {name}: {why}", "Ungültiger Wert für {name}: {why}"),
    Text("'{value}' is not one of {choices}.", "'{value}' ist nicht eins von {choices}."),
    Text("'{value}' is not a valid integer range.", "'{value}' ist keine ganze Zahl."),
    Text("'{value}' is not a valid integer.", "'{value}' ist keine ganze Zahl."),
    Text("'{value}' is not a valid float range.", "'{value}' ist keine Zahl."),
    Text("'{value}' is not a valid float.", "'{value}' ist keine Zahl."),
    Text("{value} is not in the range {range}.", "{value} liegt nicht im Bereich {range}."),
    Text("{kind} '{path}' does not exist.", "{kind} '{path}' gibt es nicht."),
    Text("{kind} '{path}' is a file.", "{kind} '{path}' ist eine Datei."),
    Text("{kind} '{path}' is a directory.", "{kind} '{path}' ist ein Ordner."),
    Text("{kind} '{path}' is not readable.", "{kind} '{path}' ist nicht lesbar."),
    Text("{kind} '{path}' is not writable.", "{kind} '{path}' ist nicht schreibbar."),
    Text("File", "Datei"),
    Text("Directory", "Ordner"),
    Text("Path", "Pfad"),
)
