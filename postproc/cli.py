"""The command line, put together: arguments in, exit status out.

Commands are modules of ``postproc.commands``. What needs pandas is imported
where it is used: ``--help`` stays quick.
"""

import click

from postproc.commands.acl import acl_command
from postproc.commands.annotate import annotate_command
from postproc.commands.doctor import doctor_command
from postproc.commands.export import export_command
from postproc.commands.filter import filter_command
from postproc.commands.notebook import notebook_command
from postproc.commands.report import report_command
from postproc.commands.rules import explain_command, rules_command
from postproc.commands.run import run_command
from postproc.commands.tables import tables_command
from postproc.commands.ticket import ticket_command
from postproc.commands.wireshark import wireshark_command
from postproc.version import __version__


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, "--version", "-V", prog_name="postproc")
def cli() -> None:
    """Say, per call in packet captures, what became of legs, candidates, bindings and media.

    \b
    Example:
        postproc run pcaps/
    """


COMMANDS = (
    run_command, report_command, export_command, annotate_command, ticket_command, notebook_command,
    filter_command, wireshark_command, acl_command, rules_command, explain_command, tables_command,
    doctor_command,
)  # fmt: skip
for command in COMMANDS:
    cli.add_command(command)
