"""``postproc watch``: each call's verdict when it ends, from interfaces or a folder being written to."""

import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from postproc import memory
from postproc.commands.access import access_options, deployment_given
from postproc.commands.dataset import dataset_options, dataset_writable
from postproc.commands.options import (
    debug_option,
    lang_option,
    one_line_errors,
    rule_names,
    tshark_option,
    zone_option,
)
from postproc.commands.run import FINDINGS, as_severe, rules_named
from postproc.model.text import Lang

if TYPE_CHECKING:
    from postproc.watch.capturing import Capturing
    from postproc.watch.session import Ending, Watch


@click.command("watch")
@click.argument(
    "folder",
    required=False,
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    metavar="[FOLDER]",
)
@click.option(
    "-i", "interfaces", multiple=True, metavar="IFACE", help="Interface to capture on; may be repeated."
)
@click.option(
    "--ring",
    type=click.IntRange(min=1),
    default=512,
    show_default=True,
    metavar="MB",
    help="Disk space for captured packets.",
)
@click.option(
    "--for", "seconds", type=click.FloatRange(min=0), metavar="SECONDS", help="Stop after this time."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per line.")
@click.option(
    "--heartbeat",
    type=click.FloatRange(min=0),
    default=60,
    show_default=True,
    metavar="SECONDS",
    help="Interval of status messages on stderr; 0: none.",
)
@click.option(
    "--export-faults",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="Save the packets of faulty calls there as pcapng.",
)
@click.option(
    "--metrics",
    type=click.IntRange(1, 65535),
    metavar="PORT",
    help="Serve Prometheus metrics on this port of the loopback address.",
)
@click.option(
    "--only",
    metavar="RULE,...",
    shell_complete=rule_names,
    help="Apply only these rules (names or codes; see `postproc rules`).",
)
@click.option(
    "--fail-on",
    type=click.Choice(["error", "warning", "note"]),
    help="Exit with 1 if a call had a finding of this severity or worse.",
)
@click.option(
    "--keylog",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="TLS keys (SSLKEYLOGFILE format) for SIP over TLS.",
)
@access_options
@dataset_options
@lang_option
@zone_option
@tshark_option
@debug_option
def watch_command(
    *,
    folder: Path | None,
    interfaces: tuple[str, ...],
    ring: int,
    seconds: float | None,
    as_json: bool,
    heartbeat: float,
    export_faults: Path | None,
    metrics: int | None,
    only: str | None,
    fail_on: str | None,
    keylog: Path | None,
    deployment: str,
    acl: Path | None,
    acl_list: tuple[str, ...],
    signalling_list: tuple[str, ...],
    dataset: Path | None,
    site: str,
    lang: Lang,
    tz: str,
    debug: bool,
) -> None:
    """Report each call as `run` would, as soon as it ends.

    Captures on interfaces (-i), or reads what another program writes to FOLDER, including growing files.
    What is already certain about a call in progress is reported at once. Ctrl-C stops cleanly: calls in
    progress are reported as open. Exit status: 0 done, 1 findings that match --fail-on, 2 could not run,
    130 interrupted.

    \b
    Examples:
        postproc watch -i eth0 --for 120
        postproc watch /var/spool/ring --dataset calls/ --site berlin --json
    """
    if (folder is None) == (not interfaces):
        raise click.UsageError("give either a FOLDER or interfaces (-i)")
    with one_line_errors(debug=debug, interrupted="stopped"), ExitStack() as stack:
        with memory.quick_imports():
            from postproc import stages
            from postproc.files import private, scratch
            from postproc.read.option_files import Options
            from postproc.show.terminal import error_line
            from postproc.show.zones import zone
            from postproc.watch.capturing import capturing
            from postproc.watch.metrics import served
            from postproc.watch.session import Watch
            from postproc.watch.telling import Heartbeat, telling
            from postproc.watch.window import Window

        judged_by = deployment_given(deployment, acl, acl_list, signalling_list)
        work = stages.Work(judged_by, Options(keylog=keylog), (), lang, rules_named(only), jobs=1)
        dataset_writable(dataset, site)
        if export_faults:
            private.make_folder(export_faults)
        scratch_folder = stack.enter_context(scratch.folder())
        copies = scratch_folder / "copies"
        copies.mkdir()
        dumpcap = None
        if folder is None:
            folder = scratch_folder / "ring"
            folder.mkdir()
            dumpcap = stack.enter_context(capturing(interfaces, folder, ring))
        printer = stack.enter_context(telling(lang, as_json=as_json, zone=zone(tz)))
        metrics_server = stack.enter_context(served(metrics)) if metrics else None
        follow_up = _FollowUp(export_faults, dataset, site)

        def ended(endings: "list[Ending]") -> None:
            printer.ended(endings)
            follow_up.keep(endings, watch)

        def unread(name: str, why: str) -> None:
            click.echo(error_line(folder / name, why, lang), err=True)

        def beat() -> None:
            if dumpcap:
                dumpcap.check()
            printer.going_on(watch.run, watch.going_on, watch.counters)
            pulse.beat(watch.counters)
            if metrics_server:
                metrics_server.show(watch.counters)

        watch = Watch(Window(folder, copies), work, ended, printer.early, unread)
        pulse = Heartbeat(heartbeat, lang)
        end = time.monotonic() + seconds if seconds is not None else float("inf")
        _follow(watch, end, beat, dumpcap)
        pulse.last(watch.counters)
    if as_severe(follow_up.severities, fail_on):
        sys.exit(FINDINGS)


def _follow(watch: "Watch", end: float, beat: Callable[[], None], dumpcap: "Capturing | None") -> None:
    """Watch until the time is over or the user stops it, then report calls in progress as open."""
    try:
        watch.until(end, beat)
    finally:
        if not isinstance(sys.exception(), Exception):
            if dumpcap:
                dumpcap.stop()
            watch.close()


class _FollowUp:
    """What is kept beyond a call's lines: packets of faults, dataset, severities for the exit status."""

    def __init__(self, faults: Path | None, dataset: Path | None, site: str) -> None:
        self.severities: set[str] = set()
        self._faults, self._dataset, self._site = faults, dataset, site

    def keep(self, endings: "list[Ending]", watch: "Watch") -> None:
        from postproc.dataset import append
        from postproc.share.export import export
        from postproc.watch.session import at_their_places

        run = endings[0].run
        numbers = {ending.state.number: ending.state.uid for ending in endings}
        self.severities |= {*run.findings.loc[run.findings["call"].isin(list(numbers)), "severity"]}
        if self._faults:
            for number, uid in numbers.items():
                if run.call(number).verdict == "fault":
                    export(run, number, self._faults / f"{uid}.pcapng")
        if self._dataset:
            rows = at_their_places(run, watch.window.sources())
            append(self._dataset, rows, self._site, frozenset(numbers.values()))
