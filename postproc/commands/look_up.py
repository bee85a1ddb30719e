"""Commands that look something up: tables, rules, a capture's filters, the state of this machine."""

import sys
from pathlib import Path

import click

from postproc.commands.chosen import need_captures
from postproc.commands.language import spoken
from postproc.commands.options import (
    COULD_NOT_RUN,
    call_numbers,
    guarded,
    lang_option,
    one_line_errors,
    rule_names,
    tshark_option,
)
from postproc.model.messages import in_language
from postproc.model.text import Lang


@click.command("tables")
@click.argument("name", required=False)
@click.option("--json", "form", flag_value="json", help="Print JSON.")
@click.option("--markdown", "form", flag_value="markdown", help="Print Markdown.")
def tables_command(name: str | None, form: str | None) -> None:
    """Print the tables that a run writes, or the columns of one.

    \b
    Examples:
        postproc tables
        postproc tables bindings
        postproc tables --json
    """
    from postproc.model.tables import BY_NAME
    from postproc.show import documents
    from postproc.show.terminal import console

    if name and name not in BY_NAME:
        raise click.BadParameter(f"no table {name!r}; there are {', '.join(BY_NAME)}", param_hint="NAME")
    chosen = [BY_NAME[name]] if name else list(BY_NAME.values())
    screen = console(sys.stdout)
    width = screen.width if screen.is_terminal else None
    if form == "json":
        click.echo(documents.tables_as_json(chosen))
    elif form == "markdown":
        click.echo(documents.tables_as_markdown(chosen))
    elif name:
        click.echo(documents.tables_as_text(chosen, width))
    else:
        click.echo(documents.tables_as_names(chosen, width))


@click.command("rules")
@click.argument("words", nargs=-1, metavar="[WORD]...")
@click.option(
    "--matrix",
    type=click.Path(exists=True, path_type=Path),
    metavar="PATH",
    help="Print as Markdown which rule fires on which capture in PATH, with the logs beside them.",
)
@click.option("--markdown", is_flag=True, help="Print the rules with their claims as Markdown.")
@lang_option
@guarded
def rules_command(*, words: tuple[str, ...], matrix: Path | None, markdown: bool, lang: Lang) -> None:
    """List the error pictures that a run looks for.

    They are in the order of the chain: if several steps fail, the first one is the cause. With WORDs,
    list only the rules whose line or stage contains all of them. How severe a rule's finding is depends
    on the call.

    \b
    Examples:
        postproc rules
        postproc rules nat
        postproc rules --markdown > docs/RULES.md
        postproc rules --matrix pcaps/ > docs/RULES-MATRIX.md
    """
    from postproc.diagnose.rules import RULES
    from postproc.show.documents import rule_list, rules_matrix, rules_page
    from postproc.show.terminal import console, say

    if matrix is not None:
        from postproc import pipeline
        from postproc.read import inputs, logfiles

        logs, _ = logfiles.beside(capture.path for capture in inputs.find([matrix])[0])
        run = pipeline.run([matrix], fs_logs=logs)
        click.echo(rules_matrix(RULES, run.findings, run.captures["capture"]), nl=False)
        return
    if markdown:
        click.echo(rules_page(RULES), nl=False)
        return
    screen = console(sys.stdout)
    for line in rule_list(RULES, lang, words):
        say(screen, line)


@click.command("explain")
@click.argument("rule", shell_complete=rule_names)
@lang_option
@guarded
def explain_command(*, rule: str, lang: Lang) -> None:
    """Explain an error picture, its causes and remedies.

    RULE is its name or code.

    \b
    Examples:
        postproc explain no-binding-success
        postproc explain ICE001 --lang de
    """
    from postproc.diagnose import named
    from postproc.diagnose.rules import BY_NAME, RULES
    from postproc.show.documents import rule_explained
    from postproc.show.terminal import console, say

    (name,) = named([rule])
    screen = console(sys.stdout)
    for line in rule_explained(BY_NAME[name], RULES, lang, screen.width if screen.is_terminal else None):
        say(screen, line)


@click.command("filter")
@click.argument("capture", type=click.Path(path_type=Path), metavar="CAPTURE|OUT")
@click.option(
    "--call",
    type=click.IntRange(min=1),
    metavar="N",
    shell_complete=call_numbers,
    help="Only this call, by its number.",
)
@lang_option
@tshark_option
@guarded
def filter_command(*, capture: Path, call: int | None, lang: Lang) -> None:
    """Print each call's display filter and a sheet for the firewall.

    The filter matches all legs of the call, its STUN, DTLS and media, and needs no plug-in. For the
    firewall: first the port of the server's candidate, then every pair of addresses and ports with times,
    in words and as filters for Wireshark and tcpdump. If the results folder of an earlier run is given,
    calls keep their numbers from that run.

    \b
    Examples:
        postproc filter call.pcapng
        postproc filter postproc-out --call 4
        postproc filter call.pcapng --call 2
    """
    from postproc import pipeline
    from postproc.model.calls import no_such
    from postproc.model.errors import SetupError
    from postproc.show import calls, firewall, handout, selection
    from postproc.show.terminal import clean, console, say

    run = pipeline.given([capture])
    need_captures(run, capture)
    lines = {line.call: line for line in calls.call_lines(run.tables)}
    if call is not None and call not in lines:
        raise SetupError(no_such(call, sorted(lines)))
    display, holes = selection.call_filters(run.tables), firewall.holes(run.tables)
    screen = console(sys.stdout)
    chosen = [lines[call]] if call is not None else list(lines.values())
    for n, line in enumerate(chosen):
        if n:
            say(screen, "")
        filters = display.get(line.call, ""), holes.get(line.call)
        for text in handout.handout(line, *filters, lang, of_several=len(run.captures) > 1):
            say(screen, clean(text))
    if not chosen:
        click.echo(f"postproc: {handout.NO_CALLS.of(lang)}", err=True)


@click.command("doctor")
@tshark_option
def doctor_command() -> None:
    """Check whether this machine is able to read captures.

    Looks for tshark and its companions, the fields and preferences required, and disk space for temporary
    files. Exit status: 0 ready, 2 not ready.

    \b
    Example:
        postproc doctor
    """
    from postproc.read.doctor import checks

    with one_line_errors():
        results = checks()
    width, lang = max(len(check.name) for check in results), spoken()
    for check in results:
        click.echo(f"{check.state:5}  {check.name:{width}}  {in_language(check.detail, lang)}")
        if check.remedy:
            click.echo(f"{'':5}  {'':{width}}  -> {in_language(check.remedy, lang)}")
    if any(check.state == "fault" for check in results):
        sys.exit(COULD_NOT_RUN)
