"""Media in a payload type that its receiver does not name, in sentences of rule ``no-common-codec``."""

from collections.abc import Iterator
from datetime import datetime

from postproc.diagnose.evidence.case import Case, evidence
from postproc.diagnose.evidence.media import audio, described
from postproc.diagnose.evidence.negotiation import exchanges, formats, last_description
from postproc.model.addresses import endpoint
from postproc.model.findings import Finding, cause, remedy
from postproc.model.rows import RtpStreamRow, SdpMediaRow
from postproc.model.text import Text

STRANGE = Text(
    "{source} sends payload type {kind} ({codec}) on leg {number}, {packets} packets, and no description of the leg names"
    " it (named: {agreed}).",
    "{source} sendet auf Leg {number} Payload-Typ {kind} ({codec}), {packets} Pakete, und keine Beschreibung des Legs nennt"
    " ihn (genannt: {agreed}).",
)
OUTDATED = Text(
    "{source} sends payload type {kind} ({codec}) to {target} for {seconds:0} s more, which the last description from there"
    " no longer names (named: {agreed}).",
    "{source} sendet noch {seconds:0} s lang Payload-Typ {kind} ({codec}) an {target}; die letzte Beschreibung von dort nennt"
    " ihn nicht mehr (genannt: {agreed}).",
)
NOT_NAMED = Text(
    "{source} sends payload type {kind} ({codec}) to {target}, which the description from there does not name"
    " (named: {agreed}).",
    "{source} sendet Payload-Typ {kind} ({codec}) an {target}; die Beschreibung von dort nennt ihn nicht"
    " (genannt: {agreed}).",
)
OTHERWISE = Text(
    "A sender uses the numbers of the receiver's last description (RFC 3264, section 5.1).",
    "Ein Absender verwendet die Nummern der letzten Beschreibung des Empfängers (RFC 3264, Abschnitt 5.1).",
)
RENUMBERED = Text(
    "There this codec has the number {theirs}; that the receiver sends {kind} itself, by the sender's number, says nothing of what it"
    " takes.",
    "Dort hat dieser Codec die Nummer {theirs}; dass der Empfänger selbst {kind} sendet, nach der Nummer des Absenders, sagt nichts"
    " darüber, was er annimmt.",
)
HEARD = Text(
    "whether anything is heard at {target}: a receiver may know static payload types without being told.",
    "ob bei {target} etwas zu hören ist: Statische Payload-Typen kennt ein Empfänger womöglich auch ungesagt.",
)
NO_SPEECH = ("CN", "TELEPHONE-EVENT")  # of which a stream may consist for a while
DYNAMIC = 96  # of payload types: bound by SDP alone (RFC 3551, section 3)
COMFORT_NOISE = 13  # many send it without offering it (RFC 3389, section 4)
CAUSE = cause(
    "The sender changed its codec without a new offer, or a gateway passes media on from a leg with other codecs.",
    "Der Absender hat den Codec ohne neues Angebot gewechselt, oder ein Gateway reicht Medien von einem Leg mit"
    " anderen Codecs durch.",
    tag="strange",
)
OUTDATED_CAUSE = cause(
    "{source} keeps to an earlier description: of before a re-INVITE, or of a 183 from another branch; or it takes"
    " dynamic numbers from its own.",
    "{source} bleibt bei einer früheren Beschreibung: der vor einem Re-INVITE oder der in einem 183 von anderer Stelle;"
    " oder sie nimmt dynamische Nummern aus ihrer eigenen.",
    tag="outdated",
)
OUTDATED_REMEDY = remedy(
    "Update {source}; until then pin one codec with one payload type on both sides, or have the re-INVITE avoided.",
    "{source} aktualisieren; bis dahin auf beiden Seiten einen einzigen Codec mit einem Payload-Typ vorgeben oder den"
    " Re-INVITE vermeiden.",
    tag="outdated",
)


def never_named(rule: str, case: Case) -> Iterator[Finding]:
    """Yield findings on media with a payload type that no description of its leg names, so that it cannot be decoded."""
    for leg in case.numbers:
        by_section = [formats(row) for row in case.sdp_media if case.leg_of.get(row.call_id) == leg]
        named = set[str]().union(*by_section)
        if not described(case, leg) or not all(by_section):
            continue
        flows: dict[tuple[str, str, int], list[RtpStreamRow]] = {}  # a sender may change its SSRC
        for row in audio(case, leg):
            if row.payload_type not in (None, COMFORT_NOISE) and str(row.payload_type) not in named:
                source, target = endpoint(row.src_addr, row.src_port), endpoint(row.dst_addr, row.dst_port)
                flows.setdefault((source, target, row.payload_type), []).append(row)
        for (source, target, kind), rows in flows.items():
            packets = sum(row.packets or 0 for row in rows)
            agreed_elsewhere = (target, source, kind) in flows  # outside the captures, since both use it
            if agreed_elsewhere or packets < case.deployment.thresholds.one_way_packets:
                continue
            facts = {
                "source": source,
                "number": leg,
                "kind": kind,
                "codec": rows[0].codec or "–",
                "packets": packets,
                "agreed": sorted(named),
                "target": target,
            }
            yield Finding(
                rule,
                "suspect",
                0.7,
                evidence(*rows),
                STRANGE,
                (),
                facts,
                HEARD,
                leg=leg,
                tags=frozenset({"strange", "unshared"}),
            )


def no_longer_named(rule: str, case: Case) -> Iterator[Finding]:
    """Yield findings on media with a payload type that their receiver's last description does not name, as others did."""
    limits = case.deployment.thresholds
    for leg in case.numbers:
        named = {kind for each in exchanges(case, leg) for part in each for kind in formats(part.audio)}
        streams = audio(case, leg)
        sent_until: dict[tuple[object, ...], datetime] = {}
        for row in streams:
            sent = row.src_addr, row.src_port, row.payload_type
            sent_until[sent] = max(sent_until.get(sent, row.last_time), row.last_time)
        for row in streams:
            told = last_description(case, leg, (row.dst_addr, row.dst_port), row.last_time)
            if (
                told is None
                or row.payload_type != row.last_payload_type
                or (row.codec or "").upper().startswith(NO_SPEECH)
                or str(row.payload_type) not in named - formats(told.audio)
            ):
                continue
            since = max(row.first_time, told.message.time)
            seconds = (row.last_time - since).total_seconds()
            back = sent_until.get((row.dst_addr, row.dst_port, row.payload_type), since)
            used_by_receiver = (back - since).total_seconds() >= limits.one_way_seconds
            renumbered = _renumbered(row, told.audio)
            if (
                (used_by_receiver and not renumbered)
                or seconds < limits.one_way_seconds
                or (row.packets or 0) < limits.one_way_packets
            ):
                continue
            yield Finding(
                rule,
                "suspect",
                0.7,
                evidence(told.message, row),
                OUTDATED if row.first_time < told.message.time else NOT_NAMED,
                (OTHERWISE, *((RENUMBERED,) if renumbered else ())),
                {
                    "theirs": renumbered,
                    "source": endpoint(row.src_addr, row.src_port),
                    "target": endpoint(row.dst_addr, row.dst_port),
                    "kind": row.payload_type,
                    "codec": row.codec or "–",
                    "seconds": seconds,
                    "agreed": sorted(formats(told.audio), key=lambda kind: (len(kind), kind)),
                },
                HEARD,
                leg=leg,
                tags=frozenset({"outdated"}),
            )


def _renumbered(row: RtpStreamRow, theirs: SdpMediaRow) -> int | None:
    """Return the number that the receiver gave to the codec of a dynamic payload type; None if none, or that very one."""
    names = dict(part.partition("=")[::2] for part in (theirs.codecs or "").split(",") if part)
    own = f"{row.codec}/{row.clock_rate}".lower()
    numbers = [int(kind) for kind, name in names.items() if kind.isdecimal() and name.lower().startswith(own)]
    dynamic = row.payload_type is not None and row.payload_type >= DYNAMIC
    return numbers[0] if dynamic and numbers and row.payload_type not in numbers else None
