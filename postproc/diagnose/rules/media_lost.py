"""RTP packets are missing from a stream."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import pairwise

from postproc.diagnose.evidence.case import Case, evidence
from postproc.diagnose.evidence.media import sections, ways
from postproc.diagnose.evidence.reports import Reported, reported, unreceived
from postproc.diagnose.evidence.timers import in_ms
from postproc.diagnose.evidence.transit import counts
from postproc.diagnose.evidence.view import leaky
from postproc.model.addresses import endpoint
from postproc.model.enumerations import Verdict
from postproc.model.findings import Finding, Rule, cause, remedy
from postproc.model.rows import RtpStreamRow
from postproc.model.text import Text
from postproc.model.transit import Transit, transits

ENOUGH = 50  # packets, one second: with fewer, a percentage is meaningless

# A pause of a second swallows a word or two, and three of them in a call are no accident. Choices: with 0.5 s
# a handover in Wi-Fi counts; with 2 s, and 2 s lost of every 10, the call is ok.
AUDIBLE_S, OFTEN = 1.0, 3

TITLE = Text(
    "{percent:1} % of the RTP packets from {source} to {target} are missing on leg {number}.",
    "{percent:1} % der RTP-Pakete von {source} an {target} fehlen auf Leg {number}.",
)
NO_LEG = Text(
    "{percent:1} % of the RTP packets from {source} to {target} are missing.",
    "{percent:1} % der RTP-Pakete von {source} an {target} fehlen.",
)
IN_ONE_PAUSE = Text(
    "For {gap_s:0} s no RTP packet came from {source} to {target} on leg {number}; {lost} are missing.",
    "{gap_s:0} s lang kam auf Leg {number} kein RTP-Paket von {source} an {target}; {lost} fehlen.",
)
AGAIN_AND_AGAIN = Text(
    "{pauses} times no RTP packet came from {source} to {target} on leg {number} for up to {longest_s:1} s; {lost} are missing.",
    "{pauses}-mal kam auf Leg {number} bis zu {longest_s:1} s lang kein RTP-Paket von {source} an {target}; {lost} fehlen.",
)
VIDEO = Text(
    "{percent:1} % of the video packets from {source} to {target} are missing on leg {number}.",
    "{percent:1} % der Video-Pakete von {source} an {target} fehlen auf Leg {number}.",
)
BEHIND = Text(
    "By its own reports {percent:1} % of the RTP packets sent to {target} on leg {number} do not arrive there.",
    "Nach den eigenen Berichten von {target} kommen auf Leg {number} {percent:1} % der RTP-Pakete dorthin nicht an.",
)
REPORTED = Text(
    "{lost} of {expected} between its first and its last RTCP report (frame {frame}); they passed the capture point.",
    "{lost} von {expected} zwischen dem ersten und dem letzten RTCP-Bericht (Frame {frame}); am Mitschnittpunkt kamen sie"
    " vorbei.",
)
DETAIL = Text(
    "{lost} of {expected}, as seen at the capture point; longest gap {gap:0} ms, jitter {jitter:1} ms.",
    "{lost} von {expected}, gesehen am Mitschnittpunkt; längste Lücke {gap:0} ms, Jitter {jitter:1} ms.",
)
WAY = Text("Arrived from place to place: {stretches:way}.", "Von Punkt zu Punkt angekommen: {stretches:way}.")
EVERYWHERE = Text(
    "All streams of one machine lose packets alike: the capture itself, or that machine's own line, may drop them.",
    "Alle RTP-Streams eines Rechners verlieren gleichermaßen: Womöglich verwirft der Mitschnitt selbst Pakete oder"
    " der Anschluss dieses Rechners.",
)
HOLES = Text(
    "The capture also lacks packets that were answered, so it lost some itself.",
    "Im Mitschnitt fehlen auch Pakete, die beantwortet wurden: Er selbst hat also welche verloren.",
)
PAUSE = Text(
    "Most of it falls into one pause of {gap:0} ms: an interruption, or a sender that counts on while it is silent.",
    "Das meiste davon fällt in eine Pause von {gap:0} ms: eine Unterbrechung oder ein Absender, der in Sprechpausen"
    " weiterzählt.",
)
SETTLE = Text(
    "the drop counter of the capture program, or a second capture at the sender.",
    "der Verlustzähler des Mitschnittprogramms oder ein zweiter Mitschnitt beim Absender.",
)


def find(case: Case) -> Iterator[Finding]:
    limits = case.deployment.thresholds
    passed = transits(case)
    streams = [row for leg in [*case.numbers, None] for way in ways(case, leg).values() for row in way.rows]
    leaks = leaky(case)
    for row in streams:
        long = _interrupted(case, row, streams)
        again = _outages(case, row)
        if (lost := percent(row)) > limits.loss_note_percent or long:
            excuse = HOLES if leaks else _excuse(row, streams, limits.capture_loss_percent)
            serious: Verdict = "cannot_tell" if excuse and not (excuse is PAUSE and long) else "suspect"
            verdict = serious if lost > limits.loss_percent or long or again else "note"
            title = NO_LEG if row.leg is None else IN_ONE_PAUSE if long and verdict == "suspect" else TITLE
            title = AGAIN_AND_AGAIN if again and title is TITLE else title
            way = [each for each in passed if _carries(each, row)]
            yield _finding(row, (title, verdict), excuse, way, again)

    for row in _video(case):
        if percent(row) > limits.loss_percent:
            claim: tuple[Text, Verdict] = (VIDEO, "cannot_tell" if leaks else "suspect")
            yield _finding(row, claim, HOLES if leaks else None, [], [])
    for leg in case.numbers:
        gone = unreceived(case, leg)
        yield from (
            _behind(case, each) for each in reported(case, leg) if each not in gone and _lossy(case, each)
        )


def _excuse(row: RtpStreamRow, streams: list[RtpStreamRow], least_percent: float) -> Text | None:
    """Return what may look like loss on the network: every stream loses as much here, or its sender paused."""
    if _alike(row, streams, least_percent):
        return EVERYWHERE
    return PAUSE if _paused(row) else None


def _video(case: Case) -> list[RtpStreamRow]:
    """Return the video streams of legs with audio, each where it lacks most: relays pass on what they get."""
    rows = [row for row in case.rtp_streams if row.media == "video" and sections(case, row.leg)]
    worst = {(row.leg, row.ssrc): row for row in sorted(rows, key=lambda row: row.lost or 0)}
    return list(worst.values())


def _lossy(case: Case, stream: Reported) -> bool:
    lost, expected = stream.lost
    return expected >= ENOUGH and 100 * lost / expected > case.deployment.thresholds.loss_note_percent


def _behind(case: Case, stream: Reported) -> Finding:
    (lost, expected), row = stream.lost, stream.last
    share = 100 * lost / expected
    return Finding(
        RULE.name,
        "suspect" if share > case.deployment.thresholds.loss_percent else "note",
        0.85,
        evidence(row, more=[] if row.report_frame is None else [row.report_frame]),
        BEHIND,
        (REPORTED,),
        {
            "percent": share,
            "lost": lost,
            "expected": expected,
            "number": row.leg,
            "target": endpoint(row.dst_addr, row.dst_port),
            "frame": row.report_frame,
        },
        leg=row.leg,
    )


def _carries(transit: Transit, row: RtpStreamRow) -> bool:
    return transit.kind == "rtp" and (transit.leg, transit.direction) == (row.leg, row.direction)


def _alike(row: RtpStreamRow, streams: list[RtpStreamRow], limit: float) -> bool:
    """Whether all other streams of the same sender, or to the same receiver, lose packets too."""
    sent = [other for other in streams if other.src_addr == row.src_addr]
    received = [other for other in streams if other.dst_addr == row.dst_addr]
    peers = ({other.dst_addr for other in sent}, {other.src_addr for other in received})
    return any(
        len(ends) > 1 and min(percent(other) for other in held) > limit
        for held, ends in zip((sent, received), peers, strict=True)
    )


def _paused(row: RtpStreamRow) -> bool:
    """Whether most missing packets fall into a single pause."""
    lasted = _lasted_ms(row)
    in_the_gap = (row.max_gap_ms or 0.0) * (row.expected or 0) / lasted if lasted else 0.0
    return in_the_gap > (row.lost or 0) / 2


def _lasted_ms(row: RtpStreamRow) -> float:
    return in_ms(row.last_time - row.first_time)


def _outages(case: Case, row: RtpStreamRow) -> list[float]:
    """Return the seconds of long pauses across which sequence numbers went on; empty if there are few."""
    if (row.max_gap_ms or 0.0) < AUDIBLE_S * 1000:
        return []
    rate = (row.expected or 0) / max(_lasted_ms(row) / 1000, 1)  # packets per second
    pauses = [
        ((after.time - (before.last_time or after.time)).total_seconds(), after.lost or 0)
        for before, after in pairwise(case.seconds_of(row))
    ]
    lasted = [pause for pause, lost in pauses if pause >= AUDIBLE_S and lost >= rate * pause / 2]
    return lasted if len(lasted) >= OFTEN else []


def _interrupted(case: Case, row: RtpStreamRow, streams: Sequence[RtpStreamRow]) -> bool:
    """Whether a pause is so long that media stopped, although sequence numbers advanced across it.

    Not if a hold explains it, the stream went elsewhere meanwhile, or another stream of the leg paused for
    as long, so that the capture itself may have stalled.
    """
    pause = timedelta(milliseconds=row.max_gap_ms or 0.0)
    if pause < timedelta(seconds=case.deployment.thresholds.stopped_seconds) or not _paused(row):
        return False
    others = [each for each in streams if each.ssrc != row.ssrc and each.leg == row.leg]
    sent = (row.max_gap_ms or 0.0) * (row.expected or 0) / _lasted_ms(row)
    # A hold or another stream's pause rarely has exactly the same limits: overlapping half of it is enough. A choice.
    on_hold = any(
        phase.kind == "hold" and phase.started and phase.ended and phase.ended - phase.started >= pause / 2
        for phase in case.phases
        if phase.leg == row.leg
    )
    elsewhere = any(
        (each.leg, each.ssrc) == (row.leg, row.ssrc)
        and row.first_time < each.first_time
        and each.last_time < row.last_time
        for each in case.rtp_streams
    )
    others_paused = any((each.max_gap_ms or 0.0) >= (row.max_gap_ms or 0.0) / 2 for each in others)
    return (row.lost or 0) >= sent / 2 and not (on_hold or elsewhere or others_paused)


def percent(row: RtpStreamRow) -> float:
    """Return the percentage of a stream's packets that are missing; 0 if too few were sent."""
    expected = row.expected or 0
    return 100 * (row.lost or 0) / expected if expected >= ENOUGH else 0.0


def _finding(
    row: RtpStreamRow,
    claim: tuple[Text, Verdict],
    excuse: Text | None,
    way: list[Transit],
    again: list[float],
) -> Finding:
    title, verdict = claim
    facts: dict[str, object] = {
        "percent": percent(row),
        "lost": row.lost,
        "expected": row.expected,
        "number": row.leg,
        "source": endpoint(row.src_addr, row.src_port),
        "target": endpoint(row.dst_addr, row.dst_port),
        "gap": row.max_gap_ms or 0.0,
        "gap_s": (row.max_gap_ms or 0.0) / 1000,
        "jitter": row.jitter_ms or 0.0,
    }
    if again:
        facts |= {"pauses": len(again), "longest_s": max(again)}
    if way:
        facts["stretches"] = counts(way)
    return Finding(
        RULE.name,
        verdict,
        0.6 if excuse else 0.85,
        evidence(row),
        title,
        (DETAIL, *((WAY,) if way else ()), *((excuse,) if excuse else ())),
        facts,
        SETTLE if excuse else None,
        leg=row.leg,
        tags=frozenset({"video" if title is VIDEO else "audio"}),
    )


RULE = Rule(
    code="RTP004",
    name="media-lost",
    stage="media",
    breaks="quality",
    from_absence=True,
    summary=Text("Media lost", "Medienverlust"),
    claim=Text(
        "Sequence numbers show that RTP packets were lost before the capture point, all along or for seconds on end, or the"
        " receiver's RTCP reports say that they were lost behind it.",
        "Die Sequenznummern zeigen, dass RTP-Pakete vor dem Mitschnittpunkt verloren gingen, durchweg oder sekundenlang, oder"
        " die RTCP-Berichte des Empfängers melden Verluste dahinter.",
    ),
    causes=(
        cause(
            "A crowded or bad line: Wi-Fi, mobile network, full uplink.",
            "Eine überlastete oder schlechte Strecke: WLAN, Mobilfunk, voller Upstream.",
        ),
        cause(
            "No priority for voice (QoS) in the network.",
            "Kein Vorrang für Sprache (QoS) im Netz.",
            tag="audio",
        ),
        cause(
            "Large packets do not pass (a VPN or tunnel with a smaller MTU): those of video are large, those of audio small.",
            "Große Pakete kommen nicht durch (VPN oder Tunnel mit kleinerer MTU): Die von Video sind groß, die von Audio klein.",
            tag="video",
        ),
    ),
    remedies=(
        remedy("Compare with a wired client.", "Mit einem kabelgebundenen Client vergleichen."),
        remedy(
            "Mark and prefer voice (DSCP EF) on the way.",
            "Sprache auf dem Weg markieren und bevorzugen (DSCP EF).",
            tag="audio",
        ),
        remedy(
            "Try packets of 1,200 bytes with DF bit between both ends; limit the video's bandwidth for a try.",
            "Pakete von 1200 Byte mit DF-Bit zwischen beiden Enden ausprobieren; versuchsweise die Bandbreite des Videos begrenzen.",
            tag="video",
        ),
    ),
    references=("RFC 3550, section 6.4 and appendix A.3", "ITU-T G.113"),
    known_problems=Text(
        "Losses behind the capture point are known only from RTCP in clear: SRTCP hides them.",
        "Verluste hinter dem Mitschnittpunkt sind nur aus unverschlüsseltem RTCP bekannt: SRTCP verbirgt sie.",
    ),
    find=find,
    despite_media=True,
)
