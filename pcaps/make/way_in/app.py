"""The app: it signs in, negotiates with the SignalR hub, and opens a WebSocket or polls."""

import json
import socket
import ssl
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import cached_property
from http.client import HTTPSConnection
from pathlib import Path
from time import sleep
from typing import Any
from urllib.parse import quote

from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from pcaps.make.way_in.servers import API, HUB

HELLO = '{"protocol":"json","version":1}\x1e'  # handshake of SignalR's hub protocol
PING = '{"type":6}\x1e'


def trusting(
    root: Path | None,
    keys: Path | None = None,
    oldest: ssl.TLSVersion | None = None,
    newest: ssl.TLSVersion | None = None,
) -> ssl.SSLContext:
    """Return a client context that trusts ``root`` (None: no authority) and logs its secrets to ``keys``."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if root:
        context.load_verify_locations(root)
    context.minimum_version = oldest or ssl.TLSVersion.TLSv1_2
    context.maximum_version = newest or ssl.TLSVersion.TLSv1_3
    if keys:
        context.keylog_filename = str(keys)
    return context


@dataclass
class App:
    """A client of the server at ``address``; ``name`` is its host name, ``token`` the bearer token."""

    address: str
    name: str
    context: ssl.SSLContext
    port: int = 443
    token: str = ""

    @cached_property
    def web(self) -> HTTPSConnection:
        return HTTPSConnection(self.name, self.port, context=self.context)

    def opened(self) -> socket.socket:
        """Return a TCP connection; OSError if none is made within 10 s."""
        return socket.create_connection((self.address, self.port), 10)

    def ask(self, method: str, path: str, content: str = "") -> tuple[int, Any]:
        """Send a request; return the status and the decoded JSON object, None for any other content."""
        if self.web.sock is None:
            self.web.sock = self.context.wrap_socket(self.opened(), server_hostname=self.name)
        self.web.request(method, path, content or None, self._fields())
        with self.web.getresponse() as answer:
            body = answer.read()
        return answer.status, json.loads(body) if body[:1] == b"{" and body[-1:] == b"}" else None

    def _fields(self) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}

    def sign_in(self) -> int:
        """Sign in and keep the token; return the status."""
        self.ask("GET", f"{API}/api/health")
        status, answer = self.ask("POST", f"{API}/api/auth/login", '{"user":"anna","password":"secret"}')
        self.token = answer["token"] if answer else ""
        return status

    def negotiate(self) -> tuple[int, str]:
        """Return the status and the path of the negotiated connection; that of the hub if refused."""
        status, answer = self.ask("POST", f"{HUB}/negotiate?negotiateVersion=1")
        return status, f"{HUB}?id={quote(answer['connectionToken'], safe='')}" if answer else HUB

    def websocket(self, path: str, seconds: float) -> bool:
        """Keep a WebSocket open, with a ping halfway; return False if it cannot be opened or ends early."""
        with suppress(WebSocketException, OSError, EOFError):
            with connect(
                f"wss://{self.name}:{self.port}{path}",
                sock=self.opened(),
                ssl=self.context,
                additional_headers=self._fields(),
                compression=None,
                proxy=None,
            ) as websocket:
                websocket.send(HELLO)
                websocket.recv(5)
                with suppress(TimeoutError):
                    websocket.recv(seconds / 2)
                websocket.send(PING)
                with suppress(TimeoutError):
                    websocket.recv(0.2)
                    websocket.recv(seconds / 2)
            return True
        return False

    def poll(self, path: str, times: int) -> None:
        """Use SignalR's long polling: open, handshake, some polls, close."""
        self.ask("GET", path)
        self.ask("POST", path, HELLO)
        for _ in range(times):
            self.ask("GET", path)
        self.ask("DELETE", path)

    def leave(self) -> None:
        self.web.close()


def retry(address: str, name: str, context: ssl.SSLContext, times: int = 2) -> None:
    """Connect repeatedly and ignore failures, as an app does whose TLS handshakes fail."""
    for _ in range(times):
        app = App(address, name, context)
        with suppress(OSError), closing(app.web):
            app.ask("GET", f"{API}/api/health")
        sleep(0.1)
