"""The language of a command: that of ``--lang``, wherever it is on the command line, else the locale's.

Commands are written in English. A German one is a copy with the texts of ``postproc.commands.german``, which
has click's own texts, too.
"""

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from itertools import pairwise
from typing import IO, Any, TypeVar

import click

from postproc.model.text import LANGS, Lang

VARIABLES = ("LC_ALL", "LC_MESSAGES", "LANG")  # the first that is set decides (POSIX, section 8.2)
OPTION = "--lang"

Command = TypeVar("Command", bound=click.Command)


def locale_language(environment: Mapping[str, str] | None = None) -> Lang:
    """Return ``de`` in a German locale, else ``en``; ``environment`` defaults to the process's."""
    environment = os.environ if environment is None else environment
    locale = next((environment[name] for name in VARIABLES if environment.get(name)), "")
    return "de" if locale.lower().split("_")[0].split(".")[0] == "de" else "en"


def asked_for(args: Sequence[str]) -> Lang:
    """Return the language for a command line that is not parsed yet, so that errors are in it, too."""
    for word, following in pairwise((*args, "")):
        if word == "--":
            break
        value = following if word == OPTION else word.removeprefix(f"{OPTION}=")
        if value in LANGS and word.startswith(OPTION):
            return value
    return locale_language()


class _GermanFormatter(click.HelpFormatter):
    """Help with click's own texts in German: headings, placeholders, defaults."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        super().write_usage(prog, _placeholders(args), "Aufruf: " if prefix is None else prefix)

    def write_heading(self, heading: str) -> None:
        super().write_heading({"Options": "Optionen", "Commands": "Befehle"}.get(heading, heading))

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        from postproc.commands.german import OPTIONS

        german = [(_placeholders(name), OPTIONS.get(text, _brackets(text))) for name, text in rows]
        super().write_dl(german, col_max, col_spacing)


class _GermanContext(click.Context):
    formatter_class = _GermanFormatter


class Speaking(click.Group):
    """The command line; commands, their help and click's errors are in the requested language."""

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,  # noqa: ANN401  (as click has it)
    ) -> click.Context:
        lang = asked_for(args)
        with _complaints(lang):
            return click.Group.make_context(_in_language(self, lang, ""), info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> object:
        with _complaints(_language_of(ctx)):
            return super().invoke(ctx)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        command = super().get_command(ctx, cmd_name)
        return command and _in_language(command, _language_of(ctx), cmd_name)


def spoken() -> Lang:
    """Return the language of the running command, else the locale's."""
    context = click.get_current_context(silent=True)
    return _language_of(context) if context else locale_language()


def _language_of(context: click.Context) -> Lang:
    return "de" if isinstance(context.find_root(), _GermanContext) else "en"


@contextmanager
def _complaints(lang: Lang) -> Iterator[None]:
    """Translate click's errors."""
    try:
        yield
    except click.exceptions.NoArgsIsHelpError:
        raise
    except (click.ClickException, click.Abort) as error:
        if lang == "en":
            raise
        raise (_Aborted if isinstance(error, click.Abort) else _Complaint)(error) from error


class _Complaint(click.ClickException):
    """A click error in German."""

    exit_code = 2

    def __init__(self, error: click.ClickException | click.Abort) -> None:
        from postproc.commands.german import CLICK
        from postproc.model.messages import MESSAGES, in_language

        self.english = error
        english_text = error.format_message() if isinstance(error, click.ClickException) else "Aborted!"
        super().__init__(_placeholders(in_language(english_text, "de", (*CLICK, *MESSAGES))))

    def show(self, file: IO[Any] | None = None) -> None:
        context = getattr(self.english, "ctx", None)
        if context:
            click.echo(context.get_usage(), file=file, err=file is None)
            click.echo(f"Hilfe mit: {context.command_path} -h\n", file=file, err=file is None)
        click.echo(f"Fehler: {self.message}", file=file, err=file is None)


class _Aborted(_Complaint):
    exit_code = 1


def _in_language(command: Command, lang: Lang, path: str) -> Command:
    """Return a copy of the command, and of its subcommands, in the language."""
    if lang == "en":
        return command
    from postproc.commands.german import COMMANDS, OPTIONS

    translated = copy(command)
    translated.context_class = _GermanContext
    if command.help and path in COMMANDS:
        _, plural, examples = re.split(r"Example(s?):", f"{command.help}Example:")[:3]
        translated.help = (
            f"{COMMANDS[path]}\n\n    \b\n    {'Beispiele' if plural else 'Beispiel'}:{examples}"
        )
    if isinstance(translated, click.Group) and path:
        translated.commands = {
            name: _in_language(item, lang, f"{path} {name}") for name, item in translated.commands.items()
        }
    translated.params = [_option(item, OPTIONS) for item in command.params]
    return translated


def _option(parameter: click.Parameter, texts: Mapping[str, str]) -> click.Parameter:
    translated = copy(parameter)
    if isinstance(translated, click.Option) and translated.help:
        translated.help = texts.get(translated.help, translated.help)
    return translated


def _placeholders(text: str) -> str:
    from postproc.commands.german import PLACEHOLDERS

    words = "|".join(map(re.escape, sorted(PLACEHOLDERS, key=len, reverse=True)))
    return re.sub(rf"(?<![\w-])(?:{words})(?![\w-])", lambda match: PLACEHOLDERS[match[0]], text)


def _brackets(text: str) -> str:
    """Translate what click appends to a help text in brackets."""
    from postproc.commands.german import BRACKETS

    head, bracket, inside = text.rpartition("[")
    if not bracket or not inside.endswith("]"):
        return text
    for english, german in BRACKETS.items():
        inside = re.sub(rf"(^|; ){re.escape(english)}", rf"\g<1>{german}", inside)
    return f"{head}[{inside}"
