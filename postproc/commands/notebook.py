"""``postproc notebook``: a Jupyter notebook about one capture."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from postproc.commands.language import lang_option
from postproc.commands.program import tshark_option
from postproc.commands.trouble import one_line_errors
from postproc.model.text import Lang

if TYPE_CHECKING:
    from postproc.pipeline import Run


@click.command("notebook")
@click.argument("capture", type=click.Path(path_type=Path))
@click.option(
    "-o", "--out", type=click.Path(path_type=Path, dir_okay=False),
    help="File to write.  [default: CAPTURE's name with .ipynb, in this folder]",
)  # fmt: skip
@click.option(
    "--results", default="postproc-out", show_default=True, type=click.Path(path_type=Path, file_okay=False),
    help="Results of `run` to load, if the capture is among them; else it is analysed.",
)  # fmt: skip
@click.option(
    "--fs-log", "fs_logs", multiple=True, type=click.Path(path_type=Path), metavar="FILE",
    help="FreeSWITCH or XCC log, to analyse with; may be given several times.",
)  # fmt: skip
@click.option(
    "--keylog", type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="TLS keys (SSLKEYLOGFILE format), to analyse with.",
)  # fmt: skip
@click.option("--execute", is_flag=True, help="Run the cells and keep their outputs.")
@lang_option
@tshark_option
@click.option("--debug", is_flag=True, help="Print a traceback with every error.")
def notebook_command(
    *,
    capture: Path,
    out: Path | None,
    results: Path,
    fs_logs: tuple[Path, ...],
    keylog: Path | None,
    execute: bool,
    lang: Lang,
    debug: bool,
) -> None:
    """Write a notebook that investigates the calls of a capture, the worst first.

    It loads the results of `postproc run` or, where there are none, analyses the
    capture, shows legs, candidates, bindings, media and findings, and ends with
    questions worth asking next. To open it: JupyterLab or VS Code. A notebook that
    was edited is not overwritten. --execute needs `pip install 'legshark[notebook]'`.

    \b
    Examples:
        postproc notebook server.pcapng
        postproc notebook server.pcapng -o call.ipynb --execute
    """
    with one_line_errors(debug=debug):
        from postproc import pipeline
        from postproc.model.errors import CaptureError
        from postproc.read.capture import Options
        from postproc.share import notebooks
        from postproc.show.terminal import clean

        if execute:
            notebooks.need_kernel()
        target = out or notebooks.default_target(capture)
        notebooks.need_unedited(target)
        known = None if fs_logs or keylog else _loaded(results, capture, lang)
        run = known or pipeline.run([capture], options=Options(keylog=keylog), fs_logs=fs_logs, lang=lang)
        if run.captures.empty:
            reason = run.unread[0].reason if run.unread else "no capture"
            raise CaptureError(clean(f"{capture}: {reason}"))
        notebooks.write(run, target, capture, results if known else None, keylog)
        if execute:
            notebooks.execute(target)
        click.echo(clean(str(target)))


def _loaded(results: Path, capture: Path, lang: Lang) -> "Run | None":
    """The results there as far as they are about this very capture and in this language; else None."""
    from postproc import pipeline
    from postproc.model.errors import SetupError
    from postproc.read import inputs

    try:
        run = pipeline.load(results)
        same = run.captures["sha256"] == inputs.sha256(capture)
    except (SetupError, OSError):
        return None
    names = run.captures.loc[same & run.captures["packets"].notna(), "capture"]
    return run.capture(names.iloc[0]) if len(names) and run.lang == lang else None
