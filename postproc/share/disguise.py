"""What is known beforehand, with pseudonyms: access lists and addresses are as telling as packets."""

from collections.abc import Iterable
from dataclasses import replace

from postproc.model.acl import BUILT_IN, AccessList, Entry, Unresolved
from postproc.model.deployment import Deployment
from postproc.share.redaction.pseudonyms import Pseudonyms


def disguised(deployment: Deployment, pseudonyms: Pseudonyms) -> Deployment:
    """The deployment as it is to the redacted captures: it decides alike, and its prose names nobody."""
    return replace(
        deployment,
        public_addresses=tuple(
            network for each in deployment.public_addresses for network in pseudonyms.addresses.image(each)
        ),
        lists={_name(name, pseudonyms): _list(held, pseudonyms) for name, held in deployment.lists.items()},
        candidate_acl=_names(deployment.candidate_acl, pseudonyms),
        signalling_acl=_names(deployment.signalling_acl, pseudonyms),
    )


def _list(held: AccessList, pseudonyms: Pseudonyms) -> AccessList:
    """A list that decides alike: the longest prefix decides, of equal ones the first (docs/DEPLOYMENT.md)."""
    finest_first = sorted(held.entries, key=lambda entry: -entry.network.prefixlen)
    entries = (
        Entry(network, entry.allow, str(network))
        for entry in finest_first
        for network in pseudonyms.addresses.image(entry.network)
    )
    unresolved = (Unresolved(pseudonyms.texts.opaque(each.text), each.allow) for each in held.unresolved)
    return AccessList(_name(held.name, pseudonyms), held.allow, tuple(entries), tuple(unresolved))


def _names(names: Iterable[str], pseudonyms: Pseudonyms) -> tuple[str, ...]:
    return tuple(_name(name, pseudonyms) for name in names)


def _name(name: str, pseudonyms: Pseudonyms) -> str:
    return name if name in BUILT_IN or name in pseudonyms.known else pseudonyms.words.identifier(name)
