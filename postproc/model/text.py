"""What people read, in both languages beside each other, and strangers' text made harmless."""

import unicodedata
from dataclasses import dataclass
from typing import Literal

Lang = Literal["en", "de"]
LANGS: tuple[Lang, ...] = ("en", "de")

# Unicode's categories of what moves the cursor, turns the writing or is not shown.
HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})


@dataclass(frozen=True)
class Text:
    """One text in English and in German; ``{name}`` in it is filled in by ``of``."""

    en: str
    de: str

    def of(self, lang: Lang, **facts: object) -> str:
        template = self.de if lang == "de" else self.en
        return template.format(**facts) if facts else template


def clean(text: str) -> str:
    r"""The text with \xNN or \uNNNN for what moves the cursor, turns the writing or is not shown.

    Bytes of a file's name that are no text become \xNN, as in the tables (read.inputs.readable).
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_shown(char) for char in text)


def _shown(char: str) -> str:
    if "\udc80" <= char <= "\udcff":
        return f"\\x{ord(char) - 0xDC00:02x}"
    return char.encode("unicode_escape").decode() if unicodedata.category(char) in HIDDEN else char
