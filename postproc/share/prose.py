"""Words that our own texts say: they stand in results whoever is called that."""

import re
from importlib import resources
from importlib.resources.abc import Traversable

WORD = re.compile(r"[^\W\d_]+(?:[-'][^\W\d_]+)*")  # no digits: a number in our texts is nobody's excuse
TEXTS = (".py", ".html", ".css", ".js", ".toml", ".j2")


def words() -> frozenset[str]:
    """Every word of the program's own texts, in lower case, and what each is put together from."""
    found: set[str] = set()
    for file in _files(resources.files("postproc")):
        for word in WORD.findall(file.read_text(encoding="utf-8").lower()):
            found |= {word, *word.split("-")}
    return frozenset(found)


def _files(folder: Traversable) -> list[Traversable]:
    inside = sorted(folder.iterdir(), key=lambda each: each.name)
    below = [file for each in inside if each.is_dir() for file in _files(each)]
    return below + [each for each in inside if each.is_file() and each.name.endswith(TEXTS)]
