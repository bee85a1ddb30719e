"""``postproc config check``: checks configuration files of the way in, without changing them."""

import sys
from pathlib import Path

import click

from postproc.commands.options import COULD_NOT_RUN, guarded, lang_option
from postproc.model.text import Lang

ROLES = ("iis-on-server", "iis-in-dmz", "xcc-satellite")


@click.group("config")
def config_command() -> None:
    """Check the configuration files of the web server and the XCC.

    \b
    Example:
        postproc config check appsettings.json web.config --role iis-in-dmz
    """


@config_command.command("check")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path), metavar="FILE...")
@click.option("--role", type=click.Choice(ROLES), help="Where the program that reads the files runs.")
@click.option(
    "--url", "urls", multiple=True, metavar="URL", help="Public URL for the settings; may be repeated."
)
@click.option(
    "--json", "as_json", is_flag=True, help="Print a list of {file, key, value, line, put, why, level}."
)
@click.option(
    "--deployment-out",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Deployment file to write, for `run --deployment`: ports, lists, addresses.",
)
@lang_option
@guarded
def check_command(
    *,
    files: tuple[Path, ...],
    role: str | None,
    urls: tuple[str, ...],
    as_json: bool,
    deployment_out: Path | None,
    lang: Lang,
) -> None:
    """Show what is wrong in configuration files, why, and what to change.

    FILE is an appsettings.json of the web API, a web.config of the mobile web application, or a file of
    FreeSWITCH or XCC (acl.conf.xml, switch.conf.xml, a profile, vars.xml). Changes are shown as a diff;
    the files themselves are never modified. A broken file is reported in one line with the position. Exit
    status: 0 done, whatever was found; 2 if none of the files could be read.

    \b
    Examples:
        postproc config check appsettings.json web.config --role iis-in-dmz
        postproc config check appsettings.json --url https://xp.example.com/XPhoneConnect/webclientapi
        postproc config check conf/autoload_configs/*.xml --deployment-out ours.toml
    """
    if not files and not urls:
        raise click.UsageError("nothing to check: give files or --url")
    from postproc.config import check, telling
    from postproc.config import deployment_out as deployments
    from postproc.config.problems import Role
    from postproc.share.copying import replacing
    from postproc.show.terminal import clean, console, folded, say

    checked, unread = check.check(files, Role(role) if role else None, urls)
    for error in unread:
        click.echo(clean(f"postproc: {error}"), err=True)
    if as_json:
        click.echo(telling.as_json(checked, lang))
    else:
        screen = console(sys.stdout)
        width = screen.width if screen.is_terminal else None
        for line in telling.lines(checked, lang):
            is_diff = line.startswith(("-", "+", "@"))
            for part in [line] if is_diff else folded(line, width, hanging=6):
                say(screen, part)
        if role is None:
            click.echo(f"postproc: {telling.ROLE_UNKNOWN.of(lang)}", err=True)
    if deployment_out:
        with replacing(deployment_out) as file:
            file.write(deployments.toml(checked).encode())
    if all(each.broken for each in checked):
        sys.exit(COULD_NOT_RUN)
