"""Commands that write about captures: ``postproc report``, ``notebook`` and ``annotate``."""

import os
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from postproc.commands.access import access_options, deployment_given
from postproc.commands.chosen import call_option, chosen, is_results, need_captures
from postproc.commands.options import call_numbers, guarded, lang_option, tshark_option, zone_option
from postproc.commands.share import hidden, looking, redact_options, say
from postproc.model.messages import in_language
from postproc.model.text import LANGS, Lang, Text

if TYPE_CHECKING:
    from postproc.pipeline import Run

CHANGED = Text(
    "the redacted captures do not lead to the same verdicts as the originals",
    "die pseudonymisierten Mitschnitte führen nicht zu denselben Urteilen wie die Originale",
)


@click.command("report")
@click.argument("results", type=click.Path(path_type=Path), metavar="OUT")
@click.option(
    "--call",
    "calls",
    multiple=True,
    type=click.IntRange(min=1),
    metavar="N",
    shell_complete=call_numbers,
    help="Only this call, with all its pictures; may be repeated.",
)
@click.option(
    "-o",
    "--out",
    "target",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="File to write.  [default: report.html in OUT; -N with --call, -redacted with --redact]",
)
@click.option(
    "--redact", is_flag=True, help="Pseudonymise numbers, names and addresses; reads the captures again."
)
@redact_options
@click.option("--lang", type=click.Choice(LANGS), show_default="the run's", help="Language of the output.")
@zone_option
@access_options
@guarded
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
    tz: str,
    deployment: str,
    acl: Path | None,
    acl_list: tuple[str, ...],
    signalling_list: tuple[str, ...],
) -> None:
    """Write the report of an earlier run as one HTML file.

    OUT is the folder with the results of the run; `postproc run` already writes a report. It needs no
    network. If the language differs from that of the run, the calls are judged again: use the deployment
    and access lists of the run.

    \b
    Examples:
        postproc report postproc-out --call 17
        postproc report postproc-out --lang de -o bericht.html
        postproc report postproc-out --redact -o for-the-vendor.html
    """
    with ExitStack() as alone:
        from postproc import pipeline
        from postproc.files import lock
        from postproc.model.errors import SetupError
        from postproc.results import SUMMARY
        from postproc.show import zones
        from postproc.show.terminal import clean, error_line

        if target is None and (results / SUMMARY).exists():  # no run may put others there meanwhile
            alone.enter_context(lock.held(results))
        zones.zone(tz)
        run = pipeline.load(results)
        other_language = lang is not None and lang != run.lang
        access_lists = (
            deployment_given(deployment, acl, acl_list, signalling_list) if other_language or redact else None
        )
        if other_language:
            run = pipeline.retold(run, lang or run.lang, access_lists)
        path = target or results / _name(calls, redacted=redact)
        try:
            if redact:
                from postproc.share.export import report

                look = looking(path, run.lang, yes=yes)
                written = report(
                    run,
                    path,
                    calls=calls,
                    deployment=access_lists,
                    key=key,
                    hidden=hidden(hide),
                    look=look,
                    tz=tz,
                )
                say(written.account, run.lang)
                if not written.same:
                    click.echo(f"postproc: {CHANGED.of(run.lang)}", err=True)
            else:
                for problem in pipeline.write_report(run, path, calls, tz=tz):
                    click.echo(error_line(problem.path, problem.reason, run.lang), err=True)
        except LookupError as error:
            raise SetupError(clean(str(error.args[0]))) from None
        click.echo(clean(str(path)))


def _name(calls: tuple[int, ...], *, redacted: bool) -> str:
    words = ["report", *map(str, calls), *(["redacted"] if redacted else [])]
    return f"{'-'.join(words)}.html"


@click.command("notebook")
@click.argument("capture", type=click.Path(path_type=Path), metavar="CAPTURE|OUT")
@call_option
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File to write.  [default: CAPTURE's name with .ipynb, in the current folder]",
)
@click.option(
    "--results",
    default="postproc-out",
    show_default=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Results of `run` to load if they include the capture; otherwise it is analysed.",
)
@click.option(
    "--fs-log",
    "fs_logs",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="FreeSWITCH or XCC log for the analysis; may be repeated.",
)
@click.option(
    "--keylog",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="TLS keys (SSLKEYLOGFILE format) for the analysis.",
)
@click.option("--execute", is_flag=True, help="Run the cells and save their output.")
@lang_option
@tshark_option
@guarded
def notebook_command(
    *,
    capture: Path,
    call: int | None,
    out: Path | None,
    results: Path,
    fs_logs: tuple[Path, ...],
    keylog: Path | None,
    execute: bool,
    lang: Lang,
) -> None:
    """Write a notebook that investigates the calls of a capture.

    The worst call comes first. The notebook loads the results of `postproc run`, or analyses the capture
    if there are none, shows legs, candidates, bindings, media and findings, and ends with questions worth
    asking next. With --call it examines that call first, by its number in the results if their folder is
    given. Open it with JupyterLab or VS Code. An edited notebook is not overwritten. --execute needs `pip
    install 'legshark[notebook]'`.

    \b
    Examples:
        postproc notebook server.pcapng
        postproc notebook postproc-out --call 4
        postproc notebook server.pcapng -o call.ipynb --execute
    """
    from postproc import pipeline
    from postproc.model.calls import no_such
    from postproc.model.errors import SetupError
    from postproc.read.option_files import Options
    from postproc.share import notebooks
    from postproc.show.terminal import clean

    if execute:
        notebooks.need_kernel()
    loaded = None
    if is_results(capture):
        results, (name, capture) = capture, next(iter(chosen([capture], call, lang).captures.items()))
        loaded = pipeline.load(results).capture(name)
    elif not fs_logs and not keylog:
        loaded = _loaded(results, capture, lang)
    target = out or notebooks.default_target(capture)
    notebooks.need_unedited(target)
    run = loaded or pipeline.run([capture], options=Options(keylog=keylog), fs_logs=fs_logs, lang=lang)
    need_captures(run, capture)
    if call is not None and call not in (numbers := sorted(run.calls["call"].dropna().astype(int))):
        raise SetupError(no_such(call, numbers))
    notebooks.write(run, target, capture, results if loaded else None, keylog, call=call)
    if execute:
        notebooks.execute(target)
    click.echo(clean(str(target)))


def _loaded(results: Path, capture: Path, lang: Lang) -> "Run | None":
    """Return the results if they are about this very capture and in this language, else None."""
    from postproc import pipeline
    from postproc.model.errors import SetupError
    from postproc.read import inputs

    try:
        run = pipeline.load(results)
        unchanged = run.captures["sha256"] == inputs.sha256(capture)
    except (SetupError, OSError):
        return None
    names = run.captures.loc[unchanged & run.captures["packets"].notna(), "capture"]
    return run.capture(names.iloc[0]) if len(names) and run.lang == lang else None


ENDING, LONGEST_NAME = ".annotated.pcapng", 255  # bytes, as on ext4, XFS and APFS


@click.command("annotate")
@click.argument("capture", type=click.Path(path_type=Path), metavar="CAPTURE|OUT")
@call_option
@click.option(
    "--findings",
    "results",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    metavar="OUT",
    help="Take the findings from the results of an earlier run.",
)
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File to write.  [default: CAPTURE's name with .annotated.pcapng, in the current folder]",
)
@lang_option
@tshark_option
@guarded
def annotate_command(
    *, capture: Path, call: int | None, results: Path | None, out: Path | None, lang: Lang
) -> None:
    """Copy a capture and add the findings as packet comments.

    Wireshark shows the comments above the packet and filters on them with frame.comment contains
    "no-binding-success". Existing comments are kept. Given the results folder of a run, every capture is
    copied; with --call only the captures with that call, with the findings on that call.

    \b
    Examples:
        postproc annotate server.pcapng
        postproc annotate postproc-out --call 4
        postproc annotate server.pcapng --findings postproc-out -o commented.pcapng
    """
    from postproc import pipeline
    from postproc.share.annotate import annotate, name_in
    from postproc.share.export import file_names
    from postproc.show.terminal import clean

    if results:
        run = pipeline.load(results)
        captures: Mapping[str, Path] = {name_in(run, capture): capture}
    else:
        selection = chosen([capture], call, lang)
        run, captures = selection.run, selection.captures
    findings = run.findings if call is None else run.findings[run.findings["call"] == call]
    targets = (
        file_names(out, captures) if out else {name: default_target(path) for name, path in captures.items()}
    )
    for name, path in captures.items():
        added = annotate(path, name, findings, targets[name])
        click.echo(clean(in_language(f"{targets[name]}: {added} comments", lang)))


def default_target(capture: Path) -> Path:
    """Return the copy's name in the current folder, cut to the longest name a file may have."""
    room = LONGEST_NAME - len(ENDING)
    stem = os.fsencode(capture.stem)
    return Path((os.fsdecode(stem) if len(stem) <= room else stem[:room].decode(errors="ignore")) + ENDING)
