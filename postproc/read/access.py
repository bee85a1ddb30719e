"""Access lists from files: FreeSWITCH's acl.conf.xml, alone or in a whole freeswitch.xml, or a deployment.

The XML is interpreted as by FreeSWITCH 1.10 (src/switch_core.c, switch_load_network_lists). What only
FreeSWITCH can resolve (variables, other files, users of a domain) is kept as unresolved; what it would
reject is left out. Both are noted.
"""

import ipaddress
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, NamedTuple
from xml.etree import ElementTree as ET

from postproc.model.acl import BUILT_IN, AccessList, Unresolved, network_of
from postproc.model.acl.lists import Entry
from postproc.model.deployment import Deployment
from postproc.model.errors import SetupError
from postproc.read import deployment as deployments
from postproc.read import option_files

# src/switch_utils.c, switch_true; any number but 0 is true as well.
TRUE = ("yes", "on", "true", "t", "enabled", "active", "allow")
VARIABLE = "$${"
CANDIDATE, INBOUND = "apply-candidate-acl", "apply-inbound-acl"
LARGEST = 64 << 20  # bytes; a whole freeswitch.xml has a few million
XML = (b"<", b"\xff\xfe", b"\xfe\xff")  # or a byte order mark of UTF-16


class Note(NamedTuple):
    """A remark about the file for its user.

    include: it depends on other files or variables; unresolved: an entry that only FreeSWITCH can
    resolve; ignored: an entry that FreeSWITCH would reject; profiles: they apply different lists, so
    none of these is used.
    """

    kind: Literal["include", "unresolved", "ignored", "profiles"]
    text: str


@dataclass(frozen=True)
class Access:
    """Lists by name; ``candidate`` and ``signalling`` name those applied, in order, empty where unknown."""

    lists: Mapping[str, AccessList] = field(default_factory=dict)
    candidate: tuple[str, ...] = ()
    signalling: tuple[str, ...] = ()
    notes: tuple[Note, ...] = ()

    def into(self, deployment: Deployment) -> Deployment:
        """Return the deployment with these lists added; those the file applies replace the deployment's."""
        return replace(
            deployment,
            lists={**deployment.lists, **self.lists},
            candidate_acl=self.candidate or deployment.candidate_acl,
            signalling_acl=self.signalling or deployment.signalling_acl,
        )


Node = Entry | Unresolved | Note


class _NoDoctype(ET.TreeBuilder):
    """Builds the tree; rejects a DOCTYPE, without which there are no entity declarations to expand."""

    def doctype(self, *_: str | None) -> None:
        raise ValueError("it has a DOCTYPE, which access lists do not need")


def read(given: Path) -> Access:
    """Read acl.conf.xml, freeswitch.xml, a deployment (TOML, or a shipped one's name); or a built-in list.

    Raises SetupError, also if an XML file has no lists in it.
    """
    if str(given) in deployments.SHIPPED:
        return _of(deployments.read(given))
    if str(given) in BUILT_IN and not given.exists():
        return Access(candidate=(str(given),))
    content = option_files.content(given, LARGEST, "file of access lists")
    text = content.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not text:
        raise SetupError(f"{given}: empty file")
    if text.startswith(XML) or given.suffix.lower() == ".xml":
        return parse(content, str(given))
    return _of(deployments.parsed(content, given, "acl.conf.xml, and not TOML"))


def given(
    known: Deployment, file: Path | None, candidate: Iterable[str] = (), signalling: Iterable[str] = ()
) -> tuple[Deployment, Access]:
    """Return the deployment with a file's lists and the named ones applied; and the file's content."""
    access = read(file) if file else Access()
    known = access.into(known)
    return replace(
        known,
        candidate_acl=tuple(candidate) or known.candidate_acl,
        signalling_acl=tuple(signalling) or known.signalling_acl,
    ), access


def _of(deployment: Deployment) -> Access:
    return Access(deployment.lists, deployment.candidate_acl, deployment.signalling_acl)


def parse(content: bytes, name: str) -> Access:
    """Parse the content of a file called ``name``; SetupError if it has no access lists."""
    root = _tree(content, name)
    notes = [Note("include", _include(found)) for found in root.iter("X-PRE-PROCESS")]
    lists: dict[str, AccessList] = {}
    for title, element in _lists(root):
        lists[title], list_notes = _list(title, element)
        notes += list_notes
    (candidate, odd), (inbound, odd_too) = (_applied(root, parameter) for parameter in (CANDIDATE, INBOUND))
    if not (lists or candidate or inbound):
        raise SetupError(f"{name}: no access lists in it: expected <network-lists> with a <list name=...>")
    in_doubt = [title for title in (*candidate, *inbound) if VARIABLE in title]
    lists |= {title: AccessList(title, False, (), (Unresolved(title, True),)) for title in in_doubt}
    return Access(lists, candidate, inbound, tuple(dict.fromkeys([*notes, *odd, *odd_too])))


def _lists(root: ET.Element) -> Iterator[tuple[str, ET.Element]]:
    """Yield the lists with their names; of several with one name the last counts, as with FreeSWITCH."""
    parts = list(root.iter("network-lists")) or [root]  # an included file has only the lists
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
    nodes = [node for child in element.findall("node") for node in _node(child, default)]
    if in_doubt:
        nodes.append(Unresolved(str(element.get("default")), not default))
    entries = tuple(node for node in nodes if isinstance(node, Entry))
    unresolved = tuple(node for node in nodes if isinstance(node, Unresolved))
    notes = [Note("unresolved", f"{name}: {node.text}") for node in unresolved]
    notes += [Note(node.kind, f"{name}: {node.text}") for node in nodes if isinstance(node, Note)]
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
    attributes = (f"{key}={value}" for key, value in node.attrib.items() if key != "type")
    return " ".join(attributes) or "<node>"


def _entry(text: str, allow: bool) -> Node:
    """Return an entry; one without a prefix length is ignored, as by FreeSWITCH."""
    network = network_of(text) if "/" in text else None
    return Entry(network, allow, text.strip()) if network else Note("ignored", text.strip())


def _masked(host: str, mask: str, allow: bool) -> Node:
    try:
        return Entry(ipaddress.IPv4Network(f"{host}/{mask}", strict=False), allow, f"{host}/{mask}")
    except ValueError:
        return Note("ignored", f"{host}/{mask}")


def _flag(word: str | None, *, missing: bool) -> tuple[bool, bool]:
    """Return whether a word means allow, and whether that depends on a variable."""
    if word is None:
        return missing, False
    number = re.fullmatch(r"[+-]?0*([0-9]*)", word)
    return word.lower() in TRUE or bool(number and number[1]), VARIABLE in word


def _applied(root: ET.Element, parameter: str) -> tuple[tuple[str, ...], list[Note]]:
    """Return the lists that all profiles of a configuration apply; a note if they differ."""
    sets: dict[tuple[str, ...], None] = {}
    for profile in root.iter("profile"):
        values = (param.get("value", "") for param in profile.iter("param") if param.get("name") == parameter)
        if names := tuple(_list_name(value) for value in values if value):
            sets[names] = None
    if len(sets) > 1:
        return (), [Note("profiles", parameter)]
    return next(iter(sets), ()), []


def _list_name(value: str) -> str:
    """Return the list's name of ``name:context:context``; networks instead of a name stay whole."""
    return value if "/" in value or VARIABLE in value else value.split(":", 1)[0]
