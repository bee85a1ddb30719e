"""What redaction did, for who answers for it: counts of what was replaced, and what remains.

Only the pass that writes fills a tally: whoever writes begins with ``clear()``.
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
    """Kinds of what is replaced, or stays."""

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
    """How often something of a kind was replaced, and the words that stayed as a dictionary knows them.

    ``words`` counts each word of User-Agents, phrases, texts and log lines that stayed; ``stayed``
    counts ids and numbers of messages that text kept, by kind.
    """

    replaced: Counter[Kind] = field(default_factory=Counter)
    stayed: Counter[Kind] = field(default_factory=Counter)
    words: Counter[str] = field(default_factory=Counter)

    def clear(self) -> None:
        """Begin anew: what was counted while learning does not count."""
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
    """``unjudged``: by member or file, the words that stayed and that no dictionary explains."""

    tally: Tally = field(default_factory=Tally)
    unjudged: Mapping[str, Counter[str]] = field(default_factory=dict)
    own: tuple[str, ...] = ()  # what stays as whoever asks must be known
    ambiguous: int = 0  # originals that the last search could not tell from pseudonyms

    @property
    def words(self) -> Counter[str]:
        """The words nobody can judge, wherever they stand."""
        return sum(self.unjudged.values(), Counter[str]())


Look = Callable[[Account], None]


def goes_on(_: Account) -> None:
    """Nobody looks: what remains is in the account."""


def lines(account: Account, lang: Lang) -> list[str]:
    """The account in short, a line for each thing to know."""
    told = [
        REPLACED.of(lang, what=", ".join(_counted(account.tally.replaced, lang)) or NOTHING.of(lang)),
        REMAINS.of(lang, words=", ".join(_remaining(account.tally, lang))),
    ]
    if account.words:
        told.append(UNJUDGED.of(lang, words=few(account.words, lang)))
    if account.own:
        told.append(OWN.of(lang, what=", ".join(account.own)))
    if account.ambiguous:
        told.append(counted(AMBIGUOUS, account.ambiguous, lang))
    return [clean(line) for line in told]


def few(words: Iterable[str], lang: Lang) -> str:
    """Some of the words, those with letters first."""
    held = in_order(words)
    more = [MORE.of(lang, count=len(held) - SHOWN)] if len(held) > SHOWN else []
    return ", ".join([*held[:SHOWN], *more])


def in_order(words: Iterable[str]) -> list[str]:
    """Words by the alphabet, numbers behind them."""
    return sorted(words, key=lambda word: (word[:1].isdigit(), word.casefold(), word))


def markdown(account: Account, lang: Lang) -> str:
    """The account in full, with every word."""
    told = [f"# {TITLE.of(lang)}", "", *(f"- {inline(line)}" for line in lines(account, lang)[:2])]
    if account.own:
        told.append(f"- {inline(OWN.of(lang, what=', '.join(account.own)))}")
    if account.ambiguous:
        told.append(f"- {counted(AMBIGUOUS, account.ambiguous, lang)}")
    for heading, words in ((OF_NOBODY, account.words), (OF_DICTIONARIES, account.tally.words)):
        if words:
            told += ["", f"## {STAYED.of(lang)}", "", heading.of(lang), "", _listed(words)]
    return "\n".join(told) + "\n"


def _listed(words: Counter[str]) -> str:
    return ", ".join(f"{inline(clean(word))} ({words[word]})" for word in in_order(words))


def _counted(counts: Counter[Kind], lang: Lang) -> list[str]:
    return [f"{LABELS[kind].of(lang)} ({counts[kind]})" for kind in Kind if counts[kind]]


def _remaining(tally: Tally, lang: Lang) -> list[str]:
    return [*_counted(tally.stayed, lang), counted(KNOWN_WORDS, len(tally.words), lang)]
