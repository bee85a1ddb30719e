"""What --redact asks and says: words to hide, what a person has to look at, what was replaced."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from postproc.model.text import Lang, Text

if TYPE_CHECKING:
    from postproc.share.account import Account, Look

STOPPED = Text(
    "nothing was written: {count} of the words that would stay are in no dictionary; read {path}, then go on"
    " with --yes, or with --hide {path} to have replaced what you leave in it",
    "nichts geschrieben: {count} der Wörter, die stehen bleiben würden, sind in keinem Wörterbuch; {path}"
    " durchsehen, dann weiter mit --yes oder mit --hide {path}: Was noch darin steht, wird ersetzt",
)
DECLINED = Text(
    "nothing was written; delete in {path} what may stay, then give --hide {path}",
    "nichts geschrieben; in {path} löschen, was stehen bleiben darf, dann --hide {path} angeben",
)
ASKED = Text("Do they name nobody? Go on", "Verraten sie niemanden? Weiter")
LISTED = Text(
    "# These words would stay as they are, and no dictionary knows them.\n"
    "# Delete the lines of those that may stay, and give this file back with --hide: the others\n"
    "# are replaced. Behind each: how often it stands where.\n",
    "# Diese Wörter würden stehen bleiben, und kein Wörterbuch kennt sie.\n"
    "# Die Zeilen derer löschen, die stehen bleiben dürfen, und die Datei mit --hide angeben:\n"
    "# Die übrigen werden ersetzt. Dahinter: wie oft und wo sie stehen.\n",
)
WORDS = ".words.txt"


def redact_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that go with its --redact."""
    for option in (
        click.option(
            "--yes", is_flag=True, help="With --redact: do not ask about words that no dictionary knows."
        ),
        click.option(
            "--hide", type=click.Path(path_type=Path, exists=True, dir_okay=False), metavar="FILE",
            help="With --redact: words to be replaced, too, one in a line.",
        ),
        click.option("--key", help="Key of the pseudonyms, to have several files agree.  [default: random]"),
    ):  # fmt: skip
        command = option(command)
    return command


def hidden(path: Path | None) -> list[str]:
    """The words of a file given with --hide; SetupError when it is no text."""
    from postproc.model.errors import SetupError
    from postproc.read.inputs import said

    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines() if path else []
    except OSError as error:
        raise SetupError(f"{path}: {said(error)}") from error
    except UnicodeDecodeError:
        raise SetupError(f"{path}: no text in UTF-8") from None
    words = (line.partition("\t")[0].strip() for line in lines if not line.startswith("#"))
    return [word for word in words if word]


def looking(target: Path, lang: Lang, *, yes: bool) -> "Look":
    """Have a person look at what stays though no dictionary knows it: asked on a terminal, else stopped."""

    def look(account: "Account") -> None:
        if yes or not account.words:
            return
        from postproc.model.errors import SetupError

        path = _listed(account, target, lang)
        if not _somebody_there():
            raise SetupError(STOPPED.of(lang, count=len(account.words), path=path))
        say(account, lang)
        if not click.confirm(ASKED.of(lang), err=True):
            raise SetupError(DECLINED.of(lang, path=path))
        path.unlink(missing_ok=True)

    return look


def say(account: "Account | None", lang: Lang) -> None:
    """Print what was replaced and what remains, on stderr: what was written goes to stdout."""
    from postproc.share.account import lines
    from postproc.show.terminal import console, folded
    from postproc.show.terminal import say as say_line

    screen = console(sys.stderr)
    width = screen.width if screen.is_terminal else None
    for line in (part for each in lines(account, lang) for part in folded(each, width)) if account else ():
        say_line(screen, line)


def _listed(account: "Account", target: Path, lang: Lang) -> Path:
    """Write the words beside the target, one in a line."""
    from postproc.share.account import in_order
    from postproc.share.copying import replacing
    from postproc.show.terminal import clean

    path = target.with_name(f"{target.stem}{WORDS}")
    with replacing(path) as file:
        file.write(LISTED.of(lang).encode())
        for word in in_order(account.words):
            where = ", ".join(
                f"{words[word]} {name}" for name, words in account.unjudged.items() if word in words
            )
            file.write(f"{clean(word)}\t{where}\n".encode(errors="replace"))
    return path


def _somebody_there() -> bool:
    """Whether a person can be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()
