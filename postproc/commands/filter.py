"""``postproc filter``: the display filter of each call, and what the firewall has to let through."""

import sys
from pathlib import Path

import click

from postproc.commands.language import lang_option
from postproc.commands.program import tshark_option
from postproc.commands.trouble import one_line_errors
from postproc.model.text import Lang


@click.command("filter")
@click.argument("capture", type=click.Path(path_type=Path))
@click.option("--call", type=click.IntRange(min=1), metavar="N", help="This call only, by its number.")
@lang_option
@tshark_option
@click.option("--debug", is_flag=True, help="Print a traceback with every error.")
def filter_command(*, capture: Path, call: int | None, lang: Lang, debug: bool) -> None:
    """Print each call's display filter, and what to tell the firewall's people.

    The filter shows all legs of the call, its STUN, DTLS and media, and works
    without any plug-in. For the firewall: the UDP port of the server's candidate
    first, then every pair of addresses and ports with times, in words and as
    filters of Wireshark and tcpdump.

    \b
    Examples:
        postproc filter call.pcapng
        postproc filter call.pcapng --call 2
    """
    with one_line_errors(debug=debug):
        from postproc import pipeline
        from postproc.model.errors import CaptureError, SetupError
        from postproc.show import calls, firewall, selection
        from postproc.show.terminal import clean, console, say

        run = pipeline.run([capture])
        if run.captures.empty:
            reason = run.unread[0].reason if run.unread else "no capture"
            raise CaptureError(clean(f"{capture}: {reason}"))
        shown = {line.call: line for line in calls.call_lines(run.tables)}
        if call is not None and call not in shown:
            raise SetupError(f"no call {call} in this capture; calls: {', '.join(map(str, shown)) or 'none'}")
        display, holes = selection.call_filters(run.tables), firewall.holes(run.tables)
        screen = console(sys.stdout)
        chosen = [shown[call]] if call is not None else list(shown.values())
        for nth, line in enumerate(chosen):
            if nth:
                say(screen, "")
            for text in firewall.handout(line, display.get(line.call, ""), holes.get(line.call), lang):
                say(screen, clean(text))
        if not chosen:
            click.echo(f"postproc: {firewall.NO_CALLS.of(lang)}", err=True)
