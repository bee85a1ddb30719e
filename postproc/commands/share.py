"""Commands that hand captures over, ``postproc export`` and ``ticket``, and the dialog of ``--redact``."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from postproc.commands.access import access_options, deployment_given
from postproc.commands.asking import confirmed
from postproc.commands.chosen import call_option, chosen, is_results
from postproc.commands.language import spoken
from postproc.commands.options import call_numbers, guarded, lang_option, tshark_option
from postproc.model.messages import in_language
from postproc.model.text import Lang, Text
from postproc.model.vocabulary import decimal

if TYPE_CHECKING:
    from postproc.share.account import Account, Look

STOPPED = Text(
    "nothing was written: {count} of the words that would stay are in no dictionary; read {path}, then go on"
    " with --yes, or with --hide {path} to have replaced what you leave in it",
    "nichts geschrieben: {count} der Wörter, die stehen bleiben würden, sind in keinem Wörterbuch; {path}"
    " durchsehen, dann weiter mit --yes oder mit --hide {path}: Was noch darin steht, wird ersetzt",
)
DECLINED = Text(
    "nothing was written; delete in {path} what may stay, then give --hide {path}",
    "nichts geschrieben; in {path} löschen, was stehen bleiben darf, dann --hide {path} angeben",
)
ASKED = Text("Do they name nobody? Go on", "Verraten sie niemanden? Weiter")
LISTED = Text(
    "# These words would stay as they are, and no dictionary knows them.\n"
    "# Delete the lines of those that may stay, and give this file back with --hide: the others\n"
    "# are replaced. Behind each: how often it stands where.\n",
    "# Diese Wörter würden stehen bleiben, und kein Wörterbuch kennt sie.\n"
    "# Die Zeilen derer löschen, die stehen bleiben dürfen, und die Datei mit --hide angeben:\n"
    "# Die übrigen werden ersetzt. Dahinter: wie oft und wo sie stehen.\n",
)
WORDS = ".words.txt"
LARGEST = 1 << 20  # bytes of a file of words; a choice: a person has read it word by word


def redact_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that belong to ``--redact``."""
    for option in (
        click.option(
            "--yes", is_flag=True, help="With --redact: do not ask about words that no dictionary contains."
        ),
        click.option(
            "--hide",
            type=click.Path(path_type=Path, exists=True, dir_okay=False),
            metavar="FILE",
            help="With --redact: further words to replace, one per line.",
        ),
        click.option("--key", help="Key for the pseudonyms, so that several files agree.  [default: random]"),
    ):
        command = option(command)
    return command


def hidden(path: Path | None) -> list[str]:
    """Return the words of the file given with ``--hide``; raises SetupError if it is not UTF-8 text."""
    from postproc.model.errors import SetupError
    from postproc.read import option_files

    try:
        content = option_files.content(path, LARGEST, "file of words") if path else b""
        lines = content.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise SetupError(f"{path}: no text in UTF-8") from None
    words = (line.partition("\t")[0].strip() for line in lines if not line.startswith("#"))
    return [word for word in words if word]


def looking(target: Path, lang: Lang, *, yes: bool) -> "Look":
    """Return a function that has the user confirm words no dictionary knows; without a terminal it stops."""

    def look(account: "Account") -> None:
        if yes or not account.words:
            return
        from postproc.model.errors import SetupError

        path = _write_words(account, target, lang)
        if not _is_interactive():
            raise SetupError(STOPPED.of(lang, count=len(account.words), path=path))
        say(account, lang)
        if not confirmed(ASKED.of(lang), lang):
            raise SetupError(DECLINED.of(lang, path=path))
        path.unlink(missing_ok=True)

    return look


def say(account: "Account | None", lang: Lang) -> None:
    """Print on stderr what was replaced and what remains; stdout names the files written."""
    from postproc.share.account import lines
    from postproc.show.terminal import console, folded
    from postproc.show.terminal import say as say_line

    screen = console(sys.stderr)
    width = screen.width if screen.is_terminal else None
    for line in (part for text in lines(account, lang) for part in folded(text, width)) if account else ():
        say_line(screen, line)


def _write_words(account: "Account", target: Path, lang: Lang) -> Path:
    """Write the words that no dictionary knows beside the target, one per line with their counts."""
    from postproc.share.account import in_order
    from postproc.share.copying import replacing
    from postproc.show.terminal import clean

    path = target.with_name(f"{target.stem}{WORDS}")
    with replacing(path) as file:
        file.write(LISTED.of(lang).encode())
        for word in in_order(account.words):
            where = ", ".join(
                f"{words[word]} {name}" for name, words in account.unjudged.items() if word in words
            )
            file.write(f"{clean(word)}\t{where}\n".encode(errors="replace"))
    return path


def _is_interactive() -> bool:
    """Tell whether the user can be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()


@click.command("export")
@click.argument(
    "captures", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="CAPTURE...|OUT"
)
@click.option(
    "--call",
    required=True,
    type=click.IntRange(min=1),
    shell_complete=call_numbers,
    help="Number of the call as shown by `run`.",
)
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File to write.  [default: call-N.pcapng]",
)
@click.option(
    "--keylog",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="TLS keys (SSLKEYLOGFILE format) for SIP over TLS.",
)
@click.option(
    "--redact", is_flag=True, help="Pseudonymise numbers, names, addresses and media in the export."
)
@redact_options
@tshark_option
@guarded
def export_command(
    *,
    captures: tuple[Path, ...],
    call: int,
    out: Path | None,
    keylog: Path | None,
    redact: bool,
    key: str | None,
    hide: Path | None,
    yes: bool,
) -> None:
    """Write all packets of a call to a pcapng file.

    SIP, STUN, DTLS, media, ICMP errors and TURN are included, with the original interfaces and
    timestamps; every packet carries its original frame number as a comment. A call found in several
    captures gives one file for each. Calls keep their numbers from an earlier run if its results folder,
    or all of its captures, are given. With --redact, numbers, names, addresses and all words except those
    of protocols and products are replaced and media is zeroed; nothing is written if an original remains.

    \b
    Examples:
        postproc export server.pcapng --call 2
        postproc export postproc-out --call 4
        postproc export server.pcapng --call 2 --redact -o for-the-vendor.pcapng
    """
    from postproc import pipeline
    from postproc.read import deployment as deployments
    from postproc.read.option_files import Options
    from postproc.share.export import export, export_redacted
    from postproc.share.redact import products
    from postproc.show.terminal import clean

    run = pipeline.given(captures, Options(keylog=keylog))
    if redact:
        product_names = products(deployments.read(deployments.DEFAULT))
        lang = spoken()
        look = looking(out or Path(f"call-{call}"), lang, yes=yes)
        redacted = export_redacted(
            run, call, out, key, product_names, hidden=hidden(hide), look=look, keylog=keylog
        )
        written = redacted.written
        say(redacted.account, lang)
    else:
        written = export(run, call, out)
    for path, packets in written.items():
        click.echo(clean(in_language(f"{path}: {packets} packets of call {call}", spoken())))


PACKED = Text("{path}: {count} files, {size} MB", "{path}: {count} Dateien, {size} MB")
NUMBERED = Text("call {call} is call {number} in the ticket", "Anruf {call} ist im Ticket Anruf {number}")
STILL_OPEN = Text(
    "still to be filled in (checklist.md, or --answers FILE): {keys}",
    "noch auszufüllen (checklist.md oder --answers DATEI): {keys}",
)


@click.command("ticket")
@click.argument(
    "captures", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="CAPTURE...|OUT"
)
@call_option
@click.option(
    "--fs-log",
    "fs_logs",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="FreeSWITCH or XCC log, or a folder of logs; may be repeated.",
)
@click.option(
    "--attach",
    "attachments",
    multiple=True,
    metavar="FILE",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Log of a SIP trunk, gateway or app, or a sketch; may be repeated.",
)
@click.option(
    "--answers",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Answers to the checklist: JSON or TOML with the keys of checklist.json.",
)
@click.option("--ask", is_flag=True, help="Ask open questions on the terminal.")
@click.option("--redact", is_flag=True, help="Pseudonymise numbers, names, addresses and media in all files.")
@redact_options
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File to write.  [default: ticket.zip, with --call ticket-N.zip]",
)
@access_options
@lang_option
@tshark_option
@guarded
def ticket_command(
    *,
    captures: tuple[Path, ...],
    call: int | None,
    fs_logs: tuple[Path, ...],
    attachments: tuple[Path, ...],
    answers: Path | None,
    ask: bool,
    redact: bool,
    key: str | None,
    hide: Path | None,
    yes: bool,
    out: Path | None,
    deployment: str,
    acl: Path | None,
    acl_list: tuple[str, ...],
    signalling_list: tuple[str, ...],
    lang: Lang,
) -> None:
    """Pack a support ticket with traces, logs and results.

    A completed checklist and hashes of the files are included.

    The checklist asks what the vendor's support asks; what the traces show is filled in, what nobody has
    answered is marked. Paths and folders of this machine are not disclosed. Given the results folder of a
    run, its captures and logs are packed; with --call only the captures with that call. The call may have
    another number in the ticket; the command prints it.

    With --redact, numbers, names and addresses are replaced in all files, and in traces and logs all
    words except those of protocols and products. In attachments and answers, whatever is known from
    traces and logs is replaced; words that no dictionary contains are shown to you first. The zip is
    written only if a search finds no remaining original. The customer id is kept; files that are not text
    cannot be attached then.

    \b
    Examples:
        postproc ticket loopback+eth.pcapng --fs-log XCC_FS_2026_11_22_22_38_46.log
        postproc ticket trace.pcapng --attach trunk.log --attach app.log --answers answers.toml
        postproc ticket postproc-out --call 4
        postproc ticket trace.pcapng --redact --ask -o ticket-4711.zip
    """
    from postproc.read.inputs import located
    from postproc.share.ticket import Order, read_answers, ticket
    from postproc.show.terminal import clean

    out = out or Path("ticket.zip" if call is None else f"ticket-{call}.zip")
    answered = read_answers(answers) if answers else {}
    selection = chosen(captures, call, lang) if call is not None or is_results(captures[0]) else None
    if selection:
        captures = tuple(selection.captures.values())
        fs_logs = fs_logs or tuple(located(path) for path in selection.run.logs["path"])
    order = Order(
        captures,
        fs_logs,
        attachments,
        {**answered, **(_asked(answered, lang) if ask else {})},
        deployment_given(deployment, acl, acl_list, signalling_list),
        lang,
        redact,
        key,
        hidden(hide),
        looking(out, lang, yes=yes),
    )
    packed = ticket(order, out)
    for warning in packed.warnings:
        click.echo(clean(f"postproc: {in_language(warning, lang)}"), err=True)
    size = decimal(f"{out.stat().st_size / 1e6:.1f}", lang)
    click.echo(clean(PACKED.of(lang, path=out, count=len(packed.members) + 1, size=size)))
    say(packed.account, lang)
    if selection and call is not None:
        start = selection.run.calls.set_index("call").loc[call, "start"]
        for number in packed.calls.loc[packed.calls["start"] == start, "call"]:
            click.echo(NUMBERED.of(lang, call=call, number=number))
    if packed.open:
        click.echo(STILL_OPEN.of(lang, keys=", ".join(packed.open)))


def _asked(answered: dict[str, str], lang: Lang) -> dict[str, str]:
    """Return the user's answers; an empty line leaves a question open."""
    from postproc.show.checklist import ASKED, QUESTIONS

    open_questions = [
        question for question in QUESTIONS if question.key in ASKED and question.key not in answered
    ]
    answers = {
        question.key: click.prompt(question.text.of(lang), default="", show_default=False, err=True)
        for question in open_questions
    }
    return {key: text for key, text in answers.items() if text.strip()}
