"""Display filters, capture filters and the values of strangers in them.

Values are written so that they mean themselves wherever Wireshark reads a
filter: in the filter toolbar, a macro, a colour rule and a saved filter. So
``"`` and ``\\`` are escaped for the filter's syntax, ``$`` for macros, which are
replaced inside strings, too, ``@`` for the file of colour rules, where it ends
the filter, and all but ASCII, which macros do not take.
"""

from collections.abc import Iterable
from ipaddress import ip_address

LAST_PORT = 65535
ESCAPED = frozenset('"\\$@')


def quoted(value: str) -> str:
    r"""A string of a display filter (wireshark-filter(4)): ``a@b`` -> ``"a\x40b"``.

    Wireshark ends a field's text at a NUL, so the value ends there, too.
    """
    text = value.partition("\0")[0]
    return f'"{"".join(_escaped(char) for char in text)}"'


def _escaped(char: str) -> str:
    if char not in ESCAPED and " " <= char <= "~":
        return char
    return "".join(f"\\x{byte:02x}" for byte in char.encode("utf-8", "surrogatepass"))


def equals(field: str, values: Iterable[str]) -> str:
    """``field`` is one of the values, which are strings: "" if there are none."""
    return _one_of(field, [quoted(value) for value in dict.fromkeys(values)])


def same_bytes(field: str, values: Iterable[str]) -> str:
    """``field`` is one of the byte strings given as hex digits: "" if there are none."""
    return _one_of(field, [":".join(_pairs(value)) for value in dict.fromkeys(values)])


def _pairs(digits: str) -> list[str]:
    return [f"{byte:02x}" for byte in bytes.fromhex(digits)]


def ports(numbers: Iterable[int]) -> str:
    """UDP from or to one of the ports: "" if there are none."""
    return _one_of("udp.port", [str(number) for number in sorted(set(numbers))])


def _one_of(field: str, literals: list[str]) -> str:
    if len(literals) > 1:
        return f"{field} in {{{', '.join(literals)}}}"
    return f"{field} == {literals[0]}" if literals else ""


def either(filters: Iterable[str]) -> str:
    """One of the filters holds; empty ones are left out, "" if none is left."""
    return _joined(" || ", filters)


def both(filters: Iterable[str]) -> str:
    """All of the filters hold; empty ones are left out, "" if none is left."""
    return _joined(" && ", filters)


def _joined(sign: str, parts: Iterable[str]) -> str:
    kept = [part for part in parts if part]
    return sign.join(map(_grouped, kept)) if len(kept) > 1 else "".join(kept)


def _grouped(text: str) -> str:
    return f"({text})" if " && " in text or " || " in text else text


def between(one: tuple[str, int], other: tuple[str, int], *, odd: bool = False) -> str:
    """UDP both ways between two addresses and ports, and ICMP errors that quote it.

    ``odd``: on the ports above, too, where RTCP is without rtcp-mux (RFC 3550,
    section 11).
    """
    layer = "ipv6" if ip_address(one[0]).version == 6 else "ip"
    hosts = [f"{layer}.addr == {addr}" for addr in dict.fromkeys((one[0], other[0]))]
    return both(
        [*hosts, *(ports(_with_next(port) if odd else [port]) for port in sorted({one[1], other[1]}))]
    )


def _with_next(port: int) -> list[int]:
    return [port, port + 1] if port < LAST_PORT else [port]


def capture_filter(one: tuple[str, int], other: tuple[str, int] | None = None) -> str:
    """The same as a capture filter (pcap-filter(7)), for tcpdump; without ``other`` to anybody."""
    ends = [one, other] if other else [one]
    return " and ".join(["udp", *(f"host {addr} and port {port}" for addr, port in ends)])
