"""The app: signs in, negotiates with the hub, and holds a WebSocket or polls."""

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

HELLO = '{"protocol":"json","version":1}\x1e'  # of SignalR's hub protocol
PING = '{"type":6}\x1e'


def trusting(
    root: Path | None,
    keys: Path | None = None,
    oldest: ssl.TLSVersion | None = None,
    newest: ssl.TLSVersion | None = None,
) -> ssl.SSLContext:
    """What the client believes (None: nothing that is met here), and where its keys go."""
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
    address: str
    name: str
    context: ssl.SSLContext
    port: int = 443
    token: str = ""

    @cached_property
    def web(self) -> HTTPSConnection:
        return HTTPSConnection(self.name, self.port, context=self.context)

    def opened(self) -> socket.socket:
        return socket.create_connection((self.address, self.port), 10)

    def ask(self, method: str, path: str, content: str = "") -> tuple[int, Any]:
        """Status, and what the answer holds: JSON, or nothing."""
        if self.web.sock is None:
            self.web.sock = self.context.wrap_socket(self.opened(), server_hostname=self.name)
        self.web.request(method, path, content or None, self._fields())
        with self.web.getresponse() as answer:
            held = answer.read()
        return answer.status, json.loads(held) if held[:1] == b"{" and held[-1:] == b"}" else None

    def _fields(self) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}

    def sign_in(self) -> int:
        self.ask("GET", f"{API}/api/health")
        status, told = self.ask("POST", f"{API}/api/auth/login", '{"user":"anna","password":"secret"}')
        self.token = told["token"] if told else ""
        return status

    def negotiate(self) -> tuple[int, str]:
        """Status, and where the hub is asked for this connection."""
        status, told = self.ask("POST", f"{HUB}/negotiate?negotiateVersion=1")
        return status, f"{HUB}?id={quote(told['connectionToken'], safe='')}" if told else HUB

    def websocket(self, path: str, seconds: float) -> bool:
        """Held so long, with a ping in its middle; False where it does not come about, or ends before."""
        with suppress(WebSocketException, OSError, EOFError):
            with connect(
                f"wss://{self.name}:{self.port}{path}",
                sock=self.opened(),
                ssl=self.context,
                additional_headers=self._fields(),
                compression=None,
                proxy=None,
            ) as held:
                held.send(HELLO)
                held.recv(5)
                with suppress(TimeoutError):
                    held.recv(seconds / 2)
                held.send(PING)
                with suppress(TimeoutError):
                    held.recv(0.2)
                    held.recv(seconds / 2)
            return True
        return False

    def polls(self, path: str, times: int) -> None:
        self.ask("GET", path)
        self.ask("POST", path, HELLO)
        for _ in range(times):
            self.ask("GET", path)
        self.ask("DELETE", path)

    def leave(self) -> None:
        self.web.close()


def tries(address: str, name: str, context: ssl.SSLContext, times: int = 2) -> None:
    """Handshakes only, as an app whose handshakes fail tries again."""
    for _ in range(times):
        app = App(address, name, context)
        with suppress(OSError), closing(app.web):
            app.ask("GET", f"{API}/api/health")
        sleep(0.1)
