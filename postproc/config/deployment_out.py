"""A deployment file (docs/DEPLOYMENT.md) of what configuration files say: ports, addresses, lists, STUN servers."""

import json
from collections.abc import Iterable, Iterator

from postproc.config.check import Checked
from postproc.model.acl import AccessList
from postproc.model.deployment import SERVER
from postproc.model.text import clean


def toml(checked: Iterable[Checked]) -> str:
    """The file's text; what only FreeSWITCH can resolve (variables, domains) stands in it as a comment."""
    files = list(checked)
    switches = [each.switch for each in files if each.switch]
    lists = {name: held for each in files if each.access for name, held in each.access.lists.items()}
    named = ", ".join(clean(each.source.name) for each in files if each.switch)
    lines = [f"# Made from {named or 'no file of FreeSWITCH: it says nothing'}.", 'base = "xphone"']
    lines += _line("public_addresses", (address for each in switches for address in each.public))
    # Captures show the STUN server's address, files mostly its name: for whoever reads this.
    lines += [f"# STUN server: {server}" for each in switches for server in each.stun]
    ports = [f"{each[0]}-{each[-1]}" for held in switches for each in held.ports]
    lines += ["", "[media_ports]", *_line(SERVER, ports)] if ports else []
    candidate = [name for each in files if each.access for name in each.access.candidate]
    inbound = [name for each in files if each.access for name in each.access.signalling]
    if candidate or inbound or lists:
        lines += ["", "[acl]", *_line("candidate", candidate), *_line("signalling", inbound)]
    for held in lists.values():
        lines += ["", *_list(held)]
    return "\n".join(lines) + "\n"


def _line(key: str, values: Iterable[str]) -> list[str]:
    held = list(dict.fromkeys(values))
    return [f"{key} = {_quoted(held)}"] if held else []


def _quoted(value: object) -> str:
    """A string, or a list of them: what JSON writes in ASCII is TOML, too (both escape alike)."""
    return json.dumps(value)


def _list(held: AccessList) -> Iterator[str]:
    yield f"[acl.lists.{_quoted(held.name)}]"
    yield f"default = {_quoted('allow' if held.allow else 'deny')}"
    for key, allow in (("allow", True), ("deny", False)):
        yield from _line(key, (str(each.network) for each in held.entries if each.allow is allow))
    for each in held.unresolved:
        yield f"# known only to FreeSWITCH, and left out: {'allow' if each.allow else 'deny'} {clean(each.text)}"
