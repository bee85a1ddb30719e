"""Evaluate several lists by name: the first that allows decides.

A name that is no list is parsed as networks if it contains a slash, else it denies everything
(src/switch_core.c of FreeSWITCH 1.10, switch_check_network_list_ip_port_token).
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from postproc.model.acl.built_in import BUILT_IN
from postproc.model.acl.lists import AccessList, Decision, Entry, Verdict, network_of


class Overall(NamedTuple):
    """The combined verdict of several lists."""

    verdict: Verdict
    decisions: tuple[Decision, ...]  # those asked, in order

    @property
    def deciding(self) -> Decision | None:
        """The first decision that agrees with the verdict; None if no list was asked."""
        fitting = [each for each in self.decisions if each.verdict == self.verdict]
        return next(iter(fitting), None)


def decide(address: str | None, names: Iterable[str], lists: Mapping[str, AccessList]) -> Overall:
    """Ask lists in order until one allows.

    A list that cannot tell makes the verdict "unknown" unless another allows; so does no list at all.
    """
    asked: list[Decision] = []
    for name in names:
        asked.append(decide_by(name, address, lists))
        if asked[-1].verdict == "allowed":
            return Overall("allowed", tuple(asked))
    doubtful = not asked or any(each.verdict == "unknown" for each in asked)
    return Overall("unknown" if doubtful else "denied", tuple(asked))


def decide_by(name: str, address: str | None, lists: Mapping[str, AccessList]) -> Decision:
    """Ask one list by name: from ``lists``, built in, or networks given in place of a name."""
    access_list = lists.get(name) or BUILT_IN.get(name) or inline(name)
    if access_list:
        return access_list.decide(address)
    return Decision(name, "denied", "no_list")


def inline(name: str) -> AccessList | None:
    """Parse networks given in place of a list name (``10.0.0.0/8,192.168.0.0/16``); else None."""
    parts = [network_of(part) for part in name.split(",")]
    if "/" not in name or not all(parts):
        return None
    return AccessList(name, allow=False, entries=tuple(Entry(n, True, str(n)) for n in parts if n))
