"""What is known beforehand, with pseudonyms: access lists and addresses are as telling as packets."""

from collections.abc import Iterable
from dataclasses import replace
from ipaddress import ip_network

from postproc.model.acl import BUILT_IN, AccessList, Entry, Network, Unresolved
from postproc.model.deployment import Deployment
from postproc.share.redaction.pseudonyms import Pseudonyms


def disguised(deployment: Deployment, pseudonyms: Pseudonyms) -> Deployment:
    """The deployment as it is to the redacted captures: it decides alike, and its prose names nobody."""
    return replace(
        deployment,
        public_addresses=tuple(_network(each, pseudonyms) for each in deployment.public_addresses),
        lists={_name(name, pseudonyms): _list(held, pseudonyms) for name, held in deployment.lists.items()},
        candidate_acl=_names(deployment.candidate_acl, pseudonyms),
        signalling_acl=_names(deployment.signalling_acl, pseudonyms),
    )


def _list(held: AccessList, pseudonyms: Pseudonyms) -> AccessList:
    entries = (_entry(entry, pseudonyms) for entry in held.entries)
    unresolved = (Unresolved(pseudonyms.texts.opaque(each.text), each.allow) for each in held.unresolved)
    return AccessList(_name(held.name, pseudonyms), held.allow, tuple(entries), tuple(unresolved))


def _entry(entry: Entry, pseudonyms: Pseudonyms) -> Entry:
    network = _network(entry.network, pseudonyms)
    return Entry(network, entry.allow, str(network))


def _network(network: Network, pseudonyms: Pseudonyms) -> Network:
    """The network that holds the pseudonyms of its addresses: they keep what they have in common."""
    if network.prefixlen == 0:
        return network
    mapped = pseudonyms.addresses.text(str(network.network_address))
    return ip_network(f"{mapped}/{network.prefixlen}", strict=False)


def _names(names: Iterable[str], pseudonyms: Pseudonyms) -> tuple[str, ...]:
    return tuple(_name(name, pseudonyms) for name in names)


def _name(name: str, pseudonyms: Pseudonyms) -> str:
    return name if name in BUILT_IN or name in pseudonyms.known else pseudonyms.words.identifier(name)
