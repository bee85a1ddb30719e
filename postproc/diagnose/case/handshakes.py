"""The DTLS of a call: handshakes that count once, and who was to begin."""

from postproc.diagnose.case.case import Case
from postproc.model.rows import DtlsRow

BEST = ("complete", "alert", "incomplete", "client_hello_only", "none")


def handshakes(case: Case, leg: int | None) -> list[DtlsRow]:
    """Handshakes of a leg, of several captures of one the view that shows most."""
    found: dict[object, DtlsRow] = {}
    for row in case.dtls:
        if row.leg == leg:
            key = frozenset({row.client_port, row.server_port})
            held = found.get(key)
            if held is None or BEST.index(row.state) < BEST.index(held.state):
                found[key] = row
    return list(found.values())


def best(case: Case, leg: int | None) -> DtlsRow | None:
    """The handshake of a leg that came farthest."""
    return min(handshakes(case, leg), key=lambda row: BEST.index(row.state), default=None)


def secured(case: Case, leg: int | None) -> bool:
    """Both descriptions of the leg ask for DTLS-SRTP (RFC 5763)."""
    offers = [
        s for s in case.sdp if case.leg_of.get(s.call_id) == leg and s.media in ("audio", None) and s.port
    ]
    authors = {section.ufrag or section.sdp_owner for section in offers if section.fingerprint}
    return len(authors) > 1


def starter(case: Case, leg: int | None) -> str | None:
    """Side that has to send the ClientHello: the one that says setup:active (RFC 8842); None if none does."""
    for section in case.sdp:
        if case.leg_of.get(section.call_id) == leg and section.setup == "active":
            return next((c.side for c in case.candidates if c.ufrag and c.ufrag == section.ufrag), None)
    return None
