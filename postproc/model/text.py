"""Texts in English and German side by side, and escaping of untrusted text."""

import unicodedata
from dataclasses import dataclass
from typing import Literal

Lang = Literal["en", "de"]
LANGS: tuple[Lang, ...] = ("en", "de")

# Unicode categories of characters that move the cursor, change the writing direction or are invisible, and of
# those that are none yet (Cn), which each terminal draws otherwise.
HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


@dataclass(frozen=True)
class Text:
    """One text in English and in German; ``{name}`` in it is filled in by ``of``."""

    en: str
    de: str

    def of(self, lang: Lang, **facts: object) -> str:
        template = self.de if lang == "de" else self.en
        return template.format(**facts) if facts else template


def clean(text: str) -> str:
    r"""Escape characters that move the cursor, change the writing direction or are invisible: \xNN, \uNNNN.

    Undecodable bytes of a file name become \xNN, as in the tables (read.inputs.readable).
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_shown(char) for char in text)


def _shown(char: str) -> str:
    if "\udc80" <= char <= "\udcff":
        return f"\\x{ord(char) - 0xDC00:02x}"
    return char.encode("unicode_escape").decode() if unicodedata.category(char) in HIDDEN else char
