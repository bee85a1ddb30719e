"""RTP timestamps that do not advance by the codec's clock, so that every packet arrives and none is played in its time."""

from collections.abc import Iterator
from statistics import median
from typing import Any

from postproc.diagnose.evidence.case import Case, evidence
from postproc.diagnose.evidence.media import audio, sections
from postproc.diagnose.evidence.timers import in_ms
from postproc.model.addresses import endpoint
from postproc.model.findings import Finding, Rule, cause, remedy
from postproc.model.rows import RtpStreamRow
from postproc.model.text import Text

OTHER_CLOCK = Text(
    "{source} counts its timestamps on leg {number} by another clock than {codec} has: {measured} instead of {clock} a second, in {packets}"
    " packets.",
    "{source} zählt seine Zeitstempel auf Leg {number} mit einem anderen Takt als {codec} hat: {measured} statt {clock} in der Sekunde, in"
    " {packets} Paketen.",
)
UNEVEN = Text(
    "The timestamps of {source} on leg {number} do not advance with its packets, which come evenly every {interval:0} ms ({codec},"
    " {packets} packets).",
    "Die Zeitstempel von {source} auf Leg {number} gehen nicht mit den Paketen mit, die gleichmäßig alle {interval:0} ms kommen ({codec},"
    " {packets} Pakete).",
)
PACE = Text(
    "The timestamps of {source} on leg {number} advance at another pace than its packets, which come evenly every {interval:0} ms:"
    " each is off by {off:0} ms ({codec}, {packets} packets).",
    "Die Zeitstempel von {source} auf Leg {number} laufen in einem anderen Takt als die Pakete, die gleichmäßig alle {interval:0} ms"
    " kommen: Jeder liegt um {off:0} ms daneben ({codec}, {packets} Pakete).",
)
PLAYED = Text(
    "A receiver plays by timestamps (RFC 3550, section 5.1): with these its jitter buffer drops packets or leaves gaps, and audio is"
    " choppy, too slow or absent although the packets arrive.",
    "Ein Empfänger spielt nach den Zeitstempeln ab (RFC 3550, Abschnitt 5.1): Mit diesen verwirft sein Jitter-Buffer Pakete oder lässt"
    " Lücken, und das Audio ist abgehackt, zu langsam oder fehlt, obwohl die Pakete ankommen.",
)
SETTLE = Text(
    "what is heard at {target}: some receivers play packets as they come.",
    "was bei {target} zu hören ist: Manche Empfänger spielen Pakete so ab, wie sie kommen.",
)
# Packets of 5 s: the clock is measured over them. With a third, a stream's beginning weighs too much; with three times,
# short calls are missed.
ENOUGH = 250
# A sender's pause in which its clock may stand still, in ms. With a third, single losses end the judgement; with three
# times, a clock that stands while somebody is silent looks slow.
LONGEST_PAUSE_MS = 200.0
# Shares of the packets' interval. If none comes later than EVEN, the mean deviation of their times is below 0.6 of it
# whatever they do; more jitter than UNFIT comes of the timestamps.
EVEN, UNFIT = 1.3, 0.8
# The same for streams that are more even than that: what comes late is made up for by what comes early, so the times
# alone give at most twice the latest one's delay. More by this share of the interval, second after second, comes of
# the timestamps: those of half or double the pace give 0.5 and 1. Half of it is near the jitter that a coarse clock
# of the capture adds; twice as much misses half the pace.
TWICE, STEADY = 2, 0.2
# The mean of a stream of which half the seconds have that much is at least about half of it: with a mean below a
# quarter the seconds, which take most of this rule's time, need not be looked at.
MEAN_OF_HALF = 4


def find(case: Case) -> Iterator[Finding]:
    for leg in case.numbers:
        done = set[tuple[str, str]]()
        for row in audio(case, leg):
            ends = row.src_addr, row.dst_addr
            found = None if ends in done else _judged(case, leg, row)
            if found is not None:
                done.add(ends)
                yield found


def _judged(case: Case, leg: int, row: RtpStreamRow) -> Finding | None:
    interval, gap = _interval_ms(row), row.max_gap_ms
    if interval is None or gap is None or gap > LONGEST_PAUSE_MS or row.payload_type != row.last_payload_type:
        return None
    clock = _described_clock(case, leg, row)
    if clock is not None and row.clock_rate not in (None, clock):
        return _finding(leg, row, OTHER_CLOCK, {"measured": row.clock_rate, "clock": clock}, "clock")
    even = gap <= EVEN * interval and not row.reordered and not row.duplicates
    strays = row.clock_rate is None if row.jitter_ms is None else row.jitter_ms > UNFIT * interval
    if even and strays:
        return _finding(leg, row, UNEVEN, {"interval": interval}, "uneven")
    most = TWICE * (gap - interval) + STEADY * interval
    suspect = even and (row.jitter_ms or 0.0) > most / MEAN_OF_HALF
    if suspect and (off := _usual_jitter(case, row)) > most:
        return _finding(leg, row, PACE, {"interval": interval, "off": off}, "pace")
    return None


def _usual_jitter(case: Case, row: RtpStreamRow) -> float:
    """Return the jitter of most seconds in ms: a jump, or keys (which share a timestamp), do not last."""
    told = [each.jitter_ms for each in case.seconds_of(row) if each.jitter_ms is not None]
    return median(told) if told else 0.0


def _interval_ms(row: RtpStreamRow) -> float | None:
    """Return the mean time between two packets; None of too few."""
    packets = row.packets or 0
    if packets < ENOUGH:
        return None
    return in_ms(row.last_time - row.first_time) / (packets - 1)


def _described_clock(case: Case, leg: int, row: RtpStreamRow) -> int | None:
    """Return the clock rate that the leg's descriptions give to a payload type; None if unknown or not one."""
    named = {
        name
        for section in sections(case, leg)
        for number, _, name in (part.partition("=") for part in (section.codecs or "").split(","))
        if number == str(row.payload_type)
    }
    rates = {name.partition("/")[2].partition("/")[0] for name in named}
    rate = next(iter(rates)) if len(rates) == 1 else ""
    return int(rate) if rate.isdecimal() else None


def _finding(leg: int, row: RtpStreamRow, title: Text, facts: dict[str, Any], tag: str) -> Finding:
    return Finding(
        RULE.name,
        "suspect",
        0.7,
        evidence(row),
        title,
        (PLAYED,),
        {
            "source": endpoint(row.src_addr, row.src_port),
            "target": endpoint(row.dst_addr, row.dst_port),
            "number": leg,
            "codec": row.codec or "–",
            "packets": row.packets,
        }
        | facts,
        SETTLE,
        leg=leg,
        tags=frozenset({tag}),
    )


RULE = Rule(
    code="RTP011",
    name="wrong-timestamps",
    stage="media",
    breaks="quality",
    despite_media=True,
    summary=Text("Wrong RTP timestamps", "Falsche RTP-Zeitstempel"),
    claim=Text(
        "The timestamps of a stream advance by another clock than its codec has, or not with its packets.",
        "Die Zeitstempel eines Streams laufen mit einem anderen Takt, als der Codec hat, oder nicht mit den Paketen mit.",
    ),
    causes=(
        cause(
            "{source} counts the samples of its sound card or of another codec: Opus always counts 48,000 a second (RFC 7587, section 4.1),"
            " G.722 8,000 (RFC 3551, section 4.5.2), whatever is sampled.",
            "{source} zählt die Abtastwerte der Soundkarte oder eines anderen Codecs: Opus zählt immer 48.000 in der Sekunde (RFC 7587,"
            " Abschnitt 4.1), G.722 8.000 (RFC 3551, Abschnitt 4.5.2), wie auch immer abgetastet wird.",
        ),
        cause(
            "A transcoder or relay passes on the timestamps of the leg behind, which has another codec, or its timer stands still.",
            "Ein Transcoder oder Relay reicht die Zeitstempel des Legs dahinter weiter, das einen anderen Codec hat, oder sein Timer steht.",
        ),
        cause(
            "{source} plays a file, a tone or hold music without counting on.",
            "{source} spielt eine Datei, einen Ton oder Wartemusik, ohne weiterzuzählen.",
            tag="uneven",
        ),
        cause(
            "{source} counts packets of another length than it sends (ptime): 10 ms each, say, where each holds 20 ms.",
            "{source} zählt Pakete einer anderen Länge, als es sendet (ptime): etwa je 10 ms, wo jedes 20 ms enthält.",
            tag="pace",
        ),
    ),
    remedies=(
        remedy(
            "Call with G.711 alone: if that is clear, have {source} updated, or use that codec there.",
            "Nur mit G.711 telefonieren: Ist das klar, {source} aktualisieren oder dort bei diesem Codec bleiben.",
            tag="clock",
        ),
        remedy(
            "Find out what {source} plays then (a person, a file, hold music, another leg), and whether it counts right with anything else;"
            " have it updated.",
            "Feststellen, was {source} dabei abspielt (einen Menschen, eine Datei, Wartemusik, ein anderes Leg) und ob es bei anderem richtig"
            " zählt; das Gerät aktualisieren.",
            tag="uneven",
        ),
        remedy(
            "Set one packet length (a=ptime:20) at {source} and at {target}, and compare; have {source} updated if that does not help.",
            "Bei {source} und {target} dieselbe Paketlänge einstellen (a=ptime:20) und vergleichen; hilft das nicht, {source}"
            " aktualisieren.",
            tag="pace",
        ),
        remedy(
            "In FreeSWITCH: rtp_rewrite_timestamps=true on the leg that sends on what comes from {source}.",
            "In FreeSWITCH: rtp_rewrite_timestamps=true auf dem Leg, das weitersendet, was von {source} kommt.",
            product="freeswitch",
        ),
    ),
    references=("RFC 3550, section 5.1", "RFC 3551, section 4.1", "RFC 7587, section 4.1"),
    known_problems=Text(
        "A stream with pauses, as with silence suppression, or of less than 5 s is not judged.",
        "Ein Stream mit Pausen, etwa durch Sprechpausenunterdrückung, oder von weniger als 5 s wird nicht beurteilt.",
    ),
    find=find,
)
