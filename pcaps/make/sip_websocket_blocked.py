"""A browser's SIP over WebSocket that the server refuses: not the path of its WebSocket transport."""

from pcaps.make.builders.product import Files, pcapng, product
from pcaps.make.builders.recording import Recording, TcpConnection

WHAT = (
    "no SIP at all: a browser asks for SIP over WebSocket at a path that the server answers with 404, twice"
)
ASKS = (
    "GET /sip HTTP/1.1\r\nHost: pbx.example.com:8080\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Origin: http://phone.example.com\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: sip\r\n\r\n"
)
REFUSES = "HTTP/1.1 404 Not Found\r\nServer: Asterisk\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


def make() -> Files:
    recording = Recording("2026-12-08T20:00:00")
    for nth, at in enumerate((0.1, 4.1)):
        ends = {"client": ("198.51.100.84", 50600 + nth), "server": ("203.0.113.84", 8080)}
        connection = TcpConnection(recording, ends, opened=at)
        connection.send(at + 0.02, "client", ASKS.encode())
        connection.send(at + 0.04, "server", REFUSES.encode())
        connection.close(at + 0.06)
    return product(
        "sip_websocket_blocked",
        {"sip_websocket_blocked_path.pcapng": pcapng(recording)},
        WHAT,
        [],
        view="client: eth0",
    )
