"""Meanings of ICMP errors (RFC 792, RFC 1812, RFC 4443), in Wireshark's words."""

MEANINGS = {  # by IP version, type and code
    (4, 3, 0): "network unreachable",
    (4, 3, 1): "host unreachable",
    (4, 3, 2): "protocol unreachable",
    (4, 3, 3): "port unreachable",
    (4, 3, 4): "fragmentation needed",
    (4, 3, 9): "network prohibited",
    (4, 3, 10): "host prohibited",
    (4, 3, 13): "communication administratively prohibited",
    (4, 11, 0): "time to live exceeded",
    (6, 1, 0): "no route",
    (6, 1, 1): "communication administratively prohibited",
    (6, 1, 3): "address unreachable",
    (6, 1, 4): "port unreachable",
    (6, 2, 0): "packet too big",
    (6, 3, 0): "hop limit exceeded",
}
TOO_LARGE = ("fragmentation needed", "packet too big")  # smaller packets of the same flow are delivered


def meaning(version: int | None, kind: int | None, code: int | None) -> str:
    """Return the meaning of an ICMP error, or its type and code; version None is taken as IPv4."""
    return MEANINGS.get((version or 4, kind or 0, code or 0), f"type {kind} code {code}")
