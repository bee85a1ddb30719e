"""The DTLS handshake starts and does not complete."""

from collections.abc import Iterator, Sequence

from postproc.diagnose.evidence.case import Case, evidence
from postproc.diagnose.evidence.media import both_ways
from postproc.diagnose.evidence.negotiation import exchanges
from postproc.diagnose.evidence.paths import best, hellos_of_both
from postproc.diagnose.evidence.server import logged, quoted
from postproc.diagnose.evidence.view import goes_on, watched_after
from postproc.model.addresses import endpoint
from postproc.model.findings import Finding, Rule, cause, remedy
from postproc.model.rows import DtlsMessageRow, DtlsRow
from postproc.model.text import Text

TITLE_HELLO = Text(
    "DTLS is not completed: {hellos:ClientHello|ClientHellos} from {client} to {server} got no answer.",
    "DTLS kommt nicht zustande: {hellos:ClientHello|ClientHellos} von {client} an {server} blieben unbeantwortet.",
)
TITLE = Text(
    "DTLS is not completed: the handshake between {client} and {server} stops half-way.",
    "DTLS kommt nicht zustande: Der Handshake zwischen {client} und {server} bleibt auf halbem Weg stehen.",
)
BOTH_CLIENTS = Text(
    "DTLS is not completed: {client} and {server} both send a ClientHello, and neither a ServerHello.",
    "DTLS kommt nicht zustande: {client} und {server} senden beide ein ClientHello und keiner ein ServerHello.",
)
ASTRAY = Text(
    "DTLS is not completed: the ClientHello came from {came}, and {sender} answers to {went}.",
    "DTLS kommt nicht zustande: Das ClientHello kam von {came}, und {sender} antwortet an {went}.",
)
SETTLE_ASTRAY = Text(
    "a capture at the phone: the answer does not arrive there.",
    "ein Mitschnitt beim Telefon: Die Antwort kommt dort nicht an.",
)
BY_LOG = Text(
    "DTLS is not completed: the server's log tells of a failed handshake.",
    "DTLS kommt nicht zustande: Das Log des Servers meldet einen gescheiterten Handshake.",
)
QUOTED = Text("It says: {log:2}.", "Dort steht: {log:2}.")
SMALL_PASS = Text(
    "Binding Requests are answered on the same path, so small packets pass in both directions.",
    "Auf demselben Pfad werden Binding Requests beantwortet; kleine Pakete kommen also in beiden Richtungen durch.",
)
OTHER_PAIR = Text(
    "ICE nominated another pair, {nominated}, and whoever nominates expects DTLS on that one.",
    "ICE hat ein anderes Paar nominiert, {nominated}, und wer nominiert, erwartet DTLS auf diesem.",
)
NO_ICE = Text(
    "No ICE was agreed, so the ClientHello goes to the address in SDP: behind a NAT it arrives only if {server} has sent from there"
    " before.",
    "ICE war nicht vereinbart; das ClientHello geht also an die Adresse im SDP: Hinter einem NAT kommt es nur an, wenn {server} von dort"
    " schon gesendet hat.",
)
SEEN = Text("Seen: {seen}.", "Gesehen: {seen}.")
SETTLE = Text(
    "capture at {server}: it shows whether the answer is sent and how large it is.",
    "bei {server} mitschneiden: Dort ist zu sehen, ob die Antwort gesendet wird und wie groß sie ist.",
)


def find(case: Case) -> Iterator[Finding]:
    for leg in case.judged_legs:
        row = best(case, leg)
        if both_ways(case, leg):
            continue
        if row is None:
            yield from _logged(case, leg)
            continue
        messages = _messages(case, row)
        if (hello := _from_elsewhere(case, messages)) is not None:
            yield _astray(leg, hello, messages[0])
            continue
        broken = row.state in ("client_hello_only", "incomplete") and _waited(case, row)
        if broken or (row.state == "alert" and hellos_of_both(messages)):
            yield _finding(case, leg, row, messages)


def _logged(case: Case, leg: int | None) -> Iterator[Finding]:
    """Yield findings on failed handshakes that only the server's log shows."""
    for each in case.legs:
        lines = [
            line
            for line in logged(case, "dtls", call_id=each.call_id)
            if line.facts.get("verdict") == "Handshake failure"
        ]
        if each.leg == leg and lines:
            invite = next((row for row in case.sip_messages if row.call_id == each.call_id), None)
            yield Finding(
                RULE.name,
                "fault",
                0.9,
                evidence(invite or each),
                BY_LOG,
                (QUOTED,),
                {"log": quoted(lines), "server": "–"},
                leg=leg,
                tags=frozenset({"path"}),
            )
            return


def _messages(case: Case, row: DtlsRow) -> list[DtlsMessageRow]:
    ends = {(row.client_addr, row.client_port), (row.server_addr, row.server_port)}
    return [m for m in case.dtls_messages if {(m.src_addr, m.src_port), (m.dst_addr, m.dst_port)} == ends]


def _from_elsewhere(case: Case, messages: Sequence[DtlsMessageRow]) -> DtlsMessageRow | None:
    """Return a ClientHello to the one sender of these messages from another address than they go to; else None."""
    senders = {(m.src_addr, m.src_port) for m in messages}
    if len(senders) != 1 or any(m.handshake_type == "client_hello" for m in messages):
        return None
    hellos = (m for m in case.dtls_messages if m.handshake_type == "client_hello")
    return next((m for m in hellos if (m.dst_addr, m.dst_port) in senders), None)


def _astray(leg: int | None, hello: DtlsMessageRow, answer: DtlsMessageRow) -> Finding:
    return Finding(
        RULE.name,
        "fault",
        0.9,
        evidence(hello, answer),
        ASTRAY,
        (),
        {
            "came": endpoint(hello.src_addr, hello.src_port),
            "sender": endpoint(answer.src_addr, answer.src_port),
            "went": endpoint(answer.dst_addr, answer.dst_port),
            "server": endpoint(answer.src_addr, answer.src_port),
        },
        SETTLE_ASTRAY,
        leg=leg,
        tags=frozenset({"astray"}),
    )


def _waited(case: Case, row: DtlsRow) -> bool:
    """Whether the handshake was retransmitted or started long enough ago; a recent one may still complete."""
    quiet = case.deployment.thresholds.too_short_seconds
    return (row.client_hellos or 0) > 1 or watched_after(case, row.started or row.time) >= quiet


def _finding(case: Case, leg: int | None, row: DtlsRow, messages: Sequence[DtlsMessageRow]) -> Finding:
    both = bool(hellos_of_both(messages))
    hello_only = row.state == "client_hello_only"
    answered = any(pair.leg == leg and pair.answered for pair in case.pairs)
    facts = {
        "client": endpoint(row.client_addr, row.client_port),
        "server": endpoint(row.server_addr, row.server_port),
        "hellos": row.client_hellos or 1,
        "seen": list(dict.fromkeys(m.handshake_type or m.content for m in messages)),
    }
    blind = hello_only and not both and not answered and not _with_ice(case, leg)
    other = _nominated_elsewhere(case, leg, row) if hello_only and not both else None
    if other is not None:
        facts["nominated"] = other
    details = (OTHER_PAIR,) if other else (SMALL_PASS,) if answered else (NO_ICE,) if blind else ()
    if blind or other:
        tags = {"blind" if blind else "pair"}
    else:
        tags = {"path"} | ({"roles"} if both else {"size"} if answered else set())
    cut = (
        goes_on(case)
        and watched_after(case, row.started or row.time) < case.deployment.thresholds.dead_seconds
    )
    return Finding(
        RULE.name,
        "suspect" if cut else "fault",
        0.6 if cut else 0.9,
        evidence(*(messages or (row,))),
        BOTH_CLIENTS if both else TITLE_HELLO if hello_only else TITLE,
        details if hello_only else (SEEN, *details),
        facts,
        None if both else SETTLE,
        leg=leg,
        tags=frozenset(tags),
    )


def _nominated_elsewhere(case: Case, leg: int | None, row: DtlsRow) -> str | None:
    """Return the nominated pair of a leg if it is not the one of a handshake; None if that is nominated, or none is."""
    pairs = [pair for pair in case.pairs if (pair.capture, pair.leg) == (row.capture, leg) and pair.nominated]
    ends = {(row.client_addr, row.client_port), (row.server_addr, row.server_port)}
    if any({(p.local_addr, p.local_port), (p.remote_addr, p.remote_port)} == ends for p in pairs):
        return None
    named = [
        f"{endpoint(p.local_addr, p.local_port)} – {endpoint(p.remote_addr, p.remote_port)}" for p in pairs
    ]
    return named[-1] if named else None


def _with_ice(case: Case, leg: int | None) -> bool:
    """Whether ICE was agreed on the leg, or is not known to be missing."""
    described = exchanges(case, leg)
    return not described or any(each.ice for each in described)


RULE = Rule(
    code="DTLS002",
    name="dtls-incomplete",
    stage="dtls",
    breaks="handshake",
    from_absence=True,
    summary=Text("DTLS handshake incomplete", "DTLS-Handshake unvollständig"),
    claim=Text(
        "A ClientHello is sent, and the handshake is never finished: there are no keys for the media.",
        "Ein ClientHello wird gesendet, aber der Handshake nie beendet: Es gibt keine Schlüssel für die Medien.",
    ),
    causes=(
        cause(
            "{client} keeps to the pair that it chose first and does not follow the nomination (USE-CANDIDATE), for instance of a relayed"
            " pair.",
            "{client} bleibt bei dem Paar, das zuerst gewählt war, und folgt der Nominierung (USE-CANDIDATE) nicht, etwa der eines Paars"
            " über ein Relay.",
            tag="pair",
        ),
        cause(
            "{server} is behind a NAT and waits (a=setup:passive): its NAT has no mapping at the address and port in SDP, so the"
            " ClientHello of {client} is dropped.",
            "{server} steht hinter einem NAT und wartet (a=setup:passive): Dessen NAT hat keine Zuordnung zu Adresse und Port im SDP, und"
            " das ClientHello von {client} wird verworfen.",
            tag="blind",
        ),
        cause(
            "A firewall drops DTLS, or {server} does not listen there.",
            "Eine Firewall verwirft DTLS, oder {server} lauscht dort nicht.",
            tag="blind",
        ),
        cause(
            "The side that offers takes the role of the answerer's a=setup for its own, or a re-INVITE changed the"
            " roles of a handshake that went on.",
            "Die anbietende Seite hält die Rolle im a=setup der Antwort für ihre eigene, oder ein Re-INVITE hat die"
            " Rollen eines laufenden Handshakes vertauscht.",
            tag="roles",
        ),
        cause(
            "Large UDP packets are lost on the way: the flight with the certificate is about 1,200 bytes, checks are about 100.",
            "Große UDP-Pakete gehen unterwegs verloren: Der Flight mit dem Zertifikat hat rund 1200 Bytes, ein Check rund 100.",
            tag="size",
        ),
        cause(
            "{sender} keeps to the address in SDP and does not learn where the packets come from: no ICE, and its symmetric RTP"
            " does not cover DTLS.",
            "{sender} bleibt bei der Adresse im SDP und lernt nicht, woher die Pakete kommen: kein ICE, und symmetrisches RTP"
            " gilt dort nicht für DTLS.",
            tag="astray",
        ),
        cause(
            "A firewall lets STUN pass but not DTLS.",
            "Eine Firewall lässt STUN durch, DTLS aber nicht.",
            tag="path",
        ),
        cause(
            "The other side does not listen on this path, or takes the packets for those of another path.",
            "Die andere Seite lauscht nicht auf diesem Pfad oder ordnet die Pakete einem anderen zu.",
            tag="path",
        ),
        cause(
            "The other side's DTLS is broken or too old.",
            "Das DTLS der anderen Seite ist fehlerhaft oder zu alt.",
            tag="path",
        ),
    ),
    remedies=(
        remedy(
            "Update {client}; until then let only one path be offered (no relay candidates where the direct path works, or only relay).",
            "{client} aktualisieren; bis dahin nur einen Weg anbieten (keine Relay-Kandidaten, wo der direkte Weg geht, oder nur Relay).",
            tag="pair",
        ),
        remedy(
            "Use ICE on this leg, or let the side behind NAT be active (a=setup:active; Asterisk: dtls_setup=passive), so that its own"
            " ClientHello opens the NAT.",
            "Auf diesem Leg ICE verwenden oder die Seite hinter dem NAT aktiv sein lassen (a=setup:active; Asterisk: dtls_setup=passive),"
            " damit ihr eigenes ClientHello das NAT öffnet.",
            tag="blind",
        ),
        remedy(
            "Compare a=setup in offer and answer: where the answer says active, the offerer has to wait for the"
            " ClientHello.",
            "a=setup in Angebot und Antwort vergleichen: Steht in der Antwort active, muss die anbietende Seite auf"
            " das ClientHello warten.",
            tag="roles",
        ),
        remedy(
            "Check the MTU of VPN, DSL and mobile lines, and that IP fragments and ICMP 'fragmentation needed' pass.",
            "Die MTU von VPN-, DSL- und Mobilfunkstrecken prüfen und IP-Fragmente sowie ICMP „fragmentation needed“ durchlassen.",
            tag="size",
        ),
        remedy(
            "Switch off packet inspection (DPI, ALG) for UDP of the server's media ports ({ports}).",
            "Die Paketprüfung (DPI, ALG) für UDP der Medien-Ports des Servers ({ports}) abschalten.",
            tag="path",
        ),
        remedy(
            "Capture on the other side at the same time.",
            "Gleichzeitig auf der anderen Seite mitschneiden.",
            tag="path",
        ),
        remedy(
            "Use ICE on this leg (Asterisk: ice_support=yes), or have the phone write its public address into SDP (STUN).",
            "Auf diesem Leg ICE verwenden (Asterisk: ice_support=yes) oder das Telefon seine öffentliche Adresse ins SDP"
            " schreiben lassen (STUN).",
            tag="astray",
        ),
    ),
    references=("RFC 6347, section 4.2.4", "RFC 5763, section 5", "RFC 5764"),
    known_problems=Text(
        "A handshake whose end was not captured looks the same; where media flows the rule is silent.",
        "Ein Handshake, dessen Ende nicht aufgezeichnet wurde, sieht genauso aus; fließen Medien, schweigt die Regel.",
    ),
    find=find,
)
