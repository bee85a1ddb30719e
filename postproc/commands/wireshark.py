"""``postproc wireshark``.

Installs the bundle in the user's Wireshark, and makes a profile for one capture.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from postproc.commands.chosen import call_option, chosen
from postproc.commands.options import guarded, lang_option, tshark_option
from postproc.model.text import Lang, Text
from postproc.model.vocabulary import CAPTURE

if TYPE_CHECKING:
    from postproc.read.programs import Program
    from postproc.results import Run
    from postproc.wireshark.bundle import Folders
    from postproc.wireshark.install import Done
    from postproc.wireshark.status import Seen

Command = Callable[..., Any]

WRITTEN = Text("{count} files written for {what}", "{count} Dateien geschrieben für {what}")
UNCHANGED = Text("{what} is up to date, nothing to do", "{what} ist auf dem Stand, nichts zu tun")
BUNDLE = Text("plug-in and profile Legs", "Plug-in und Profil Legs")
PROFILE = Text("profile {name}", "Profil {name}")
KEPT = Text("your version is kept: {path}", "Ihre Fassung liegt unter: {path}")
LEFT = Text("not ours, left where it is: {path}", "nicht von uns, bleibt liegen: {path}")
REMOVED = Text("everything is as it was before ({count} files)", "alles ist wie zuvor ({count} Dateien)")
NOT_INSTALLED = Text("nothing was installed", "es war nichts installiert")
NEXT = Text(
    "restart Wireshark; it changes to the profile Legs by itself where a file holds calls (4.4 and later); "
    "in 4.0 and 4.2 choose it at the lower right, or open files with:",
    "Wireshark neu starten; bei Dateien mit Anrufen wechselt es selbst in das Profil Legs (ab 4.4); "
    "in 4.0 und 4.2 unten rechts wählen oder Dateien so öffnen:",
)
AS_ROOT = Text(
    "installed for root ({folder}): other users do not see it, and as root Wireshark 4.4 and later load no "
    "plug-in; run this as the user who opens captures",
    "für root installiert ({folder}): Andere Benutzer sehen es nicht, und als root lädt Wireshark ab 4.4 "
    "kein Plug-in; besser als der Benutzer ausführen, der Mitschnitte öffnet",
)
OPEN = Text("open it with:", "so öffnen:")
NO_CALLS = Text(
    "no calls in this capture: only STUN, DTLS and media are coloured",
    "keine Anrufe in diesem Mitschnitt: Nur STUN, DTLS und Medien sind gefärbt",
)


def _force_option(command: Command) -> Command:
    text = "Also replace files modified by others; copies of them are kept."
    return click.option("--force", is_flag=True, help=text)(command)


@click.group("wireshark")
def wireshark_command() -> None:
    """Add plug-in and profile "Legs" to Wireshark, colour captures.

    \b
    Example:
        postproc wireshark install
    """


@wireshark_command.command("install")
@_force_option
@lang_option
@tshark_option
@guarded
def install_command(*, force: bool, lang: Lang) -> None:
    """Install the plug-in and the profile "Legs" for this user.

    The folders are those reported by tshark. Existing files are backed up; installing again changes
    nothing. Files modified by others are left alone unless --force is given.

    \b
    Example:
        postproc wireshark install
    """
    from postproc.read.programs import is_root
    from postproc.show.terminal import command_line
    from postproc.wireshark import bundle, install

    folders = _folders()
    is_new = not (folders.profiles / bundle.PROFILE).exists()
    result = install.put(bundle.files(folders), folders.ledger, bundle.PROFILE, force=force)
    if is_new:
        install.hand_over(*bundle.first_look(folders))
    _tell(result, BUNDLE.of(lang), lang)
    _say(NEXT.of(lang))
    _say("  " + command_line(["wireshark", "-C", bundle.PROFILE, "-r", CAPTURE.of(lang).upper()]))
    if is_root():
        click.echo(f"postproc: {AS_ROOT.of(lang, folder=folders.configuration)}", err=True)


@wireshark_command.command("uninstall")
@_force_option
@lang_option
@tshark_option
@guarded
def uninstall_command(*, force: bool, lang: Lang) -> None:
    """Remove everything that was installed and restore what was there before.

    Profiles made by `postproc wireshark color` are removed as well.

    \b
    Example:
        postproc wireshark uninstall
    """
    from postproc.wireshark import install

    folders = _folders()
    if not install.read_ledger(folders.ledger).entries:
        _say(NOT_INSTALLED.of(lang))
        return
    result = install.take_back(folders.ledger, force=force)
    _say(REMOVED.of(lang, count=len(result.changed)))
    _say_kept(result, lang)


@wireshark_command.command("status")
@lang_option
@tshark_option
@guarded
def status_command(*, lang: Lang) -> None:
    """Show what is installed, which Wireshark sees it, and whether the plug-in runs.

    \b
    Example:
        postproc wireshark status
    """
    from postproc.read.programs import installed, is_root
    from postproc.wireshark import status

    for line in status.lines(
        _folders(), [_observed(program) for program in installed()], root=is_root(), lang=lang
    ):
        _say(line)


@wireshark_command.command("color")
@click.argument("capture", type=click.Path(path_type=Path), metavar="CAPTURE|OUT")
@call_option
@_force_option
@lang_option
@tshark_option
@guarded
def color_command(*, capture: Path, call: int | None, force: bool, lang: Lang) -> None:
    """Create a profile whose colours and macros name the calls of this capture.

    It works without the plug-in. ${call1} is all of call 1, ${call1leg2} the SIP of its second leg. The
    command that opens the capture with the profile is printed. Given the results folder of a run, the
    captures with the call get profiles that use its number from that run.

    \b
    Example:
        postproc wireshark color call.pcapng
        postproc wireshark color postproc-out --call 4
    """
    folders = _folders()
    selection = chosen([capture], call, lang)
    for name, path in selection.captures.items():
        _color(selection.run.capture(name), path, folders, force=force, lang=lang)


def _color(run: "Run", capture: Path, folders: "Folders", *, force: bool, lang: Lang) -> None:
    """Make the profile of one capture of a run."""
    from postproc.show.terminal import command_line
    from postproc.wireshark import bundle, capture_profile, install

    name = capture_profile.profile_name(capture.name)
    profile_files = capture_profile.profile(run.tables, bundle.profile())
    target = folders.profiles / name
    files = {target / name_in_profile: data for name_in_profile, data in profile_files.items()}
    result = install.put(files, folders.ledger, name, force=force)
    _tell(result, PROFILE.of(lang, name=name), lang)
    if run.calls.empty:
        _say(NO_CALLS.of(lang))
    _say(OPEN.of(lang))
    _say("  " + command_line(["wireshark", "-C", name, "-r", str(capture.absolute())]))


def _folders(tshark: Path | None = None) -> "Folders":
    from postproc.read import programs
    from postproc.read.tshark import executable
    from postproc.wireshark.bundle import parse_folders

    output = programs.folders(tshark or Path(executable()))
    return parse_folders(output, moved="WIRESHARK_CONFIG_DIR" in os.environ)


def _observed(program: "Program") -> "Seen":
    from postproc.read.programs import knows
    from postproc.wireshark.status import Seen

    if not program.is_tshark:
        return Seen(program.path, program.version, None, None)
    return Seen(program.path, program.version, _folders(program.path), knows(program.path, "legs"))


def _say(line: str) -> None:
    from postproc.show.terminal import clean, console, say

    say(console(sys.stdout), clean(line))


def _tell(result: "Done", subject: str, lang: Lang) -> None:
    """Print what was written, and where replaced versions are kept."""
    count = len(result.changed)
    _say(WRITTEN.of(lang, count=count, what=subject) if count else UNCHANGED.of(lang, what=subject))
    _say_kept(result, lang)


def _say_kept(result: "Done", lang: Lang) -> None:
    for path in result.kept:
        _say(KEPT.of(lang, path=path))
    for path in result.left:
        _say(LEFT.of(lang, path=path))
