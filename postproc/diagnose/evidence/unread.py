"""ICE sessions whose SIP cannot be read: heard one way only (``one-way-media``), or lost on the way (``consent-lost``)."""

from collections.abc import Iterator

from postproc.diagnose.evidence.case import Case, evidence
from postproc.diagnose.evidence.media import connected, main_flow, missing, seen_both_ways, throughout
from postproc.diagnose.evidence.paths import EITHER_WAY, checks, requests
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
PATH_LOST = Text(
    "The path to {target} was lost at {lost_at:clock}: {source} sent for {seconds:0} s more, and nothing came back.",
    "Der Pfad zu {target} ging um {lost_at:clock} verloren: {source} sendete noch {seconds:0} s lang, und nichts kam zurück.",
)
UNHEARD = Text(
    "{answered:Binding Request|Binding Requests} had been answered until then; {lost} after that got no answer. As the SIP of this"
    " session cannot be read, it is not known whether the other side had ended the call.",
    "Bis dahin {answered:Binding Request|Binding Requests} mit Antwort, danach {lost} ohne. Da das SIP dieser Sitzung nicht lesbar"
    " ist, ist nicht bekannt, ob die andere Seite den Anruf beendet hatte.",
)
SETTLE_PATH = Text(
    "a capture at {target} shows whether the checks arrive there.",
    "Ein Mitschnitt bei {target} zeigt, ob die Checks dort ankommen.",
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


def lost_session(rule: str, case: Case) -> Iterator[Finding]:
    """Yield a suspicion where checks that were answered get no answer while their sender's media goes on."""
    limits, flow = case.deployment.thresholds, main_flow(case, None)
    if case.legs or flow is None:
        return
    sent, back = flow
    if not sent.rows or not back.rows or sent.last is None or back.last is None:
        return
    if sent.last < back.last:
        sent, back = back, sent
    source, target = sent.rows[0].src_addr, sent.rows[0].dst_addr
    rows = [
        row
        for row in checks(case, EITHER_WAY).rows  # where sides are known, they are judged like those with SIP
        if (row.src_addr, row.dst_addr) == (source, target)
    ]
    good = [row for row in rows if row.outcome == "success"]
    came = [row.time for row in checks(case).rows if row.dst_addr == source]
    heard = max([*(row.time for row in good), *came, *filter(None, [back.last])])
    lost = [row for row in rows if row.outcome in ("unanswered", "pending") and row.time > heard]
    seconds = (sent.last - heard).total_seconds() if sent.last else 0.0
    if good and requests(lost) >= limits.dead_requests and seconds >= limits.dead_seconds:
        yield Finding(
            rule,
            "suspect",
            0.7,
            evidence(good[-1], *lost),
            PATH_LOST,
            (UNHEARD,),
            {
                "source": source,
                "target": target,
                "lost_at": heard,
                "seconds": seconds,
                "answered": len(good),
                "lost": requests(lost),
            },
            SETTLE_PATH,
            tags=frozenset({"path"}),
        )
