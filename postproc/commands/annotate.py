"""``postproc annotate``: findings as packet comments."""

import os
from pathlib import Path

import click

from postproc.commands.language import lang_option
from postproc.commands.program import tshark_option
from postproc.commands.trouble import one_line_errors
from postproc.model.text import Lang

ENDING, LONGEST_NAME = ".annotated.pcapng", 255  # bytes, on all file systems that matter


@click.command("annotate")
@click.argument("capture", type=click.Path(path_type=Path), metavar="CAPTURE")
@click.option(
    "--findings", "results", type=click.Path(path_type=Path, exists=True, file_okay=False), metavar="OUT",
    help="Take the findings from the results of an earlier run.",
)  # fmt: skip
@click.option(
    "-o", "--out", type=click.Path(path_type=Path, dir_okay=False),
    help="File to write.  [default: CAPTURE's name, .annotated.pcapng, in the current folder]",
)  # fmt: skip
@lang_option
@tshark_option
@click.option("--debug", is_flag=True, help="Print a traceback with every error.")
def annotate_command(
    *, capture: Path, results: Path | None, out: Path | None, lang: Lang, debug: bool
) -> None:
    """Copy a capture and say at each frame, as packet comment, what was found.

    Wireshark shows the comments above the packet and filters them by
    frame.comment contains "no-binding-success". Comments already there are kept.

    \b
    Examples:
        postproc annotate server.pcapng
        postproc annotate server.pcapng --findings postproc-out -o commented.pcapng
    """
    with one_line_errors(debug=debug):
        from postproc import pipeline
        from postproc.share.annotate import annotate, name_in
        from postproc.show.terminal import clean

        run = pipeline.load(results) if results else pipeline.run([capture], lang=lang)
        target = out or default_target(capture)
        added = annotate(capture, name_in(run, capture), run.findings, target)
        click.echo(clean(f"{target}: {added} comments"))


def default_target(capture: Path) -> Path:
    """The copy's name in the current folder, no longer than a name can be."""
    room = LONGEST_NAME - len(ENDING)
    stem = os.fsencode(capture.stem)
    return Path((os.fsdecode(stem) if len(stem) <= room else stem[:room].decode(errors="ignore")) + ENDING)
