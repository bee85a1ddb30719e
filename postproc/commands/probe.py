"""``postproc probe``: ask a web server, a STUN server or a range of UDP ports, when told to."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from postproc.commands.options import guarded, lang_option
from postproc.model.text import Lang, Text

if TYPE_CHECKING:
    from postproc.probe.result import Result, Tell

LISTENS = Text(
    "listens at UDP {ports} of {bind} for {seconds} s; token: {token}",
    "lauscht {seconds} s lang auf UDP {ports} von {bind}; Token: {token}",
)
IN_USE = Text("in use, and left out: {ports}", "belegt und ausgelassen: {ports}")
HEARD = Text(
    "{asked} questions, {answered} answered, {limited} above the limit, {strangers} datagrams of strangers",
    "{asked} Fragen, {answered} beantwortet, {limited} über der Grenze, {strangers} Datagramme von Fremden",
)


@click.command("probe")
@click.argument("what", nargs=-1, required=True, metavar="TARGET")
@click.option("--listen", metavar="PORTS", help="With udp: act as the other end on these ports.")
@click.option(
    "--token", envvar="POSTPROC_PROBE_TOKEN", show_envvar=True, help="With udp: token shown by the listener."
)
@click.option(
    "--bind", default="0.0.0.0", show_default=True, metavar="IP", help="With --listen: address to listen on."
)
@click.option(
    "--for",
    "seconds",
    type=click.FloatRange(min=1),
    default=600,
    show_default=True,
    metavar="SECONDS",
    help="With --listen: how long to listen.",
)
@click.option(
    "--ca",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help="With https: certificates to trust in addition to the system's.",
)
@click.option(
    "--hub", metavar="PATH", help="With https: path of the event channel.  [default: hub of the web API]"
)
@click.option(
    "--hold",
    type=click.FloatRange(min=0, max=3600),
    default=0,
    metavar="SECONDS",
    help="With https: how long to keep the WebSocket open.",
)
@click.option("--mapping", is_flag=True, help="With stun: also query the server's other address.")
@click.option("--json", "as_json", is_flag=True, help="Print a list of {step, verdict, rule, said, facts}.")
@lang_option
@guarded
def probe_command(
    *,
    what: tuple[str, ...],
    listen: str | None,
    token: str | None,
    bind: str,
    seconds: float,
    ca: Path | None,
    hub: str | None,
    hold: float,
    mapping: bool,
    as_json: bool,
    lang: Lang,
) -> None:
    """Test servers from this machine.

    Only the given target is contacted, and it is announced first.

    TARGET is https://HOST[:PORT]/... (name, TCP, TLS, certificate, the guide's paths, SignalR),
    stun:HOST[:PORT] (the address it sees, and how the NAT maps), or udp HOST PORTS (which ports pass in
    each direction; udp --listen PORTS is the other end).

    Exit status: 0 probed, whatever the outcome; 2 could not run.

    \b
    Examples:
        postproc probe https://xp.example.com/XPhoneConnect/webclientapi
        postproc probe stun:stun.example.com
        postproc probe udp --listen 30000-33000
        postproc probe udp xcc.example.com 30000-33000 --token ABC...
    """
    kind, *rest = what
    if kind == "udp" and listen and not rest:
        _listen(listen, bind, token, seconds, lang)
        return
    results = _results(kind, rest, token, ca, hub, hold, _telling(lang), mapping=mapping)
    if results is None:
        raise click.UsageError("expected https://HOST/..., stun:HOST, udp HOST PORTS or udp --listen PORTS")
    _print(results, lang, as_json=as_json)


def _results(  # noqa: PLR0917
    kind: str,
    rest: list[str],
    token: str | None,
    ca: Path | None,
    hub: str | None,
    hold: float,
    tell: "Tell",
    *,
    mapping: bool,
) -> "Iterable[Result] | None":
    """Return the results of the requested probe, which runs as they are iterated.

    None for an unknown TARGET.
    """
    if kind.startswith("https:") and not rest:
        from postproc.probe.result import installed

        installed()
        from postproc.probe import https
        from postproc.probe.waiting import taken

        return taken(https.run(https.asked(kind, hub=hub, ca=ca, hold=hold), tell))
    if kind.startswith("stun:") and not rest:
        from postproc.probe import stun

        return stun.run(*stun.server(kind), tell, mapping=mapping)
    if kind == "udp" and len(rest) == 2:
        from postproc.probe import udp

        return udp.run(rest[0], udp.ports(rest[1]), udp.check_token(token or ""), tell)
    return None


def _telling(lang: Lang) -> "Tell":
    """Return a function that announces on stderr what is about to be contacted."""
    from postproc.show.terminal import clean

    return lambda text, contacted: click.echo(clean(text.of(lang, what=contacted)), err=True)


def _print(results: "Iterable[Result]", lang: Lang, *, as_json: bool) -> None:
    from postproc.probe import result
    from postproc.show.terminal import console, folded, say

    if as_json:
        click.echo(result.as_json(results, lang))
        return
    screen = console(sys.stdout)
    width = screen.width if screen.is_terminal else None
    for outcome in results:
        for line in result.lines(outcome, lang):
            for part in folded(line, width, hanging=23):
                say(screen, part)


def _listen(given: str, bind: str, token: str | None, seconds: float, lang: Lang) -> None:
    from postproc.probe import listener, udp

    port_numbers = udp.ports(given)
    secret = udp.check_token(token) if token else listener.new_token()

    def ready(bound: Iterable[int]) -> None:
        bound_ports = set(bound)
        shown = {"ports": udp.written(bound_ports), "bind": bind, "seconds": f"{seconds:g}", "token": secret}
        click.echo(LISTENS.of(lang, **shown))
        if missing := set(port_numbers) - bound_ports:
            click.echo(IN_USE.of(lang, ports=udp.written(missing)))
        sys.stdout.flush()

    counters = listener.listen(bind, port_numbers, secret, seconds, ready)
    click.echo(
        HEARD.of(
            lang,
            asked=counters.asked,
            answered=counters.answered,
            limited=counters.limited,
            strangers=counters.strangers,
        )
    )
