"""Arguments in, exit status out. What needs pandas is imported where it is used."""

import atexit
import os
import signal
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from postproc.errors import PostprocError
from postproc.version import __version__

if TYPE_CHECKING:
    from postproc.pipeline import Run

COULD_NOT_RUN, INTERRUPTED = 2, 130


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, "--version", "-V", prog_name="postproc")
def cli() -> None:
    """Say, per call in packet captures, what became of legs, candidates, bindings and media.

    \b
    Example:
        postproc run pcaps/
    """


@contextmanager
def one_line_errors(*, debug: bool = False, interrupted: str = "interrupted") -> Iterator[None]:
    """Turn what stops a command into one line on stderr and its exit status."""
    try:
        yield
    except PostprocError as error:
        if debug:
            traceback.print_exc()
        click.echo(f"postproc: {error}", err=True)
        sys.exit(COULD_NOT_RUN)
    except KeyboardInterrupt:
        click.echo(f"postproc: {interrupted}", err=True)
        if threading.active_count() > 1:  # a capture is being read in this process: not waited for
            atexit._run_exitfuncs()  # removes its temporary files
            os._exit(INTERRUPTED)
        sys.exit(INTERRUPTED)


@cli.command("run")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="PATH...")
@click.option(
    "-o", "--out", default="postproc-out", show_default=True, type=click.Path(path_type=Path),
    help="Folder for the results.",
)  # fmt: skip
@click.option("-j", "--jobs", type=click.IntRange(min=1), help="Captures read at a time.  [default: cores]")
@click.option("--csv", is_flag=True, help="Write the tables as CSV, too.")
@click.option("--all-packets", is_flag=True, help="Show tshark every packet: slower, the same events.")
@click.option(
    "--keylog", type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="TLS keys (SSLKEYLOGFILE format), to read SIP over TLS.",
)  # fmt: skip
@click.option("-q", "--quiet", is_flag=True, help="Print errors only.")
@click.option("--debug", is_flag=True, help="Print a traceback with every error.")
def run_command(
    *,
    paths: tuple[Path, ...],
    out: Path,
    jobs: int | None,
    csv: bool,
    all_packets: bool,
    keylog: Path | None,
    quiet: bool,
    debug: bool,
) -> None:
    """Read captures and write what became of the calls in them.

    PATHs are captures and folders, which are searched with all that is below them.
    A file that cannot be read is named with its reason and the others are read.
    Captures unchanged since the last run into the same folder are not read again.
    Exit status: 0 done, 2 could not run or no capture could be read.

    \b
    Examples:
        postproc run pcaps/
        postproc run server.pcapng client.pcapng -o results --csv
    """
    resume = f"interrupted; captures already read are kept in {out}/events: run the same command to go on"
    with one_line_errors(debug=debug, interrupted=resume):
        from postproc import batch, pipeline
        from postproc.present.progress import watching
        from postproc.read.capture import Options

        batch.keep_memory()
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # who stops a batch may go on, too
        options = Options(all_packets=all_packets, keylog=keylog)
        with watching(quiet=quiet) as tell:
            done = pipeline.run(paths, out, options=options, jobs=jobs, csv=csv, tell=tell)
        _print_unread(done, debug=debug)
        if not quiet:
            _print_results(done, out)
    if done.captures.empty:
        sys.exit(COULD_NOT_RUN)


def _print_unread(done: "Run", *, debug: bool) -> None:
    from postproc.present.terminal import error_line

    for left_out in done.unread:
        click.echo(error_line(left_out.path, left_out.reason), err=True)
        if debug and left_out.error:
            traceback.print_exception(left_out.error)
    if done.captures.empty:
        click.echo("postproc: no capture could be read", err=True)


def _print_results(done: "Run", out: Path) -> None:
    from postproc.present import calls, overview
    from postproc.present.terminal import console, say, warning_lines

    screen = console(sys.stdout)
    lines = overview.lines(done.tables)
    for row in calls.table(lines, screen.width if screen.is_terminal else None) if lines else []:
        say(screen, row)
    for warning in warning_lines(done.captures):
        say(screen, warning)
    if done.captures.empty:
        return
    counted = f"{_many(len(lines), 'call')} in {_many(len(done.captures), 'capture')}"
    cached = f" ({done.unchanged} unchanged, not read again)" if done.unchanged else ""
    say(screen, counted + cached)
    say(screen, f"tables: {out / 'tables'}  summary: {out / 'summary.json'}")


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'s' * (count != 1)}"


@cli.command("tables")
@click.argument("name", required=False)
@click.option("--json", "form", flag_value="json", help="As JSON.")
@click.option("--markdown", "form", flag_value="markdown", help="As Markdown.")
def tables_command(name: str | None, form: str | None) -> None:
    """Print the tables a run writes, or the columns of one.

    \b
    Examples:
        postproc tables
        postproc tables bindings
        postproc tables --json
    """
    from postproc.present import schema
    from postproc.present.terminal import console
    from postproc.tables import BY_NAME

    if name and name not in BY_NAME:
        raise click.BadParameter(f"no table {name!r}; there are {', '.join(BY_NAME)}", param_hint="NAME")
    chosen = [BY_NAME[name]] if name else list(BY_NAME.values())
    screen = console(sys.stdout)
    width = screen.width if screen.is_terminal else None
    if form == "json":
        click.echo(schema.as_json(chosen))
    elif form == "markdown":
        click.echo(schema.as_markdown(chosen))
    elif name:
        click.echo(schema.as_text(chosen, width))
    else:
        click.echo(schema.as_names(chosen, width))


@cli.command("doctor")
def doctor_command() -> None:
    """Say whether this machine is fit to read captures.

    Looks for tshark and what belongs to it, the fields and preferences that are
    needed, and disk space for temporary files.
    Exit status: 0 fit, 2 not fit.

    \b
    Example:
        postproc doctor
    """
    from postproc.read.doctor import checks

    found = checks()
    width = max(len(check.name) for check in found)
    for check in found:
        click.echo(f"{check.state:5}  {check.name:{width}}  {check.detail}")
        if check.remedy:
            click.echo(f"{'':5}  {'':{width}}  -> {check.remedy}")
    if any(check.state == "fault" for check in found):
        sys.exit(COULD_NOT_RUN)
