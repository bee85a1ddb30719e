"""ZRTP (RFC 6189): sides that agree on keys in the media path, and send no media before."""

from typing import NamedTuple

from postproc.diagnose.evidence.case import Case
from postproc.diagnose.evidence.media import sections
from postproc.model.addresses import endpoint
from postproc.model.findings import cause, remedy
from postproc.model.text import Text

REPEATED = 5  # Hellos in the first 1.5 s (RFC 6189, section 6): a side that gets no answer has sent them
TAG = "zrtp"
WAITS = Text(
    "ZRTP packets ({zrtp}, RFC 6189) come from {asking}, and no media: keys are to be agreed on first.",
    "Von {asking} kommen ZRTP-Pakete ({zrtp}, RFC 6189) und keine Medien: Zuerst sollen Schlüssel vereinbart werden.",
)
CAUSE = cause(
    "Encryption by ZRTP is mandatory at {asking}, and the other side has none, refuses it, or does not get its packets.",
    "Bei {asking} ist Verschlüsselung mit ZRTP Pflicht, und die Gegenseite kann oder will das nicht oder bekommt die Pakete nicht.",
    tag=TAG,
)
REMEDY = remedy(
    "Make ZRTP optional at {asking} or switch it off there; encrypt with keys that both sides know (SDES, DTLS) instead.",
    "ZRTP bei {asking} auf optional stellen oder abschalten; stattdessen mit Schlüsseln verschlüsseln, die beide Seiten"
    " kennen (SDES, DTLS).",
    tag=TAG,
)


class Asking(NamedTuple):
    """Ends that send ZRTP, as text, and their packets."""

    ends: list[str]
    packets: int

    @property
    def facts(self) -> dict[str, object]:
        return {"asking": self.ends, "zrtp": self.packets}


def asking(case: Case, leg: int | None, addr: str | None = None) -> Asking | None:
    """Return the ends of a leg, or those with an address, that send ZRTP again and again; None if there are none."""
    counts = {
        endpoint(row.connection_addr, row.port): row.zrtp_packets
        for row in sections(case, leg)
        if (row.zrtp_packets or 0) >= REPEATED and addr in (None, row.connection_addr)
    }
    return Asking(sorted(counts), sum(count or 0 for count in counts.values())) if counts else None
