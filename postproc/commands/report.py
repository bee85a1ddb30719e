"""``postproc report``: the report of an earlier run, made again, or of some of its calls."""

from contextlib import ExitStack
from pathlib import Path

import click

from postproc.commands.deployment import access_options, told
from postproc.commands.redacting import hidden, looking, redact_options, say
from postproc.commands.trouble import one_line_errors
from postproc.model.text import LANGS, Lang, Text

CHANGED = Text(
    "the redacted captures do not lead to the same verdicts as the originals",
    "die pseudonymisierten Mitschnitte führen nicht zu denselben Urteilen wie die Originale",
)


@click.command("report")
@click.argument("results", type=click.Path(path_type=Path), metavar="OUT")
@click.option(
    "--call", "calls", multiple=True, type=click.IntRange(min=1), metavar="N",
    help="This call only, with all its pictures; may be given several times.",
)  # fmt: skip
@click.option(
    "-o", "--out", "target", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
    help="File to write.  [default: report.html in OUT; -N with --call, -redacted with --redact]",
)  # fmt: skip
@click.option(
    "--redact", is_flag=True, help="Pseudonymise it: numbers, names, addresses; reads the captures again."
)
@redact_options
@click.option("--lang", type=click.Choice(LANGS), show_default="the run's", help="Language of texts.")
@access_options
@click.option("--debug", is_flag=True, help="Print a traceback with every error.")
def report_command(
    *,
    results: Path,
    calls: tuple[int, ...],
    target: Path | None,
    redact: bool,
    key: str | None,
    hide: Path | None,
    yes: bool,
    lang: Lang | None,
    deployment: str,
    acl: Path | None,
    acl_list: tuple[str, ...],
    signalling_list: tuple[str, ...],
    debug: bool,
) -> None:
    """Write the report of an earlier run: one HTML file that needs no network.

    OUT is the folder with its results; `postproc run` writes their report by itself.
    In another language than the run's, the calls are judged again: deployment and
    access lists are then to be those of the run.

    \b
    Examples:
        postproc report postproc-out --call 17
        postproc report postproc-out --lang de -o bericht.html
        postproc report postproc-out --redact -o for-the-vendor.html
    """
    with one_line_errors(debug=debug), ExitStack() as alone:
        from postproc import pipeline
        from postproc.files import lock
        from postproc.model.errors import SetupError
        from postproc.show.terminal import clean, error_line

        if target is None and (results / pipeline.SUMMARY).exists():  # no run may put others there meanwhile
            alone.enter_context(lock.held(results))
        done = pipeline.load(results)
        retell = lang is not None and lang != done.lang
        known = told(deployment, acl, acl_list, signalling_list) if retell or redact else None
        if retell:
            done = pipeline.retold(done, lang or done.lang, known)
        path = target or results / _name(calls, redacted=redact)
        try:
            if redact:
                from postproc.share.export import report

                look = looking(path, done.lang, yes=yes)
                made = report(
                    done, path, calls=calls, deployment=known, key=key, hidden=hidden(hide), look=look
                )
                say(made.account, done.lang)
                if not made.same:
                    click.echo(f"postproc: {CHANGED.of(done.lang)}", err=True)
            else:
                for left_out in pipeline.write_report(done, path, calls):
                    click.echo(error_line(left_out.path, left_out.reason), err=True)
        except LookupError as error:
            raise SetupError(clean(str(error.args[0]))) from None
        click.echo(clean(str(path)))


def _name(calls: tuple[int, ...], *, redacted: bool) -> str:
    words = ["report", *map(str, calls), *(["redacted"] if redacted else [])]
    return f"{'-'.join(words)}.html"
