"""A side gets audio from two machines at once: from the other side, and from one that should have stopped, or never was asked."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from postproc.diagnose.evidence.case import Case, evidence
from postproc.diagnose.evidence.media import audio, talks
from postproc.model.addresses import endpoint
from postproc.model.findings import Finding, Rule, cause, remedy
from postproc.model.rows import RtpStreamRow
from postproc.model.text import Text

TITLE = Text(
    "{target} gets audio from two places at once on leg {number}: from {source}, and for {seconds:0} s also from {other}.",
    "{target} bekommt auf Leg {number} Audio von zwei Stellen zugleich: von {source} und {seconds:0} s lang auch von {other}.",
)
GARBLED = Text(
    "A receiver mixes the two, or plays now one, now the other: the conversation has an announcement or a tone over it, or is chopped.",
    "Ein Empfänger mischt beides oder spielt mal das eine, mal das andere: Über dem Gespräch liegt eine Ansage oder ein Ton, oder es ist"
    " zerhackt.",
)
EARLY = Text(
    "{other} had begun {before:0} s before the answer, as early media of another branch, and nobody has stopped it.",
    "{other} hatte {before:0} s vor dem Abheben begonnen, als Early Media eines anderen Zweigs, und niemand hat es beendet.",
)
UNNAMED = Text("No description of this leg names {other}.", "Keine Beschreibung dieses Legs nennt {other}.")
SETTLE = Text(
    "what is heard at {target}: some receivers take media from one address only.",
    "was bei {target} zu hören ist: Manche Empfänger nehmen Medien nur von einer Adresse an.",
)


def find(case: Case) -> Iterator[Finding]:
    least = timedelta(seconds=case.deployment.thresholds.one_way_seconds)
    for talk in talks(case):
        if talk.leg is None:
            continue
        streams = [
            row
            for row in audio(case, talk.leg)
            if (row.packets or 0) >= case.deployment.thresholds.one_way_packets
        ]
        answered = min(
            (leg.answer_time for leg in case.legs if leg.leg == talk.leg and leg.answer_time), default=None
        )
        pairs = (
            (row, other)
            for row in streams
            for other in streams
            if answered is not None
            and _named(case, talk.leg, row)
            and _at_once(row, other, answered) >= least
        )
        found = next((pair for pair in pairs if _foreign(case, talk.leg, *pair)), None)
        if found is not None and answered is not None:
            yield _finding(case, talk.leg, *found, answered)


def _at_once(row: RtpStreamRow, other: RtpStreamRow, answered: datetime) -> timedelta:
    """Return for how long after the answer both last."""
    return min(row.last_time, other.last_time) - max(row.first_time, other.first_time, answered)


def _foreign(case: Case, leg: int, row: RtpStreamRow, other: RtpStreamRow) -> bool:
    """Whether the other stream comes to the same socket from another machine that has no part in the talk, or no longer.

    The same SSRC is the same stream, seen on both sides of a NAT.
    """
    same_end = (row.capture, row.dst_addr, row.dst_port) == (other.capture, other.dst_addr, other.dst_port)
    apart = row.src_addr != other.src_addr and row.ssrc != other.ssrc
    return same_end and apart and not _spoken_to(case, leg, other) and not _named(case, leg, other)


def _spoken_to(case: Case, leg: int, other: RtpStreamRow) -> bool:
    """Whether the receiver sends media there, too: a party of a conference, or the one that is left."""
    return any(
        (row.src_addr, row.dst_addr) == (other.dst_addr, other.src_addr)
        for row in case.rtp_streams
        if row.leg == leg
    )


def _named(case: Case, leg: int, row: RtpStreamRow) -> bool:
    """Whether a description of the leg wants media where this stream comes from."""
    return any(
        phase.leg == leg and phase.kind != "early" and row.src_addr in (phase.local_addr, phase.remote_addr)
        for phase in case.phases
    )


def _finding(case: Case, leg: int, row: RtpStreamRow, other: RtpStreamRow, answered: datetime) -> Finding:
    before = (answered - other.first_time).total_seconds()
    described = {each.connection_addr for each in case.sdp_media if case.leg_of.get(each.call_id) == leg}
    early = other.src_addr in described and before > 0
    return Finding(
        RULE.name,
        "suspect",
        0.7,
        evidence(row, other),
        TITLE,
        (*((EARLY,) if early else () if other.src_addr in described else (UNNAMED,)), GARBLED),
        {
            "target": endpoint(row.dst_addr, row.dst_port),
            "source": endpoint(row.src_addr, row.src_port),
            "other": endpoint(other.src_addr, other.src_port),
            "number": leg,
            "seconds": _at_once(row, other, answered).total_seconds(),
            "before": before,
        },
        SETTLE,
        leg=leg,
        tags=frozenset({"early" if early else "stranger"}),
    )


RULE = Rule(
    code="RTP012",
    name="two-sources",
    stage="media",
    breaks="quality",
    despite_media=True,
    summary=Text("Audio from two sources", "Audio aus zwei Quellen"),
    claim=Text(
        "During the talk a side gets audio from a second machine besides the other side's: early media of a branch that lost, or a"
        " stranger's.",
        "Während des Gesprächs bekommt eine Seite neben dem Audio der Gegenseite auch das eines zweiten Rechners: Early Media eines"
        " unterlegenen Zweigs oder Medien eines Fremden.",
    ),
    causes=(
        cause(
            "A proxy forked the call and did not cancel the branch at {other}, or that ignores the CANCEL; its ringback tone or announcement"
            " plays on.",
            "Ein Proxy hat den Anruf verzweigt und den Zweig bei {other} nicht abgebrochen, oder dieser beachtet das CANCEL nicht; dessen"
            " Rufton oder Ansage läuft weiter.",
            tag="early",
        ),
        cause(
            "A call that had this port before goes on sending to it (its BYE did not arrive), or a server for announcements or hold music was"
            " not stopped.",
            "Ein Anruf, der diesen Port vorher hatte, sendet weiter dorthin (sein BYE kam nicht an), oder ein Server für Ansagen oder"
            " Wartemusik wurde nicht beendet.",
            tag="stranger",
        ),
    ),
    remedies=(
        remedy(
            "Follow the INVITE to {other}: does a CANCEL go there when the other branch answers, and is it answered with 200 and 487?",
            "Den INVITE zu {other} verfolgen: Geht ein CANCEL dorthin, wenn der andere Zweig annimmt, und wird es mit 200 und 487"
            " beantwortet?",
            tag="early",
        ),
        remedy(
            "Find out to which call {other} belongs; have {target} take media from the other side alone (Asterisk: strictrtp=yes;"
            " rtpengine: strict-source).",
            "Klären, zu welchem Anruf {other} gehört; {target} Medien nur von der Gegenseite annehmen lassen (Asterisk: strictrtp=yes;"
            " rtpengine: strict-source).",
            tag="stranger",
        ),
    ),
    references=("RFC 3261, section 16.7", "RFC 3960, section 3.1"),
    known_problems=Text(
        "A conference whose parties send to each other directly would look alike; it is not reported where media go back, too.",
        "Eine Konferenz, deren Teilnehmer einander direkt senden, sähe ähnlich aus; gehen auch Medien zurück, wird nichts gemeldet.",
    ),
    find=find,
)
