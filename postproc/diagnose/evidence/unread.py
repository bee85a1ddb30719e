"""One-way audio in an ICE session whose SIP cannot be read, in sentences of rule ``one-way-media``."""

from collections.abc import Iterator

from postproc.diagnose.evidence.case import Case, evidence
from postproc.diagnose.evidence.media import connected, main_flow, missing, seen_both_ways, throughout
from postproc.model.findings import Finding
from postproc.model.text import Text

TITLE = Text(
    "One-way audio: {packets} packets from {source} to {target}, {back} back.",
    "Audio nur in einer Richtung: {packets} Pakete von {source} an {target}, {back} zurück.",
)
DETAIL = Text(
    "ICE and DTLS worked both ways, and yet whoever is behind {source} hears nothing, for {seconds:0} s. As the SIP of this"
    " session cannot be read, a hold or mere listening that was agreed would not show.",
    "ICE und DTLS gingen in beiden Richtungen, und doch hört, wer hinter {source} ist, {seconds:0} s lang nichts. Da das SIP"
    " dieser Sitzung nicht lesbar ist, wäre ein vereinbartes Halten oder bloßes Zuhören nicht zu sehen.",
)
SETTLE = Text(
    "the SIP of the call (session keys, --keylog), or a capture at the media server, which shows whether the audio comes to it.",
    "Das SIP des Anrufs (Sitzungsschlüssel, --keylog) oder ein Mitschnitt beim Medienserver: Er zeigt, ob das Audio dort"
    " ankommt.",
)


def mute_session(rule: str, case: Case) -> Iterator[Finding]:
    """Yield a suspicion where the path of a session without SIP works both ways and audio goes one way only."""
    limits, flow = case.deployment.thresholds, main_flow(case, None)
    if case.legs or flow is None or not connected(case, None):
        return
    sent, back = flow
    source, target = sent.rows[0].src_addr, sent.rows[0].dst_addr
    lasting = sent.packets >= limits.one_way_packets and sent.seconds >= limits.one_way_seconds
    sparse = not missing(case, back, sent) or throughout(case, back, sent)
    if lasting and not sparse and seen_both_ways(case, source, target):
        yield Finding(
            rule,
            "suspect",
            0.6,
            evidence(*sent.rows, *back.rows),
            TITLE,
            (DETAIL,),
            {
                "source": source,
                "target": target,
                "packets": sent.packets,
                "back": back.packets,
                "seconds": sent.seconds,
            },
            SETTLE,
            tags=frozenset({"unread"}),
        )
