"""Writes a deployment file (docs/DEPLOYMENT.md) from configuration files.

Ports, addresses, lists, STUN servers.
"""

import json
from collections.abc import Iterable, Iterator

from postproc.config.check import Checked
from postproc.model.acl import AccessList
from postproc.model.deployment import SERVER
from postproc.model.text import clean


def toml(checked: Iterable[Checked]) -> str:
    """Return the file's text; what only FreeSWITCH can resolve (variables, domains) is in comments."""
    files = list(checked)
    switches = [entry.switch for entry in files if entry.switch]
    lists = {name: item for entry in files if entry.access for name, item in entry.access.lists.items()}
    names = ", ".join(clean(entry.source.name) for entry in files if entry.switch)
    lines = [f"# Made from {names or 'no file of FreeSWITCH: it says nothing'}.", 'base = "xphone"']
    lines += _line("public_addresses", (address for entry in switches for address in entry.public))
    # As a comment for the reader: captures show the STUN server's address, files mostly its name.
    lines += [f"# STUN server: {server}" for entry in switches for server in entry.stun]
    ports = [f"{entry[0]}-{entry[-1]}" for item in switches for entry in item.ports]
    lines += ["", "[media_ports]", *_line(SERVER, ports)] if ports else []
    candidate = [name for entry in files if entry.access for name in entry.access.candidate]
    inbound = [name for entry in files if entry.access for name in entry.access.signalling]
    if candidate or inbound or lists:
        lines += ["", "[acl]", *_line("candidate", candidate), *_line("signalling", inbound)]
    for item in lists.values():
        lines += ["", *_list(item)]
    return "\n".join(lines) + "\n"


def _line(key: str, values: Iterable[str]) -> list[str]:
    distinct = list(dict.fromkeys(values))
    return [f"{key} = {_quoted(distinct)}"] if distinct else []


def _quoted(value: object) -> str:
    """Return a string, or a list of them, as JSON in ASCII, which is TOML, too (both escape alike)."""
    return json.dumps(value)


def _list(access_list: AccessList) -> Iterator[str]:
    yield f"[acl.lists.{_quoted(access_list.name)}]"
    yield f"default = {_quoted('allow' if access_list.allow else 'deny')}"
    for key, allow in (("allow", True), ("deny", False)):
        yield from _line(key, (str(entry.network) for entry in access_list.entries if entry.allow is allow))
    for entry in access_list.unresolved:
        yield f"# known only to FreeSWITCH, and left out: {'allow' if entry.allow else 'deny'} {clean(entry.text)}"
