"""``postproc rules`` and ``postproc explain``: the known error pictures, and one of them whole."""

import sys
from pathlib import Path

import click

from postproc.commands.language import lang_option
from postproc.commands.trouble import one_line_errors
from postproc.model.text import Lang


@click.command("rules")
@click.option(
    "--matrix", type=click.Path(exists=True, path_type=Path), metavar="PATH",
    help="As Markdown, with the captures in PATH and which rule fires on which.",
)  # fmt: skip
@lang_option
@click.option("--debug", is_flag=True, help="Print a traceback with every error.")
def rules_command(*, matrix: Path | None, lang: Lang, debug: bool) -> None:
    """List the error pictures that a run looks for.

    \b
    Examples:
        postproc rules
        postproc rules --matrix pcaps/ > docs/RULES.md
    """
    from postproc.diagnose import RULES
    from postproc.show.documents import rule_list, rules_page
    from postproc.show.terminal import console, say

    if matrix is not None:
        with one_line_errors(debug=debug):
            from postproc import pipeline

            ran = pipeline.run([matrix])
            click.echo(rules_page(RULES, ran.findings, ran.captures["capture"]), nl=False)
        return
    screen = console(sys.stdout)
    for line in rule_list(RULES, lang):
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
        from postproc.show.documents import rule_explained
        from postproc.show.terminal import console, say

        (name,) = named([rule])
        screen = console(sys.stdout)
        for line in rule_explained(BY_NAME[name], lang, screen.width if screen.is_terminal else None):
            say(screen, line)
