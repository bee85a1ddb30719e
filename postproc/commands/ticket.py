"""``postproc ticket``: everything the vendor's support asks for, in one zip."""

from pathlib import Path

import click

from postproc.commands.deployment import access_options, told
from postproc.commands.language import lang_option
from postproc.commands.program import tshark_option
from postproc.commands.redacting import hidden, looking, redact_options, say
from postproc.commands.trouble import one_line_errors
from postproc.model.text import Lang, Text

PACKED = Text("{path}: {count} files, {size:.1f} MB", "{path}: {count} Dateien, {size:.1f} MB")
STILL_OPEN = Text(
    "still to be filled in (checklist.md, or --answers FILE): {keys}",
    "noch auszufüllen (checklist.md oder --answers DATEI): {keys}",
)


@click.command("ticket")
@click.argument("captures", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="CAPTURE...")
@click.option(
    "--fs-log", "fs_logs", multiple=True, type=click.Path(path_type=Path), metavar="FILE",
    help="FreeSWITCH or XCC log, or a folder of them; may be given several times.",
)  # fmt: skip
@click.option(
    "--attach", "attachments", multiple=True, metavar="FILE",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="SIP trunk, gateway or app log, a sketch; may be given several times.",
)  # fmt: skip
@click.option(
    "--answers", type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Answers to the checklist: JSON or TOML, by the keys in checklist.json.",
)  # fmt: skip
@click.option("--ask", is_flag=True, help="Ask on the terminal what is still open.")
@click.option("--redact", is_flag=True, help="Pseudonymise all of it: numbers, names, addresses, media.")
@redact_options
@click.option(
    "-o", "--out", default="ticket.zip", show_default=True, type=click.Path(path_type=Path, dir_okay=False),
    help="File to write.",
)  # fmt: skip
@access_options
@lang_option
@tshark_option
@click.option("--debug", is_flag=True, help="Print a traceback with every error.")
def ticket_command(
    *,
    captures: tuple[Path, ...],
    fs_logs: tuple[Path, ...],
    attachments: tuple[Path, ...],
    answers: Path | None,
    ask: bool,
    redact: bool,
    key: str | None,
    hide: Path | None,
    yes: bool,
    out: Path,
    deployment: str,
    acl: Path | None,
    acl_list: tuple[str, ...],
    signalling_list: tuple[str, ...],
    lang: Lang,
    debug: bool,
) -> None:
    """Pack a support ticket: traces, logs, results, a filled checklist and hashes.

    The checklist asks what the vendor's support asks; what the traces tell is filled in,
    what nobody answered is marked. Paths and folders of this machine are not told.

    With --redact numbers, names and addresses are replaced in all files, and all words of
    traces and logs but those of protocols and products. In attachments and answers, what
    traces and logs tell of is replaced; words that no dictionary knows are shown to you
    before the zip is written. It is written only if a search finds no original left. The
    customer id stays; a file that is no text cannot be attached then.

    \b
    Examples:
        postproc ticket loopback+eth.pcapng --fs-log XCC_FS_2026_11_22_22_38_46.log
        postproc ticket trace.pcapng --attach trunk.log --attach app.log --answers answers.toml
        postproc ticket trace.pcapng --redact --ask -o ticket-4711.zip
    """
    with one_line_errors(debug=debug):
        from postproc.share.ticket import Order, read_answers, ticket
        from postproc.show.terminal import clean

        given = read_answers(answers) if answers else {}
        order = Order(
            captures, fs_logs, attachments, {**given, **(_asked(given, lang) if ask else {})},
            told(deployment, acl, acl_list, signalling_list), lang, redact, key,
            hidden(hide), looking(out, lang, yes=yes),
        )  # fmt: skip
        done = ticket(order, out)
        for warning in done.warnings:
            click.echo(clean(f"postproc: {warning}"), err=True)
        size = out.stat().st_size / 1e6
        click.echo(clean(PACKED.of(lang, path=out, count=len(done.members) + 1, size=size)))
        say(done.account, lang)
        if done.open:
            click.echo(STILL_OPEN.of(lang, keys=", ".join(done.open)))


def _asked(given: dict[str, str], lang: Lang) -> dict[str, str]:
    """What the user types; an empty line leaves a question open."""
    from postproc.show.checklist import ASKED, QUESTIONS

    asked = [each for each in QUESTIONS if each.key in ASKED and each.key not in given]
    told = {
        each.key: click.prompt(each.text.of(lang), default="", show_default=False, err=True) for each in asked
    }
    return {key: text for key, text in told.items() if text.strip()}
