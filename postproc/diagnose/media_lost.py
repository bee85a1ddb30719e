"""RTP packets are missing from a stream."""

from collections.abc import Iterator

from postproc.addresses import endpoint
from postproc.diagnose.case.case import Case, evidence
from postproc.diagnose.case.media import ways
from postproc.diagnose.case.rows import Row
from postproc.findings import Advice, Finding, Rule, Verdict
from postproc.text import Text

ENOUGH = 50  # fewer packets make no percentage (METHODS 11)

TITLE = Text(
    "{percent:1} % of the RTP packets from {source} to {target} are missing on leg {number}.",
    "{percent:1} % der RTP-Pakete von {source} an {target} fehlen auf Bein {number}.",
)
DETAIL = Text(
    "{lost} of {expected}, as seen at the capture point; longest gap {gap:0} ms, jitter {jitter:1} ms.",
    "{lost} von {expected}, gesehen am Mitschnittpunkt; längste Lücke {gap:0} ms, Jitter {jitter:1} ms.",
)
EVERYWHERE = Text(
    "All streams of the call lose packets alike: the capture itself may have dropped them.",
    "Alle Ströme des Anrufs verlieren gleichermaßen: Womöglich hat der Mitschnitt selbst Pakete verworfen.",
)
SETTLE = Text(
    "the drop counter of the capture program, or a second capture.",
    "der Verlustzähler des Mitschnittprogramms oder ein zweiter Mitschnitt.",
)


def find(case: Case) -> Iterator[Finding]:
    limits = case.deployment.thresholds
    streams = [row for leg in [*case.numbers, None] for way in ways(case, leg).values() for row in way.rows]
    worst = [percent(row) for row in streams]
    alike = len(worst) > 1 and min(worst) > limits.capture_loss_percent
    for row, lost in zip(streams, worst, strict=True):
        if lost > limits.loss_note_percent:
            verdict: Verdict = "suspect" if lost > limits.loss_percent else "note"
            yield _finding(
                row, lost, "cannot_tell" if alike and verdict == "suspect" else verdict, alike=alike
            )


def percent(row: Row) -> float:
    """Share of a stream's packets that are missing; 0 where too few were sent to say."""
    expected = row.expected or 0
    return 100 * (row.lost or 0) / expected if expected >= ENOUGH else 0.0


def _finding(row: Row, lost: float, verdict: Verdict, *, alike: bool) -> Finding:
    facts = {
        "percent": lost, "lost": row.lost, "expected": row.expected, "number": row.leg if row.leg else "–",
        "source": endpoint(row.src_addr, row.src_port), "target": endpoint(row.dst_addr, row.dst_port),
        "gap": row.max_gap_ms or 0.0, "jitter": row.jitter_ms or 0.0,
    }  # fmt: skip
    return Finding(
        RULE.name, verdict, 0.6 if alike else 0.85, evidence(row), TITLE, (DETAIL, EVERYWHERE) if alike else (DETAIL,),
        facts, SETTLE if alike else None, leg=row.leg,
    )  # fmt: skip


RULE = Rule(
    code="RTP004",
    name="media-lost",
    stage="media",
    summary=Text("Media lost", "Medienverlust"),
    claim=Text(
        "Sequence numbers show that RTP packets were lost before the capture point.",
        "Die Sequenznummern zeigen, dass RTP-Pakete vor dem Mitschnittpunkt verloren gingen.",
    ),
    causes=(
        Advice(Text(
            "A crowded or bad line: Wi-Fi, mobile network, full uplink.",
            "Eine überlastete oder schlechte Strecke: WLAN, Mobilfunk, voller Upstream.",
        )),
        Advice(Text(
            "No priority for voice (QoS) in the network.",
            "Kein Vorrang für Sprache (QoS) im Netz.",
        )),
    ),
    remedies=(
        Advice(Text(
            "Compare with a wired client.",
            "Mit einem kabelgebundenen Client vergleichen.",
        )),
        Advice(Text(
            "Mark and prefer voice (DSCP EF) on the way.",
            "Sprache auf dem Weg markieren und bevorzugen (DSCP EF).",
        )),
    ),
    references=("RFC 3550, appendix A.3", "ITU-T G.113"),
    known_problems=Text(
        "Only losses before the capture point are seen; those behind it are in the receiver's RTCP.",
        "Zu sehen sind nur Verluste vor dem Mitschnittpunkt; die dahinter stehen im RTCP des Empfängers.",
    ),
    find=find,
    follows=("consent-lost", "one-direction-only"),
    despite_media=True,
)  # fmt: skip
