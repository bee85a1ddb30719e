"""Words that left as they came and that no dictionary explains: a person has to look at them.

What redaction does by grammar is searched for by its originals. This asks the other way round:
which words of what was written stood in what was read, and are they known to be nobody's?
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from postproc.read.records import Record, pieces
from postproc.share.checking import APART, batches
from postproc.share.redaction.encodings import narrowed
from postproc.share.redaction.known import WORD, Known
from postproc.share.redaction.needles import Needles
from postproc.share.searched import contents

# Random numbers of STUN, often of letters only: transactions, tie-breakers (RFC 8489, 8445).
RANDOM = re.compile(rb"\x21\x12\xa4\x42.{12}|\x80[\x29\x2a]\0\x08.{8}", re.DOTALL)
# Text among the bytes of packets: what is shorter is one by chance.
TEXT = re.compile(rb"(?:[\t\r\n -~]|\xc3[\x80-\xbf]){8,}")
SPOKEN = re.compile(r"[^\W\d_]{4,}")  # a word of packets: letters only, or ids would be full of them
SHORTEST = 3  # letters of a word of texts


def of_texts(before: Iterable[str], after: Iterable[str], known: Known, new: Collection[str]) -> Counter[str]:
    """Words of the lines written that were in the lines read; ``new`` are the pseudonyms, in lower case.

    No bare number: one stays where the grammar of texts says what it counts, and nowhere else.
    """
    asked = Counter(word for word in _written(after) if word.lower() not in new)
    asked = Counter({word: count for word, count in asked.items() if not known.word(word)})
    wanted = {word.lower() for word in asked}
    there = {lower for word in _written(before) if (lower := word.lower()) in wanted}
    return Counter({word: count for word, count in asked.items() if word.lower() in there})


def _written(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        yield from (word for word in WORD.findall(line) if sum(map(str.isalpha, word)) >= SHORTEST)


def of_capture(path: Path, target: Path, known: Known, new: Collection[str]) -> Counter[str]:
    """The same for a capture: the one read, and the one written; words of letters only."""
    asked = Counter(word for word in _spoken(target, known) if word.lower() not in new)
    # What begins a text may have a byte before it that looks like a letter.
    asked = Counter({w: n for w, n in asked.items() if not known.word(w) and not known.word(w[1:])})
    if not asked:
        return asked
    needles = Needles(word.lower().encode() for word in asked)
    there = {each.decode() for data in batches(_payloads(path)) for each in needles.found(data.lower())}
    return Counter({word: count for word, count in asked.items() if word.lower() in there})


def parts(text: str) -> Iterator[str]:
    """The words in a pseudonym, in lower case."""
    for found in (*WORD.findall(text), *SPOKEN.findall(text)):
        yield found.lower()


def _spoken(capture: Path, known: Known) -> Iterator[str]:
    for data in contents(capture):
        for text in TEXT.findall(narrowed(RANDOM.sub(APART, data))):
            for word in WORD.findall(text.decode(errors="replace")):
                if not known.word(word):
                    yield from SPOKEN.findall(word)


def _payloads(capture: Path) -> Iterator[bytes]:
    with pieces(capture) as found:
        yield from (piece.data for piece in found if isinstance(piece, Record))
