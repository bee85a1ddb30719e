"""Packets flow both ways without audio: SRTP cannot be decrypted by the server's log or by the keys, or one side alone encrypts."""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from postproc.diagnose.evidence import altered_keys, encryption
from postproc.diagnose.evidence.case import Case, evidence
from postproc.diagnose.evidence.media import way
from postproc.diagnose.evidence.paths import TO_SERVER
from postproc.diagnose.evidence.server import Line, logged, quoted
from postproc.model.findings import Finding, Rule, cause, remedy
from postproc.model.rows import LegRow, RtpStreamRow
from postproc.model.text import Text

# libsrtp's errors for duplicate or late packets (RFC 3711, section 3.3.2): these are no losses.
REPLAYED = "replay"
# The few packets in flight when keys change fail on every system, but not half of all. A lower share makes a re-key
# under loss a fault; a higher one makes a call that loses every second word only a suspect.
MOST = 0.5

TITLE = Text(
    "The server cannot decrypt the SRTP of leg {of_leg}: {failed} packets in {seconds:1} s.",
    "Der Server kann das SRTP von Leg {of_leg} nicht entschlüsseln: {failed} Pakete in {seconds:1} s.",
)
BY_LOG = Text("The server's log says so: {log:1}.", "So steht es im Log des Servers: {log:1}.")
ARRIVED = Text(
    "{packets} packets from {sender} arrived on the leg: the network is not what keeps the caller silent.",
    "{packets} Pakete von {sender} kamen auf dem Leg an: Am Netz liegt es nicht, dass nichts zu hören ist.",
)
SETTLE = Text(
    "whether the call could be understood: less than half of the packets failed.",
    "Ob der Anruf zu verstehen war: Weniger als die Hälfte der Pakete war betroffen.",
)


class _Failures(NamedTuple):
    """A leg's log lines about packets that failed authentication."""

    lines: list[Line]

    @property
    def since(self) -> datetime:
        return self.lines[0].row.time

    @property
    def seconds(self) -> float:
        return (self.lines[-1].row.time - self.since).total_seconds()

    @property
    def packets(self) -> int:
        """The number of failed packets; FreeSWITCH logs only some, with the count since the last good one."""
        return max(len(self.lines), *(int(line.facts.get("errors", 0)) for line in self.lines))


def find(case: Case) -> Iterator[Finding]:
    for call_id, leg in {leg.call_id: leg for leg in case.legs}.items():
        failures = _Failures(
            [
                line
                for line in logged(case, "srtp", call_id=call_id)
                if line.row.time is not None and REPLAYED not in line.facts.get("reason", "")
            ]
        )
        lasted = failures.seconds if failures.lines else 0.0
        if lasted >= case.deployment.thresholds.one_way_seconds:
            yield _finding(case, leg, failures)
    yield from encryption.unlike(RULE.name, case)
    yield from altered_keys.altered(RULE.name, case)


def _finding(case: Case, leg: LegRow, failures: _Failures) -> Finding:
    streams = _arrived(case, leg)
    meanwhile = sum(_packets_during(row, failures) for row in streams)
    most = failures.packets >= MOST * meanwhile
    messages = [row for row in case.sip_messages if row.call_id == leg.call_id]
    facts = {
        "of_leg": leg.leg,
        "failed": failures.packets,
        "seconds": failures.seconds,
        "packets": sum(row.packets or 0 for row in streams),
        "sender": streams[0].src_addr if streams else None,
        "log": quoted(failures.lines),
    }
    return Finding(
        RULE.name,
        "fault" if most else "suspect",
        0.95 if most else 0.6,
        evidence(*(streams or messages[:1] or [leg])),
        TITLE,
        (BY_LOG, ARRIVED) if streams else (BY_LOG,),
        facts,
        None if most else SETTLE,
        leg=leg.leg,
        tags=frozenset({"log"}),
    )


def _arrived(case: Case, leg: LegRow) -> list[RtpStreamRow]:
    """Return the streams to the server on this leg."""
    directed = list(way(case, leg.leg, TO_SERVER).rows)
    ends = {leg.uas_addr} if leg.role != "outbound" else {leg.uac_addr}
    return directed or [row for row in case.rtp_streams if row.leg == leg.leg and row.dst_addr in ends]


def _packets_during(row: RtpStreamRow, failures: _Failures) -> float:
    """Estimate a stream's packets during the failures, assuming a constant rate."""
    if not row.packets or row.first_time is None or row.last_time is None:
        return 0.0
    lasted = (row.last_time - row.first_time).total_seconds()
    until = failures.lines[-1].row.time
    shared = (min(row.last_time, until) - max(row.first_time, failures.since)).total_seconds()
    return row.packets * max(shared, 0.0) / lasted if lasted > 0 else 0.0


RULE = Rule(
    code="RTP010",
    name="srtp-not-decrypted",
    stage="media",
    breaks="decryption",
    despite_media=True,
    summary=Text("SRTP cannot be decrypted", "SRTP lässt sich nicht entschlüsseln"),
    claim=Text(
        "Media arrive, but the server's log says for seconds on end that it cannot authenticate the SRTP packets; or one side sends SRTP and"
        " the other plain RTP; or a key in SDP changes on the way.",
        "Medien kommen an, aber laut Log kann der Server die SRTP-Pakete sekundenlang nicht authentifizieren; oder eine Seite sendet SRTP und"
        " die andere einfaches RTP; oder ein Schlüssel im SDP ändert sich auf dem Weg.",
    ),
    causes=(
        cause(
            "Both sides use different keys: SDES on one, DTLS on the other, or a key of an earlier description.",
            "Beide Seiten verwenden verschiedene Schlüssel: SDES hier, DTLS dort, oder einen Schlüssel aus einer"
            " früheren Beschreibung.",
            tag="log",
        ),
        cause(
            "The sender began anew with SSRC or sequence number after a re-INVITE, and the rollover counter differs.",
            "Der Sender hat nach einem re-INVITE mit SSRC oder Sequenznummer neu begonnen, und der Rollover-Counter"
            " weicht ab.",
            tag="log",
        ),
        cause(
            "A proxy or another call sends its packets to the same port.",
            "Ein Proxy oder ein anderer Anruf sendet seine Pakete an denselben Port.",
            tag="log",
        ),
        *encryption.CAUSES,
        altered_keys.CAUSE,
    ),
    remedies=(
        remedy(
            "Settle on one way of keying for the leg, DTLS-SRTP or SDES, on both sides.",
            "Für das Leg auf beiden Seiten nur einen Schlüsselaustausch zulassen, DTLS-SRTP oder SDES.",
            tag="log",
        ),
        remedy(
            "Compare the moment of the first line with re-INVITEs and handshakes of the call; update the side that"
            " keeps the old key.",
            "Den Zeitpunkt der ersten Zeile mit re-INVITEs und Handshakes des Anrufs vergleichen; die Seite"
            " aktualisieren, die den alten Schlüssel behält.",
            tag="log",
        ),
        encryption.REMEDY,
        altered_keys.REMEDY,
    ),
    references=("RFC 3711, sections 3.3 and 3.3.1", "FreeSWITCH switch_rtp.c: unprotect failed"),
    known_problems=Text(
        "Without the server's log a call with wrong keys looks good; packets of a stranger to the same port look the same. Whether packets are"
        " encrypted is told of G.711 and G.722 only.",
        "Ohne Log des Servers sieht ein Anruf mit falschen Schlüsseln gut aus; Pakete eines Fremden an denselben Port sehen genauso aus. Ob"
        " Pakete verschlüsselt sind, wird nur bei G.711 und G.722 gesagt.",
    ),
    find=find,
)
