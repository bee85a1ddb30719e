"""Build display filters and capture filters that may contain untrusted values.

Values are escaped so that they are literal wherever Wireshark reads a filter:
in the toolbar, a macro, a coloring rule and a saved filter. ``"`` and ``\\`` are
escaped for the filter syntax, ``$`` for macros, which expand inside strings too,
``@`` because it ends the filter in the coloring rules file, and non-ASCII
characters because macros do not accept them.
"""

import re
from collections.abc import Collection, Iterable
from ipaddress import ip_address

LAST_PORT = 65535
DISCARD = 9  # RFC 863
ESCAPED = re.compile(r'[^ -~]|["\\$@]')


def quoted(value: str) -> str:
    r"""Return a display filter string (wireshark-filter(4)): ``a@b`` -> ``"a\x40b"``.

    The value ends at a NUL, as a field's text does in Wireshark.
    """
    text = value.partition("\0")[0]
    return f'"{ESCAPED.sub(_escaped, text)}"'


def _escaped(found: re.Match[str]) -> str:
    return "".join(f"\\x{byte:02x}" for byte in found[0].encode("utf-8", "surrogatepass"))


def equals(field: str, values: Iterable[str]) -> str:
    """Match ``field`` against any of these strings: "" if there are none."""
    return _one_of(field, [quoted(value) for value in dict.fromkeys(values)])


def same_bytes(field: str, values: Iterable[str]) -> str:
    """Match ``field`` against any of these byte strings, given as hex digits: "" if there are none."""
    return _one_of(field, [":".join(_pairs(value)) for value in dict.fromkeys(values)])


def _pairs(digits: str) -> list[str]:
    return [f"{byte:02x}" for byte in bytes.fromhex(digits)]


def tcp_ports(candidates: Iterable[tuple[str | None, int | None]]) -> frozenset[int]:
    """Return the ports that only TCP candidates have (RFC 6544), given transport and port of candidates.

    Active candidates have port 9, from which nothing is sent (section 4.5).
    """
    by_transport: dict[bool, set[int]] = {True: set(), False: {DISCARD}}
    for transport, port in candidates:
        if port is not None:
            by_transport[transport == "tcp"].add(port)
    return frozenset(by_transport[True] - by_transport[False])


def ports(numbers: Iterable[int], tcp: Collection[int] = ()) -> str:
    """Match UDP from or to any of the ports, and TCP for those in ``tcp``: "" if there are none."""
    chosen = set(numbers)
    return either([ports_over("udp", chosen), ports_over("tcp", chosen.intersection(tcp))])


def ports_over(transport: str, numbers: Iterable[int]) -> str:
    """Match udp, tcp or sctp from or to any of the ports: "" if there are none."""
    return _one_of(f"{transport}.port", [str(number) for number in sorted(set(numbers))])


def _one_of(field: str, literals: list[str]) -> str:
    if len(literals) > 1:
        return f"{field} in {{{', '.join(literals)}}}"
    return f"{field} == {literals[0]}" if literals else ""


def either(filters: Iterable[str]) -> str:
    """Join filters with OR; empty ones are left out, "" if none is left."""
    return _joined(" || ", filters)


def both(filters: Iterable[str]) -> str:
    """Join filters with AND; empty ones are left out, "" if none is left."""
    return _joined(" && ", filters)


def _joined(sign: str, parts: Iterable[str]) -> str:
    filters = [part for part in parts if part]
    return sign.join(map(_grouped, filters)) if len(filters) > 1 else "".join(filters)


def _grouped(text: str) -> str:
    return f"({text})" if " && " in text or " || " in text else text


def between(
    one: tuple[str, int], other: tuple[str, int], *, odd: bool = False, over: Collection[str] = ("udp",)
) -> str:
    """Match packets both ways between two transport addresses, and ICMP errors that quote them.

    ``over`` names the transports: udp, tcp, sctp. ``odd`` includes the next higher ports of UDP, where RTCP
    is without rtcp-mux (RFC 3550, section 11).
    """
    layer = "ipv6" if ip_address(one[0]).version == 6 else "ip"
    hosts = [f"{layer}.addr == {addr}" for addr in dict.fromkeys((one[0], other[0]))]
    numbers = sorted({one[1], other[1]})
    by_transport = {
        transport: [
            ports_over(transport, _with_next(number) if odd and transport == "udp" else [number])
            for number in numbers
        ]
        for transport in ("udp", "tcp", "sctp")
        if transport in over
    }
    if len(by_transport) == 1:
        return both([*hosts, *by_transport.popitem()[1]])
    return both([*hosts, either(map(both, by_transport.values()))])


def _with_next(port: int) -> list[int]:
    return [port, port + 1] if port < LAST_PORT else [port]


def capture_filter(one: tuple[str, int], other: tuple[str, int] | None = None, transport: str = "udp") -> str:
    """Return the same as a capture filter (pcap-filter(7)); without ``other``, for any peer of ``one``."""
    ends = [one, other] if other else [one]
    return " and ".join([transport, *(f"host {addr} and port {port}" for addr, port in ends)])
