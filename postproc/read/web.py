"""Make rows of connections, tls and http from the TCP connections of the way in.

Handshakes and HTTP in clear are parsed from the bytes that the walk held of each connection (read.tcp);
decrypted content comes from tshark (read.decrypted). A connection captured on both sides of a NAT has the
same initial sequence number: its second row refers to the first.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from postproc.model.events import Events, captured, of_records
from postproc.model.tables import BY_NAME
from postproc.read.decrypted import Decrypted
from postproc.read.handshakes import Handshake, handshake
from postproc.read.tcp import Connection, Connections, Event
from postproc.wire import MalformedError, http

SECOND, MILLI = 10**9, 10**6
# ns between the first packets of a connection captured twice, on both sides of a firewall. A choice, since
# interfaces of one capture share a clock; longer, a retransmitted SYN may be taken for the other side's.
TOGETHER = SECOND
LONGEST = 300  # characters of a text from the wire
FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip", "via")  # RFC 7239; RFC 9110, section 7.6.3
SWITCHING, INFORMATIONAL = 101, range(100, 200)
# ns within which the end of a connection belongs to the end of a pause: a server sends close_notify before
# its FIN. A choice; longer, a connection used again before its end counts as idle until then.
AT_ONCE = SECOND // 2
Places = tuple[str, int, str, int]
Row = dict[str, Any]


@dataclass
class Shown:
    """Decrypted content of a connection."""

    heads: list["Message"] = field(default_factory=list)
    certificates: tuple[bytes, ...] = ()
    alerts: list[tuple[Event, bool, int]] = field(
        default_factory=list
    )  # whether the client's; its description
    closes: list[tuple[bool, Event]] = field(default_factory=list)


class Message(NamedTuple):
    """A head of HTTP; ``stream`` of HTTP/2, 0 for HTTP/1.1."""

    at: Event
    from_client: bool
    head: http.Head
    stream: int = 0
    secured: bool = True


def tables(connections: Connections, decrypted: Iterable[Decrypted], capture: str) -> Events:
    """Return the three tables of one capture, without empty ones."""
    every = sorted(connections.every, key=lambda each: each.first)
    by_number = _by_connection(every, decrypted)
    copies = _copies(every)
    rows: dict[str, list[Row]] = {"connections": [], "tls": [], "http": []}
    for number, each in enumerate(every):
        own = by_number.get(number, Shown())
        key = _ends(each) | {"copy_of": copies.get(number)}
        rows["connections"].append(_connection(each) | key)
        if (shake := handshake(each, own.certificates, own.alerts)) is not None:
            rows["tls"].append(_tls(shake) | key)
        rows["http"] += [row | key for row in _requests(each, own)]
    return {
        name: captured(of_records(BY_NAME[name], table_rows), capture)
        for name, table_rows in rows.items()
        if table_rows
    }


def _ends(connection: Connection) -> Row:
    return dict(
        zip(("client_addr", "client_port", "server_addr", "server_port"), connection.places, strict=True)
    )


def _by_connection(every: Sequence[Connection], decrypted: Iterable[Decrypted]) -> dict[int, Shown]:
    """Return decrypted content by number of the connection: the latest begun between the same ends."""
    by_places: dict[Places, list[int]] = defaultdict(list)
    for number, each in enumerate(every):
        by_places[each.places].append(number)
    by_number: dict[int, Shown] = defaultdict(Shown)
    for one in decrypted:
        frame = one.frame
        ends = frame.src_addr or "", frame.src_port or 0, frame.dst_addr or "", frame.dst_port or 0
        from_client = ends in by_places
        numbers = by_places.get(ends) or by_places.get((*ends[2:], *ends[:2]), [])
        begun = [number for number in numbers if every[number].first.time <= frame.time]
        if begun:
            _note(by_number[begun[-1]], one, from_client=from_client)
    return by_number


def _note(own: Shown, each: Decrypted, *, from_client: bool) -> None:
    at = Event(each.frame.number, each.frame.time)
    own.certificates = own.certificates or (() if from_client else each.certificates)
    own.alerts += [(at, from_client, number) for number in each.alerts]
    own.closes += [(from_client, at)] * each.closes
    for data in each.heads:
        own.heads += _parsed(at, from_client, data, secured=True)
    for block in each.http2:
        fields = block.fields
        status = fields.get("status", "")
        head = http.Head(
            fields.get("method"),
            fields.get("path", ""),
            int(status) if status.isdigit() and len(status) == 3 else None,
            {name.replace("_", "-"): value for name, value in fields.items()}
            | {"host": fields.get("authority", ""), "upgrade": fields.get("protocol", "")},
        )
        own.heads.append(Message(at, from_client, head, block.stream))


def _parsed(at: Event, from_client: bool, data: bytes, *, secured: bool) -> Iterator[Message]:
    try:
        yield Message(at, from_client, http.parse(data), secured=secured)
    except MalformedError:
        return


def _copies(every: Sequence[Connection]) -> dict[int, int]:
    """Return by number of a connection captured again the frame of its first occurrence."""
    first: dict[int, Connection] = {}
    copies = {}
    for number, each in enumerate(every):
        if each.initial is None:
            continue
        original = first.get(each.initial)
        if original is not None and each.first.time - original.first.time < TOGETHER:
            copies[number] = original.first.frame
        else:
            first[each.initial] = each
    return copies


def _connection(connection: Connection) -> Row:
    client, server = connection.sides
    ended, by = ending(connection)
    end = ended.time if ended else max(side.last or 0 for side in connection.sides)
    unheard = [side.since_other for side in connection.sides]
    since = [side for side in connection.sides if side.since is not None and side.last_data is not None]
    first = connection.syns[0].time if connection.syns else None
    return {
        "frame": connection.first.frame,
        "time": connection.first.time,
        "attempts": len(connection.syns),
        "outcome": _outcome(connection),
        "answer_ms": (connection.syn_ack.time - first) / MILLI
        if connection.syn_ack and first is not None
        else None,
        "ended_by": by,
        "lasted_s": max(end - connection.first.time, 0) / SECOND,
        "client_bytes": client.reached,
        "server_bytes": server.reached,
        "longest_pause_s": connection.pause / SECOND
        if ended is None
        else _longest(connection, ended) / SECOND,
        "pause_before_end": ended is not None and _paused_until(connection, ended),
        "unheard_client": unheard[0],
        "unheard_server": unheard[1],
        "unheard_s": max(((side.last_data or 0) - (side.since or 0)) / SECOND for side in since)
        if since
        else None,
        "last_time": max(side.last or 0 for side in connection.sides),
    }


def _longest(connection: Connection, ended: Event) -> int:
    return max(connection.pause, ended.time - (connection.last_data or ended.time))


def _paused_until(connection: Connection, ended: Event) -> bool:
    """Return whether the longest pause lasted until the end, apart from the packets that end it."""
    last = connection.last_data or ended.time
    return ended.time - last >= connection.pause or abs(ended.time - connection.pause_ended) < AT_ONCE


def ending(connection: Connection) -> tuple[Event | None, str | None]:
    """Return the event that closed a connection first, and its side and kind; None if nothing did."""
    closings = [
        (event.time, event.frame, f"{side}_{how}", event)
        for side, each in zip(("client", "server"), connection.sides, strict=True)
        for how, event in (("fin", each.fin), ("reset", each.reset))
        if event is not None
    ]
    return (min(closings)[3], min(closings)[2]) if closings else (None, None)


def _outcome(connection: Connection) -> str:
    client, server = connection.sides
    if not connection.syns:
        return "established" if connection.syn_ack else "midstream"
    if connection.syn_ack:
        return "reset" if server.reset and not server.data and not client.fin else "established"
    if server.reset and not server.data:
        return "refused"
    spoke = client.packets - client.opening - (client.reset is not None)
    if server.packets:
        return "established"
    return "one_sided" if spoke > 0 else "unanswered"


def _tls(shake: Handshake) -> Row:
    return shake.row()


def _requests(connection: Connection, own: Shown) -> Iterator[Row]:
    """Yield requests with their responses in order; in HTTP/1.1 a response answers the oldest request."""
    clear = [
        message
        for each in connection.heads
        for message in _parsed(Event(each.frame, each.time), each.from_client, each.data, secured=False)
    ]
    waiting: dict[int, list[tuple[Message, Row]]] = defaultdict(list)
    rows = []
    for message in sorted([*clear, *own.heads], key=lambda each: each.at):
        if message.from_client and message.head.method:
            rows.append(_request(message))
            waiting[message.stream].append((message, rows[-1]))
        elif message.head.status is not None and waiting[message.stream]:
            if message.head.status in INFORMATIONAL and message.head.status != SWITCHING:
                continue
            request, row = waiting[message.stream].pop(0)
            row |= _answer(request, message)
            if message.head.status == SWITCHING:
                row |= _socket(connection, own, message.at)
    yield from rows


def _request(message: Message) -> Row:
    head = message.head
    return {
        "frame": message.at.frame,
        "time": message.at.time,
        "secured": message.secured,
        "host": head.fields.get("host", "")[:LONGEST] or None,
        "method": head.method,
        "url_path": head.path[:LONGEST],
        "upgrade": head.fields.get("upgrade", "")[:LONGEST].lower() or None,
        "subprotocols": head.fields.get("sec-websocket-protocol", "")[:LONGEST].lower() or None,
        "authorization": _scheme(head.fields.get("authorization", "")),
        "forwarded": any(name in head.fields for name in FORWARDED),
        "signalr": _signalr(head),
    }


def _answer(request: Message, answer: Message) -> Row:
    fields = answer.head.fields
    challenges = [each.split() for each in fields.get("www-authenticate", "").split(",") if each.strip()]
    return {
        "status": answer.head.status,
        "response_frame": answer.at.frame,
        "duration_ms": (answer.at.time - request.at.time) / MILLI,
        "software": fields.get("server", "")[:LONGEST] or None,
        "challenge": ",".join(dict.fromkeys(each[0] for each in challenges if "=" not in each[0]))[:LONGEST]
        or None,
        "challenge_goes_on": any(
            each[0].lower() in ("ntlm", "negotiate") and len(each) > 1 for each in challenges
        ),
    }


def _socket(connection: Connection, own: Shown, opened: Event) -> Row:
    ended, _ = ending(connection)
    closes = sorted([*connection.closes, *own.closes], key=lambda each: each[1])
    by = next(("client" if of_client else "server" for of_client, at in closes if at > opened), None)
    return {"lasted_s": (ended.time - opened.time) / SECOND if ended else None, "goodbye": by}


def _scheme(value: str) -> str | None:
    return value.split(maxsplit=1)[0][:LONGEST] if value.strip() else None


def _signalr(head: http.Head) -> str | None:
    """Return the step of SignalR's transport: negotiate, or by the request that has a connection id."""
    if head.method == "POST" and head.path.rstrip("/").endswith("/negotiate"):
        return "negotiate"
    if not http.asks_for_connection(head.target):
        return None
    if head.method in ("GET", "CONNECT") and "websocket" in head.fields.get("upgrade", "").lower():
        return "websocket"
    if head.method == "GET":
        return "events" if "text/event-stream" in head.fields.get("accept", "") else "poll"
    return {"POST": "send", "DELETE": "end"}.get(head.method or "")
