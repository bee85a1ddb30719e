"""``postproc compare`` and ``postproc merge``: captures of one call at several places."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from postproc.commands.options import guarded, lang_option, tshark_option
from postproc.model.errors import SetupError
from postproc.model.text import Lang, Text

if TYPE_CHECKING:
    from postproc.results import Run

MERGED = Text(
    "{path}: {packets} packets of {captures} captures, {lost} of them not seen at the next place",
    "{path}: {packets} Pakete aus {captures} Mitschnitten, davon {lost} am nächsten Punkt nicht gesehen",
)


def place_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the captures, ``--name`` and ``--offset``."""
    command = click.option(
        "--offset",
        "offsets",
        multiple=True,
        metavar="FILE=MS",
        help="Milliseconds by which FILE's clock is ahead of that of the capture with the call's SIP.",
    )(command)
    command = click.option(
        "--name",
        "names",
        multiple=True,
        metavar="NAME=FILE",
        help="Name of the place where FILE was captured.",
    )(command)
    return click.argument("captures", nargs=-1, type=click.Path(path_type=Path), metavar="CAPTURE...")(
        command
    )


@click.command("compare")
@place_options
@lang_option
@tshark_option
@guarded
def compare_command(
    *, captures: tuple[Path, ...], names: tuple[str, ...], offsets: tuple[str, ...], lang: Lang
) -> None:
    """Compare captures of one call taken at several places.

    The output is meant for a ticket: the places in order, their clocks, and for each call and kind how
    many packets left one place and arrived at the next. The order follows from what the captures show,
    the clocks from packets they have in common. A FILE given with --name need not be given again.

    \b
    Examples:
        postproc compare server.pcapng wan.pcapng client.pcapng
        postproc compare --name server=a.pcapng --name "home office"=b.pcapng --lang de
    """
    from postproc.show.comparison import comparison

    run, place_names, _ = _analysed(captures, names, offsets, lang)
    for line in comparison(run.tables, place_names, lang):
        click.echo(line)


@click.command("merge")
@place_options
@click.option(
    "-o",
    "--out",
    default="merged.pcapng",
    show_default=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="File to write.",
)
@lang_option
@tshark_option
@guarded
def merge_command(
    *,
    captures: tuple[Path, ...],
    names: tuple[str, ...],
    offsets: tuple[str, ...],
    out: Path,
    lang: Lang,
) -> None:
    """Merge captures of one call from several places for Wireshark.

    All times are on one clock, each interface is named after its place, and a packet that does not appear
    at the next place has a comment that says so.

    \b
    Examples:
        postproc merge server.pcapng client.pcapng -o both.pcapng
    """
    from postproc.share.merging import merge
    from postproc.show.terminal import clean

    run, place_names, offset_of = _analysed(captures, names, offsets, lang)
    result = merge(run, out, place_names, lang, offset_of)
    click.echo(clean(MERGED.of(lang, path=out, **result._asdict())))


def _analysed(
    captures: Sequence[Path], names: Sequence[str], offsets: Sequence[str], lang: Lang
) -> "tuple[Run, dict[str, str], dict[str, float]]":
    """Return the captures as a run, and by capture the given names of places and clock offsets in ms."""
    from postproc import pipeline
    from postproc.read import inputs

    names_by_path = {Path(path): name for name, _, path in (argument.partition("=") for argument in names)}
    offsets_by_path = {
        Path(path): _milliseconds(text)
        for path, _, text in (argument.rpartition("=") for argument in offsets)
    }
    paths = dict.fromkeys((*captures, *names_by_path, *offsets_by_path))
    inputs_found, unread = inputs.find(list(paths), None)
    for problem in unread:
        raise SetupError(f"{problem.path}: {problem.reason}")
    if len(inputs_found) < 2:
        raise SetupError("captures of two places at least are needed")
    by_path = {capture.path.resolve(): capture.name for capture in inputs_found}
    place_of = {by_path[path.resolve()]: name for path, name in names_by_path.items()}
    offset_of = {by_path[path.resolve()]: offset for path, offset in offsets_by_path.items()}
    run = pipeline.run(list(paths), lang=lang, offsets_ms=offset_of)
    for problem_file in run.unread:
        raise SetupError(f"{problem_file.path}: {problem_file.reason}")
    return run, place_of, offset_of


def _milliseconds(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise SetupError(f"{text!r}: milliseconds are wanted, as in --offset client.pcapng=137") from None
