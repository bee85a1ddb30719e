"""``postproc run``: captures in, tables and findings out."""

import os
import sys
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from postproc import memory
from postproc.commands.access import access_options, deployment_given
from postproc.commands.dataset import (
    add_to_dataset,
    dataset_options,
    dataset_writable,
    print_appended,
    site_given,
)
from postproc.commands.fleet import Given, cluster, dask_option, judged_there
from postproc.commands.options import (
    COULD_NOT_RUN,
    debug_option,
    lang_option,
    one_line_errors,
    rule_names,
    tshark_option,
    zone_option,
)
from postproc.model import vocabulary
from postproc.model.text import Lang, Text

if TYPE_CHECKING:
    from postproc.files.commit import Staged
    from postproc.pipeline import Run
    from postproc.read.inputs import Unread
    from postproc.share.notebooks import Which, Written
    from postproc.show.terminal import Tell

FINDINGS = 1
SEVERITIES = ("info", "note", "warning", "error")
NOTEBOOKS = Text("writing the notebooks", "schreibe die Notebooks")
TABLES = Text("tables", "Tabellen")
PAGE, BOOKS = Text("report", "Bericht"), Text("notebooks", "Notebooks")
NO_CAPTURE = Text("no capture could be read", "kein Mitschnitt konnte gelesen werden")
KEPT = Text(
    "{path}: somebody has edited it, so it is not renewed", "{path}: von Hand geändert, daher nicht erneuert"
)
ROOT = Text(
    "run as root: captures from strangers are better read as an ordinary user",
    "als root ausgeführt: Mitschnitte von Fremden liest man besser als gewöhnlicher Benutzer",
)


@click.command("run")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=str), metavar="PATH...")
@click.option(
    "-o",
    "--out",
    default="postproc-out",
    show_default=True,
    type=click.Path(path_type=Path),
    help="Folder to write the results to.",
)
@click.option(
    "-j", "--jobs", type=click.IntRange(min=1), help="Number of captures read at a time.  [default: cores]"
)
@click.option("--csv", is_flag=True, help="Also write the tables as CSV.")
@click.option("--all-packets", is_flag=True, help="Pass every packet to tshark: slower, same events.")
@click.option(
    "--keylog",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="TLS keys (SSLKEYLOGFILE format) for SIP over TLS.",
)
@click.option(
    "--fs-log",
    "fs_logs",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="FreeSWITCH or XCC log, or a folder of logs; may be repeated.",
)
@access_options
@click.option(
    "--only",
    metavar="RULE,...",
    shell_complete=rule_names,
    help="Apply only these rules (names or codes; see `postproc rules`).",
)
@click.option(
    "--fail-on",
    type=click.Choice(["error", "warning", "note"]),
    help="Exit with 1 if there is a finding of this severity or worse.",
)
@click.option("--no-report", is_flag=True, help="Write only tables and findings.")
@click.option(
    "--notebooks",
    "books",
    type=click.Choice(["all", "faults", "none"]),
    help="Captures that get a notebook; faults: those with findings.  "
    "[default: faults; none with --no-report]",
)
@dataset_options
@dask_option
@lang_option
@zone_option
@click.option("-v", "--verbose", is_flag=True, help="Print the steps and the findings of every call.")
@click.option("-q", "--quiet", is_flag=True, help="Print only errors.")
@tshark_option
@debug_option
def run_command(
    *,
    paths: tuple[str, ...],
    out: Path,
    jobs: int | None,
    csv: bool,
    all_packets: bool,
    keylog: Path | None,
    fs_logs: tuple[Path, ...],
    deployment: str,
    acl: Path | None,
    acl_list: tuple[str, ...],
    signalling_list: tuple[str, ...],
    only: str | None,
    fail_on: str | None,
    no_report: bool,
    books: "Which | None",
    dataset: Path | None,
    site: str,
    dask: str | None,
    lang: Lang,
    tz: str,
    verbose: bool,
    quiet: bool,
    debug: bool,
) -> None:
    """Read captures and explain the calls in them.

    PATHs are captures or folders, which are searched recursively. A file that cannot be read is reported
    with the reason, and the others are read. Logs among the PATHs are used only if given with --fs-log.
    Captures unchanged since the last run into the same folder are not read again; if nothing at all has
    changed, the earlier results are shown and left as they are. Exit status: 0 done, 1 findings that
    match --fail-on, 2 could not run or no capture could be read, 130 interrupted (Ctrl-C, SIGTERM,
    SIGHUP), with the earlier results unchanged.

    With --dask and --dataset, each folder is a site named after it unless --site is given, and only the
    dataset is written. PATHs may then be URLs supported by fsspec: s3://bucket/captures/*

    \b
    Examples:
        postproc run pcaps/
        postproc run server.pcapng client.pcapng -o results --csv
        postproc run server.pcapng --fs-log XCC_FS_2026_11_22_22_38_46.log
        postproc run pcaps/ --deployment freeswitch --acl acl.conf.xml --acl-list candidates
        postproc run /captures/*/ --dask tcp://scheduler:8786 --dataset calls/
    """
    resume = f"interrupted; captures already read are kept in {out}/events: run the same command to go on"
    with one_line_errors(debug=debug, interrupted=resume):
        if not dask:
            _expect_work(paths, out, jobs)
        with memory.quick_imports():
            from postproc import pipeline
            from postproc.read import logfiles
            from postproc.read.option_files import Options
            from postproc.show import zones
            from postproc.show.terminal import watching

        memory.keep()
        zones.zone(tz)
        judged_by = deployment_given(deployment, acl, acl_list, signalling_list)
        dataset_writable(dataset, site)
        rules = rules_named(only)
        options = Options(all_packets=all_packets, keylog=keylog)
        if dask and dataset:
            if fs_logs or csv or books:
                raise click.UsageError("with --dask and --dataset there are no --fs-log, --csv, --notebooks")
            given = Given(paths, site_given(site), judged_by, options, lang, rules)
            with watching(lang, quiet=quiet) as tell, cluster(dask) as many:
                fleet_result = judged_there(
                    given, dataset, many, tell, partial(_print_unread, lang=lang, debug=debug)
                )
            if not quiet:
                print_appended(dataset, fleet_result.appended, lang)
            sys.exit(FINDINGS if as_severe(fleet_result.severities, fail_on) else 0)
        captures, found_logs = logfiles.apart(map(Path, paths)) if fs_logs else (paths, ())
        scope = books or ("none" if no_report else "faults")
        edited: list[Path] = []
        with watching(lang, quiet=quiet) as tell, cluster(dask) if dask else nullcontext() as executor:

            def beside(run: "Run", results: "Staged") -> "Sequence[Unread]":
                due = scope == "all" or (scope == "faults" and run.with_findings())
                if not due and not (results.out / "notebooks").exists():
                    return ()  # and what writes them need not be imported
                written = _notebooks(run, results, scope, tell)
                edited.extend(written.kept)
                return written.lost

            result = pipeline.run(
                captures,
                out,
                options=options,
                jobs=jobs,
                executor=executor,
                csv=csv,
                deployment=judged_by,
                fs_logs=(*fs_logs, *found_logs),
                lang=lang,
                only=rules,
                report=not no_report,
                tz=tz,
                beside=pipeline.Beside(f"notebooks: {scope}", beside),
                tell=tell,
            )
        _print_unread(result.unread, lang, debug=debug)
        if result.captures.empty:
            click.echo(f"postproc: {NO_CAPTURE.of(lang)}", err=True)
        appended = add_to_dataset(dataset, result, site)
        if not quiet:
            _print_results(
                result, out, lang, tz, verbose=verbose, report=not no_report, books=scope != "none"
            )
            _print_kept(edited, lang)
            print_appended(dataset, appended, lang)
    if result.captures.empty:
        sys.exit(COULD_NOT_RUN)
    if as_severe(result.findings["severity"], fail_on):
        sys.exit(FINDINGS)


def _expect_work(paths: Iterable[str], out: Path, jobs: int | None) -> None:
    """Have processes prepared if several captures are to be read and no earlier results may do instead."""
    from postproc import workers
    from postproc.read import inputs, processes

    if (jobs or processes.cores()) > 1 and not out.exists() and inputs.several(map(Path, paths), out):
        workers.get_ready()


def rules_named(only: str | None) -> tuple[str, ...]:
    """Return the rules named with ``--only``, without loading the others; empty without it."""
    if not only:
        return ()
    from postproc.diagnose import named

    return named(only.split(","))


def _notebooks(run: "Run", results: "Staged", which: "Which", tell: "Tell") -> "Written":
    """Write a notebook per capture within ``which``; those of an earlier run are removed."""
    from postproc.share import notebooks
    from postproc.show.terminal import Step

    if which != "none":
        tell(Step(NOTEBOOKS))
    return notebooks.write_all(run, results, which)


def _print_kept(edited: Iterable[Path], lang: Lang) -> None:
    from postproc.show.terminal import clean

    for path in edited:
        click.echo(clean(KEPT.of(lang, path=path)))


def as_severe(severities: Iterable[str], fail_on: str | None) -> bool:
    """Tell whether ``--fail-on`` is given and a finding has that severity or a worse one."""
    return bool(fail_on) and not {*SEVERITIES[SEVERITIES.index(fail_on) :]}.isdisjoint(severities)


def _print_unread(unread: Iterable["Unread"], lang: Lang, *, debug: bool) -> None:
    from postproc.show.terminal import error_line, trace

    for problem in unread:
        click.echo(error_line(problem.path, problem.reason, lang), err=True)
        if debug and problem.error:
            click.echo(trace(problem.error), err=True)


def _print_results(
    run: "Run", out: Path, lang: Lang, tz: str, *, verbose: bool, report: bool, books: bool
) -> None:
    from postproc.show import answers, calls, zones
    from postproc.show.terminal import console, folded, say, warning_lines

    screen = console(sys.stdout)
    width = screen.width if screen.is_terminal else None
    lines = calls.call_lines(run.tables)
    zone = zones.zone(tz, run.logs)
    clock = zone.label(line.start for line in lines)
    shown = calls.table(zones.shifted(lines, zone), width, lang, clock) if lines else []
    if verbose:
        shown += answers.details(run.tables, run.walks, width, lang)
    else:
        shown += answers.headlines(lines, width, lang, answers.lost_between(run.tables, lang))
    shown += answers.beside_calls(run.tables, width, lang, verbose=verbose)
    for text in shown:
        say(screen, text)
    notes = warning_lines(run.captures, lang)
    notes += answers.log_lines(
        run.logs, run.logs_beside, lang, [text_line.path for text_line in run.other_logs]
    )
    notes += answers.stray_streams(run.rtp_streams, lang)
    if len(run.captures):
        notes += [ROOT.of(lang)] * (hasattr(os, "geteuid") and os.geteuid() == 0)
        notes += [
            answers.closing(len(lines), len(run.captures), run.unchanged, lang),
            _places(out, lang, report=report, books=books),
        ]
    for line in (part for text_line in notes for part in folded(text_line, width)):
        say(screen, line)


def _places(out: Path, lang: Lang, *, report: bool, books: bool) -> str:
    from postproc.pipeline import REPORT
    from postproc.show.terminal import clean

    places = {TABLES: out / "tables", vocabulary.FINDINGS: out / "findings.json"}
    places |= {PAGE: out / REPORT} if report else {}
    places |= {BOOKS: out / "notebooks"} if books and any(out.glob("notebooks/*.ipynb")) else {}
    return clean("  ".join(f"{name.of(lang)}: {place}" for name, place in places.items()))
