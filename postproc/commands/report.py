"""``postproc report``: the report of an earlier run, made again, or of some of its calls."""

from pathlib import Path

import click

from postproc.commands.deployment import access_options, told
from postproc.commands.trouble import one_line_errors
from postproc.text import LANGS, Lang


@click.command("report")
@click.argument("results", type=click.Path(path_type=Path), metavar="OUT")
@click.option(
    "--call", "calls", multiple=True, type=click.IntRange(min=1), metavar="N",
    help="This call only, with all its pictures; may be given several times.",
)  # fmt: skip
@click.option(
    "-o", "--out", "target", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
    help="File to write.  [default: report.html in OUT, report-N.html with --call]",
)  # fmt: skip
@click.option("--lang", type=click.Choice(LANGS), show_default="the run's", help="Language of texts.")
@access_options
@click.option("--debug", is_flag=True, help="Print a traceback with every error.")
def report_command(
    *,
    results: Path,
    calls: tuple[int, ...],
    target: Path | None,
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
    """
    with one_line_errors(debug=debug):
        from postproc import pipeline
        from postproc.errors import SetupError
        from postproc.present.terminal import clean

        done = pipeline.load(results)
        if lang is not None and lang != done.lang:
            done = pipeline.retold(done, lang, told(deployment, acl, acl_list, signalling_list))
        path = target or results / _name(calls)
        try:
            pipeline.write_report(done, path, calls)
        except LookupError as error:
            raise SetupError(clean(str(error.args[0]))) from None
        click.echo(clean(str(path)))


def _name(calls: tuple[int, ...]) -> str:
    from postproc.pipeline import REPORT

    return f"report-{'-'.join(map(str, calls))}.html" if calls else REPORT
