"""Which machines a call's parties are, as far as the tables tell."""

from postproc.diagnose.case.case import SERVER, Case
from postproc.diagnose.case.checks import TO_CLIENT, TO_SERVER


def server_addresses(case: Case) -> frozenset[str]:
    """Addresses of the server on the wire: where it takes and makes legs, and sends checks from.

    Only a leg with a side that is known counts: the called end of the client's
    leg, the calling end of a leg the B2BUA makes.
    """
    found: set[str | None] = {
        row.src_addr for row in case.bindings if row.purpose == "check" and row.direction == TO_CLIENT
    }
    found |= {row.dst_addr for row in case.bindings if row.purpose == "check" and row.direction == TO_SERVER}
    found |= {leg.uas_addr for leg in case.legs if leg.role == "inbound"}
    found |= {leg.uac_addr for leg in case.legs if leg.role == "outbound"}
    if len(case.numbers) == 1:
        found |= {leg.uas_addr for leg in case.legs}
    found |= {row.related_addr for row in case.candidates if row.side == SERVER and row.related_addr}
    return frozenset(addr for addr in found if addr)
