"""A list of networks, and what it makes of an address.

As FreeSWITCH 1.10 does it (src/switch_utils.c, switch_network_list_validate_ip_port_token):
an address gets the list's default unless entries fit it; of those the one with the longest
prefix decides, whatever their order; of equally long ones the one written first.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Literal

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Verdict = Literal["allowed", "denied", "unknown"]
Why = Literal["entry", "default", "unresolved", "no_list", "not_an_address"]


@dataclass(frozen=True)
class Entry:
    """One network of a list; ``text`` is how it was written."""

    network: Network
    allow: bool
    text: str


@dataclass(frozen=True)
class Unresolved:
    """An entry whose networks are not known here: a domain's users, a variable, the machine's own network."""

    text: str
    allow: bool


@dataclass(frozen=True)
class AccessList:
    """A named list. ``allow`` is its default, given to addresses no entry fits."""

    name: str
    allow: bool
    entries: tuple[Entry, ...] = ()
    unresolved: tuple[Unresolved, ...] = ()

    def decide(self, address: str | None) -> "Decision":
        """Say what this list makes of an address, and why."""
        if (found := address_of(address)) is None:
            return Decision(self.name, "unknown", "not_an_address")
        fitting = self._fitting(found)
        entry = fitting[0] if fitting else None
        allow = entry.allow if entry else self.allow
        if doubt := next((each for each in self.unresolved if each.allow != allow), None):
            return Decision(self.name, "unknown", "unresolved", text=doubt.text, default=self.allow)
        if entry is None:
            return Decision(self.name, _verdict(allow), "default", default=self.allow)
        passed = tuple(each.text for each in fitting[1:])
        return Decision(self.name, _verdict(allow), "entry", entry, entry.text, self.allow, passed)

    def _fitting(self, address: Address) -> list[Entry]:
        """Entries that fit, the longest prefix first; of equal networks the first written."""
        number, bits, version = int(address), address.max_prefixlen, address.version
        keys = ((version, n, number >> (bits - n) << (bits - n)) for n in self._lengths[version])
        return [self._by_network[key] for key in keys if key in self._by_network]

    @cached_property
    def _by_network(self) -> dict[tuple[int, int, int], Entry]:
        """Entries by version, prefix length and first address; of equal ones the first."""
        return {_key(entry.network): entry for entry in reversed(self.entries)}

    @cached_property
    def _lengths(self) -> dict[int, list[int]]:
        """Prefix lengths that occur, longest first, by version."""
        held = sorted({(version, length) for version, length, _ in self._by_network}, reverse=True)
        return {family: [length for version, length in held if version == family] for family in (4, 6)}


@dataclass(frozen=True)
class Decision:
    """What a list says of an address. ``text`` is the entry that decides or leaves it open."""

    list: str
    verdict: Verdict
    why: Why
    entry: Entry | None = None
    text: str | None = None
    default: bool | None = None  # the list's: True allows
    passed: tuple[str, ...] = ()  # entries that fit, too, and are less specific


def built(name: str, default: bool, *, allow: Sequence[str] = (), deny: Sequence[str] = ()) -> AccessList:
    """Build a list from networks as text; ValueError where one is none."""
    entries = [Entry(ip_network(text, strict=False), True, text) for text in allow]
    entries += [Entry(ip_network(text, strict=False), False, text) for text in deny]
    return AccessList(name, default, tuple(entries))


def address_of(text: str | None) -> Address | None:
    """Read an address; IPv4 mapped into IPv6 is IPv4, a name is none."""
    try:
        found = ip_address((text or "").strip().strip("[]"))
    except ValueError:
        return None
    return found.ipv4_mapped or found if isinstance(found, IPv6Address) else found


def network_of(text: str) -> Network | None:
    """Read a network whose host bits may be set; None where it is none."""
    try:
        return ip_network(text.strip(), strict=False)
    except ValueError:
        return None


def _key(network: Network) -> tuple[int, int, int]:
    return network.version, network.prefixlen, int(network.network_address)


def _verdict(allow: bool) -> Verdict:
    return "allowed" if allow else "denied"
