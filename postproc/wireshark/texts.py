"""What the commands about Wireshark say."""

from postproc.model.text import Text

WRITTEN = Text("{count} files written for {what}", "{count} Dateien geschrieben für {what}")
UNCHANGED = Text("{what} is up to date, nothing to do", "{what} ist auf dem Stand, nichts zu tun")
BUNDLE = Text("plug-in and profile Legs", "Plug-in und Profil Legs")
PROFILE = Text("profile {name}", "Profil {name}")
KEPT = Text("your version is kept: {path}", "Ihre Fassung liegt unter: {path}")
LEFT = Text("not ours, left where it is: {path}", "nicht von uns, bleibt liegen: {path}")
REMOVED = Text("everything is as it was before ({count} files)", "alles ist wie zuvor ({count} Dateien)")
NOT_INSTALLED = Text("nothing was installed", "es war nichts installiert")
NEXT = Text(
    "restart Wireshark; it changes to the profile Legs by itself where a file holds calls (4.4 and later), "
    "or choose it at the lower right",
    "Wireshark neu starten; bei Dateien mit Anrufen wechselt es selbst in das Profil Legs (ab 4.4), "
    "sonst ist es unten rechts wählbar",
)
AS_ROOT = Text(
    "installed for root ({folder}): other users do not see it, and as root Wireshark 4.4 and later load no "
    "plug-in; run this as the user who opens captures",
    "für root installiert ({folder}): Andere Benutzer sehen es nicht, und als root lädt Wireshark ab 4.4 "
    "kein Plug-in; besser als der Benutzer ausführen, der Mitschnitte öffnet",
)
OPEN = Text("open it with:", "so öffnen:")
NO_CALLS = Text(
    "no calls in this capture: only STUN, DTLS and media are coloured",
    "keine Anrufe in diesem Mitschnitt: Nur STUN, DTLS und Medien sind gefärbt",
)

INSTALLED = Text("installed", "installiert")
EDITED = Text("edited since", "seither geändert")
OUTDATED = Text(
    "of another version; run `postproc wireshark install`",
    "aus anderer Version; `postproc wireshark install` ausführen",
)
MISSING = Text("not installed", "nicht installiert")
FOREIGN = Text("there, but not from this program", "vorhanden, aber nicht von diesem Programm")
PARTLY = Text(
    "incomplete; run `postproc wireshark install`", "unvollständig; `postproc wireshark install` ausführen"
)
STATES = {
    "installed": INSTALLED,
    "edited": EDITED,
    "outdated": OUTDATED,
    "missing": MISSING,
    "foreign": FOREIGN,
    "partly": PARTLY,
}
PLUGIN_ROW = Text("plug-in", "Plug-in")
PROFILE_ROW = Text("profile", "Profil")
PROFILES_ROW = Text("capture profiles", "Mitschnittprofile")
SEES = Text("profile seen, plug-in runs", "sieht das Profil, Plug-in läuft")
PROFILE_ONLY = Text("profile seen, plug-in does NOT run", "sieht das Profil, Plug-in läuft NICHT")
PLUGIN_ONLY = Text("plug-in runs, no profile", "Plug-in läuft, kein Profil")
SEES_NOTHING = Text("sees neither", "sieht nichts davon")
LIKE_TSHARK = Text("reads the same folders", "liest dieselben Ordner")
WHY_ROOT = Text(
    "you are root: Wireshark 4.4 and later load no personal plug-ins for root",
    "Sie sind root: Für root lädt Wireshark ab 4.4 keine persönlichen Plug-ins",
)
WHY_INIT = Text("{path} says enable_lua = false", "{path} enthält enable_lua = false")
WHY_NO_LUA = Text("this Wireshark was built without Lua", "dieses Wireshark ist ohne Lua gebaut")
