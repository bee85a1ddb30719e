"""The server accepts none of the offered candidates: 488 before it calls anybody."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from postproc.diagnose.evidence.candidates import public, shown
from postproc.diagnose.evidence.case import SERVER, Case, evidence
from postproc.diagnose.evidence.server import Line, choices, logged, media_refused, quoted
from postproc.diagnose.evidence.signalling import (
    INCOMPATIBLE,
    Rejection,
    offered_audio,
    rejection,
    well_known,
)
from postproc.diagnose.evidence.signalling import shown as codec_names
from postproc.model.acl import WITHOUT_LISTS, decide
from postproc.model.enumerations import Verdict
from postproc.model.findings import Finding, Rule, cause, remedy
from postproc.model.rows import CandidateRow, SdpMediaRow
from postproc.model.text import Text

NOT_ACCEPTABLE = (488, 606)
LISTED, UNLISTED = "listed", "unlisted"  # candidate lists are configured; none is
UNSUITABLE = "no suitable candidates found"

CERTAIN = Text(
    "The server accepts none of the candidates offered to it ({candidates}): {answer}.",
    "Der Server nimmt keinen der angebotenen Kandidaten an ({candidates}): {answer}.",
)
DENIED = Text(
    "The server's access lists ({lists}) deny every candidate offered to it ({candidates}): {answer}.",
    "Die Zugriffslisten des Servers ({lists}) sperren alle angebotenen Kandidaten ({candidates}): {answer}.",
)
LIKELY = Text(
    "{answer} at once: probably the server's access lists deny every candidate offered ({candidates}).",
    "Sofort {answer}: Vermutlich sperren die Zugriffslisten des Servers alle angebotenen Kandidaten ({candidates}).",
)
SEEN = Text(
    "{server} refused the offer after {after_ms} ms.", "{server} lehnte das Angebot nach {after_ms} ms ab."
)
ALONE = Text(
    "It is the only response, before 100 or 183, and nobody else was called: the offer itself was refused.",
    "Es ist die einzige Antwort, noch vor 100 oder 183, und niemand sonst wurde angerufen:"
    " Schon das Angebot wurde abgelehnt.",
)
BY_DEFAULT = Text(
    "{answer}: probably no list is configured for candidates, and {lists} denies every candidate offered"
    " ({candidates}).",
    "{answer}: Vermutlich ist für Kandidaten keine Liste konfiguriert, und {lists} sperrt alle angebotenen"
    " ({candidates}).",
)
TRIED = Text(
    "Nothing but 100 Trying came before, and nobody else was called: the offer itself was refused.",
    "Davor kam nur 100 Trying, und niemand sonst wurde angerufen: Schon das Angebot wurde abgelehnt.",
)
CODECS = Text(
    "It is hardly the codecs: {codecs} were offered.",
    "An den Codecs liegt es kaum: Angeboten waren {codecs}.",
)
BY_LOG = Text("The server's log says so: {log:3}.", "So steht es im Log des Servers: {log:3}.")
BY_FILE = Text(
    "So the lists of the deployment file decide for each of them.",
    "So entscheiden die Listen der Deployment-Datei für jeden von ihnen.",
)
ONLY_PRIVATE = Text(
    "No public candidate was offered: a server that denies private networks has nothing left to choose.",
    "Ein öffentlicher Kandidat wurde nicht angeboten: Einem Server, der private Netze sperrt, bleibt keiner übrig.",
)
SETTLE = Text(
    "the server's log at level DEBUG says whether no suitable candidate was found; or give the server's access"
    " lists in the deployment file.",
    "Das Log des Servers auf Stufe DEBUG zeigt, ob kein passender Kandidat gefunden wurde; oder die Zugriffslisten"
    " des Servers in der Deployment-Datei angeben.",
)


class _Offer(NamedTuple):
    """The refused offer: the response, the candidates and the codecs."""

    refused: Rejection
    candidates: list[CandidateRow]
    audio: SdpMediaRow | None


def find(case: Case) -> Iterator[Finding]:
    refused = rejection(case)
    if refused is None or refused.status not in NOT_ACCEPTABLE:
        return
    offer = _Offer(refused, _offered(case, refused), offered_audio(case, refused.invite))
    if not offer.candidates:
        return
    lines = logged(case, "media", call_id=refused.leg.call_id)
    if any(UNSUITABLE in line.row.text for line in lines):
        yield _logged(case, offer, lines)
    elif not (refused.of_codecs or media_refused(case, refused.leg.call_id)):
        yield from _concluded(case, offer) if refused.own(case) else _by_default(case, offer)


def _offered(case: Case, refused: Rejection) -> list[CandidateRow]:
    """Return the distinct candidates of the refused INVITE that are not the server's, in SDP order."""
    mine = [
        row
        for row in case.candidates
        if row.call_id == refused.leg.call_id
        and row.cseq == refused.invite.cseq
        and row.offer_answer == "offer"
        and row.side != SERVER
        and row.addr
    ]
    return list({(row.addr, row.port, row.type): row for row in mine}.values())


def _logged(case: Case, offer: _Offer, told: list[Line]) -> Finding:
    lines = [line for line in told if UNSUITABLE in line.row.text]
    steps = logged(case, "candidate", call_id=offer.refused.leg.call_id)
    decisions = [line for line in steps if "list" in line.facts or line.facts.get("verdict") == "Drop"]
    names = [line.facts["list"] for line in decisions if "list" in line.facts]
    more = {"log": quoted([*lines, *decisions]), "lists": list(dict.fromkeys(names))}
    tag = UNLISTED if set(names) == set(WITHOUT_LISTS) else LISTED
    title = DENIED if names else CERTAIN
    return _finding(offer, "fault", 0.98, title=title, said=(SEEN, BY_LOG), more=more, tags=(tag,))


def _concluded(case: Case, offer: _Offer) -> Iterator[Finding]:
    """Conclude from packets, with the deployment's lists if known."""
    leg = offer.refused.leg.leg
    predicted = [each for each in choices(case) if each.leg == leg and each.status == offer.refused.status]
    if predicted and all(overall.verdict == "denied" for each in predicted for overall in each.verdicts):
        names = list(dict.fromkeys(d.list for each in predicted for o in each.verdicts for d in o.decisions))
        details = (SEEN, ALONE, BY_FILE)
        yield _finding(
            offer, "fault", 0.95, title=DENIED, said=details, more={"lists": names}, tags=(LISTED,)
        )
        return
    accused = offer.refused.cause == INCOMPATIBLE or "freeswitch" in case.products
    if accused and not any(each.taken for each in predicted) and offer.audio and well_known(offer.audio):
        sure = 0.75 if "freeswitch" in case.products else 0.5
        details = (SEEN, ALONE, CODECS)
        yield _finding(
            offer,
            "suspect",
            sure,
            title=LIKELY,
            said=details,
            more={},
            settle=SETTLE,
            tags=(LISTED, UNLISTED),
        )


def _by_default(case: Case, offer: _Offer) -> Iterator[Finding]:
    """Yield a finding if this is a FreeSWITCH with defaults: 100 before it examines the offer, no candidate list.

    inbound-late-negotiation leaves the offer to the dial plan, so the time to the refusal does not matter.
    """
    refused = offer.refused
    accused = refused.unasked and refused.cause == INCOMPATIBLE and not case.deployment.candidate_acl
    usable = [row for row in offer.candidates if row.transport == "udp" and row.component == 1]
    denied = [decide(row.addr, WITHOUT_LISTS, {}).verdict == "denied" for row in usable]
    if accused and denied and all(denied) and offer.audio and well_known(offer.audio):
        sure = 0.7 if "freeswitch" in case.products else 0.5
        yield _finding(
            offer,
            "suspect",
            sure,
            title=BY_DEFAULT,
            said=(SEEN, TRIED, CODECS),
            more={"lists": list(WITHOUT_LISTS)},
            settle=SETTLE,
            tags=(UNLISTED,),
        )


def _finding(
    offer: _Offer,
    verdict: Verdict,
    sure: float,
    *,
    title: Text,
    said: tuple[Text, ...],
    more: Mapping[str, Any],
    settle: Text | None = None,
    tags: tuple[str, ...],
) -> Finding:
    lonely = not public(offer.candidates)
    facts = {
        "answer": offer.refused.phrase,
        "server": offer.refused.response.src_addr,
        "after_ms": offer.refused.after_ms,
        "candidates": shown(offer.candidates),
        "codecs": codec_names(offer.audio) if offer.audio else [],
    } | dict(more)
    return Finding(
        RULE.name,
        verdict,
        sure,
        evidence(offer.refused.invite, offer.refused.response),
        title,
        (*said, ONLY_PRIVATE) if lonely else said,
        facts,
        settle,
        leg=offer.refused.leg.leg,
        tags=frozenset({*tags, "only-private"} if lonely else tags),
    )


RULE = Rule(
    code="SDP003",
    name="candidates-rejected-by-acl",
    stage="sdp",
    breaks="acl",
    summary=Text(
        "Candidates rejected by access lists (488)", "Kandidaten von Zugriffslisten abgewiesen (488)"
    ),
    claim=Text(
        "The server's access lists deny every candidate of the offer, private and public ones:"
        " the INVITE is answered with 488 before anybody is asked.",
        "Die Zugriffslisten des Servers sperren jeden Kandidaten des Angebots, private wie öffentliche:"
        " Der INVITE wird mit 488 beantwortet, bevor jemand gefragt wird.",
    ),
    causes=(
        cause(
            "Blacklist or whitelist of the XCC exclude the networks of all candidates.",
            "Black- oder Whitelist des XCC schließen die Netze aller Kandidaten aus.",
            product="xphone",
        ),
        cause(
            "The access list for candidates allows none of the networks that the client is in.",
            "Die Zugriffsliste für Kandidaten erlaubt keines der Netze, in denen der Client ist.",
        ),
        cause(
            "The client offered private addresses only, as it did not reach its STUN server, and the server"
            " denies private networks.",
            "Der Client bot nur private Adressen an, weil er seinen STUN-Server nicht erreichte, und der Server"
            " sperrt private Netze.",
            tag="only-private",
        ),
        cause(
            "FreeSWITCH without apply-candidate-acl uses wan.auto, which denies all private networks"
            " and 100.64.0.0/10.",
            "Ohne apply-candidate-acl gilt in FreeSWITCH wan.auto; diese Liste sperrt alle privaten Netze"
            " und 100.64.0.0/10.",
            product="freeswitch",
            tag=UNLISTED,
        ),
    ),
    remedies=(
        remedy(
            "Check blacklist and whitelist of the XCC: at least one candidate of the client must pass; a whitelist"
            " entry beats a blacklist entry.",
            "Black- und Whitelist des XCC prüfen: Mindestens ein Kandidat des Clients muss durchkommen; ein"
            " Whitelist-Eintrag geht einem Blacklist-Eintrag vor.",
            product="xphone",
        ),
        remedy(
            "Allow the client's networks in the server's access list for candidates, and reload the lists.",
            "Die Netze des Clients in der Zugriffsliste des Servers für Kandidaten zulassen und die Listen neu laden.",
            tag=LISTED,
        ),
        remedy(
            "Name lists for candidates that allow the client's networks in the server's SIP profile"
            " (apply-candidate-acl: localnet.auto, rfc1918.auto, or any_v4.auto for all), and restart the profile:"
            " reloading the lists alone changes nothing.",
            "Im SIP-Profil des Servers Listen für Kandidaten nennen, die die Netze des Clients zulassen"
            " (apply-candidate-acl: localnet.auto, rfc1918.auto oder any_v4.auto für alle), und das Profil neu starten:"
            " Die Listen neu zu laden genügt nicht.",
            tag=UNLISTED,
        ),
        remedy(
            "Make the client reach its STUN server, so that it offers a public candidate as well.",
            "Dafür sorgen, dass der Client seinen STUN-Server erreicht und auch einen öffentlichen Kandidaten anbietet.",
            tag="only-private",
        ),
    ),
    references=(
        "RFC 3261, section 21.4.26",
        "RFC 8839, section 5.1",
        "FreeSWITCH switch_core_media.c: check_ice",
    ),
    known_problems=Text(
        "An offer without a common codec, or with SRTP that the server does not take, is answered in the same way;"
        " without log or lists the rule is only a suspicion.",
        "Ein Angebot ohne gemeinsamen Codec oder mit SRTP, das der Server nicht annimmt, wird genauso beantwortet;"
        " ohne Log oder Listen ist die Regel nur ein Verdacht.",
    ),
    find=find,
)
