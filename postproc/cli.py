"""The command line, put together: arguments in, exit status out.

Commands are modules of ``postproc.commands``. What needs pandas is imported
where it is used: ``--help`` stays quick.
"""

import click

from postproc.commands.access import acl_command
from postproc.commands.checklist import checklist_command
from postproc.commands.config import config_command
from postproc.commands.dataset import calls_command, prune_command
from postproc.commands.language import Speaking
from postproc.commands.look_up import (
    doctor_command,
    explain_command,
    filter_command,
    rules_command,
    tables_command,
)
from postproc.commands.options import speaks
from postproc.commands.places import compare_command, merge_command
from postproc.commands.probe import probe_command
from postproc.commands.report import annotate_command, notebook_command, report_command
from postproc.commands.run import run_command
from postproc.commands.share import export_command, ticket_command
from postproc.commands.watch import watch_command
from postproc.commands.wireshark import wireshark_command
from postproc.version import __version__


@click.group(cls=Speaking, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, "--version", "-V", prog_name="postproc")
def cli() -> None:
    """Explain every call in packet captures: its legs, candidates, bindings and media.

    \b
    Example:
        postproc run pcaps/
    """


COMMANDS = (
    run_command,
    watch_command,
    report_command,
    export_command,
    annotate_command,
    ticket_command,
    notebook_command,
    compare_command,
    merge_command,
    calls_command,
    prune_command,
    filter_command,
    wireshark_command,
    acl_command,
    config_command,
    probe_command,
    checklist_command,
    rules_command,
    explain_command,
    tables_command,
    doctor_command,
)
for command in COMMANDS:
    cli.add_command(command)
speaks(cli)
