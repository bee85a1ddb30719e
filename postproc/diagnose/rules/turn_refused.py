"""A TURN server refuses an allocation, a permission or a channel, and no path works without it."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from postproc.diagnose.evidence.case import Beside, Case, evidence
from postproc.diagnose.evidence.media import connected
from postproc.model.addresses import endpoint
from postproc.model.calls import TURN_TRANSACTIONS
from postproc.model.findings import Evidence, Finding, Rule, cause, remedy
from postproc.model.rows import StunMessageRow
from postproc.model.text import Text

TITLE = Text(
    "The TURN server {turn_server} refuses {request} with error {code}{meaning}.",
    "Der TURN-Server {turn_server} lehnt {request} mit Fehler {code}{meaning} ab.",
)
NO_CODE = Text(
    "The TURN server {turn_server} refuses {request} without an error code.",
    "Der TURN-Server {turn_server} lehnt {request} ohne Fehlercode ab.",
)
COUNTED = Text(
    "{client} asked {requests:time|times}, no request was granted, and no check succeeded on another path.",
    "{client} hat {requests:Anfrage|Anfragen} gestellt, keine wurde gewährt, und auf keinem anderen Weg gelang ein Check.",
)
NO_CALL = Text(
    "Refused: {requests:request|requests} of {clients:3}; granted: none. No call from there is seen: a client that"
    " is to use the relay alone has no candidate to offer then, and places none.",
    "Abgelehnt: {requests:Anfrage|Anfragen} von {clients:3}; gewährt: keine. Ein Anruf von dort ist nicht zu sehen: Ein Client,"
    " der nur das Relay verwenden soll, hat dann keinen Candidate anzubieten und ruft nicht an.",
)
PEERS = Text("Refused peers: {peers:2}.", "Abgelehnte Gegenstellen: {peers:2}.")
SETTLE_UNANSWERED = Text(
    "The call was never answered; whether media would have needed the relay shows in one that was.",
    "Der Anruf wurde nie angenommen; ob das Audio das Relay gebraucht hätte, zeigt ein angenommener Anruf.",
)
SETTLE_PERMITTED = Text(
    "A permission was granted, so indications could pass; what the client does without a channel shows in its log.",
    "Eine Permission wurde gewährt, Indications kämen also durch; was der Client ohne Channel tut, zeigt sein Log.",
)
SETTLE_NO_CALL = Text(
    "the client's log shows whether it gave up a call; its SIP may be encrypted.",
    "Das Log des Clients zeigt, ob es einen Anruf aufgab; sein SIP kann verschlüsselt sein.",
)
REQUEST = {"allocate": "Allocate", "create_permission": "CreatePermission", "channel_bind": "ChannelBind"}
# RFC 8489, section 14.8; RFC 8656, section 19.
MEANING = {
    400: "Bad Request",
    401: "Unauthenticated",
    403: "Forbidden",
    420: "Unknown Attribute",
    437: "Allocation Mismatch",
    438: "Stale Nonce",
    440: "Address Family not Supported",
    441: "Wrong Credentials",
    442: "Unsupported Transport Protocol",
    443: "Peer Address Family Mismatch",
    486: "Allocation Quota Reached",
    500: "Server Error",
    508: "Insufficient Capacity",
}
TRY_ALTERNATE, UNAUTHENTICATED, FORBIDDEN, STALE_NONCE = 300, 401, 403, 438


class Transaction(NamedTuple):
    """A request, if captured, and its response."""

    request: StunMessageRow | None
    answer: StunMessageRow

    @property
    def peer(self) -> str | None:
        """The peer of a permission or channel, which only the request names."""
        request = self.request
        return endpoint(request.peer_addr, request.peer_port) if request and request.peer_addr else None


def find(case: Case) -> Iterator[Finding]:
    if isinstance(case, Beside):
        yield from _outside(case)
        return
    for leg in case.judged_legs:
        messages = [row for row in case.turn_messages if row.leg == leg]
        if not messages or connected(case, leg):
            continue
        granted = {row.method for row in messages if row.kind == "success"}
        if any(row.leg == leg and row.type == "relay" for row in case.candidates):
            granted.add("allocate")  # by another server, or requested over TLS
        for method in TURN_TRANSACTIONS:
            refused = [] if method in granted else _refused([row for row in messages if row.method == method])
            if refused:
                yield _finding(case, leg, refused, permitted="create_permission" in granted)


def _outside(case: Beside) -> Iterator[Finding]:
    """Yield the allocations refused to hosts that neither get one elsewhere nor take part in a call meanwhile."""
    every = [row for row in case.turn_messages if row.method == "allocate"]
    by_client: dict[tuple[str, str], list[StunMessageRow]] = defaultdict(list)
    for row in every:
        if row.call is None:
            by_client[row.capture, row.src_addr if row.kind == "request" else row.dst_addr].append(row)
    granted = {row.dst_addr for row in every if row.kind == "success"}
    by_server: dict[tuple[str, int | None], list[Transaction]] = defaultdict(list)
    told: set[str] = set()  # a second capture shows the same transactions, perhaps across a NAT
    for (_, client), messages in by_client.items():
        new = [row for row in messages if row.transaction_id not in told]
        told |= {row.transaction_id for row in messages}
        refused = [] if client in granted else _refused(new)
        if refused and not case.seen_in_call(client, messages[0].time, messages[-1].time):
            for each in refused:
                server = endpoint(each.answer.src_addr, each.answer.src_port)
                by_server[server, each.answer.error_code].append(each)
    yield from map(_no_call, by_server.values())


def _no_call(refused: Sequence[Transaction]) -> Finding:
    facts, tags = _told(refused)
    clients = dict.fromkeys(endpoint(each.answer.dst_addr, each.answer.dst_port) for each in refused)
    return Finding(
        RULE.name,
        "suspect",
        0.6,
        _proof(refused),
        NO_CODE if facts["code"] is None else TITLE,
        (NO_CALL,),
        facts | {"clients": tuple(clients)},
        SETTLE_NO_CALL,
        tags=tags,
    )


def _refused(messages: Sequence[StunMessageRow]) -> list[Transaction]:
    """Return the transactions of one method that ended with an error, except challenges."""
    requests = {row.transaction_id: row for row in messages if row.kind == "request"}
    errors = {row.transaction_id: row for row in reversed(messages) if row.kind == "error"}
    challenged: set[tuple[object, ...]] = set()
    refused = []
    for answer in sorted(errors.values(), key=messages.index):
        transaction = Transaction(requests.get(answer.transaction_id), answer)
        if not _challenges(transaction, challenged):
            refused.append(transaction)
    return refused


def _challenges(transaction: Transaction, challenged: set[tuple[object, ...]]) -> bool:
    """Whether the error asks for credentials or a new nonce, for the first time (RFC 8489, section 9.2.4).

    A request with credentials that is answered 401 is refused: those were wrong.
    """
    request, answer = transaction
    if answer.error_code == TRY_ALTERNATE:
        return True  # a redirect (RFC 8489, section 10): the other server decides
    if answer.error_code not in (UNAUTHENTICATED, STALE_NONCE):
        return False
    if answer.error_code == UNAUTHENTICATED and request is not None and request.username is not None:
        return False
    place = (answer.src_addr, answer.src_port, answer.dst_addr, answer.dst_port, answer.error_code)
    first = place not in challenged
    challenged.add(place)
    return first


def _finding(case: Case, leg: int | None, refused: list[Transaction], *, permitted: bool) -> Finding:
    facts, tags = _told(refused)
    answered = any(each.leg == leg and each.answer_time is not None for each in case.legs)
    bypass = "channel_bind" in tags and permitted
    certain = answered and not bypass
    return Finding(
        RULE.name,
        "fault" if certain else "suspect",
        0.8 if certain else 0.5,
        _proof(refused),
        NO_CODE if facts["code"] is None else TITLE,
        (COUNTED, PEERS) if facts["peers"] else (COUNTED,),
        facts,
        None if certain else SETTLE_PERMITTED if bypass else SETTLE_UNANSWERED,
        leg=leg,
        tags=tags,
    )


def _proof(refused: Sequence[Transaction]) -> Evidence:
    answers = [each.answer for each in refused]
    return evidence(*answers, more=[each.request.frame for each in refused if each.request is not None])


def _told(refused: Sequence[Transaction]) -> tuple[dict[str, object], frozenset[str]]:
    """Return the facts and tags of refusals, by the commonest error among them."""
    answers = [each.answer for each in refused]
    code, _ = Counter(row.error_code for row in answers).most_common(1)[0]
    example = next(row for row in answers if row.error_code == code)
    meaning = MEANING.get(code or 0)
    tags = {str(code), example.method}
    if code == FORBIDDEN:
        tags.add("client_forbidden" if example.method == "allocate" else "peer_forbidden")
    facts: dict[str, object] = {
        "turn_server": endpoint(example.src_addr, example.src_port),
        "client": endpoint(example.dst_addr, example.dst_port),
        "request": REQUEST[example.method],
        "requests": len(refused),
        "code": code,
        "meaning": f" ({meaning})" if meaning else "",
        "peers": tuple(dict.fromkeys(each.peer for each in refused if each.peer is not None)),
    }
    return facts, frozenset(tags)


RULE = Rule(
    code="ICE008",
    name="turn-refused",
    stage="stun",
    breaks="relay",
    also_beside_calls=True,
    summary=Text("TURN server refuses", "TURN-Server lehnt ab"),
    claim=Text(
        "A TURN server refuses the client's requests, and without the relay no path, or no call at all, comes about.",
        "Ein TURN-Server lehnt die Requests des Clients ab, und ohne das Relay kommt kein Weg oder gar kein Anruf zustande.",
    ),
    causes=(
        cause(
            "User name or password for the TURN server are wrong, or time-limited credentials have expired.",
            "Benutzername oder Passwort für den TURN-Server sind falsch, oder befristete Zugangsdaten sind abgelaufen.",
            tag="401",
        ),
        cause(
            "The client changes its user name while an allocation exists.",
            "Der Client wechselt den Benutzernamen, während eine Allocation besteht.",
            tag="441",
        ),
        cause(
            "The server's policy forbids the peer: mostly private addresses.",
            "Die Richtlinie des Servers verbietet die Gegenstelle: meist private Adressen.",
            tag="peer_forbidden",
        ),
        cause(
            "The server's policy forbids relays to this user or to its network.",
            "Die Richtlinie des Servers verbietet diesem Benutzer oder seinem Netz ein Relay.",
            tag="client_forbidden",
        ),
        cause(
            "The user has as many allocations as it may have; those of calls that broke off live on until they expire.",
            "Der Benutzer hat so viele Allocations, wie er haben darf; die abgebrochener Anrufe bestehen bis zu ihrem Ablauf.",
            tag="486",
        ),
        cause(
            "The server has no relay port or bandwidth left.",
            "Der Server hat keinen Relay-Port oder keine Bandbreite mehr frei.",
            tag="508",
        ),
        cause(
            "The server does not know the allocation (any more), or the client's port is still used by an older one.",
            "Der Server kennt die Allocation nicht (mehr), oder der Port des Clients ist noch durch eine ältere belegt.",
            tag="437",
        ),
        cause(
            "The relay has the other IP version than the peer: the client reached the TURN server over IPv6 (or IPv4) and asked for no"
            " address family, and the server gave a relay of that kind.",
            "Das Relay hat die andere IP-Version als die Gegenstelle: Der Client erreichte den TURN-Server über IPv6 (oder IPv4), verlangte"
            " keine Adressfamilie und bekam ein Relay dieser Art.",
            tag="443",
        ),
        cause(
            "The TURN server does not support what the client asks for, or is not set up for it.",
            "Der TURN-Server unterstützt nicht, was der Client verlangt, oder ist nicht dafür eingerichtet.",
        ),
    ),
    remedies=(
        remedy(
            "Compare user name, password and realm of the client with those of the TURN server, and both clocks.",
            "Benutzername, Passwort und Realm des Clients mit denen des TURN-Servers vergleichen, ebenso beide Uhren.",
            tag="401",
        ),
        remedy(
            "Have the other side offer a public candidate, or allow its network on the TURN server (coturn:"
            " denied-peer-ip, allowed-peer-ip).",
            "Die andere Seite einen öffentlichen Candidate anbieten lassen oder ihr Netz am TURN-Server freigeben"
            " (coturn: denied-peer-ip, allowed-peer-ip).",
            tag="peer_forbidden",
        ),
        remedy(
            "Raise the quota per user, or give each client its own user name (coturn: user-quota, total-quota).",
            "Das Kontingent je Benutzer erhöhen oder jedem Client einen eigenen Benutzernamen geben"
            " (coturn: user-quota, total-quota).",
            tag="486",
        ),
        remedy(
            "Give the TURN server a wider range of relay ports (coturn: min-port, max-port).",
            "Dem TURN-Server einen größeren Bereich von Relay-Ports geben (coturn: min-port, max-port).",
            tag="508",
        ),
        remedy(
            "Give the TURN server relay addresses of both kinds, or the client its IPv4 address only (coturn: relay-ip,"
            " allocation-default-address-family).",
            "Dem TURN-Server Relay-Adressen beider Arten geben oder dem Client nur dessen IPv4-Adresse nennen (coturn: relay-ip,"
            " allocation-default-address-family).",
            tag="443",
        ),
        remedy(
            "Look up {client} in the log of the TURN server: it names the reason.",
            "Im Log des TURN-Servers nach {client} suchen: Dort steht der Grund.",
        ),
    ),
    references=("RFC 8656, sections 7.2, 9.2 and 12.2", "RFC 8489, section 9.2.4"),
    known_problems=Text(
        "The first 401 and 438 are challenges. A client that never sends credentials after them is not reported, nor is"
        " a refusal on a port from which nothing else comes while its host has a call.",
        "Die erste 401 und die erste 438 sind Aufforderungen. Ein Client, der danach nie Zugangsdaten sendet, wird nicht"
        " gemeldet, ebenso keine Ablehnung an einem Port, von dem sonst nichts kommt, während sein Rechner einen Anruf hat.",
    ),
    find=find,
)
