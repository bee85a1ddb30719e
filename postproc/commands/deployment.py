"""Options that say what is known beforehand: the deployment, and its access lists."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from postproc.commands.language import locale_language

if TYPE_CHECKING:
    from postproc.model.deployment import Deployment
    from postproc.model.text import Lang
    from postproc.read.access import Access


def access_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of which ``told`` makes a Deployment."""
    for option in (
        click.option(
            "--signalling-list", multiple=True, metavar="NAME",
            help="List applied to SIP peers; give several in their order.",
        ),
        click.option(
            "--acl-list", multiple=True, metavar="NAME",
            help="List applied to candidates; give several in their order.",
        ),
        click.option(
            "--acl", type=click.Path(path_type=Path), metavar="FILE",
            help="Access lists: acl.conf.xml, freeswitch.xml or a deployment file.",
        ),
        click.option(
            "--deployment", default="xphone", show_default=True, metavar="FILE|NAME",
            help="What is known beforehand: a TOML file, or xphone, freeswitch, generic.",
        ),
    ):  # fmt: skip
        command = option(command)
    return command


def told(
    deployment: str, acl: Path | None, candidate: tuple[str, ...], signalling: tuple[str, ...]
) -> "Deployment":
    """Return the deployment with the access lists given; SetupError where a file has a mistake."""
    from postproc.read import acl_files
    from postproc.read import deployment as deployments
    from postproc.show.terminal import clean

    known = deployments.read(deployment)
    if acl:
        access = acl_files.read(acl)
        print_notes(acl, access, locale_language())
        known = access.into(known)
    known = applied(known, candidate, signalling)
    if acl and not known.candidate_acl:
        why = "it does not say which lists are applied to candidates; name them with --acl-list"
        click.echo(clean(f"{acl}: {why}"), err=True)
    return known


def applied(known: "Deployment", candidate: tuple[str, ...], signalling: tuple[str, ...]) -> "Deployment":
    """Return the deployment with the lists that are named instead of its own."""
    from dataclasses import replace

    return replace(
        known,
        candidate_acl=candidate or known.candidate_acl,
        signalling_acl=signalling or known.signalling_acl,
    )


def print_notes(path: Path, access: "Access", lang: "Lang") -> None:
    """Say on stderr what was odd in a file of access lists."""
    from postproc.show import acl
    from postproc.show.terminal import clean

    for each in access.notes:
        click.echo(clean(f"{path}: {acl.note(each.kind, each.text, lang)}"), err=True)
