"""The ICMP errors of a call."""

from postproc.diagnose.evidence.case import Case, at_one_place
from postproc.model.icmp import TOO_LARGE, meaning
from postproc.model.rows import IcmpErrorRow

Flow = tuple[str | None, int | None, str | None, int | None]  # source, port, destination, port


def kind(row: IcmpErrorRow) -> str:
    """Return the meaning of the error."""
    return meaning(row.version, row.type, row.code)


def undelivered(case: Case, flow: Flow) -> list[IcmpErrorRow]:
    """Return the errors that quote a packet of the flow, except those about packet size."""
    return at_one_place(
        row
        for row in case.icmp_errors
        if (row.src_addr, row.src_port, row.dst_addr, row.dst_port) == flow and kind(row) not in TOO_LARGE
    )
