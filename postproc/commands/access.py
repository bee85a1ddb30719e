"""Options for deployment and access lists, and ``postproc acl``, which tries such lists."""

import sys
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from postproc.commands.language import spoken
from postproc.commands.options import COULD_NOT_RUN, deployments, guarded, lang_option
from postproc.model.messages import in_language

if TYPE_CHECKING:
    from postproc.model.deployment import Deployment
    from postproc.model.text import Lang
    from postproc.read.access import Access


def access_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options from which ``deployment_given`` makes a Deployment."""
    for option in (
        click.option(
            "--signalling-list",
            multiple=True,
            metavar="NAME",
            help="List applied to SIP peers; may be repeated, in order.",
        ),
        click.option(
            "--acl-list",
            multiple=True,
            metavar="NAME",
            help="List applied to candidates; may be repeated, in order.",
        ),
        click.option(
            "--acl",
            type=click.Path(path_type=Path),
            metavar="FILE",
            help="Access lists: acl.conf.xml, freeswitch.xml or a deployment file.",
        ),
        click.option(
            "--deployment",
            default="xphone",
            shell_complete=deployments,
            show_default=True,
            metavar="FILE|NAME",
            help="Facts about the installation: a TOML file, or xphone, freeswitch, generic.",
        ),
    ):
        command = option(command)
    return command


def deployment_given(
    deployment: str, acl: Path | None, candidate: tuple[str, ...], signalling: tuple[str, ...]
) -> "Deployment":
    """Return the deployment with the given access lists; raises SetupError if a file is invalid."""
    from postproc.read import access as access_files
    from postproc.read import deployment as deployments
    from postproc.show.terminal import clean

    chosen, access = access_files.given(deployments.read(deployment), acl, candidate, signalling)
    if acl:
        print_notes(acl, access, spoken())
    if acl and not chosen.candidate_acl:
        why = "it does not say which lists are applied to candidates; name them with --acl-list"
        click.echo(clean(in_language(f"{acl}: {why}", spoken())), err=True)
    return chosen


def print_notes(path: Path, access: "Access", lang: "Lang") -> None:
    """Print oddities of an access list file on stderr."""
    from postproc.show import acl
    from postproc.show.terminal import clean

    for note in access.notes:
        click.echo(clean(f"{path}: {acl.note(note.kind, note.text, lang)}"), err=True)


@click.group("acl")
def acl_command() -> None:
    """Check addresses and captures against access lists.

    \b
    Example:
        postproc acl check acl.conf.xml --addr 192.168.1.5
    """


@acl_command.command("check")
@click.argument("lists", type=click.Path(path_type=Path), metavar="LISTS")
@click.option("--addr", multiple=True, metavar="IP", help="Address to check; may be repeated.")
@click.option(
    "--capture",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Capture whose candidates and signalling peers are checked.",
)
@click.option(
    "--list",
    "names",
    multiple=True,
    metavar="NAME",
    help="List applied to candidates, including built-in ones; may be repeated, in order.",
)
@click.option("--signalling-list", multiple=True, metavar="NAME", help="List applied to SIP peers.")
@click.option("--local", multiple=True, metavar="NETWORK", help="Network of the FreeSWITCH machine itself.")
@click.option(
    "--deployment",
    default="xphone",
    show_default=True,
    metavar="FILE|NAME",
    help="Facts about the installation captured: a TOML file, or xphone, freeswitch, generic.",
)
@lang_option
@guarded
def check_command(
    *,
    lists: Path,
    addr: tuple[str, ...],
    capture: tuple[Path, ...],
    names: tuple[str, ...],
    signalling_list: tuple[str, ...],
    local: tuple[str, ...],
    deployment: str,
    lang: "Lang",
) -> None:
    """Show which entry of the access lists decides, and why.

    LISTS is an acl.conf.xml, a complete freeswitch.xml, a deployment file (TOML), or the name of a list
    built into FreeSWITCH: wan.auto, rfc1918.auto, ... An address is checked against every list. Of a
    capture, every candidate offered to the server is checked, those that the server would accept are
    compared with the destination of its first Binding Request, and SIP peers are checked against the
    signalling lists. Exit status: 0 done, 2 could not run.

    \b
    Examples:
        postproc acl check acl.conf.xml --addr 192.168.1.5
        postproc acl check acl.conf.xml --list wan.auto --list lan --capture call.pcapng
        postproc acl check wan.auto --addr 10.1.2.3
    """
    if not addr and not capture:
        raise click.UsageError("nothing to try: give --addr or --capture")
    from postproc.read import access as access_files
    from postproc.read import deployment as deployments
    from postproc.show.terminal import console, say

    base = _with_local(deployments.read(deployment), local)
    chosen, access = access_files.given(base, lists, names, signalling_list)
    print_notes(lists, access, lang)
    screen = console(sys.stdout)
    width = screen.width if screen.is_terminal else None
    for line in (*_addresses(addr, access, chosen, lang), *_captures(capture, chosen, lang)):
        for part in _wrapped(line, width):
            say(screen, part)


def _wrapped(line: str, width: int | None) -> list[str]:
    """Break a line between words where it is wider than the terminal."""
    indent = " " * (len(line) - len(line.lstrip()) + 4)
    return textwrap.wrap(line, width, subsequent_indent=indent, break_long_words=False) if width else [line]


def _with_local(base: "Deployment", local: tuple[str, ...]) -> "Deployment":
    from postproc.model.acl import network_of, of_machine
    from postproc.model.errors import SetupError

    if invalid := [text for text in local if network_of(text) is None]:
        raise SetupError(f"--local: expected a network like 10.0.0.0/24, not {invalid[0]!r}")
    machine_lists = {access_list.name: access_list for access_list in of_machine(local)} if local else {}
    return replace(base, lists={**base.lists, **machine_lists})


def _addresses(addr: tuple[str, ...], access: "Access", chosen: "Deployment", lang: "Lang") -> Iterator[str]:
    from postproc.model.acl import network_of
    from postproc.model.errors import SetupError
    from postproc.show import acl

    if invalid := [address for address in addr if "/" in address or network_of(address) is None]:
        raise SetupError(f"--addr: expected an address like 192.168.1.5, not {invalid[0]!r}")
    names = chosen.candidate_acl or tuple(access.lists)
    if addr and not names:
        raise SetupError("no list to try the address on; name one with --list, wan.auto for example")
    for address in addr:
        yield from acl.address(address, names, chosen.lists, lang, together=bool(chosen.candidate_acl))
    if addr and not chosen.candidate_acl and len(names) > 1:
        yield acl.APPLIED_UNKNOWN.of(lang)


def _captures(capture: tuple[Path, ...], chosen: "Deployment", lang: "Lang") -> Iterator[str]:
    if not capture:
        return
    from postproc import pipeline
    from postproc.diagnose.evidence.case import cases
    from postproc.diagnose.evidence.server import choices, peers
    from postproc.model.errors import SetupError
    from postproc.show import acl
    from postproc.show.terminal import error_line

    if not chosen.candidate_acl and not chosen.signalling_acl:
        raise SetupError(acl.APPLIED_UNKNOWN.of(lang))
    run = pipeline.run(capture, deployment=chosen)
    for unread in run.unread:
        click.echo(error_line(unread.path, unread.reason, lang), err=True)
    if run.captures.empty:
        sys.exit(COULD_NOT_RUN)
    judged = cases(run.tables, chosen)
    offers = [item for case in judged for item in choices(case)]
    for offer in offers:
        yield from acl.choice(offer, lang)
    for case in judged:
        for item in peers(case):
            yield from acl.peer(item, lang)
    if chosen.candidate_acl and not offers:
        yield acl.NO_OFFER.of(lang)
