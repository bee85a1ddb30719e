"""``postproc checklist``: the guide's first chart, walked in the terminal, up to the ticket."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from postproc.commands.asking import YES, confirmed, picked
from postproc.commands.chosen import chosen, is_results
from postproc.commands.config import ROLES
from postproc.commands.interrupts import INTERRUPTED
from postproc.commands.options import guarded, lang_option
from postproc.model.messages import in_language
from postproc.model.text import Lang, Text, clean
from postproc.model.vocabulary import STATES

if TYPE_CHECKING:
    from postproc.model.tables import Tables
    from postproc.model.wayin import ChartStep, StepId
    from postproc.wayin.evidence import Answers
    from postproc.wayin.walk import Personal

HOW = Text("y yes, n no, ? do not know, q stop here", "j ja, n nein, ? weiß nicht, q hier aufhören")
HOW_DEVICES = Text(
    "y on both, i on iOS only, n on neither, ? do not know, q stop here",
    "j unter beiden, i nur unter iOS, n unter keinem, ? weiß nicht, q hier aufhören",
)
INSIDE = Text("Does the same work in the company's Wi-Fi?", "Geht dasselbe im WLAN der Firma?")
GO_ON = Text("Go on with the next step all the same?", "Trotzdem mit dem nächsten Schritt weiter?")
RESUME = Text(
    "kept in {path}; the same command goes on there",
    "in {path} aufgehoben; derselbe Befehl macht dort weiter",
)
WRITTEN = Text("{path}: the checklist, for the ticket", "{path}: die Checkliste, für das Ticket")
PACK = Text("Pack the ticket {path} now?", "Jetzt das Ticket {path} packen?")
PACKED = Text("{path}: the ticket, with the checklist", "{path}: das Ticket, mit der Checkliste")
TICKET = Text(
    "For the ticket (an empty line leaves it open):", "Für das Ticket (eine leere Zeile lässt es offen):"
)
TODO = Text("what to do: {text}", "Abhilfe: {text}")


class _StoppedError(Exception):
    """The user wants no more questions."""


@click.command("checklist")
@click.argument("out", required=False, type=click.Path(path_type=Path), metavar="[OUT]")
@click.option(
    "--config",
    "files",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Configuration file to check; may be repeated.",
)
@click.option("--role", type=click.Choice(ROLES), help="Where the program that reads the files runs.")
@click.option(
    "--url", "urls", multiple=True, metavar="URL", help="Public URL for the settings; may be repeated."
)
@click.option(
    "--probe",
    "probes",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Output of `probe --json`; may be repeated.",
)
@click.option(
    "--state",
    default="checklist.json",
    show_default=True,
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File to keep the answers in.",
)
@click.option(
    "-o",
    "--write",
    default="checklist.md",
    show_default=True,
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File to write.",
)
@click.option(
    "--ticket",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Ticket to pack at the end from the captures of OUT.",
)
@click.option("--no-ask", is_flag=True, help="Do not ask: unanswered steps stay open.")
@lang_option
@guarded
def checklist_command(
    *,
    out: Path | None,
    files: tuple[Path, ...],
    role: str | None,
    urls: tuple[str, ...],
    probes: tuple[Path, ...],
    state: Path,
    write: Path,
    ticket: Path | None,
    no_ask: bool,
    lang: Lang,
) -> None:
    """Work through the guide's checklist for the way into the app.

    The steps are those of its first flow chart: is the way open, and is everything configured?

    Steps are answered from the results of a run in OUT, from configuration files and from the output of a
    probe as far as these tell; otherwise you are asked. Answers are saved: run the command again to
    continue where you stopped. It ends with a checklist for the ticket, and the ticket itself. Exit
    status: 0 done, 2 could not run, 130 stopped with Ctrl-C.

    \b
    Examples:
        postproc checklist
        postproc checklist postproc-out --config appsettings.json --role iis-in-dmz
        postproc checklist --probe probe.json --no-ask -o way-in.md
    """
    from postproc.model.errors import SetupError
    from postproc.model.tables import Tables
    from postproc.wayin.walk import markdown, read_personal, told_tests, walked

    if ticket and out is None:
        raise SetupError("--ticket needs the folder with the results of a run")
    if out is not None and not is_results(out):
        raise SetupError(f"{out}: not the folder with the results of a run")
    personal = read_personal(state)
    evidence, tables = _evidence(out, files, role, urls, probes, lang)
    until = None
    try:
        until = _walk(evidence, personal, state, lang, ask=not no_ask)
        if not no_ask:
            _ticket_questions(personal, state, lang)
    except (_StoppedError, click.Abort) as stopped:
        _say(RESUME.of(lang, path=state))
        sys.exit(INTERRUPTED if isinstance(stopped, click.Abort) else 0)
    steps = walked(evidence, personal, lang, until)
    if tests := told_tests(steps, lang):
        _say(tests)
    _write(write, markdown(steps, lang), tables or Tables(), personal, lang)
    _say(WRITTEN.of(lang, path=write))
    if out and not no_ask and ticket is None and confirmed(PACK.of(lang, path="ticket.zip"), lang):
        ticket = Path("ticket.zip")
    if out and ticket:
        _pack(out, ticket, write, personal, lang)


def _say(line: str) -> None:
    click.echo(clean(line))


def _evidence(  # noqa: PLR0917
    out: Path | None,
    files: tuple[Path, ...],
    role: str | None,
    urls: tuple[str, ...],
    probes: tuple[Path, ...],
    lang: Lang,
) -> "tuple[Answers, Tables | None]":
    """Return the answers of a run, configuration files and probes; and the run's tables, or None."""
    from postproc import pipeline
    from postproc.config import check
    from postproc.config.problems import Role
    from postproc.wayin import evidence

    tables = pipeline.load(out).tables if out else None
    checked, unread = check.check(files, Role(role) if role else None, urls)
    for error in unread:
        click.echo(clean(f"postproc: {in_language(str(error), lang)}"), err=True)
    for file in checked:
        if file.broken:
            place = f"{file.source.name}:{file.broken.line}:{file.broken.column}"
            click.echo(clean(f"postproc: {place}: {file.broken.why.of(lang)}"), err=True)
    of_probes = [evidence.of_probe(evidence.read_probe(path)) for path in probes]
    of_run = evidence.of_run(tables, lang) if tables else {}
    return evidence.together(of_run, evidence.of_config(checked, lang), *of_probes), tables


def _walk(
    evidence: "Answers", personal: "Personal", state: Path, lang: Lang, *, ask: bool
) -> "StepId | None":
    """Walk the steps.

    Return the one at which the user stops after a failure, None at the end of the chart.
    """
    from postproc.model.wayin import FIRST_CHART
    from postproc.wayin.walk import answered

    for number, step in enumerate(FIRST_CHART, 1):
        _say(f"{number}/{len(FIRST_CHART)}  {step.question.of(lang)}")
        answer = answered(step.id, evidence, personal, lang)
        for text in answer.said:
            _say(f"      {text}")
        if ask and answer.state == "cannot_tell" and step.id not in personal.steps:
            _ask(step, personal, state, lang)
            answer = answered(step.id, evidence, personal, lang)
        _say(f"      {STATES[answer.state].of(lang)}")
        if answer.state != "failed":
            continue
        for text in answer.todo:
            _say(f"      {TODO.of(lang, text=text)}")
        if ask and step is not FIRST_CHART[-1] and not confirmed(GO_ON.of(lang), lang, default=True):
            return step.id
    return None


def _ask(step: "ChartStep", personal: "Personal", state: Path, lang: Lang) -> None:
    """Ask about one step, and save the answer at once."""
    from postproc.wayin.walk import INSIDE_ASKED

    devices = step.id == "devices"
    letters = [YES.of(lang), *(["i"] if devices else []), "n", "?", "q"]
    legend = (HOW_DEVICES if devices else HOW).of(lang)
    typed = picked(f"      ({legend})", {letter: letter for letter in letters}, lang)
    if typed == "q":
        raise _StoppedError
    personal.steps[step.id] = "passed" if typed == letters[0] else "cannot_tell" if typed == "?" else "failed"
    personal.notes.pop(step.id, None)
    if typed == "i":
        personal.notes[step.id] = "ios_only"
    if typed == "n" and step.id in INSIDE_ASKED:
        inside = confirmed(f"      {INSIDE.of(lang)}", lang, default=None)
        personal.notes[step.id] = "works_inside" if inside else "fails_inside"
    personal.write(state)


def _ticket_questions(personal: "Personal", state: Path, lang: Lang) -> None:
    """Ask the ticket's questions that no capture answers, as `ticket --ask` does."""
    from postproc.show.checklist import ASKED, QUESTIONS

    open_questions = [
        question for question in QUESTIONS if question.key in ASKED and question.key not in personal.ticket
    ]
    if open_questions:
        _say(TICKET.of(lang))
    for question in open_questions:
        personal.ticket[question.key] = click.prompt(
            question.text.of(lang), default="", show_default=False, err=True
        )
        personal.write(state)


def _write(path: Path, walk: str, tables: "Tables", personal: "Personal", lang: Lang) -> None:
    """Write the walk, and below it the ticket's questions with their answers."""
    from postproc.share.copying import replacing
    from postproc.show import checklist

    answered = checklist.answers(tables, {}, personal.ticket, lang)
    with replacing(path) as file:
        file.write(f"{walk}\n{checklist.markdown(answered, lang)}".encode(errors="replace"))


def _pack(out: Path, ticket: Path, checklist_file: Path, personal: "Personal", lang: Lang) -> None:
    """Pack the ticket with the captures and logs of a run and the checklist."""
    from postproc.read.inputs import located
    from postproc.share import ticket as tickets

    selection = chosen([out], None, lang)
    logs = [located(path) for path in selection.run.logs["path"]]
    order = tickets.Order(
        tuple(selection.captures.values()),
        logs,
        [checklist_file],
        {k: v for k, v in personal.ticket.items() if v},
        lang=lang,
    )
    for warning in tickets.ticket(order, ticket).warnings:
        click.echo(clean(f"postproc: {in_language(warning, lang)}"), err=True)
    _say(PACKED.of(lang, path=ticket))
