"""Web servers that behave like an ASP.NET SignalR hub, or wrongly: refusing, slow, malformed.

HTTP/1.1 with a few pages, and SignalR's negotiate, WebSocket (RFC 6455) and long polling at ``HUB``.
"""

import asyncio
import base64
import hashlib
import json
import ssl
import threading
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

API = "/XPhoneConnect/webclientapi"
HUB = f"{API}/hub"
PUBLISHED = ("/XPhoneConnect/mobile", "/XPhoneConnect/Mobile", "/xphoneconnect/mobile", "/XPhoneConnect/doc")
Page = tuple[int, Mapping[str, str], bytes]
UNAUTHORIZED: Page = (401, {"WWW-Authenticate": "Bearer"}, b"")
CLOSE = 0x88  # FIN and opcode Close (RFC 6455, section 5.2)
ACCEPT = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


@dataclass
class Behaviour:
    """How a server answers.

    ``certificate`` is a PEM file with key and chain, None: no TLS. ``pages`` add to PUBLISHED or replace it.
    """

    certificate: Path | None = None
    pages: Mapping[str, Page] = field(default_factory=dict)
    elsewhere: Page = (404, {"Content-Type": "text/html"}, b"<html>no such page</html>")
    transports: tuple[str, ...] = ("WebSockets", "LongPolling")
    negotiate: Page | None = None
    websocket: str = "ok"  # ignored, reset, odd (hub error), killed (after 0.3 s), or an HTTP status
    polling: bool = True
    silent: bool = False  # accepts connections and sends nothing
    # Bytes sent in place of an answer: the first ones, those repeated for ever, and the interval in s.
    raw: tuple[bytes, bytes, float] | None = None
    signed_in: bool = False  # requires a token except for ``pages``
    delays: Mapping[str, float] = field(default_factory=dict)  # s before a path is answered
    versions: tuple[ssl.TLSVersion, ssl.TLSVersion] | None = None


@dataclass
class Running:
    """A running server; ``requests`` are "METHOD PATH" in order of arrival."""

    port: int
    requests: list[str] = field(default_factory=list)


@contextmanager
def serving(behaviour: Behaviour, address: str = "127.0.0.1", port: int = 0) -> Iterator[Running]:
    """Run the server in a thread until the context ends; port 0: any free port."""
    loop = asyncio.new_event_loop()
    running = Running(0)
    server = loop.run_until_complete(
        asyncio.start_server(
            lambda reader, writer: _connection(reader, writer, behaviour, running),
            address,
            port,
            ssl=_context(behaviour),
        )
    )
    running.port = server.sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield running
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        server.close()
        for task in asyncio.all_tasks(loop):
            task.cancel()
            with suppress(asyncio.CancelledError, OSError):
                loop.run_until_complete(task)
        loop.close()


def _context(behaviour: Behaviour) -> ssl.SSLContext | None:
    if behaviour.certificate is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if behaviour.versions:
        context.set_ciphers("ALL:@SECLEVEL=0")
        with warnings.catch_warnings(action="ignore", category=DeprecationWarning):  # intended
            context.minimum_version, context.maximum_version = behaviour.versions
    context.load_cert_chain(behaviour.certificate)
    return context


async def _connection(reader, writer, behaviour: Behaviour, running: Running) -> None:
    with suppress(OSError, EOFError, asyncio.CancelledError):
        if behaviour.silent:
            await reader.read()
            return
        while True:
            try:
                method, path, headers = await _request(reader)
            except ValueError:
                writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                break
            running.requests.append(f"{method} {path}")
            if behaviour.raw:
                await _endless(writer, *behaviour.raw)
                break
            await asyncio.sleep(behaviour.delays.get(path.partition("?")[0], 0) if method == "GET" else 0)
            if headers.get("upgrade") == "websocket" and behaviour.websocket != "ignored":
                await _websocket(reader, writer, headers, behaviour.websocket)
                break
            if behaviour.signed_in and "authorization" not in headers and path not in behaviour.pages:
                status, more, content = UNAUTHORIZED
            else:
                status, more, content = _page(method, path, behaviour)
            lines = [f"HTTP/1.1 {status} x", f"Content-Length: {len(content)}", "Server: test"]
            lines += [f"{name}: {value}" for name, value in more.items()]
            writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + content)
            await writer.drain()
    writer.close()


async def _endless(writer, begin: bytes, more: bytes, seconds: float) -> None:
    """Send ``begin``, then ``more`` every ``seconds`` until the client disconnects."""
    writer.write(begin)
    while more:
        writer.write(more)
        await writer.drain()
        await asyncio.sleep(seconds)


async def _request(reader):
    begin = await reader.readexactly(1)
    if not begin.isalpha():
        raise ValueError("no HTTP")
    head = (begin + await reader.readuntil(b"\r\n\r\n")).decode()
    first, *lines = head.split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (each.partition(":") for each in lines)}
    await reader.readexactly(int(headers.get("content-length", 0)))
    method, path, _ = first.split(" ")
    return method, path, headers


def _page(method: str, path: str, behaviour: Behaviour) -> Page:
    bare = path.partition("?")[0]
    if bare in behaviour.pages:
        return behaviour.pages[bare]
    if bare == f"{HUB}/negotiate" and method == "POST":
        offered = [{"transport": each, "transferFormats": ["Text"]} for each in behaviour.transports]
        answer = {"negotiateVersion": 1, "connectionToken": "t/o+k=", "availableTransports": offered}
        return behaviour.negotiate or (200, {"Content-Type": "application/json"}, json.dumps(answer).encode())
    if bare == HUB:
        return _poll(method, path, behaviour)
    if bare in PUBLISHED:
        return 200, {}, b"a page"
    return (404, {}, b"") if bare == API else behaviour.elsewhere


def _poll(method: str, path: str, behaviour: Behaviour) -> Page:
    """Answer a long poll; the first one after the hub's handshake gets its response, ``{}``."""
    if "id=t%2Fo%2Bk%3D" not in path or not behaviour.polling:
        return 404, {}, b"No Connection with that ID"
    if method == "POST":
        behaviour.pages = {**behaviour.pages, "greeted": (200, {}, b"")}
        return 200, {}, b""
    return 200, {}, b"{}\x1e" if "greeted" in behaviour.pages and method == "GET" else b""


async def _websocket(reader, writer, headers, behaviour: str) -> None:
    if behaviour == "reset":
        writer.transport.abort()
        return
    if behaviour.isdigit():
        writer.write(
            f"HTTP/1.1 {behaviour} x\r\nContent-Length: 0\r\nLocation: https://192.0.2.1/\r\n\r\n".encode()
        )
        await writer.drain()
        return
    key = base64.b64encode(hashlib.sha1((headers["sec-websocket-key"] + ACCEPT).encode()).digest()).decode()
    accept = (
        f"HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {key}\r\n\r\n"
    )
    writer.write(accept.encode())
    await _frame(reader)
    answer = b'{"error":"no such protocol"}\x1e' if behaviour == "odd" else b"{}\x1e"
    writer.write(bytes([0x81, len(answer)]) + answer)
    await writer.drain()
    if behaviour == "killed":
        await asyncio.sleep(0.3)
        writer.transport.abort()
        return
    while True:  # echo every frame, a Close last
        kind, content = await _frame(reader)
        writer.write(bytes([kind, len(content)]) + content)
        await writer.drain()
        if kind == CLOSE:
            return


async def _frame(reader) -> tuple[int, bytes]:
    """Read a client's masked frame of less than 126 bytes; return its first byte and its payload."""
    kind, length = await reader.readexactly(2)
    mask = await reader.readexactly(4)
    content = await reader.readexactly(length & 0x7F)
    return kind, bytes(sign ^ mask[at % 4] for at, sign in enumerate(content))
