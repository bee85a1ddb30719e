"""The sentences about access lists, in both languages."""

from postproc.model.text import Text

DEFAULTS = {True: Text("allow", "erlauben"), False: Text("deny", "verbieten")}
WHY = {
    "entry": Text("entry {text} fits", "Eintrag {text} passt"),
    "default": Text("no entry fits, the default is: {default}", "kein Eintrag passt, Vorgabe: {default}"),
    "unresolved": Text(
        "cannot tell: only FreeSWITCH knows {text}", "nicht zu entscheiden: nur FreeSWITCH kennt {text}"
    ),
    "no_list": Text(
        "there is no such list, FreeSWITCH then denies",
        "diese Liste gibt es nicht, FreeSWITCH verbietet dann",
    ),
    "not_an_address": Text("this is no IP address", "das ist keine IP-Adresse"),
}
PASSED = Text("it is more specific than {passed}", "er ist genauer als {passed}")
TOGETHER = Text("together", "zusammen")
OVERALL = {
    "allowed": Text("{list} is the first list that allows it", "{list} erlaubt es als erste Liste"),
    "denied": Text("none of the lists allows it", "keine der Listen erlaubt es"),
    "unknown": Text("it depends on what only FreeSWITCH knows", "es hängt davon ab, was nur FreeSWITCH weiß"),
}

OFFER = Text(
    "call {call}, leg {leg}: candidates offered in frame {frame} of {capture}",
    "Anruf {call}, Leg {leg}: angebotene Kandidaten in Frame {frame} von {capture}",
)
TAKES = Text(
    "The server takes candidate {place}: the first that list {list} allows.",
    "Der Server nimmt Kandidat {place}: den ersten, den die Liste {list} erlaubt.",
)
TAKES_PERHAPS = Text(
    "The server takes candidate {place}, which list {list} allows, unless one before it is allowed, too.",
    "Der Server nimmt Kandidat {place}, den die Liste {list} erlaubt, falls keiner davor auch erlaubt ist.",
)
TAKES_NONE = Text(
    "The server takes none of them and answers with 488 (seen here: {status}).",
    "Der Server nimmt keinen davon und antwortet mit 488 (hier gesehen: {status}).",
)
TAKES_UNKNOWN = Text(
    "Whether the server takes any of them cannot be told.",
    "Ob der Server einen davon nimmt, ist nicht zu entscheiden.",
)
LIST_BY_LIST = Text(
    "In SDP order candidate {place} is the first allowed; FreeSWITCH asks list by list.",
    "In der Reihenfolge des SDP ist Kandidat {place} der erste erlaubte; FreeSWITCH fragt Liste für Liste.",
)
SENT = {
    True: Text(
        "Its first Binding Request (frame {frame}) went there.",
        "Sein erster Binding Request (Frame {frame}) ging dorthin.",
    ),
    False: Text(
        "Its first Binding Request (frame {frame}) went to {target} instead: "
        "it applies other lists than these, or tries every candidate.",
        "Sein erster Binding Request (Frame {frame}) ging aber an {target}: "
        "Er wendet andere Listen an als diese oder versucht jeden Kandidaten.",
    ),
    None: Text(
        "Its first Binding Request (frame {frame}) went to {target}; that decides nothing.",
        "Sein erster Binding Request (Frame {frame}) ging an {target}; das entscheidet nichts.",
    ),
}
CALLED = Text(
    "Its first Binding Request (frame {frame}) went to {target}, "
    "from where a request had come in before: it answers there whatever it took.",
    "Sein erster Binding Request (Frame {frame}) ging an {target}. "
    "Von dort war vorher einer eingetroffen; dorthin antwortet er, was immer er genommen hat.",
)
NOT_SENT = Text(
    "No Binding Request of the server for this offer is in the capture.",
    "Zu diesem Angebot steht kein Binding Request des Servers im Mitschnitt.",
)
NO_OFFER = Text(
    "No candidates are offered to a server in what was captured.",
    "Im Mitschnitt werden keinem Server Kandidaten angeboten.",
)
PEER = Text(
    "call {call}, leg {leg}: INVITE from {address} (frame {frame} of {capture}), answered with {status}",
    "Anruf {call}, Leg {leg}: INVITE von {address} (Frame {frame} von {capture}), Antwort {status}",
)
LET_IN = Text(
    "It was let in all the same: the server applies other lists than these.",
    "Er wurde trotzdem eingelassen: Der Server wendet andere Listen an als diese.",
)
REJECTED = Text(
    "The INVITE was answered with 488 all the same: "
    "the server applies other lists than these, or there is no common codec.",
    "Der INVITE wurde trotzdem mit 488 beantwortet: "
    "Der Server wendet andere Listen an als diese, oder es gibt keinen gemeinsamen Codec.",
)
REFUSALS = (401, 403, 407)  # Forbidden, or a challenge where the lists are asked before the password
NOTES = {
    "include": Text(
        "not looked into: {text}", "nicht nachgesehen: {text}",
    ),
    "unresolved": Text(
        "known only to FreeSWITCH: {text}", "nur FreeSWITCH bekannt: {text}",
    ),
    "ignored": Text(
        "FreeSWITCH does not take this entry: {text}", "FreeSWITCH nimmt diesen Eintrag nicht an: {text}",
    ),
    "profiles": Text(
        "the profiles differ in {text}; none is taken over",
        "die Profile unterscheiden sich in {text}; keines wird übernommen",
    ),
}  # fmt: skip
APPLIED_UNKNOWN = Text(
    "Which of these lists are applied is not known; name them in their order with --list.",
    "Welche dieser Listen angewandt werden, ist nicht bekannt; nennen Sie sie der Reihe nach mit --list.",
)
