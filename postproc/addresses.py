"""Classes of addresses, and addresses as people write them."""

import ipaddress

CLASSES = (
    ("documentation", ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32", "3fff::/20")),
    ("private", ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")),
    ("cgnat", ("100.64.0.0/10",)),
    ("link_local", ("169.254.0.0/16", "fe80::/10")),
    ("loopback", ("127.0.0.0/8", "::1/128")),
    ("ula", ("fc00::/7",)),
    ("multicast", ("224.0.0.0/4", "ff00::/8")),
    ("unspecified", ("0.0.0.0/32", "::/128")),
    ("invalid", ("0.0.0.0/8", "240.0.0.0/4")),
)
NETWORKS = tuple((name, ipaddress.ip_network(text)) for name, texts in CLASSES for text in texts)


def addr_class(addr: str) -> str:
    """Class of a candidate's address, by the special-purpose registries (RFC 6890).

    Documentation networks are a class of their own: sample captures use them as
    the public internet.
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


def endpoint(addr: str | None, port: int | None) -> str:
    """``addr:port``, an IPv6 address in brackets; a dash if unknown."""
    if addr is None:
        return "–"
    host = f"[{addr}]" if ":" in addr else addr
    return host if port is None else f"{host}:{port}"
