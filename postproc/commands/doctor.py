"""``postproc doctor``: is this machine fit?"""

import sys

import click

from postproc.commands.program import tshark_option
from postproc.commands.trouble import COULD_NOT_RUN, one_line_errors


@click.command("doctor")
@tshark_option
def doctor_command() -> None:
    """Say whether this machine is fit to read captures.

    Looks for tshark and what belongs to it, the fields and preferences that are
    needed, and disk space for temporary files.
    Exit status: 0 fit, 2 not fit.

    \b
    Example:
        postproc doctor
    """
    from postproc.read.doctor import checks

    with one_line_errors():
        found = checks()
    width = max(len(check.name) for check in found)
    for check in found:
        click.echo(f"{check.state:5}  {check.name:{width}}  {check.detail}")
        if check.remedy:
            click.echo(f"{'':5}  {'':{width}}  -> {check.remedy}")
    if any(check.state == "fault" for check in found):
        sys.exit(COULD_NOT_RUN)
