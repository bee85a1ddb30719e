"""An answered leg without any RTP."""

from collections.abc import Iterator, Sequence

from postproc.diagnose.evidence import fax, unsent_sections, zrtp
from postproc.diagnose.evidence.case import Case, evidence
from postproc.diagnose.evidence.media import Talk, both_may_send, due, sections, talks, ways
from postproc.diagnose.evidence.paths import best, checks
from postproc.model.addresses import endpoint
from postproc.model.findings import Finding, Rule, Variant, cause, remedy
from postproc.model.loading import PacketRow
from postproc.model.rows import PhaseRow, SdpMediaRow
from postproc.model.text import Text

TITLE = Text(
    "No media: leg {number} was up for {seconds:0} s without a single RTP packet.",
    "Keine Medien: Leg {number} stand {seconds:0} s ohne ein einziges RTP-Paket.",
)
UNSEEN = Text(
    "No media of leg {number} is in the capture.",
    "Von Leg {number} sind keine Medien im Mitschnitt.",
)
VIDEO_ALONE = Text(
    "No audio: on leg {number} came {others} packets of video, and in {seconds:0} s not one of audio.",
    "Kein Audio: Auf Leg {number} kamen {others} Pakete Video und in {seconds:0} s keines mit Audio.",
)
PASSES = Text(
    "So media of this leg pass here, and audio would be seen.",
    "Medien dieses Legs laufen also hier vorbei; auch Audio wäre zu sehen.",
)
READY = Text(
    "ICE and DTLS were complete, so both sides could have sent.",
    "ICE und DTLS waren fertig; beide Seiten hätten senden können.",
)
NOT_NOMINATED = Text(
    "Checks are answered, but no pair was nominated: no request with USE-CANDIDATE was answered, so ICE never ends (RFC 8445, section"
    " 8.1.1).",
    "Checks werden beantwortet, aber kein Paar wurde nominiert: Kein Request mit USE-CANDIDATE wurde beantwortet, ICE wird also nie"
    " fertig (RFC 8445, Abschnitt 8.1.1).",
)
ADDRESSES = Text("Media was due at {addresses}.", "Medien waren an {addresses} zu erwarten.")
NO_FAX = Text(
    "No fax: leg {number} had agreed on T.38 for {seconds:0} s, and not one UDPTL packet to {ends} is in the capture.",
    "Kein Fax: Auf Leg {number} war {seconds:0} s lang T.38 vereinbart, und kein UDPTL-Paket an {ends} ist im Mitschnitt.",
)
FAX_ONE_WAY = Text(
    "Fax packets in one direction only: leg {number} had agreed on T.38 for {seconds:0} s, {packets} UDPTL packets went to {heard}, and none"
    " came from there.",
    "Faxpakete nur in einer Richtung: Auf Leg {number} war {seconds:0} s lang T.38 vereinbart, {packets} UDPTL-Pakete gingen an {heard},"
    " und keines kam von dort.",
)
FAX_ASTRAY = Text(
    "Fax packets go astray: leg {number} had agreed on T.38 for {seconds:0} s, and not one of the {packets} UDPTL packets of {sender} goes to"
    " {heard}, the address named for them.",
    "Faxpakete gehen fehl: Auf Leg {number} war {seconds:0} s lang T.38 vereinbart, und keines der {packets} UDPTL-Pakete von {sender} geht"
    " an {heard}, die dafür genannte Adresse.",
)
NAMED_AND_USED = Text(
    "The other side sends its own from there, so no NAT stands in the way.",
    "Die Gegenstelle sendet ihre von dort; ein NAT steht also nicht im Weg.",
)
AUDIO_BEFORE = Text(
    "RTP of the same machines is there, so their fax packets would be seen here, too.",
    "RTP derselben Rechner ist da; auch ihre Faxpakete wären hier also zu sehen.",
)
SETTLE = Text(
    "capture on the machines that hold {addresses}: media may bypass the capture point.",
    "auf den Rechnern mit {addresses} mitschneiden: Die Medien laufen womöglich am Mitschnittpunkt vorbei.",
)


def find(case: Case) -> Iterator[Finding]:
    for talk in talks(case):
        long = talk.seconds >= case.deployment.thresholds.one_way_seconds
        if long and not ways(case, talk.leg) and (both_may_send(case, talk.leg) or due(case, talk.leg)):
            yield _finding(case, talk)
    for leg in case.numbers:
        yield from (_no_fax(case, *phase) for phase in fax.missing(case, leg))
    yield from unsent_sections.unsent(RULE.name, case)


def _no_fax(case: Case, phase: PhaseRow, sections: Sequence[SdpMediaRow]) -> Finding:
    only, astray = fax.one_sided(case, sections), fax.astray(case, sections)
    shown = only is not None or astray is not None or fax.would_show(case, sections)
    ends = {endpoint(row.connection_addr, row.port): row.connection_addr for row in sections}
    seconds = (phase.ended - phase.started).total_seconds() if phase.ended and phase.started else 0.0
    facts: dict[str, object] = {
        "number": phase.leg,
        "seconds": seconds,
        "ends": sorted(ends),
        "addresses": sorted({addr for addr in ends.values() if addr}),
    }
    if only is not None:
        sender, silent = only
        facts["packets"] = max(sender.fax_packets_sent or 0, silent.fax_packets or 0)
        facts["heard"] = endpoint(silent.connection_addr, silent.port)
    if astray is not None:
        sender, lacking = astray
        facts["packets"] = sender.fax_packets_sent
        facts["sender"] = endpoint(sender.connection_addr, sender.port)
        facts["heard"] = endpoint(lacking.connection_addr, lacking.port)
    return Finding(
        RULE.name,
        "suspect" if shown else "cannot_tell",
        0.7,
        evidence(*sections),
        FAX_ASTRAY if astray else FAX_ONE_WAY if only else NO_FAX,
        (NAMED_AND_USED,) if astray else (AUDIO_BEFORE,) if shown and not only else (),
        facts,
        None if astray else SETTLE,
        leg=phase.leg,
        tags=frozenset({"astray"} if astray else {"fax"} if only else {"fax", "unseen"}),
    )


def _finding(case: Case, talk: Talk) -> Finding:
    audio = sections(case, talk.leg)
    addresses = sorted({section.connection_addr for section in audio if section.connection_addr})
    handshake = best(case, talk.leg)
    ready = handshake is not None and handshake.state == "complete"
    checked = ready or bool(checks(case, leg=talk.leg).sent)
    waiting = not ready and _unnominated(case, talk.leg)
    asking = zrtp.asking(case, talk.leg)
    would_show = checked or asking is not None or _media_here(case, set(addresses))
    facts: dict[str, object] = {"number": talk.leg, "seconds": talk.seconds, "addresses": addresses}
    facts |= asking.facts if asking else {}
    others = sum(row.packets or 0 for row in case.rtp_streams if row.leg == talk.leg and row.media == "video")
    seen = others > 0
    facts["others"] = others
    plain = (PASSES,) if seen else (zrtp.WAITS,) if asking else () if checked else (ADDRESSES,)
    return Finding(
        RULE.name,
        "fault" if checked else "suspect" if would_show else "cannot_tell",
        0.85 if checked else 0.6,
        evidence(*audio),
        VIDEO_ALONE if seen else TITLE if would_show else UNSEEN,
        (READY,) if ready else (NOT_NOMINATED,) if waiting else plain,
        facts,
        None if checked or seen else SETTLE,
        leg=talk.leg,
        tags=frozenset(
            {
                "waiting" if waiting else "audio",
                *(("ready",) if ready or seen else ()),
                *((zrtp.TAG,) if asking else () if checked or seen else ("unseen",)),
            }
        ),
    )


def _unnominated(case: Case, leg: int | None) -> bool:
    """Whether checks of a leg succeed again and again, and none of them nominates a pair."""
    pairs = [row for row in case.pairs if row.leg == leg]
    answered = sum(row.answered or 0 for row in pairs)
    return answered >= case.deployment.thresholds.dead_requests and not any(row.nominated for row in pairs)


def _media_here(case: Case, addresses: set[str]) -> bool:
    """Whether media or checks of these machines are in the capture, so that it would show this leg's media."""
    rows: tuple[PacketRow, ...] = (*case.rtp_streams, *case.bindings)
    return any({row.src_addr, row.dst_addr} & addresses for row in rows)


RULE = Rule(
    code="RTP001",
    name="no-media",
    stage="media",
    breaks="media",
    # ICE between these two does not wait for any other leg, as media may.
    variants={
        "audio": Variant("media", "media"),
        "fax": Variant("media", "media"),
        "astray": Variant("media", "media"),
        "section": Variant("media", "media", despite_media=True),
        "waiting": Variant("media", "pair"),
    },
    from_absence=True,
    summary=Text("No media", "Keine Medien"),
    claim=Text(
        "A leg was answered, both sides may send, and no RTP packet is seen; or T.38 is agreed, and no fax packet is, or those of one side only, or"
        " those of a side go elsewhere than agreed;"
        " or of several audio sections one gets nothing.",
        "Ein Leg wurde angenommen, beide Seiten dürfen senden, und es ist kein RTP-Paket zu sehen; oder T.38 ist vereinbart,"
        " und es ist kein Faxpaket zu sehen oder nur die einer Seite, oder die einer Seite gehen woandershin als vereinbart;"
        " oder von mehreren Audio-Abschnitten bleibt einer leer.",
    ),
    causes=(
        zrtp.CAUSE,
        unsent_sections.COPIED,
        unsent_sections.SILENT,
        cause(
            "The applications do not send: no microphone, muted at the device, stuck media stack.",
            "Die Anwendungen senden nicht: kein Mikrofon, am Gerät stummgeschaltet, hängender Medienteil.",
            tag="ready",
        ),
        cause(
            "Media goes another way than past the capture point.",
            "Die Medien nehmen einen anderen Weg als am Mitschnittpunkt vorbei.",
            tag="unseen",
        ),
        cause(
            "A firewall before this machine drops the media of every leg, and a server that only passes on what comes in sends nothing"
            " first.",
            "Eine Firewall vor diesem Rechner verwirft die Medien aller Legs, und ein Server, der nur Ankommendes weitergibt, sendet nie als"
            " Erster.",
            tag="unseen",
        ),
        cause(
            "The controlling side nominates no pair: it waits for another candidate, takes itself for controlled, or its ICE is not"
            " complete; the other side waits for it.",
            "Die Seite mit der Rolle controlling nominiert kein Paar: Sie wartet auf einen weiteren Kandidaten, hält sich für"
            " controlled, oder ihr ICE ist unvollständig; die andere Seite wartet darauf.",
            tag="waiting",
        ),
        cause(
            "The two sides agree on T.38 and one does not support it after all, or a gateway between them does not relay UDPTL.",
            "Beide Seiten vereinbaren T.38, und eine beherrscht es doch nicht, oder ein Gateway dazwischen leitet UDPTL nicht weiter.",
            tag="fax",
        ),
        cause(
            "{sender} keeps to the address of the audio before the switch to T.38, or to one that it had learnt from incoming RTP.",
            "{sender} bleibt bei der Adresse des Audios vor dem Umschalten auf T.38 oder bei einer, die es aus ankommendem RTP gelernt hat.",
            tag="astray",
        ),
        cause(
            "A firewall or SIP ALG that opens ports for audio only drops the fax packets.",
            "Eine Firewall oder ein SIP-ALG, das nur Ports für Audio öffnet, verwirft die Faxpakete.",
            tag="fax",
        ),
        cause(
            "A B2BUA waits with this leg until the other leg has media.",
            "Ein B2BUA wartet auf diesem Leg, bis das andere Medien hat.",
            tag="audio",
        ),
    ),
    remedies=(
        zrtp.REMEDY,
        unsent_sections.RECORD_BOTH,
        unsent_sections.FOLLOW,
        remedy(
            "Check microphone permission and audio device at both ends.",
            "Mikrofonberechtigung und Audiogerät an beiden Enden prüfen.",
            tag="ready",
        ),
        remedy(
            "Look at the requests of the side with ICE-CONTROLLING (the offerer) for USE-CANDIDATE; update that side, or leave ICE out on"
            " this leg if both ends are public.",
            "In den Requests der Seite mit ICE-CONTROLLING (der anbietenden) nach USE-CANDIDATE sehen; diese Seite aktualisieren oder"
            " auf diesem Leg ICE weglassen, wenn beide Enden öffentlich sind.",
            tag="waiting",
        ),
        remedy(
            "Update {sender}, or have the other side keep its port when it switches to T.38; until then send the fax as audio (G.711).",
            "{sender} aktualisieren oder die Gegenstelle beim Umschalten auf T.38 ihren Port behalten lassen; bis dahin das Fax als Audio"
            " senden (G.711).",
            tag="astray",
        ),
        remedy(
            "Switch T.38 off at one side and send the fax as audio (G.711, no echo canceller), and see whether it goes through.",
            "T.38 auf einer Seite abschalten, das Fax als Audio senden (G.711, ohne Echounterdrückung) und sehen, ob es durchgeht.",
            tag="fax",
        ),
        remedy(
            "Capture on the media server itself, on all interfaces.",
            "Auf dem Medienserver selbst mitschneiden, auf allen Schnittstellen.",
        ),
    ),
    references=("RFC 3550", "RFC 3264, section 5.1", "ITU-T T.38, annex D"),
    known_problems=Text(
        "Media that bypasses the capture point is not missing; the rule then says that it cannot tell.",
        "Medien, die am Mitschnittpunkt vorbeilaufen, fehlen nicht; die Regel sagt dann, dass sie es nicht weiß.",
    ),
    find=find,
)
