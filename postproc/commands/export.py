"""``postproc export``: the packets of one call."""

from pathlib import Path

import click

from postproc.commands.language import locale_language
from postproc.commands.program import tshark_option
from postproc.commands.redacting import hidden, looking, redact_options, say
from postproc.commands.trouble import one_line_errors


@click.command("export")
@click.argument("captures", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="CAPTURE...")
@click.option(
    "--call", required=True, type=click.IntRange(min=1), help="Number of the call, as `run` shows it."
)
@click.option(
    "-o", "--out", type=click.Path(path_type=Path, dir_okay=False),
    help="File to write.  [default: call-N.pcapng]",
)  # fmt: skip
@click.option(
    "--keylog", type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="TLS keys (SSLKEYLOGFILE format), to read SIP over TLS.",
)  # fmt: skip
@click.option("--redact", is_flag=True, help="Pseudonymise the export: numbers, names, addresses, media.")
@redact_options
@tshark_option
@click.option("--debug", is_flag=True, help="Print a traceback with every error.")
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
    debug: bool,
) -> None:
    """Write all packets of a call: SIP, STUN, DTLS, media, ICMP errors and TURN.

    The export is a pcapng with the original interfaces and timestamps; every packet bears
    its original frame number as comment. A call that is in several captures gives a file
    for each. With --redact numbers, names, addresses and all words but those of protocols
    and products are replaced, media is zeroed, and nothing is written if an original is left.

    \b
    Examples:
        postproc export server.pcapng --call 2
        postproc export server.pcapng --call 2 --redact -o for-the-vendor.pcapng
    """
    with one_line_errors(debug=debug):
        from postproc import pipeline
        from postproc.read import deployment as deployments
        from postproc.read.capture import Options
        from postproc.share.export import export, export_redacted
        from postproc.share.redact import products
        from postproc.show.terminal import clean

        run = pipeline.run(captures, options=Options(keylog=keylog))
        if redact:
            kept = products(deployments.read(deployments.DEFAULT))
            lang = locale_language()
            look = looking(out or Path(f"call-{call}"), lang, yes=yes)
            done = export_redacted(run, call, out, key, kept, hidden=hidden(hide), look=look, keylog=keylog)
            written = done.written
            say(done.account, lang)
        else:
            written = export(run, call, out)
        for path, packets in written.items():
            click.echo(clean(f"{path}: {packets} packets of call {call}"))
