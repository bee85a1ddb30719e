"""Values of strangers inside Markdown: as text, whatever they try to be.

CommonMark takes an entity for the character itself, never for markup (section
2.5), and MathJax leaves ``<code>`` alone; so nothing in a value becomes a link, a
picture, HTML or a formula.
"""

import re

from postproc.show.terminal import clean

MARKUP = re.compile(r"[^\w\s.:,;()%→–…-]|_|[.:](?=\S)")  # ". " and ": " are prose
FORMULA = frozenset("$\\")  # what MathJax looks for


def inline(text: str) -> str:
    """The text within a line of prose."""
    return MARKUP.sub(_entity, clean(text))


def code(text: str) -> str:
    """The text in a type for names: ``<code>``."""
    return f"<code>{MARKUP.sub(lambda found: f'&#{ord(found.group())};', clean(text))}</code>"


def _entity(found: re.Match[str]) -> str:
    char = found.group()
    written = f"&#{ord(char)};"
    return f"<code>{written}</code>" if char in FORMULA else written
