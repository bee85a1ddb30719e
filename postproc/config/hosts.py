"""Host names and addresses in settings."""

import re
from ipaddress import ip_address
from typing import NamedTuple
from urllib.parse import urlsplit

from postproc.model.addresses import addr_class

LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9])?")  # RFC 1123, section 2.1; _ for Windows


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine: localhost (RFC 6761, section 6.3), 127.0.0.0/8, ::1."""
    name = host.strip().strip("[]").rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    return addr_class(name) == "loopback"


def is_address(host: str) -> bool:
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def is_host(host: str) -> bool:
    """Tell whether it is an address or a valid host name: without scheme, port and path."""
    if is_address(host):
        return True
    labels = host.rstrip(".").split(".")
    return len(host) <= 253 and all(LABEL.fullmatch(label) for label in labels) and not labels[-1].isdigit()


class Address(NamedTuple):
    """The parts of a URL; ``host_at`` is the offset of the host in it."""

    scheme: str
    host: str
    port: int | None
    path: str
    host_at: int


def address_of(url: str) -> Address | None:
    """Return the parts of a URL with a host; None for anything else."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if not parts.hostname or not parts.scheme:
        return None
    return Address(parts.scheme, parts.hostname, port, parts.path, url.lower().find(parts.hostname))
