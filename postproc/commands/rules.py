"""``postproc rules`` and ``postproc explain``: the known error pictures, and one of them whole."""

import sys

import click

from postproc.commands.language import lang_option
from postproc.commands.trouble import one_line_errors
from postproc.text import Lang


@click.command("rules")
@lang_option
def rules_command(*, lang: Lang) -> None:
    """List the error pictures that a run looks for.

    \b
    Example:
        postproc rules
    """
    from postproc.diagnose import RULES
    from postproc.present.catalogue import listing
    from postproc.present.terminal import console, say

    screen = console(sys.stdout)
    for line in listing(RULES, lang):
        say(screen, line)


@click.command("explain")
@click.argument("rule")
@lang_option
@click.option("--debug", is_flag=True, help="Print a traceback with every error.")
def explain_command(*, rule: str, lang: Lang, debug: bool) -> None:
    """Explain an error picture: what it claims, causes, remedies, references.

    RULE is its name or its code.

    \b
    Examples:
        postproc explain no-binding-success
        postproc explain ICE001 --lang de
    """
    with one_line_errors(debug=debug):
        from postproc.diagnose import BY_NAME, named
        from postproc.present.catalogue import explained
        from postproc.present.terminal import console, say

        (name,) = named([rule])
        screen = console(sys.stdout)
        for line in explained(BY_NAME[name], lang, screen.width if screen.is_terminal else None):
            say(screen, line)
