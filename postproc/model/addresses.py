"""Address classes, and the text forms of transport addresses."""

import ipaddress
import re
from functools import lru_cache

from postproc.model import constants

CLASSES = [(str(name), tuple(map(str, networks))) for name, networks in constants.value("addresses.classes")]
UNSPECIFIED = frozenset(constants.words("addresses.unspecified"))
NETWORKS = tuple((name, ipaddress.ip_network(text)) for name, texts in CLASSES for text in texts)


@lru_cache(maxsize=4096)  # the same addresses are in most rows of a call
def addr_class(addr: str) -> str:
    """Return the class of a candidate's address, by the special-purpose registries (RFC 6890).

    ``mdns`` for a .local name, ``invalid`` for other names. Documentation networks are a class of
    their own: sample captures use them as the public internet.
    """
    if addr.lower().endswith(".local"):
        return "mdns"
    try:
        parsed = ipaddress.ip_address(addr.partition("%")[0])
    except ValueError:
        return "invalid"
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped:
        parsed = parsed.ipv4_mapped
    fits = (name for name, net in NETWORKS if net.version == parsed.version and parsed in net)
    return next(fits, "public")


@lru_cache(maxsize=4096)
def ip_version(addr: str) -> int | None:
    """Return 4 or 6; None for what a display filter cannot name: no address, or one with a zone."""
    try:
        return None if "%" in addr else ipaddress.ip_address(addr).version
    except ValueError:
        return None


def endpoint(addr: str | None, port: int | None) -> str:
    """Return ``addr:port``, an IPv6 address in brackets; a dash if unknown."""
    return transport_address(addr, port) or "–"


def transport_address(addr: str | None, port: int | None) -> str | None:
    """Return ``192.0.2.1:5060`` or ``[2001:db8::1]:5060``; None without address, no port without port."""
    if addr is None:
        return None
    host = f"[{addr}]" if ":" in addr else addr
    return host if port is None else f"{host}:{port}"


def alternatives(text: str | None) -> list[tuple[str, int]]:
    """Return the addresses and ports in ``sdp_media.alternatives``."""
    parts = (each.rpartition(" ") for each in text.split(",")) if text else ()
    return [(addr, int(port)) for addr, _, port in parts]


URI_HOST = re.compile(
    r"sips?:(?:[^@]*@)?(?:\[([^\]]+)\]|([^:;?>]+))", re.IGNORECASE
)  # RFC 3261, section 19.1.1


def uri_host(uri: str | None) -> str | None:
    """Return the host of a SIP URI, an IPv6 address without its brackets; None if it has none."""
    found = URI_HOST.match(uri or "")
    return (found[1] or found[2]).lower() if found else None


def host(transport_address: str) -> str:
    """Return the address part of ``addr:port``."""
    if transport_address.startswith("["):
        return transport_address[1:].partition("]")[0]
    has_port = transport_address.count(":") == 1
    return transport_address.rpartition(":")[0] if has_port else transport_address
