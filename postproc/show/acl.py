"""Explain access list decisions about an address, a candidate offer, or the source of an INVITE."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from rich.cells import cell_len, set_cell_size

from postproc.model.acl import AccessList, Choice, Decision, Overall, Peer, decide, decide_by
from postproc.model.addresses import endpoint
from postproc.model.text import Lang, Text
from postproc.model.vocabulary import ACL_VERDICTS
from postproc.show.terminal import clean

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
        "not looked into: {text}",
        "nicht nachgesehen: {text}",
    ),
    "unresolved": Text(
        "known only to FreeSWITCH: {text}",
        "nur FreeSWITCH bekannt: {text}",
    ),
    "ignored": Text(
        "FreeSWITCH does not take this entry: {text}",
        "FreeSWITCH nimmt diesen Eintrag nicht an: {text}",
    ),
    "profiles": Text(
        "the profiles differ in {text}; none is taken over",
        "die Profile unterscheiden sich in {text}; keines wird übernommen",
    ),
}
APPLIED_UNKNOWN = Text(
    "Which of these lists are applied is not known; name them in their order with --list.",
    "Welche dieser Listen angewandt werden, ist nicht bekannt; nennen Sie sie der Reihe nach mit --list.",
)


def address(
    asked: str, names: Sequence[str], lists: Mapping[str, AccessList], lang: Lang, *, together: bool
) -> Iterator[str]:
    """Yield what each list decides about an address and, with ``together``, all of them in order."""
    yield clean(asked)
    yield from _decisions([decide_by(name, asked, lists) for name in names], lang, names)
    if together and len(names) > 1:
        overall = decide(asked, names, lists)
        first = overall.deciding.list if overall.deciding else ""
        reason = OVERALL[overall.verdict].of(lang, list=clean(first))
        yield f"  {TOGETHER.of(lang)}: {ACL_VERDICTS[overall.verdict].of(lang)}, {reason}"


def _decisions(decisions: Iterable[Decision], lang: Lang, names: Sequence[str]) -> Iterator[str]:
    width = max(map(cell_len, map(clean, names)), default=0)
    for decision in decisions:
        verdict = f"{ACL_VERDICTS[decision.verdict].of(lang):8}"
        yield f"  {set_cell_size(clean(decision.list), width)}  {verdict}  {_why(decision, lang)}"


def _why(decision: Decision, lang: Lang) -> str:
    default = DEFAULTS[decision.default].of(lang) if decision.default is not None else ""
    reason = WHY[decision.why].of(lang, text=clean(decision.text or ""), default=default)
    passed = clean(", ".join(decision.passed))
    return f"{reason}; {PASSED.of(lang, passed=passed)}" if passed else reason


def choice(offer: Choice, lang: Lang) -> Iterator[str]:
    """Yield the candidates of an offer with verdicts, which the server takes, and where its checks went."""
    yield OFFER.of(
        lang, call=offer.call, leg=_or_dash(offer.leg), frame=offer.frame, capture=clean(offer.capture)
    )
    cells = [
        f"{candidate.type or '–'} {endpoint(candidate.address, candidate.port)}"
        for candidate in offer.offered
    ]
    width = max(map(cell_len, map(clean, cells)), default=0)
    for place, (cell, verdict) in enumerate(zip(cells, offer.verdicts, strict=True), 1):
        explanation = f"{ACL_VERDICTS[verdict.verdict].of(lang):8}  {_because(verdict, lang)}"
        yield f"  {place} {set_cell_size(clean(cell), width)}  {explanation}"
    yield from (f"  {line}" for line in _outcome(offer, lang))


def _because(overall: Overall, lang: Lang) -> str:
    decisions = overall.decisions if overall.verdict == "denied" else filter(None, [overall.deciding])
    return "; ".join(f"{clean(decision.list)}: {_why(decision, lang)}" for decision in decisions)


def _outcome(offer: Choice, lang: Lang) -> Iterator[str]:
    if offer.taken:
        sentence = TAKES if offer.taken.sure else TAKES_PERHAPS
        yield sentence.of(lang, place=offer.taken.place + 1, list=clean(offer.taken.list))
        if offer.taken.sure and offer.first_allowed != offer.taken.place:
            yield LIST_BY_LIST.of(lang, place=(offer.first_allowed or 0) + 1)
    elif all(each.verdict == "denied" for each in offer.verdicts):
        yield TAKES_NONE.of(lang, status=_or_dash(offer.status))
    else:
        yield TAKES_UNKNOWN.of(lang)
    if offer.sent:
        target = clean(endpoint(offer.sent.address, offer.sent.port))
        sentence = CALLED if offer.sent.called and not offer.agrees else SENT[offer.agrees]
        yield sentence.of(lang, frame=_or_dash(offer.sent.frame), target=target)
    elif offer.taken:
        yield (REJECTED if offer.status == 488 else NOT_SENT).of(lang)


def peer(invite: Peer, lang: Lang) -> Iterator[str]:
    """Yield what the lists decide about the source address of an INVITE, and its final response."""
    yield PEER.of(
        lang,
        call=invite.call,
        leg=invite.leg,
        address=clean(invite.address),
        frame=_or_dash(invite.frame),
        capture=clean(invite.capture),
        status=_or_dash(invite.status),
    )
    decisions = invite.verdict.decisions
    yield from _decisions(decisions, lang, [decision.list for decision in decisions])
    if invite.verdict.verdict == "denied" and invite.status not in (None, *REFUSALS):
        yield f"  {LET_IN.of(lang)}"


def note(kind: str, text: str, lang: Lang) -> str:
    """Return the note on an oddity in an access list file; ``kind`` is a key of ``NOTES``."""
    return NOTES[kind].of(lang, text=clean(text))


def _or_dash(value: int | None) -> str:
    return "–" if value is None else str(value)
