"""Probe the guide's paths and the event channel of a web server by HTTP.

The event channel is SignalR (ASP.NET Core, Hub Protocol and Transport Protocols): negotiate returns the
available transports; a WebSocket or long polling then carries the hub's handshake.
"""

import asyncio
import json
import ssl
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from typing import NamedTuple
from urllib.parse import quote

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI

from postproc.model.text import Text
from postproc.probe.result import Result

LONGEST_TOKEN = 1000  # characters; tokens of ASP.NET Core have 22
SECONDS = 10.0  # for a complete answer; a choice
LARGEST = 1 << 16  # bytes read of an answer; a choice that bounds memory
# The guide, chapter 2.3, and the spelling in the server's own settings.
PATHS = (
    "/XPhoneConnect/mobile",
    "/XPhoneConnect/Mobile",
    "/xphoneconnect/mobile",
    "/XPhoneConnect/webclientapi",
    "/xphoneconnect/webclientapi",
    "/XPhoneConnect/doc",
)
WEB_API, HUB = "/XPhoneConnect/webclientapi", "hub"
DOWN = (502, 503, 504)
NOWHERE = "/XPhoneConnect/no-such-path-4711"  # shows how the server answers an unpublished path
SEPARATOR = "\x1e"  # ends a message of the JSON hub protocol
HELLO = json.dumps({"protocol": "json", "version": 1}) + SEPARATOR
PING = json.dumps({"type": 6}) + SEPARATOR
PING_SECONDS = 15.0  # as SignalR's clients do (keepAliveIntervalInMilliseconds)

ANSWERED = Text("{path}: {status}", "{path}: {status}")
REDIRECTS = Text(
    "{path}: {status}, leads to {location} (not followed)",
    "{path}: {status}, führt zu {location} (nicht verfolgt)",
)
NOT_PUBLISHED = Text(
    "{path}: {status}, as any path that does not exist: it is not published in this spelling",
    "{path}: {status} wie jeder Pfad, den es nicht gibt: in dieser Schreibweise nicht veröffentlicht",
)
FORBIDDEN = Text("{path}: {status}, forbidden", "{path}: {status}, verboten")
NOT_FOUND_THERE = Text(
    "{path}: {status}, but not as for a path that does not exist: published, and the application has no page there",
    "{path}: {status}, aber anders als bei einem Pfad, den es nicht gibt: veröffentlicht, nur hat die Anwendung"
    " dort keine Seite",
)
SAYS_YES = Text(
    "{path}: {status}, as for a path that does not exist: what answers there says yes to everything",
    "{path}: {status} wie bei einem Pfad, den es nicht gibt: was dort antwortet, bejaht alles",
)
PUBLISH = Text(
    "Publish {path} in the reverse proxy, in each spelling of the guide.",
    "{path} im Reverse Proxy veröffentlichen, in jeder Schreibweise der Anleitung.",
)
BACKEND = Text(
    "{path}: {status}: the proxy gets no answer from the application behind it, or the application is down",
    "{path}: {status}: Der Proxy bekommt keine Antwort der Anwendung dahinter, oder die Anwendung steht",
)
LOOK_BEHIND = Text(
    "Start the site and its application pool in IIS; let the proxy reach them.",
    "Site und Anwendungspool im IIS starten; der Proxy muss sie erreichen.",
)
NO_ANSWER = Text("{path}: no answer: {reason}", "{path}: keine Antwort: {reason}")
HUB_ABSENT = Text(
    "{path}: {status}: no hub is found there; --hub says where it is",
    "{path}: {status}: dort ist kein Hub zu finden; --hub sagt, wo er ist",
)
HUB_SIGN_IN = Text(
    "{path}: {status}: the hub asks for a sign-in first; what becomes of WebSocket stays open",
    "{path}: {status}: Der Hub verlangt erst eine Anmeldung; was aus WebSocket wird, bleibt offen",
)
NO_HUB = Text(
    "{path}: {status}, and not the answer of a hub", "{path}: {status}, und nicht die Antwort eines Hubs"
)
ELSEWHERE = Text(
    "{path}: the hub sends clients on to {location} (not followed)",
    "{path}: Der Hub schickt Clients weiter zu {location} (nicht verfolgt)",
)
NEGOTIATED = Text("the hub offers {transports}", "der Hub bietet {transports} an")
POLLING_ONLY = Text(
    "WebSocket is not offered: long polling is set (SignalRLongPolling true)",
    "WebSocket wird nicht angeboten: Long Polling ist eingestellt (SignalRLongPolling true)",
)
SOCKET_OK = Text("the WebSocket stands, and the hub answers", "der WebSocket steht, und der Hub antwortet")
SOCKET_HELD = Text(
    "the WebSocket stands, the hub answers, and after {seconds} s it is still open",
    "der WebSocket steht, der Hub antwortet, und nach {seconds} s ist er noch offen",
)
SOCKET_ENDED = Text(
    "the WebSocket is closed after {seconds} s by {by}: {reason}",
    "der WebSocket wird nach {seconds} s von {by} geschlossen: {reason}",
)
SOCKET_REFUSED = Text("the WebSocket is not opened: {reason}", "der WebSocket kommt nicht zustande: {reason}")
POLLING_OK = Text("long polling works", "Long Polling funktioniert")
POLLING_FAILS = Text("long polling fails, too: {reason}", "Long Polling scheitert auch: {reason}")
SET_POLLING = Text(
    "Let the proxy or firewall pass WebSocket (Upgrade), or set SignalRLongPolling to true in appsettings.json.",
    "WebSocket (Upgrade) durch Proxy oder Firewall lassen oder SignalRLongPolling in appsettings.json auf true setzen.",
)


class Site(NamedTuple):
    """A web server: ``base`` is scheme, host and port; ``context`` the TLS context to reach it with."""

    base: str
    host: str
    context: ssl.SSLContext


class Answer(NamedTuple):
    """A response, with the body as far as it was read."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def like(self, path: str, other: "Answer", its_path: str) -> bool:
        """Return whether a server answers two paths alike, apart from the path repeated in an error page."""
        return self._told(path) == other._told(its_path)

    def _told(self, path: str) -> tuple[object, ...]:
        length = len(self.body.replace(path.encode(), b""))
        return self.status, self.headers.get("server"), self.headers.get("content-type"), length


class _Straight(connect):
    """Opens a WebSocket without following redirects."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


async def fetch(client: httpx.AsyncClient, method: str, path: str, body: bytes = b"") -> Answer | str:
    """Send a request and return the response, or the error as text; follow no redirect, read up to LARGEST."""
    try:
        async with asyncio.timeout(SECONDS), client.stream(method, path, content=body) as answer:
            content = b""
            async for piece in answer.aiter_raw():
                content += piece[: LARGEST - len(content)]
                if len(content) >= LARGEST:
                    break
            return Answer(answer.status_code, answer.headers, content)
    except TimeoutError:
        return f"> {SECONDS:.0f} s"
    except (httpx.HTTPError, httpx.InvalidURL, ssl.SSLError, OSError) as error:
        return str(error) or type(error).__name__


def client_of(site: Site) -> httpx.AsyncClient:
    """Return an HTTP client that ignores proxies and netrc, so that it contacts only the named server."""
    return httpx.AsyncClient(
        base_url=site.base,
        verify=site.context,
        trust_env=False,
        follow_redirects=False,
        timeout=SECONDS,
        headers={"Accept-Encoding": "identity"},
    )


async def paths(site: Site, more: tuple[str, ...] = ()) -> AsyncIterator[Result]:
    """Probe the guide's paths, comparing each with one that does not exist."""
    async with client_of(site) as client:
        nowhere = await fetch(client, "GET", NOWHERE)
        if isinstance(nowhere, str):
            yield Result("path", "fault", NO_ANSWER, {"path": NOWHERE, "reason": nowhere})
            return
        for path in dict.fromkeys((*PATHS, *more)):
            yield _path(path, await fetch(client, "GET", path), nowhere)


def _path(path: str, answer: Answer | str, nowhere: Answer) -> Result:
    if isinstance(answer, str):
        return Result("path", "fault", NO_ANSWER, {"path": path, "reason": answer})
    facts = {"path": path, "status": answer.status, "location": answer.headers.get("location", "")}
    same = answer.like(path, nowhere, NOWHERE)
    if answer.status in DOWN:
        return Result("path", "fault", BACKEND, facts, "backend-unavailable", LOOK_BEHIND)
    if answer.status in (403, 404):
        return _missing(path, facts, same=same)
    if same and answer.status < 400:
        return Result("path", "cannot_tell", SAYS_YES, facts)
    text = REDIRECTS if 300 <= answer.status < 400 else ANSWERED
    return Result("path", "ok" if answer.status < 500 else "fault", text, facts)


def _missing(path: str, facts: Mapping[str, object], *, same: bool) -> Result:
    """Judge 404 and 403: from the proxy, which does not publish the path, or from the application itself."""
    if facts["status"] == 404 and not same:
        return Result("path", "ok", NOT_FOUND_THERE, facts)
    text = NOT_PUBLISHED if same else FORBIDDEN
    # Neither the spelling in the server's settings nor document pages have to be published.
    if not path.startswith("/XPhoneConnect/") or path.endswith("/doc"):
        return Result("path", "note", text, facts)
    return Result("path", "fault", text, facts, "path-not-published", PUBLISH)


async def hub(site: Site, path: str, hold: float = 0) -> AsyncIterator[Result]:
    """Probe the event channel: negotiate, then WebSocket kept for ``hold`` s, and if it fails long polling."""
    async with client_of(site) as client:
        where = f"{path.rstrip('/')}/negotiate?negotiateVersion=1"
        answer = await fetch(client, "POST", where)
        token, transports, result = _negotiated(path, answer)
        yield result
        if token is None:
            return
        if "WebSockets" in transports:
            result = await _socket(site, f"{path}?id={quote(token, safe='')}", hold)
            yield result
            if result.verdict == "ok":
                return
            second = await fetch(client, "POST", where)
            token, transports, _ = _negotiated(path, second)
        else:
            yield Result("websocket", "note", POLLING_ONLY)
        if token is not None and "LongPolling" in transports:
            yield await _polling(client, f"{path}?id={quote(token, safe='')}")


def _negotiated(path: str, answer: Answer | str) -> tuple[str | None, tuple[str, ...], Result]:
    """Return the connection's token, None if there is none, the transports offered, and the result."""
    if isinstance(answer, str):
        return None, (), Result("signalr", "fault", NO_ANSWER, {"path": path, "reason": answer})
    facts: dict[str, object] = {"path": path, "status": answer.status}
    if answer.status in DOWN:
        return None, (), Result("signalr", "fault", BACKEND, facts, "backend-unavailable", LOOK_BEHIND)
    if answer.status != 200:
        text = HUB_SIGN_IN if answer.status in (401, 403) else HUB_ABSENT
        return None, (), Result("signalr", "cannot_tell", text, facts)
    reply = _object(answer.body)
    if isinstance(url := reply.get("url"), str):
        facts["location"] = url
        return None, (), Result("signalr", "cannot_tell", ELSEWHERE, facts)
    token = reply.get("connectionToken", reply.get("connectionId"))
    transports = _transports(reply.get("availableTransports"))
    token = token if isinstance(token, str) and token.isascii() else ""
    if not 0 < len(token) <= LONGEST_TOKEN or not transports:
        return None, (), Result("signalr", "cannot_tell", NO_HUB, facts)
    return token, transports, Result("signalr", "ok", NEGOTIATED, {**facts, "transports": list(transports)})


def _object(body: bytes) -> Mapping[str, object]:
    """Parse a JSON object; empty for anything else."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _transports(offered: object) -> tuple[str, ...]:
    names = (
        [each.get("transport") for each in offered if isinstance(each, dict)]
        if isinstance(offered, list)
        else []
    )
    return tuple(each for each in names if isinstance(each, str))[:10]


async def _socket(site: Site, path: str, hold: float) -> Result:
    """Open the WebSocket, do the hub's handshake, and keep it open for ``hold`` s."""
    url = f"{site.base.replace('http', 'ws', 1)}{path}"
    try:
        async with _Straight(
            url,
            ssl=site.context if url.startswith("wss") else None,
            proxy=None,
            compression=None,
            open_timeout=SECONDS,
            close_timeout=1,
            ping_interval=None,
            max_size=LARGEST,
        ) as socket:
            return await _greeted(socket, hold)
    except InvalidStatus as error:
        reason = f"{error.response.status_code} {error.response.reason_phrase}"
    except TimeoutError:
        reason = f"> {SECONDS:.0f} s"
    except (InvalidHandshake, InvalidURI, ConnectionClosed, OSError, EOFError, ValueError) as error:
        reason = str(error) or type(error).__name__
    return Result("websocket", "fault", SOCKET_REFUSED, {"reason": reason}, "websocket-blocked", SET_POLLING)


async def _greeted(socket: ClientConnection, hold: float) -> Result:
    async with asyncio.timeout(SECONDS):
        await socket.send(HELLO)
        answer = await socket.recv()
    text = answer if isinstance(answer, str) else answer.decode(errors="replace")
    first = text.partition(SEPARATOR)[0]
    if first != "{}":
        return Result(
            "websocket", "fault", SOCKET_REFUSED, {"reason": first[:80]}, "websocket-blocked", SET_POLLING
        )
    if not hold:
        return Result("websocket", "ok", SOCKET_OK)
    begun = time.monotonic()
    try:
        while (remaining := begun + hold - time.monotonic()) > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(min(remaining, PING_SECONDS)):
                    await socket.recv()
                    continue
            await socket.send(PING)
    except ConnectionClosed as error:
        by = "Close" if error.rcvd else "FIN/RST"
        facts = {"seconds": round(time.monotonic() - begun), "by": by, "reason": str(error)}
        return Result("websocket", "fault", SOCKET_ENDED, facts, "websocket-blocked", SET_POLLING)
    return Result("websocket", "ok", SOCKET_HELD, {"seconds": round(hold)})


async def _polling(client: httpx.AsyncClient, path: str) -> Result:
    """Try long polling: the first poll opens the transport and returns; then POST sends the handshake."""
    opened = await fetch(client, "GET", path)
    sent = await fetch(client, "POST", path, HELLO.encode()) if isinstance(opened, Answer) else opened
    polled = await fetch(client, "GET", path) if isinstance(sent, Answer) else sent
    await fetch(client, "DELETE", path)
    if isinstance(polled, Answer) and polled.body.startswith(b"{}"):
        return Result("polling", "ok", POLLING_OK)
    failed = next((each for each in (opened, sent, polled) if isinstance(each, str)), None)
    statuses = ", ".join(str(each.status) for each in (opened, sent, polled) if isinstance(each, Answer))
    return Result("polling", "fault", POLLING_FAILS, {"reason": failed or statuses}, "event-channel-missing")
