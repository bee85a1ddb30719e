"""An access list and its verdict for an address.

As in FreeSWITCH 1.10 (src/switch_utils.c, switch_network_list_validate_ip_port_token): an
address gets the list's default unless entries match; of those the one with the longest prefix
decides, whatever their order; of equally long ones the first in the list.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Literal, NamedTuple

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Verdict = Literal["allowed", "denied", "unknown"]
Why = Literal["entry", "default", "unresolved", "no_list", "not_an_address"]


class Entry(NamedTuple):
    """One network of a list; ``text`` is its original notation."""

    network: Network
    allow: bool
    text: str


class Unresolved(NamedTuple):
    """An entry whose networks are unknown: a domain's users, a variable, the machine's own network."""

    text: str
    allow: bool


@dataclass(frozen=True)
class AccessList:
    """A named list. ``allow`` is its default, for addresses that no entry matches."""

    name: str
    allow: bool
    entries: tuple[Entry, ...] = ()
    unresolved: tuple[Unresolved, ...] = ()

    def decide(self, address: str | None) -> "Decision":
        """Return this list's decision on an address."""
        if (parsed := address_of(address)) is None:
            return Decision(self.name, "unknown", "not_an_address")
        fitting = self._fitting(parsed)
        entry = fitting[0] if fitting else None
        allow = entry.allow if entry else self.allow
        if doubt := next((each for each in self.unresolved if each.allow != allow), None):
            return Decision(self.name, "unknown", "unresolved", text=doubt.text, default=self.allow)
        if entry is None:
            return Decision(self.name, _verdict(allow), "default", default=self.allow)
        passed = tuple(each.text for each in fitting[1:])
        return Decision(self.name, _verdict(allow), "entry", entry, entry.text, self.allow, passed)

    def _fitting(self, address: Address) -> list[Entry]:
        """Return the matching entries, longest prefix first; of equal networks only the first in the list."""
        number, bits, version = int(address), address.max_prefixlen, address.version
        keys = ((version, n, number >> (bits - n) << (bits - n)) for n in self._lengths[version])
        return [self._by_network[key] for key in keys if key in self._by_network]

    @cached_property
    def _by_network(self) -> dict[tuple[int, int, int], Entry]:
        """Entries by IP version, prefix length and first address; of equal ones the first in the list."""
        return {_key(entry.network): entry for entry in reversed(self.entries)}

    @cached_property
    def _lengths(self) -> dict[int, list[int]]:
        """The prefix lengths in use, longest first, by IP version."""
        used = sorted({(version, length) for version, length, _ in self._by_network}, reverse=True)
        return {family: [length for version, length in used if version == family] for family in (4, 6)}


class Decision(NamedTuple):
    """A list's verdict for an address. ``text`` is the entry that decides or is unresolved."""

    list: str
    verdict: Verdict
    why: Why
    entry: Entry | None = None
    text: str | None = None
    default: bool | None = None  # the list's: True allows
    passed: tuple[str, ...] = ()  # less specific entries that match too


def built(name: str, default: bool, *, allow: Sequence[str] = (), deny: Sequence[str] = ()) -> AccessList:
    """Build a list from networks as text; ValueError for an invalid one."""
    entries = [Entry(ip_network(text, strict=False), True, text) for text in allow]
    entries += [Entry(ip_network(text, strict=False), False, text) for text in deny]
    return AccessList(name, default, tuple(entries))


def address_of(text: str | None) -> Address | None:
    """Parse an address; an IPv4-mapped IPv6 address becomes IPv4, anything else None."""
    try:
        parsed = ip_address((text or "").strip().strip("[]"))
    except ValueError:
        return None
    return parsed.ipv4_mapped or parsed if isinstance(parsed, IPv6Address) else parsed


def network_of(text: str) -> Network | None:
    """Parse a network, host bits allowed; None if invalid."""
    try:
        return ip_network(text.strip(), strict=False)
    except ValueError:
        return None


def _key(network: Network) -> tuple[int, int, int]:
    return network.version, network.prefixlen, int(network.network_address)


def _verdict(allow: bool) -> Verdict:
    return "allowed" if allow else "denied"
