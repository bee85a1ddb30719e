"""What ICMP errors say (RFC 792, RFC 4443), and of what."""

from postproc.diagnose.evidence.case import Case
from postproc.model.rows import IcmpErrorRow

KINDS = {
    (3, 0): "network unreachable",
    (3, 1): "host unreachable",
    (3, 2): "protocol unreachable",
    (3, 3): "port unreachable",
    (3, 4): "fragmentation needed",
    (3, 9): "network prohibited",
    (3, 10): "host prohibited",
    (3, 13): "communication administratively prohibited",
}
KINDS_V6 = {
    (1, 0): "no route",
    (1, 1): "communication administratively prohibited",
    (1, 3): "address unreachable",
    (1, 4): "port unreachable",
    (2, 0): "packet too big",
}
TOO_LARGE = ("fragmentation needed", "packet too big")  # smaller packets of the same flow are delivered

Flow = tuple[str | None, int | None, str | None, int | None]  # source, port, destination, port


def kind(row: IcmpErrorRow) -> str:
    """What an ICMP error says, in Wireshark's words."""
    kinds = KINDS_V6 if row.version == 6 else KINDS
    return kinds.get((row.type, row.code), f"type {row.type} code {row.code}")


def undelivered(case: Case, flow: Flow) -> list[IcmpErrorRow]:
    """The errors that quote a packet of the flow, whatever its size."""
    return [
        row
        for row in case.icmp_errors
        if (row.src_addr, row.src_port, row.dst_addr, row.dst_port) == flow and kind(row) not in TOO_LARGE
    ]
