"""FreeSWITCH access lists: which addresses are allowed, by which entry, and which candidate is chosen."""

from postproc.model.acl.asking import Overall, decide, decide_by
from postproc.model.acl.built_in import BUILT_IN, WITHOUT_LISTS, of_machine
from postproc.model.acl.choice import Choice, Offered, Peer, Sent, Taken, take
from postproc.model.acl.lists import (
    AccessList,
    Address,
    Decision,
    Entry,
    Network,
    Unresolved,
    Verdict,
    address_of,
    built,
    network_of,
)

__all__ = [
    "BUILT_IN",
    "WITHOUT_LISTS",
    "AccessList",
    "Address",
    "Choice",
    "Decision",
    "Entry",
    "Network",
    "Offered",
    "Overall",
    "Peer",
    "Sent",
    "Taken",
    "Unresolved",
    "Verdict",
    "address_of",
    "built",
    "decide",
    "decide_by",
    "network_of",
    "of_machine",
    "take",
]
