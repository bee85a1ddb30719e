"""Errors, warnings, reasons and sources in German.

They are raised, stored in tables and passed between processes in English. For display, ``in_language``
finds the template in MESSAGES that a message was formatted from, and the values of its placeholders.
"""

import re
from functools import cache

from postproc.model.text import Lang, Text

# Operating system errors (POSIX), as read.inputs.said writes them.
SYSTEM = (
    Text("no such file or directory", "Datei oder Ordner nicht gefunden"),
    Text("permission denied", "keine Berechtigung"),
    Text("operation not permitted", "nicht erlaubt"),
    Text("file exists", "Datei existiert bereits"),
    Text("is a directory", "ist ein Ordner"),
    Text("not a directory", "kein Ordner"),
    Text("directory not empty", "Ordner ist nicht leer"),
    Text("file name too long", "Dateiname zu lang"),
    Text("no space left on device", "kein Platz mehr auf dem Datenträger"),
    Text("disk quota exceeded", "Speicherkontingent erschöpft"),
    Text("read-only file system", "Dateisystem ist schreibgeschützt"),
    Text("input/output error", "Ein-/Ausgabefehler"),
    Text("too many open files", "zu viele offene Dateien"),
    Text("too many levels of symbolic links", "zu viele Verweise hintereinander"),
    Text("invalid argument", "ungültiges Argument"),
    Text("address already in use", "Adresse wird schon benutzt"),
    Text("no such device", "kein solches Gerät"),
    Text("no such device or address", "kein solches Gerät und keine solche Adresse"),
    Text("cannot allocate memory", "kein Speicher mehr frei"),
    Text("file too large", "Datei zu groß"),
    Text("device or resource busy", "Gerät oder Datei ist belegt"),
    Text("text file busy", "Datei wird gerade ausgeführt"),
    Text("stale file handle", "Datei auf dem Server ist nicht mehr da"),
    Text("unicodeEncodeError", "Name ist in dieser Umgebung nicht darstellbar"),
    Text("unicodeDecodeError", "Name ist in dieser Umgebung nicht lesbar"),
)

# Of captures and logs: why one was not read, and what to know of one that was.
READING = (
    Text("a dialect of pcap", "Mundart von pcap"),
    Text("pcap version {major}.{minor}", "pcap der Version {major}.{minor}"),
    Text("big-endian pcapng", "pcapng mit Big-Endian"),
    Text("blocks of odd length", "Blöcke krummer Länge"),
    Text("several sections", "mehrere Abschnitte"),
    Text("blocks of type {kind}", "Blöcke vom Typ {kind}"),
    Text("timestamps finer than nanoseconds", "Zeitstempel feiner als Nanosekunden"),
    Text("{form} has to be converted", "{form} muss umgewandelt werden"),
    Text("more than {count} interfaces", "mehr als {count} Schnittstellen"),
    Text("corrupt", "beschädigt"),
    Text(
        "{why} after packet {packets}: the rest is not read",
        "{why} nach Paket {packets}: Der Rest ist nicht gelesen",
    ),
    Text("cut short after packet {packets}", "nach Paket {packets} abgeschnitten"),
    Text("cut short: {why}", "abgeschnitten: {why}"),
    Text("cut short inside the file header", "mitten im Dateikopf abgeschnitten"),
    Text("empty file", "leere Datei"),
    Text("not a capture file", "kein Mitschnitt"),
    Text(
        "clock outside 1970 to 2200 in {count} of the packets, first in frame {frame}: "
        "each bears the time of the packet before it, and no duration counts them",
        "Uhr bei {count} Paketen außerhalb von 1970 bis 2200, zuerst in Frame {frame}: "
        "Sie tragen die Zeit des Pakets davor, und keine Dauer rechnet mit ihnen",
    ),
    Text(
        "packets are missing between the file before it and this one ({seconds} s): "
        "the {packets} of RTP among them are not counted as lost",
        "Zwischen der Datei davor und dieser fehlen Pakete ({seconds} s): "
        "Die {packets} mit RTP darunter zählen nicht als verloren",
    ),
    Text(
        "{total} packet not looked at, in which media may be: {what}",
        "{total} Paket nicht angesehen, in dem Medien sein können: {what}",
    ),
    Text(
        "{total} packets not looked at, in which media may be: {what}",
        "{total} Pakete nicht angesehen, in denen Medien sein können: {what}",
    ),
    Text(
        "only the beginning of some messages was captured, so what they say is not known ({what}); "
        "capture whole packets: tcpdump -s 0",
        "Von manchen Nachrichten ist nur der Anfang aufgezeichnet, daher ist unbekannt, was sie besagen "
        "({what}); ganze Pakete mitschneiden: tcpdump -s 0",
    ),
    Text(
        "{more} first fragments of SIP messages left out",
        "{more} erste Fragmente von SIP-Nachrichten ausgelassen",
    ),
    Text(
        "{more} headers, media or candidates of frame {frame} left out",
        "{more} Header, Medien oder Kandidaten von Frame {frame} ausgelassen",
    ),
    Text(
        "not walked ({first}; {second}): read by tshark alone, media not measured",
        "nicht selbst durchlaufen ({first}; {second}): nur mit tshark gelesen, Medien nicht gemessen",
    ),
    Text(
        "read by tshark alone, which is slower: {error}", "nur mit tshark gelesen, was langsamer ist: {error}"
    ),
    Text(
        "frame {number} of the reduced file is at another time",
        "Frame {number} der verkleinerten Datei hat eine andere Zeit",
    ),
    Text("same content as {original}; not analysed", "gleicher Inhalt wie {original}; nicht ausgewertet"),
    Text(
        "all of it is in {original} too; not analysed",
        "alles daraus ist auch in {original}; nicht ausgewertet",
    ),
    Text(
        "same content as {original}; not read again", "gleicher Inhalt wie {original}; nicht nochmals gelesen"
    ),
    Text(
        "none of the captures' calls is in it, so nothing of it is used; "
        "its lines about calls are from {first} to {last} by its own clock",
        "Keiner der Anrufe der Mitschnitte steht darin, daher wird nichts davon verwendet; "
        "seine Zeilen zu Anrufen gehen nach eigener Uhr von {first} bis {last}",
    ),
    Text("no line about a call is in it", "keine Zeile über einen Anruf darin"),
    Text(
        "no INVITE, answer or end of its calls is in the captures: its lines have no time",
        "Weder INVITE noch Annahme oder Ende seiner Anrufe ist in den Mitschnitten: "
        "Seine Zeilen haben keine Zeit",
    ),
    Text(
        "not a capture: its first bytes are those of no capture format",
        "kein Mitschnitt: Die ersten Bytes gehören zu keinem solchen Format",
    ),
    Text("no capture in this folder", "kein Mitschnitt in diesem Ordner"),
    Text(
        "a folder, not a capture; the files in it are looked at",
        "Ordner, kein Mitschnitt; die Dateien darin werden angesehen",
    ),
    Text("not a regular file", "keine gewöhnliche Datei"),
    Text("dangling link to {target}", "Verweis auf {target}, das es nicht gibt"),
    Text("no such file or folder", "Datei oder Ordner nicht gefunden"),
    Text("no capture", "kein Mitschnitt"),
    Text("no capture could be read", "kein Mitschnitt konnte gelesen werden"),
    Text("no capture could be read: {reason}", "kein Mitschnitt konnte gelesen werden: {reason}"),
    Text("left out of the report", "nicht im Bericht"),
    Text("left out of the report: {reason}", "nicht im Bericht: {reason}"),
    Text(
        "not a FreeSWITCH log: no line of its beginning has FreeSWITCH's time, level and source",
        "kein FreeSWITCH-Log: Keine Zeile am Anfang hat Zeit, Stufe und Quelle von FreeSWITCH",
    ),
    Text(
        "a log of {maker}, not of FreeSWITCH: it is not read",
        "ein Log von {maker}, nicht von FreeSWITCH: Es wird nicht gelesen",
    ),
    Text("no FreeSWITCH log in this folder", "kein FreeSWITCH-Log in diesem Ordner"),
    Text("another format than the file before", "anderes Format als die Datei davor"),
    Text("other interfaces than the file before", "andere Schnittstellen als die Datei davor"),
    Text(
        "another file took its place while it was read",
        "während des Lesens durch eine andere Datei ersetzt",
    ),
    Text("tshark failed ({status}): {complaint}", "tshark ist gescheitert ({status}): {complaint}"),
    Text("no message", "ohne Meldung"),
    Text("{program} took too long and was stopped", "{program} brauchte zu lange und wurde beendet"),
    Text(
        "tshark says more of it than of any honest capture, and was stopped",
        "tshark sagt dazu mehr als zu jedem ehrlichen Mitschnitt und wurde beendet",
    ),
    Text("{capture}: the capture is not there any more", "{capture}: Der Mitschnitt ist nicht mehr da"),
    Text(
        "editcap, which converts it, is not beside tshark",
        "editcap, das ihn umwandelt, liegt nicht neben tshark",
    ),
    Text("editcap cannot convert it: {said}", "editcap kann ihn nicht umwandeln: {said}"),
    Text("damaged gzip file", "beschädigte gzip-Datei"),
    Text(
        "unpacked it is larger than {most} GB, from {size} bytes",
        "entpackt größer als {most} GB, aus {size} Bytes",
    ),
    Text(
        "too little temporary space to unpack it: free some, or point TMPDIR elsewhere",
        "zu wenig temporärer Platz zum Entpacken: welchen schaffen oder TMPDIR auf einen anderen Ort setzen",
    ),
    Text(
        "{name}: {error}, so that it cannot be copied packet by packet",
        "{name}: {error}, daher nicht Paket für Paket kopierbar",
    ),
    Text(
        "its events did not arrive in the cache: do the workers see the same folder?",
        "seine Ereignisse kamen nicht im Cache an: Sehen die Prozesse denselben Ordner?",
    ),
    Text(
        "the process that read it died (out of memory?)",
        "der Prozess, der ihn las, ist gestorben (kein Speicher?)",
    ),
    Text("out of memory", "kein Speicher mehr frei"),
    Text("internal error, please report it: {kind}: {said}", "interner Fehler, bitte melden: {kind}: {said}"),
)

# Of options, files given with them, programs, and what is in the way of writing.
SETTING_UP = (
    Text(
        "install it: Debian/Ubuntu {debian}, Fedora {fedora}, macOS {macos}",
        "installieren mit: Debian/Ubuntu {debian}, Fedora {fedora}, macOS {macos}",
    ),
    Text("tshark not found; {install}", "tshark nicht gefunden; {install}"),
    Text(
        "{setting}: {path}: the whole path of tshark is needed, from the root on",
        "{setting}: {path}: Der ganze Pfad von tshark ist nötig, von der Wurzel an",
    ),
    Text("--tshark, or {setting}: {path}: {why}", "--tshark oder {setting}: {path}: {why}"),
    Text("not a program that can be executed", "kein ausführbares Programm"),
    Text("there is no such file", "diese Datei gibt es nicht"),
    Text(
        "tshark {seen} is too old, 4.0 or later is needed; {install}",
        "tshark {seen} ist zu alt, nötig ist 4.0 oder neuer; {install}",
    ),
    Text("{asked} is no tshark: it calls itself {about}", "{asked} ist kein tshark: Es nennt sich {about}"),
    Text("{program} does not run: {error}", "{program} läuft nicht: {error}"),
    Text(
        "{path}: larger than {most} MiB, which no {kind} is",
        "{path}: größer als {most} MiB, was keine {kind} ist",
    ),
    Text("deployment file", "Deployment-Datei"),
    Text("file of words", "Datei mit Wörtern"),
    Text("file of answers", "Datei mit Antworten"),
    Text("file of access lists", "Datei mit Zugriffslisten"),
    Text("file of TLS keys", "Datei mit TLS-Schlüsseln"),
    Text(
        "{path}: {why}; a deployment is a TOML file or one of {shipped}",
        "{path}: {why}; ein Deployment ist eine TOML-Datei oder eins von {shipped}",
    ),
    Text(
        "{path}: a pipe that came to no end within {wait} s",
        "{path}: eine Pipe, die in {wait} s nicht zu Ende kam",
    ),
    Text(
        "{path}: TLS keys are read several times, from a plain file: this is none",
        "{path}: TLS-Schlüssel werden mehrmals gelesen, aus einer gewöhnlichen Datei: Das ist keine",
    ),
    Text(
        "{file}: {key}: expected {expected}, not {found}",
        "{file}: {key}: erwartet wird {expected}, nicht {found}",
    ),
    Text("a table", "eine Tabelle"),
    Text("text", "Text"),
    Text("a list", "eine Liste"),
    Text('a port or a range of ports like "30000-33000"', 'ein Port oder ein Portbereich wie "30000-33000"'),
    Text('an address or a network like "192.168.1.0/24"', 'eine Adresse oder ein Netz wie "192.168.1.0/24"'),
    Text("a number, zero or more", "eine Zahl, null oder größer"),
    Text('a country of ISO 3166 like "DE", or ""', 'ein Land nach ISO 3166 wie "DE" oder ""'),
    Text("'{one}' or '{other}'", "'{one}' oder '{other}'"),
    Text("'{one}' or '{two}' or '{three}'", "'{one}' oder '{two}' oder '{three}'"),
    Text(
        "{file}: unknown key {key}; did you mean {near}?",
        "{file}: unbekannter Schlüssel {key}; gemeint ist {near}?",
    ),
    Text(
        "{file}: {key}: not a regular expression: {error}", "{file}: {key}: kein regulärer Ausdruck: {error}"
    ),
    Text("{file}: not {kind}: {why}", "{file}: kein {kind}: {why}"),
    Text("TOML", "TOML"),
    Text("not text in UTF-8", "kein Text in UTF-8"),
    Text("nested too deeply", "zu tief geschachtelt"),
    Text(
        "the deployment file's pattern {pattern} takes more than {seconds} s on the name "
        "{shown}: simplify it",
        "Das Muster {pattern} der Deployment-Datei braucht mehr als {seconds} s für den "
        "Namen {shown}: vereinfachen",
    ),
    Text("{given}: empty file", "{given}: leere Datei"),
    Text(
        "{name}: no access lists in it: expected <network-lists> with a <list name=...>",
        "{name}: keine Zugriffslisten darin: erwartet wird <network-lists> mit <list name=...>",
    ),
    Text("{name}: cannot be read as XML: {error}", "{name}: nicht als XML lesbar: {error}"),
    Text(
        "it has a DOCTYPE, which access lists do not need", "mit DOCTYPE, den Zugriffslisten nicht brauchen"
    ),
    Text("acl.conf.xml or TOML", "acl.conf.xml und kein TOML"),
    Text(
        "--local: expected a network like 10.0.0.0/24, not {odd}",
        "--local: erwartet wird ein Netz wie 10.0.0.0/24, nicht {odd}",
    ),
    Text(
        "--addr: expected an address like 192.168.1.5, not {odd}",
        "--addr: erwartet wird eine Adresse wie 192.168.1.5, nicht {odd}",
    ),
    Text(
        "no list to try the address on; name one with --list, wan.auto for example",
        "keine Liste, an der die Adresse zu prüfen wäre; mit --list eine nennen, wan.auto zum Beispiel",
    ),
    Text("nothing to try: give --addr or --capture", "nichts zu prüfen: --addr oder --capture angeben"),
    Text(
        "{acl}: it does not say which lists are applied to candidates; name them with --acl-list",
        "{acl}: sagt nicht, welche Listen für Kandidaten gelten; mit --acl-list nennen",
    ),
    Text("nothing to check: give files or --url", "nichts zu prüfen: Dateien oder --url angeben"),
    Text(
        "{word}: no time zone: UTC, log, local, or a name like Europe/Berlin",
        "{word}: keine Zeitzone: UTC, log, local oder ein Name wie Europe/Berlin",
    ),
    Text("{path}: nothing there", "{path}: dort ist nichts"),
    Text(
        "with --dask and --dataset there are no --fs-log, --csv, --notebooks",
        "mit --dask und --dataset gibt es kein --fs-log, --csv, --notebooks",
    ),
    Text("--dask needs distributed: {command}", "--dask braucht distributed: {command}"),
    Text(
        "--dask {address}: no scheduler answers: {error}",
        "--dask {address}: kein Scheduler antwortet: {error}",
    ),
    Text(
        "--dask {address}: the scheduler has no workers", "--dask {address}: Der Scheduler hat keine Arbeiter"
    ),
    Text(
        "--dask {address}: a worker lacks legshark: {error}",
        "--dask {address}: Einem Arbeiter fehlt legshark: {error}",
    ),
    Text(
        "{worker}: the worker has version {theirs}, this is {ours}",
        "{worker}: Der Arbeiter hat Version {theirs}, dies ist {ours}",
    ),
    Text("no table {name}; there are {names}", "keine Tabelle {name}; es gibt {names}"),
    Text("no rule {name}; did you mean {near}?", "keine Regel {name}; gemeint ist {near}?"),
    Text(
        "no rule {name}; `postproc rules` lists them", "keine Regel {name}; `postproc rules` listet sie auf"
    ),
    Text(
        "no call {number} in this run; it has {there}", "kein Anruf {number} in diesem Lauf; er hat {there}"
    ),
    Text("no call {number} in this run; it has none", "kein Anruf {number} in diesem Lauf; er hat keinen"),
    Text("give either a FOLDER or interfaces (-i)", "entweder einen ORDNER oder Schnittstellen (-i) angeben"),
    Text("captures of two places at least are needed", "nötig sind Mitschnitte von mindestens zwei Punkten"),
    Text(
        "{text}: milliseconds are wanted, as in --offset client.pcapng=137",
        "{text}: gefragt sind Millisekunden, wie in --offset client.pcapng=137",
    ),
    Text("{path}: no text in UTF-8", "{path}: kein Text in UTF-8"),
    Text("{path}: neither JSON nor TOML: {why}", "{path}: weder JSON noch TOML: {why}"),
    Text("{path}: the answers are {keys}", "{path}: Die Antworten heißen {keys}"),
    Text(
        "{path}: unknown: {unknown}; the answers are {keys}",
        "{path}: unbekannt: {unknown}; die Antworten heißen {keys}",
    ),
    Text("no capture to make a ticket of", "kein Mitschnitt für ein Ticket"),
    Text("no capture to make a ticket of: {reason}", "kein Mitschnitt für ein Ticket: {reason}"),
    Text(
        "{text} is no name of a site: letters, digits, '_', '-' and '.', at most 64",
        "{text} ist kein Name eines Standorts: Buchstaben, Ziffern, '_', '-' und '.', höchstens 64",
    ),
    Text("{text} is no time: {examples}", "{text} ist keine Zeit: {examples}"),
    Text(
        "{folder}: no dataset here; {command} makes one",
        "{folder}: hier ist kein Dataset; {command} legt eins an",
    ),
    Text("{folder}: no dataset here", "{folder}: hier ist kein Dataset"),
    Text("{count} hours removed", "{count} Stunden entfernt"),
    Text(
        "{out}: damaged, or written by another version: {error}",
        "{out}: beschädigt oder von einer anderen Version geschrieben: {error}",
    ),
    Text(
        "{out}: no results here; {command} makes them",
        "{out}: hier sind keine Ergebnisse; {command} erzeugt sie",
    ),
    Text(
        "{out}: a file, not the folder of results that {command} makes",
        "{out}: eine Datei, nicht der Ordner mit Ergebnissen, den {command} erzeugt",
    ),
    Text(
        "{out}: the files there are not all of the same run; run again to have them from one",
        "{out}: Die Dateien dort sind nicht alle vom selben Lauf; den Lauf wiederholen",
    ),
    Text(
        "{out}: another run is writing its results there; wait for it, or name another with -o",
        "{out}: Ein anderer Lauf schreibt gerade seine Ergebnisse dorthin; abwarten oder "
        "mit -o einen anderen nennen",
    ),
    Text(
        "{out}: another run (process {number} on {node}) is writing its results there; "
        "wait for it, or name another with -o",
        "{out}: Ein anderer Lauf (Prozess {number} auf {node}) schreibt gerade seine Ergebnisse dorthin; "
        "abwarten oder mit -o einen anderen nennen",
    ),
    Text(
        "{out}: this file system knows no locks; name another folder with -o",
        "{out}: Dieses Dateisystem kennt keine Sperren; mit -o einen anderen Ordner nennen",
    ),
    Text(
        "{path}: a folder is where a result is to be written",
        "{path}: Wo ein Ergebnis hin soll, ist ein Ordner",
    ),
    Text(
        "{path}: a link, where a folder for results is needed",
        "{path}: ein Verweis, wo ein Ordner für Ergebnisse nötig ist",
    ),
    Text(
        "{out}: a file; the results go to a folder, which -o names",
        "{out}: eine Datei; die Ergebnisse kommen in einen Ordner, den -o nennt",
    ),
    Text(
        "{out}: the results cannot go into the folder that is read; name another with -o",
        "{out}: Die Ergebnisse können nicht in den Ordner, der gelesen wird; mit -o einen anderen nennen",
    ),
    Text(
        "{path}: not the file that was read for {out}; run again",
        "{path}: nicht die Datei, die für {out} gelesen wurde; den Lauf wiederholen",
    ),
    Text(
        "the findings cannot be told in another language: {reason}",
        "Die Befunde können nicht in einer anderen Sprache erzählt werden: {reason}",
    ),
    Text(
        "the findings cannot be told in another language, as they were made with other options: "
        "give the same --deployment and --acl, or run again with --lang {language}",
        "Die Befunde können nicht in einer anderen Sprache erzählt werden, da sie mit "
        "anderen Optionen entstanden: "
        "dasselbe --deployment und --acl angeben oder den Lauf mit --lang {language} wiederholen",
    ),
    Text(
        "{target}: the copy cannot replace the capture itself; name another with -o",
        "{target}: Die Kopie kann nicht den Mitschnitt selbst ersetzen; mit -o eine andere nennen",
    ),
    Text("{target}: {count} comments", "{target}: {count} Kommentare"),
    Text("{path}: {packets} packets of call {call}", "{path}: {packets} Pakete von Anruf {call}"),
    Text(
        "{path}: gone; a redacted report is made from the captures and logs themselves",
        "{path}: nicht mehr da; ein pseudonymisierter Bericht entsteht aus den Mitschnitten und Logs selbst",
    ),
    Text(
        "{target}: somebody has edited it; remove it, or name another file with -o",
        "{target}: von Hand geändert; löschen oder mit -o eine andere Datei nennen",
    ),
    Text(
        "running a notebook needs nbclient and ipykernel: {command}",
        "Zum Ausführen eines Notebooks sind nbclient und ipykernel nötig: {command}",
    ),
    Text("{path}: a cell failed: {kind}: {said}", "{path}: Eine Zelle ist gescheitert: {kind}: {said}"),
    Text(
        "{path}: no text, so that nobody can say what is in it; leave it out",
        "{path}: kein Text, daher kann niemand sagen, was darin steht; weglassen",
    ),
    Text(
        "{path}: an original value is left after redaction; nothing was written",
        "{path}: Nach dem Pseudonymisieren ist noch ein Originalwert darin; nichts geschrieben",
    ),
    Text(
        "{path}: {count} original values are left after redaction; nothing was written",
        "{path}: Nach dem Pseudonymisieren sind noch {count} Originalwerte darin; nichts geschrieben",
    ),
    Text(
        "no dumpcap beside tshark: install Wireshark's command line tools",
        "kein dumpcap neben tshark: die Kommandozeilenprogramme von Wireshark installieren",
    ),
    Text("dumpcap ended: {text}", "dumpcap hat sich beendet: {text}"),
    Text("without a word", "ohne Meldung"),
    Text("--metrics needs prometheus_client: {command}", "--metrics braucht prometheus_client: {command}"),
    Text(
        "this installation lacks its Wireshark bundle ({files})",
        "Dieser Installation fehlt ihr Wireshark-Paket ({files})",
    ),
    Text(
        "tshark does not say where Wireshark's personal configuration is (tshark -G folders)",
        "tshark sagt nicht, wo die persönliche Konfiguration von Wireshark liegt (tshark -G folders)",
    ),
    Text(
        "this Wireshark was built without Lua, which the plug-in needs; {command} makes "
        "a profile that works without",
        "Dieses Wireshark kann kein Lua, das das Plug-in braucht; {command} legt ein "
        "Profil an, das ohne auskommt",
    ),
    Text(
        "changed by others than this program: {named}; nothing was {undone}; --force "
        "{verb} them and keeps copies",
        "nicht von diesem Programm geändert: {named}; nichts wurde {undone}; --force "
        "{verb} sie und behält Kopien",
    ),
    Text("written", "geschrieben"),
    Text("removed", "entfernt"),
    Text("replaces", "ersetzt"),
    Text("removes", "entfernt"),
    Text("{folder}: damaged: {error}", "{folder}: beschädigt: {error}"),
    Text("{table}: unknown columns {columns}", "{table}: unbekannte Spalten {columns}"),
    Text("{table}: missing columns {columns}", "{table}: fehlende Spalten {columns}"),
    Text("interrupted", "abgebrochen"),
    Text("stopped", "beendet"),
    Text(
        "interrupted; captures already read are kept in {out}: run the same command to go on",
        "abgebrochen; schon gelesene Mitschnitte bleiben in {out}: mit demselben Befehl geht es weiter",
    ),
)

# Of `postproc doctor`.
FITNESS = (
    Text("by --tshark or {setting}", "durch --tshark oder {setting}"),
    Text("the first on PATH", "das erste auf PATH"),
    Text("where Wireshark is installed", "wo Wireshark installiert ist"),
    Text("{version} ({path}, {why})", "{version} ({path}, {why})"),
    Text(
        "converts captures in other formats than pcap and pcapng",
        "wandelt Mitschnitte anderer Formate als pcap und pcapng um",
    ),
    Text("tells by hand what is in a capture", "sagt von Hand, was in einem Mitschnitt ist"),
    Text("use a tshark from 4.0 to 4.6", "ein tshark von 4.0 bis 4.6 verwenden"),
    Text(
        "tshark loads Lua scripts that are there for all users: {paths}",
        "tshark lädt Lua-Skripte, die für alle Benutzer da sind: {paths}",
    ),
    Text(
        "read captures as an ordinary user: then it does not",
        "Mitschnitte als gewöhnlicher Benutzer lesen: Dann nicht",
    ),
    Text(
        "no profile, preferences, plug-ins or Lua scripts but Wireshark's own count",
        "kein Profil, keine Einstellungen, Plug-ins oder Lua-Skripte außer denen von Wireshark selbst zählen",
    ),
    Text("understood by tshark", "von tshark verstanden"),
    Text("tshark failed ({status})", "tshark ist gescheitert ({status})"),
    Text("tshark lacks {missing}", "tshark kennt nicht: {missing}"),
    Text("all {count} known to tshark", "alle {count} kennt tshark"),
    Text(
        "this tshark has no Lua: Wireshark plug-ins will not run in it",
        "Dieses tshark kann kein Lua: Plug-ins für Wireshark laufen darin nicht",
    ),
    Text("not looked for; it {purpose}", "nicht gesucht; es {purpose}"),
    Text("it comes with tshark", "kommt mit tshark"),
    Text("not found beside tshark; it {purpose}", "nicht neben tshark gefunden; es {purpose}"),
    Text(
        "root: captures from strangers are better read as an ordinary user",
        "root: Mitschnitte von Fremden liest man besser als gewöhnlicher Benutzer",
    ),
    Text("not root", "nicht root"),
    Text("{free} GB free in {folder}", "{free} GB frei in {folder}"),
    Text(
        "free some, or point TMPDIR at another disk",
        "welchen schaffen oder TMPDIR auf einen anderen Datenträger setzen",
    ),
)

# Of sources.
REFERENCES = (
    Text("{document}, section {section}", "{document}, Abschnitt {section}"),
    Text("{document}, sections {one} and {other}", "{document}, Abschnitte {one} und {other}"),
    Text("{document}, sections {one} to {other}", "{document}, Abschnitte {one} bis {other}"),
    Text("{document}, appendix {section}", "{document}, Anhang {section}"),
)

DEPTH = 6  # messages within messages; programs say longer and deeper things, which stay as they are
LONGEST = 2000  # characters
# Of the probe: what cannot be asked, or listened at.
ASKING = (
    Text(
        "{given}: expected stun:HOST or stun:HOST:PORT",
        "{given}: erwartet wird stun:HOST oder stun:HOST:PORT",
    ),
    Text("{given}: expected a port from 1 to 65535", "{given}: erwartet wird ein Port von 1 bis 65535"),
    Text("{url}: expected https://HOST/...", "{url}: erwartet wird https://HOST/..."),
    Text("{url}: not a URL: {why}", "{url}: keine URL: {why}"),
    Text(
        "a URL with user and password is not asked: no sign-in is tried",
        "eine URL mit Benutzer und Kennwort wird nicht gefragt: Es wird keine Anmeldung versucht",
    ),
    Text("probe needs {what}: {how}", "probe braucht {what}: {how}"),
    Text("none of the ports can be listened at: {why}", "auf keinem der Ports lässt sich lauschen: {why}"),
    Text(
        "--bind: expected an address of this machine, not {odd}",
        "--bind: erwartet wird eine Adresse dieses Rechners, nicht {odd}",
    ),
    Text(
        "{wanted} files have to be open at once, and {most} may be (ulimit -Hn): take fewer ports",
        "{wanted} Dateien müssen zugleich offen sein, {most} dürfen es (ulimit -Hn): weniger Ports nehmen",
    ),
    Text(
        "{given}: {count} ports; at most {most} at once",
        "{given}: {count} Ports; höchstens {most} auf einmal",
    ),
    Text(
        "--token: expected the one that the listener shows ({least} signs or more)",
        "--token: erwartet wird das, welches das andere Ende zeigt (mindestens {least} Zeichen)",
    ),
    Text(
        "{given}: expected ports like 30000-33000 or 30000,30010",
        "{given}: erwartet werden Ports wie 30000-33000 oder 30000,30010",
    ),
    Text("{path}: no certificates in PEM: {why}", "{path}: keine Zertifikate in PEM: {why}"),
    Text(
        "--ticket needs the folder with the results of a run",
        "--ticket braucht den Ordner mit den Ergebnissen eines Laufs",
    ),
    Text(
        "{path}: not the folder with the results of a run",
        "{path}: nicht der Ordner mit den Ergebnissen eines Laufs",
    ),
    Text("{path}: not JSON: {why}", "{path}: kein JSON: {why}"),
    Text(
        "{path}: not what `postproc probe --json` prints",
        "{path}: nicht das, was `postproc probe --json` ausgibt",
    ),
    Text(
        "{path}: not a state of `postproc checklist`; name another with --state",
        "{path}: kein Stand von `postproc checklist`; mit --state einen anderen nennen",
    ),
    Text(
        "expected https://HOST/..., stun:HOST, udp HOST PORTS or udp --listen PORTS",
        "erwartet wird https://HOST/..., stun:HOST, udp HOST PORTS oder udp --listen PORTS",
    ),
)

MESSAGES = (*READING, *SETTING_UP, *ASKING, *FITNESS, *SYSTEM)


def in_language(message: str, lang: Lang, texts: tuple[Text, ...] = MESSAGES, depth: int = DEPTH) -> str:
    """Return the message in a language; a message from none of the templates is returned unchanged.

    The value of a placeholder may itself be a message, and so may the reason in ``FILE: reason``.
    """
    if lang == "en" or not depth or len(message) > LONGEST:
        return message
    for pattern, text in _patterns(texts):
        if match := pattern.fullmatch(message):
            facts = {
                name: in_language(each, lang, texts, depth - 1) for name, each in match.groupdict().items()
            }
            return text.of(lang, **facts)
    head, colon, rest = message.partition(": ")
    return f"{head}{colon}{in_language(rest, lang, texts, depth - 1)}" if colon else message


@cache
def _patterns(texts: tuple[Text, ...]) -> tuple[tuple[re.Pattern[str], Text], ...]:
    """Return a pattern per template, those with the most fixed text first."""
    longest = sorted(texts, key=lambda text: -len(re.sub(r"\{\w*\}", "", text.en)))
    return tuple((re.compile(_pattern(text.en), re.DOTALL), text) for text in longest)


def _pattern(template: str) -> str:
    parts = re.split(r"\{(\w+)\}", template)
    return "".join(f"(?P<{part}>.+?)" if nth % 2 else re.escape(part) for nth, part in enumerate(parts))
