"""FreeSWITCH's acl.conf.xml, alone or in a whole freeswitch.xml, as access lists.

Its words mean what they mean to FreeSWITCH 1.10 (src/switch_core.c, switch_load_network_lists).
What only FreeSWITCH can know (variables, other files, users of a domain) is kept as
unresolved, what it would not take is left out; both are noted.
"""

import ipaddress
import re
from collections.abc import Iterator
from xml.etree import ElementTree as ET

from postproc.model.acl import AccessList, Unresolved, network_of
from postproc.model.acl.lists import Entry
from postproc.model.errors import SetupError
from postproc.read.access import Access, Note

# src/switch_utils.c, switch_true; numbers beside.
TRUE = ("yes", "on", "true", "t", "enabled", "active", "allow")
VARIABLE = "$${"
CANDIDATE, INBOUND = "apply-candidate-acl", "apply-inbound-acl"

Node = Entry | Unresolved | Note


class _NoDoctype(ET.TreeBuilder):
    """Builds the tree; refuses the declarations that entities, and with them bombs, need."""

    def doctype(self, *_: str | None) -> None:
        raise ValueError("it has a DOCTYPE, which access lists do not need")


def read(content: bytes, name: str) -> Access:
    """Read the content of a file called ``name``; SetupError where it holds no access lists."""
    root = _tree(content, name)
    notes = [Note("include", _include(found)) for found in root.iter("X-PRE-PROCESS")]
    lists: dict[str, AccessList] = {}
    for title, element in _lists(root):
        lists[title], told = _list(title, element)
        notes += told
    (candidate, odd), (inbound, odd_too) = (_applied(root, parameter) for parameter in (CANDIDATE, INBOUND))
    if not (lists or candidate or inbound):
        raise SetupError(f"{name}: no access lists in it: expected <network-lists> with a <list name=...>")
    in_doubt = [title for title in (*candidate, *inbound) if VARIABLE in title]
    lists |= {title: AccessList(title, False, (), (Unresolved(title, True),)) for title in in_doubt}
    return Access(lists, candidate, inbound, tuple(dict.fromkeys([*notes, *odd, *odd_too])))


def _lists(root: ET.Element) -> Iterator[tuple[str, ET.Element]]:
    """Yield the lists with their names; of one name the last counts, as with FreeSWITCH."""
    parts = list(root.iter("network-lists")) or [root]  # an included file has but the lists
    for part in parts:
        for element in part.iter("list"):
            if title := element.get("name"):
                yield title, element


def _tree(content: bytes, name: str) -> ET.Element:
    parser = ET.XMLParser(target=_NoDoctype())
    try:
        parser.feed(content)
        root: ET.Element = parser.close()
    except (ET.ParseError, ValueError, LookupError) as error:
        raise SetupError(f"{name}: cannot be read as XML: {error}") from error
    return root


def _include(element: ET.Element) -> str:
    return f"{element.get('cmd', '')} {element.get('data', '')}".strip()


def _list(name: str, element: ET.Element) -> tuple[AccessList, list[Note]]:
    default, in_doubt = _flag(element.get("default"), missing=True)
    found = [node for child in element.findall("node") for node in _node(child, default)]
    if in_doubt:
        found.append(Unresolved(str(element.get("default")), not default))
    entries = tuple(node for node in found if isinstance(node, Entry))
    unresolved = tuple(node for node in found if isinstance(node, Unresolved))
    notes = [Note("unresolved", f"{name}: {node.text}") for node in unresolved]
    notes += [Note(node.kind, f"{name}: {node.text}") for node in found if isinstance(node, Note)]
    return AccessList(name, default, entries, unresolved), notes


def _node(node: ET.Element, default: bool) -> Iterator[Node]:
    allow, in_doubt = _flag(node.get("type"), missing=default)
    written = _written(node)
    if in_doubt or "domain" in node.attrib or VARIABLE in written:
        yield Unresolved(written, allow)
        if in_doubt:
            yield Unresolved(written, not allow)
    elif "cidr" in node.attrib:
        for part in node.attrib["cidr"].split(","):
            yield _entry(part, allow)
    elif "host" in node.attrib and "mask" in node.attrib:
        yield _masked(node.attrib["host"], node.attrib["mask"], allow)
    else:
        yield Note("ignored", written)


def _written(node: ET.Element) -> str:
    named = (f"{key}={value}" for key, value in node.attrib.items() if key != "type")
    return " ".join(named) or "<node>"


def _entry(text: str, allow: bool) -> Node:
    """Make an entry; like FreeSWITCH leave out what has no prefix length."""
    network = network_of(text) if "/" in text else None
    return Entry(network, allow, text.strip()) if network else Note("ignored", text.strip())


def _masked(host: str, mask: str, allow: bool) -> Node:
    try:
        return Entry(ipaddress.IPv4Network(f"{host}/{mask}", strict=False), allow, f"{host}/{mask}")
    except ValueError:
        return Note("ignored", f"{host}/{mask}")


def _flag(word: str | None, *, missing: bool) -> tuple[bool, bool]:
    """Return whether a word allows, and whether that hangs on a variable."""
    if word is None:
        return missing, False
    number = re.fullmatch(r"[+-]?0*([0-9]*)", word)
    return word.lower() in TRUE or bool(number and number[1]), VARIABLE in word


def _applied(root: ET.Element, parameter: str) -> tuple[tuple[str, ...], list[Note]]:
    """Return the lists that the profiles of a whole configuration apply, if they agree."""
    sets: dict[tuple[str, ...], None] = {}
    for profile in root.iter("profile"):
        found = (param.get("value", "") for param in profile.iter("param") if param.get("name") == parameter)
        if names := tuple(_list_name(value) for value in found if value):
            sets[names] = None
    if len(sets) > 1:
        return (), [Note("profiles", parameter)]
    return next(iter(sets), ()), []


def _list_name(value: str) -> str:
    """Return the list of ``name:context:context``; networks in place of a name stay whole."""
    return value if "/" in value or VARIABLE in value else value.split(":", 1)[0]
