"""What people read, in both languages beside each other."""

from dataclasses import dataclass
from typing import Literal

Lang = Literal["en", "de"]
LANGS: tuple[Lang, ...] = ("en", "de")


@dataclass(frozen=True)
class Text:
    """One text in English and in German; ``{name}`` in it is filled in by ``of``."""

    en: str
    de: str

    def of(self, lang: Lang, **facts: object) -> str:
        template = self.de if lang == "de" else self.en
        return template.format(**facts) if facts else template
