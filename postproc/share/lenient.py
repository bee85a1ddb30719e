"""Texts that people wrote, attachments and answers: their prose has to stay readable.

What has a form (numbers, addresses, ids) and what captures, logs and the texts themselves tell of is
replaced as in a log. Other words stay: they are listed, for a person to look at before anything leaves.
"""

from collections.abc import Collection

from postproc.share.redaction.known import WORD, Known
from postproc.share.redaction.logs import Logs
from postproc.share.redaction.pseudonyms import Pseudonyms
from postproc.share.redaction.tally import Tally
from postproc.share.redaction.texts import Texts


class Spoken(Known):
    """Knows, besides what ``known`` does, every word of letters but those ``learnt``, in lower case."""

    def __init__(self, known: Known, learnt: Collection[str]) -> None:
        super().__init__()
        self._known, self._learnt = known, learnt

    def word(self, word: str) -> bool:
        return self._known.word(word) or (word.isalpha() and word.lower() not in self._learnt)

    def __contains__(self, text: object) -> bool:  # names with points: a host is never prose
        return text in self._known

    def spans(self, name: str) -> list[tuple[int, int]]:
        return self._known.spans(name)


class Lenient:
    """Replaces in lines of such texts; ``finish`` when all has been learnt."""

    def __init__(self, pseudonyms: Pseudonyms) -> None:
        self._pseudonyms = pseudonyms
        self._logs = self._made(frozenset(), Tally())

    def finish(self) -> None:
        """What was learnt until now is replaced from now on, each word of it wherever it stands."""
        learnt = {word.lower() for text in self._pseudonyms.words.seen for word in WORD.findall(text)}
        self._logs = self._made(learnt, self._pseudonyms.tally)

    def line(self, line: str) -> str:
        """A line without its end."""
        return self._logs.line(line)

    def _made(self, learnt: Collection[str], tally: Tally) -> Logs:
        held = self._pseudonyms
        texts = Texts(held.words, held.addresses, Spoken(held.known, learnt), tally)
        texts.kept = held.texts.kept
        return Logs(texts, held.descriptions, held.messages)
