"""``postproc calls`` and ``postproc prune``, and ``--dataset`` of the commands that add to a dataset."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from postproc import memory
from postproc.commands.language import spoken
from postproc.commands.options import guarded, lang_option, zone_option
from postproc.model.messages import in_language
from postproc.model.text import Lang, Text
from postproc.model.vocabulary import VERDICTS

if TYPE_CHECKING:
    from postproc.dataset import Appended
    from postproc.results import Run

ADDED = Text(
    "dataset: {added} calls added, {there} were there already: {folder}",
    "Dataset: {added} Anrufe hinzugefügt, {there} waren schon da: {folder}",
)
OPEN = Text("open", "läuft noch")


def dataset_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--dataset`` and ``--site``; the command gets ``dataset: Path | None`` and ``site: str``."""
    for option in (
        click.option(
            "--site", default="local", show_default=True, metavar="NAME", help="Site the calls belong to."
        ),
        click.option(
            "--dataset",
            type=click.Path(path_type=Path, file_okay=False),
            metavar="DIR",
            help="Dataset to add the calls to; those already in it are skipped.",
        ),
    ):
        command = option(command)
    return command


def site_given(site: str) -> str | None:
    """Return the site if the user named one, else None."""
    source = click.get_current_context().get_parameter_source("site")
    return None if source is ParameterSource.DEFAULT else site


def dataset_writable(folder: Path | None, site: str) -> None:
    """Raise SetupError if the dataset cannot be written or the site's name is invalid."""
    if folder is None:
        return
    from postproc.dataset.append import opened

    opened(folder, site)


def add_to_dataset(folder: Path | None, run: "Run", site: str) -> "Appended | None":
    """Append a run's calls to the dataset; return None without a dataset or calls."""
    if folder is None or run.calls.empty:
        return None
    from postproc.dataset import append

    return append(folder, run, site)


def print_appended(folder: Path | None, appended: "Appended | None", lang: Lang) -> None:
    """Print how many calls were added and how many the dataset already had."""
    from postproc.show.terminal import clean

    if appended:
        click.echo(clean(ADDED.of(lang, added=appended.added, there=appended.there, folder=folder)))


@click.command("calls")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), metavar="DIR")
@click.option(
    "--since", metavar="TIME", help="Started at this time or later: 2026-11-22, 2026-11-22T10:30, 12h."
)
@click.option("--until", metavar="TIME", help="Started before this time.")
@click.option(
    "--verdict", "verdicts", multiple=True, type=click.Choice(list(VERDICTS)), help="With this verdict."
)
@click.option("--cause", "causes", multiple=True, metavar="RULE", help="With this rule as the root cause.")
@click.option("--site", metavar="NAME", help="Of this site.")
@click.option("--call", "uids", multiple=True, metavar="CALL_UID", help="With this call_uid.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per line.")
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path),
    help="Write the calls as results for `report`, `notebook` and `export`.",
)
@lang_option
@zone_option
@guarded
def calls_command(
    *,
    folder: Path,
    since: str | None,
    until: str | None,
    verdicts: tuple[str, ...],
    causes: tuple[str, ...],
    site: str | None,
    uids: tuple[str, ...],
    as_json: bool,
    out: Path | None,
    lang: Lang,
    tz: str,
) -> None:
    """List the calls of a dataset, sorted by start time.

    Times you enter are UTC; times shown are in the zone of --tz (log: the zone of each call's log), or in
    UTC with --json. 30d, 12h and 5m are relative to now. Options that may be repeated are alternatives.

    \b
    Examples:
        postproc calls calls/ --since 12h --verdict fault
        postproc calls calls/ --since 2026-11-22 --until 2026-11-23 --cause no-binding-success -o results
    """
    with memory.quick_imports():
        import orjson
        import pandas as pd

        from postproc import dataset, pipeline
        from postproc.show import store, zones
        from postproc.show.terminal import clean

    zones.zone(tz)
    query = dataset.wanted(since, until, site=site, verdicts=verdicts, causes=causes, uids=uids)
    calls = store.records(dataset.calls(folder, query))
    by_log = tz.lower() == zones.LOG and not as_json  # each call has the zone of its own log
    logs = dict(iter(dataset.rows(folder, "log_events", query).groupby("call_uid"))) if by_log else {}
    for call in calls:
        if as_json:
            sys.stdout.buffer.write(orjson.dumps(call) + b"\n")
            continue
        verdict = VERDICTS[call["verdict"]].of(lang) if call["verdict"] else "–"
        parties = f"{call['from_user'] or '–'} → {call['to_user'] or '–'}"
        status = call["final_status"] or ("–" if call["end"] else OPEN.of(lang))
        zone = zones.zone(tz, logs.get(call["call_uid"]))
        start = f"{zone.of(pd.Timestamp(call['start'] or call['time'])):%Y-%m-%d %H:%M:%S %Z}"
        fields = (
            start,
            call["site"],
            call["call_uid"],
            parties,
            str(status),
            verdict,
            call["headline"] or "",
        )
        click.echo(clean("  ".join(fields)).rstrip())
    if out:
        pipeline.write(dataset.load(folder, query), out)


@click.command("prune")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False, exists=True), metavar="DIR")
@click.option("--older", required=True, metavar="TIME", help="Age or time: 30d, 12h, 2026-11-22.")
@guarded
def prune_command(*, folder: Path, older: str) -> None:
    """Remove the hours of a dataset that are older than a given time.

    \b
    Example:
        postproc prune calls/ --older 30d
    """
    from postproc import dataset
    from postproc.model.errors import SetupError

    before = dataset.moment(older)
    if not dataset.is_dataset(folder):
        raise SetupError(f"{folder}: no dataset here")
    click.echo(in_language(f"{dataset.prune(folder, before)} hours removed", spoken()))
