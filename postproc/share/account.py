"""Account of a redaction for the person responsible: counts of what was replaced, and what remains.

Only the writing pass counts: it begins with ``Tally.clear()``.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from postproc.model.text import Lang, Text
from postproc.model.vocabulary import counted
from postproc.show.documents import inline
from postproc.show.terminal import clean


class Kind(StrEnum):
    """Kinds of data that are replaced or remain."""

    USER = "users"
    HOST = "hosts"
    ADDRESS = "addresses"
    MAC = "macs"
    ID = "ids"
    WORD = "words"
    SECRET = "secrets"
    CERTIFICATE = "certificates"
    MEDIA = "media"
    PAYLOAD = "payloads"


LABELS = {
    Kind.USER: Text("users and numbers", "Benutzer und Nummern"),
    Kind.HOST: Text("host names", "Hostnamen"),
    Kind.ADDRESS: Text("IP addresses", "IP-Adressen"),
    Kind.MAC: Text("hardware addresses", "Hardware-Adressen"),
    Kind.ID: Text("ids of calls, dialogs and checks", "IDs von Anrufen, Dialogen und Checks"),
    Kind.WORD: Text("words of texts", "Wörter aus Texten"),
    Kind.SECRET: Text("passwords, keys and message bodies", "Passwörter, Schlüssel und Nachrichteninhalte"),
    Kind.CERTIFICATE: Text("certificates and keys of DTLS", "Zertifikate und Schlüssel von DTLS"),
    Kind.MEDIA: Text("contents of media packets", "Inhalte von Medienpaketen"),
    Kind.PAYLOAD: Text("packets of which the content is unknown", "Pakete mit unbekanntem Inhalt"),
}


@dataclass
class Tally:
    """Counts of replacements by kind, and of what remained.

    ``words`` counts each word of User-Agents, phrases, texts and log lines that remained because a
    dictionary has it; ``stayed`` counts ids and numbers that remained in texts, by kind.
    """

    replaced: Counter[Kind] = field(default_factory=Counter)
    stayed: Counter[Kind] = field(default_factory=Counter)
    words: Counter[str] = field(default_factory=Counter)

    def clear(self) -> None:
        """Reset the counts of the learning pass."""
        self.replaced.clear()
        self.stayed.clear()
        self.words.clear()


REPLACED = Text("replaced: {what}", "ersetzt: {what}")
NOTHING = Text("nothing", "nichts")
REMAINS = Text(
    "remains: times, lengths, ports, codecs, country codes, kinds of addresses; {words}",
    "bleibt: Zeiten, Längen, Ports, Codecs, Ländervorwahlen, Adressarten; {words}",
)
KNOWN_WORDS = (
    Text(
        "{n} word of protocols and products",
        "{n} Wort aus Protokollen und von Produkten",
    ),
    Text(
        "{n} different words of protocols and products",
        "{n} verschiedene Wörter aus Protokollen und von Produkten",
    ),
)
UNJUDGED = Text(
    "remains, though no dictionary knows it: {words}",
    "bleibt, steht aber in keinem Wörterbuch: {words}",
)
MORE = Text("and {count} more", "und {count} weitere")
AMBIGUOUS = (
    Text(
        "not looked for at the end: {n} original that is also the pseudonym of another",
        "am Ende nicht gesucht: {n} Original, das zugleich Pseudonym eines anderen ist",
    ),
    Text(
        "not looked for at the end: {n} originals that are also the pseudonym of another",
        "am Ende nicht gesucht: {n} Originale, die zugleich Pseudonym eines anderen sind",
    ),
)
OWN = Text("remains, as you gave it: {what}", "bleibt, wie angegeben: {what}")
TITLE = Text("What was replaced, and what remains", "Was ersetzt wurde und was bleibt")
STAYED = Text("Words that remain", "Wörter, die bleiben")
OF_DICTIONARIES = Text(
    "Dictionaries of protocols, products and log texts know them; they tell of nobody. How often:",
    "Sie stehen in Wörterbüchern der Protokolle, Produkte und Logtexte und verraten niemanden; so oft:",
)
OF_NOBODY = Text(
    "No dictionary knows them; the sender lets them stay. How often:",
    "Sie stehen in keinem Wörterbuch; der Absender lässt sie stehen; so oft:",
)
SHOWN = 40  # words on the terminal


@dataclass(frozen=True)
class Account:
    """The account; ``unjudged``: by member or file, remaining words that no dictionary has."""

    tally: Tally = field(default_factory=Tally)
    unjudged: Mapping[str, Counter[str]] = field(default_factory=dict)
    own: tuple[str, ...] = ()  # remains because the recipient must know the sender
    ambiguous: int = 0  # originals that the last search could not tell from pseudonyms

    @property
    def words(self) -> Counter[str]:
        """The unjudged words of all files."""
        return sum(self.unjudged.values(), Counter[str]())


Look = Callable[[Account], None]


def goes_on(_: Account) -> None:
    """Continue without a review."""


def lines(account: Account, lang: Lang) -> list[str]:
    """Return the account in short, a line per topic."""
    texts = [
        REPLACED.of(lang, what=", ".join(_counted(account.tally.replaced, lang)) or NOTHING.of(lang)),
        REMAINS.of(lang, words=", ".join(_remaining(account.tally, lang))),
    ]
    if account.words:
        texts.append(UNJUDGED.of(lang, words=few(account.words, lang)))
    if account.own:
        texts.append(OWN.of(lang, what=", ".join(account.own)))
    if account.ambiguous:
        texts.append(counted(AMBIGUOUS, account.ambiguous, lang))
    return [clean(line) for line in texts]


def few(words: Iterable[str], lang: Lang) -> str:
    """Format the first SHOWN words, words before numbers."""
    ordered = in_order(words)
    more = [MORE.of(lang, count=len(ordered) - SHOWN)] if len(ordered) > SHOWN else []
    return ", ".join([*ordered[:SHOWN], *more])


def in_order(words: Iterable[str]) -> list[str]:
    """Sort words alphabetically, numbers after them."""
    return sorted(words, key=lambda word: (word[:1].isdigit(), word.casefold(), word))


def markdown(account: Account, lang: Lang) -> str:
    """Return the complete account as Markdown, with every word."""
    parts = [f"# {TITLE.of(lang)}", "", *(f"- {inline(line)}" for line in lines(account, lang)[:2])]
    if account.own:
        parts.append(f"- {inline(OWN.of(lang, what=', '.join(account.own)))}")
    if account.ambiguous:
        parts.append(f"- {counted(AMBIGUOUS, account.ambiguous, lang)}")
    for heading, words in ((OF_NOBODY, account.words), (OF_DICTIONARIES, account.tally.words)):
        if words:
            parts += ["", f"## {STAYED.of(lang)}", "", heading.of(lang), "", _listed(words)]
    return "\n".join(parts) + "\n"


def _listed(words: Counter[str]) -> str:
    return ", ".join(f"{inline(clean(word))} ({words[word]})" for word in in_order(words))


def _counted(counts: Counter[Kind], lang: Lang) -> list[str]:
    return [f"{LABELS[kind].of(lang)} ({counts[kind]})" for kind in Kind if counts[kind]]


def _remaining(tally: Tally, lang: Lang) -> list[str]:
    return [*_counted(tally.stayed, lang), counted(KNOWN_WORDS, len(tally.words), lang)]
