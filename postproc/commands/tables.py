"""``postproc tables``: the schema."""

import sys

import click


@click.command("tables")
@click.argument("name", required=False)
@click.option("--json", "form", flag_value="json", help="As JSON.")
@click.option("--markdown", "form", flag_value="markdown", help="As Markdown.")
def tables_command(name: str | None, form: str | None) -> None:
    """Print the tables a run writes, or the columns of one.

    \b
    Examples:
        postproc tables
        postproc tables bindings
        postproc tables --json
    """
    from postproc.model.tables import BY_NAME
    from postproc.show import documents
    from postproc.show.terminal import console

    if name and name not in BY_NAME:
        raise click.BadParameter(f"no table {name!r}; there are {', '.join(BY_NAME)}", param_hint="NAME")
    chosen = [BY_NAME[name]] if name else list(BY_NAME.values())
    screen = console(sys.stdout)
    width = screen.width if screen.is_terminal else None
    if form == "json":
        click.echo(documents.tables_as_json(chosen))
    elif form == "markdown":
        click.echo(documents.tables_as_markdown(chosen))
    elif name:
        click.echo(documents.tables_as_text(chosen, width))
    else:
        click.echo(documents.tables_as_names(chosen, width))
