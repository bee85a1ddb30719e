"""Of several audio sections agreed on, one that gets nothing, in sentences of rule ``no-media``."""

from collections.abc import Iterator
from typing import NamedTuple

from postproc.diagnose.evidence.case import Case, evidence
from postproc.diagnose.evidence.media import talks
from postproc.diagnose.evidence.negotiation import Described, exchanges
from postproc.model.addresses import endpoint
from postproc.model.findings import Finding, cause, remedy
from postproc.model.rows import SdpMediaRow
from postproc.model.text import Text

TITLE = Text(
    "Of {sections} audio sections agreed on leg {number}, number {nth} stays empty: {source} sends to {heard}, and nothing to {silent}.",
    "Von {sections} Audio-Abschnitten, die auf Leg {number} vereinbart sind, bleibt Nummer {nth} leer: {source} sendet an {heard} und"
    " nichts an {silent}.",
)
RECORDED = Text(
    "A recorder (SIPREC, RFC 7866) gets each party in a section of its own: one of them is missing from the recording.",
    "Ein Recorder (SIPREC, RFC 7866) bekommt jede Partei in einem eigenen Abschnitt: Eine fehlt also in der Aufzeichnung.",
)
SETTLE = Text(
    "the log of {source} says what it sends in that section, and whether anybody spoke there.",
    "Das Log von {source} sagt, was dort in diesem Abschnitt gesendet wird und ob jemand darin sprach.",
)
SILENT = cause(
    "{source} sends nothing in that section (muted there, or it takes only one section for its own), or a relay or firewall passes only"
    " the other port.",
    "{source} sendet in diesem Abschnitt nichts (dort stumm, oder nur einer der Abschnitte gilt dort als eigener), oder ein Relay oder"
    " eine Firewall lässt nur den anderen Port durch.",
    tag="section",
)
COPIED = cause(
    "{source} copies one party's stream only: the other one's media do not come by it (direct media), or its relay forks but one side.",
    "{source} kopiert nur den Stream einer Partei: Die Medien der anderen laufen nicht darüber (Direct Media), oder sein Relay verzweigt"
    " nur eine Seite.",
    tag="recorded",
)
FOLLOW = remedy(
    "Capture at {source}: does it send to {silent}?",
    "Bei {source} mitschneiden: Wird von dort an {silent} gesendet?",
    tag="section",
)
RECORD_BOTH = remedy(
    "Have the media of both parties of the recorded call pass {source}, and compare its a=label lines with the metadata.",
    "Die Medien beider Parteien des aufgezeichneten Anrufs über {source} führen und die Zeilen a=label mit den Metadaten vergleichen.",
    tag="recorded",
)
LEAST = 2  # sections, of which one can be silent beside another


class _Sections(NamedTuple):
    """The audio sections of one description, by their place, those of the other side, and the packets to each."""

    author: Described
    own: list[SdpMediaRow]
    theirs: list[SdpMediaRow]
    packets: list[int]


def unsent(rule: str, case: Case) -> Iterator[Finding]:
    """Yield a finding on each leg with several audio sections of which some get media from a side, and one none."""
    limits = case.deployment.thresholds
    for talk in talks(case):
        last = next((each for each in reversed(exchanges(case, talk.leg)) if each.accepted), None)
        if last is None or talk.seconds < limits.one_way_seconds:
            continue
        for author, reader in last.descriptions:
            sections = _sections(case, talk.leg, author, reader)
            empty = None if sections is None else _empty(sections)
            if sections and empty is not None and max(sections.packets) >= limits.one_way_packets:
                yield _finding(rule, talk.leg, sections, empty)
                break


def _sections(case: Case, leg: int | None, author: Described, reader: Described) -> _Sections | None:
    """Return the sections that ``reader`` receives; None unless there are several, each at a place of its own.

    With ICE media go to candidates, and with BUNDLE to one place for all.
    """
    own, theirs = _audio(case, reader), _audio(case, author)
    ports = {row.port for row in own if row.port}
    if len(own) < LEAST or len(own) != len(theirs) or len(ports) < len(own) or any(row.ufrag for row in own):
        return None
    return _Sections(author, own, theirs, [_packets(case, leg, row) for row in own])


def _empty(sections: _Sections) -> int | None:
    """Return the place of the first section that may get media, and gets none."""
    rows = enumerate(zip(sections.theirs, sections.own, sections.packets, strict=True))
    return next((place for place, (its, own, count) in rows if not count and _may_send(its, own)), None)


def _audio(case: Case, part: Described) -> list[SdpMediaRow]:
    place = part.message.capture, part.message.frame, part.message.call_id
    rows = (row for row in case.sdp_media if (row.capture, row.frame, row.call_id) == place)
    return [row for row in rows if row.media == "audio"]


def _may_send(theirs: SdpMediaRow, own: SdpMediaRow) -> bool:
    sends = theirs.direction in (None, "sendrecv", "sendonly") and bool(theirs.port)
    return sends and own.direction in (None, "sendrecv", "recvonly")


def _packets(case: Case, leg: int | None, section: SdpMediaRow) -> int:
    """Return how many packets go to the place that a section names."""
    target = section.connection_addr, section.port
    rows = (row for row in case.rtp_streams if row.leg == leg and (row.dst_addr, row.dst_port) == target)
    return sum(row.packets or 0 for row in rows)


def _finding(rule: str, leg: int | None, sections: _Sections, empty: int) -> Finding:
    heard, silent = sections.own[sections.packets.index(max(sections.packets))], sections.own[empty]
    recorded = sections.author.audio.direction == "sendonly"
    return Finding(
        rule,
        "suspect",
        0.7,
        evidence(sections.author.message, silent),
        TITLE,
        (RECORDED,) if recorded else (),
        {
            "sections": len(sections.own),
            "number": leg,
            "nth": empty + 1,
            "source": sections.theirs[empty].connection_addr,
            "heard": endpoint(heard.connection_addr, heard.port),
            "silent": endpoint(silent.connection_addr, silent.port),
        },
        SETTLE,
        leg=leg,
        tags=frozenset({"section", "recorded"} if recorded else {"section"}),
    )
