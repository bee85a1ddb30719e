"""Audio that no capture shows and its receiver reports (RTCP), so that a direction is not captured; for ``one-way-media``."""

from postproc.diagnose.evidence.case import Case, evidence
from postproc.diagnose.evidence.media import Talk, Way
from postproc.model.findings import Finding, cause, remedy
from postproc.model.text import Text

TAG = "uncaptured"
TITLE = Text(
    "Only one direction of the media of leg {number} is in the capture: {packets} packets from {source} to {target}. By its reports {source}"
    " received {received} packets meanwhile.",
    "Von den Medien auf Leg {number} ist nur eine Richtung im Mitschnitt: {packets} Pakete von {source} an {target}. Nach den Berichten von"
    " {source} kamen dort unterdessen {received} Pakete an.",
)
NOT_SILENT = Text(
    "RTCP names the sources that are heard; these are not in the capture. So it does not show whether anything was missing.",
    "RTCP nennt die Quellen, die ankommen; diese sind nicht im Mitschnitt. Er zeigt also nicht, ob etwas fehlte.",
)
SETTLE = Text(
    "a capture at {source} shows both directions.", "ein Mitschnitt bei {source} zeigt beide Richtungen."
)
CAUSE = cause(
    "The two directions of the media take different ways, and only one of them passes the capture point (asymmetric routing, mirror port).",
    "Die beiden Richtungen der Medien nehmen verschiedene Wege, und nur einer führt am Mitschnittpunkt vorbei (asymmetrisches Routing,"
    " Mirror-Port).",
    tag=TAG,
)
REMEDY = remedy(
    "Capture at {source} itself, or on all lines at once.",
    "Bei {source} selbst oder auf allen Leitungen zugleich mitschneiden.",
    tag=TAG,
)


def uncaptured(rule: str, case: Case, talk: Talk, sent: Way) -> Finding | None:
    """Return a finding if the side that nothing comes back to reports that it did, as much as audio."""
    received = sum(row.sender_received or 0 for row in sent.rows)
    limits = case.deployment.thresholds
    if received < max(limits.one_way_packets, limits.one_way_share * sent.packets):
        return None
    first = sent.rows[0]
    return Finding(
        rule,
        "cannot_tell",
        0.8,
        evidence(*sent.rows),
        TITLE,
        (NOT_SILENT,),
        {
            "number": talk.leg,
            "packets": sent.packets,
            "source": first.src_addr,
            "target": first.dst_addr,
            "received": received,
        },
        SETTLE,
        leg=talk.leg,
        tags=frozenset({TAG}),
    )
