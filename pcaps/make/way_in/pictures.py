"""The scenarios: what happens, where it is captured, and the findings expected."""

import socket
import ssl
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import PIPE, Popen, run
from time import sleep

from pcaps.make.way_in import certificates
from pcaps.make.way_in.app import App, retry, trusting
from pcaps.make.way_in.network import DMZ, INNER, PHONE, filtered, inside, on
from pcaps.make.way_in.proxy import UPGRADE, forwarding, nginx
from pcaps.make.way_in.servers import API, Behaviour, serving

NAME, BELOW = "connect.example.org", "mobile.connect.example.org"
WEB = 8181  # port of the web application behind the proxy
TLS_1_2, TLS_1_3 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
PAGES = {
    f"{API}/api/health": (200, {"Content-Type": "application/json"}, b'{"status":"ok"}'),
    f"{API}/api/auth/login": (200, {"Content-Type": "application/json"}, b'{"token":"dG9rZW4"}'),
}
NO_TOKEN = (401, {"WWW-Authenticate": 'Bearer error="invalid_token"'}, b"")
HERE = Path(__file__).parent


@dataclass
class Lab:
    """What one recording uses: its folder and key log, its CA, and the servers running until it ends."""

    folder: Path
    keys: Path
    running: ExitStack
    authority: certificates.Authority = field(default_factory=certificates.Authority.new)

    def leaf(self, *chain: certificates.Issued, **made: object) -> Path:
        """Issue a certificate; its file has ``chain``, by default the intermediate."""
        leaf = self.authority.leaf(*made.pop("hosts", [NAME]), **made)
        return certificates.write(self.folder, leaf, *(chain or [self.authority.middle]))

    @property
    def root(self) -> Path:
        path = self.folder / "root.pem"
        path.write_bytes(certificates.pem(self.authority.root))
        return path

    def run(self, machine: str, what: AbstractContextManager[object]) -> None:
        with on(machine):
            self.running.enter_context(what)

    def web(self, **behaviour: object) -> None:
        """Start the web application behind the proxy."""
        behaviour["pages"] = PAGES | behaviour.get("pages", {})
        self.run(INNER, serving(Behaviour(signed_in=True, **behaviour), INNER, WEB))

    def proxy(
        self, *locations: str, certificate: Path | None = None, more: str = UPGRADE, **settings: str
    ) -> None:
        """Start nginx on port 443; by default it forwards everything to the web application."""
        what = locations or [forwarding(f"{INNER}:{WEB}", more=more)]
        shown = certificate or self.leaf()
        self.run(DMZ, nginx(self.folder, shown, f"{DMZ}:443", *what, within=inside(DMZ), **settings))

    def app(self, **more: object) -> App:
        return App(DMZ, NAME, trusting(self.root, self.keys), **more)

    def node(self, machine: str, script: str, *words: str) -> None:
        """Start an HTTP/2 server in Node and wait until it listens."""
        process = Popen([*inside(machine), "node", str(HERE / script), *words], stdout=PIPE)
        self.running.callback(process.wait)
        self.running.callback(process.terminate)
        process.stdout.readline()


@dataclass(frozen=True)
class Picture:
    """A scenario: ``ready`` starts the servers, ``happens`` is captured.

    ``expect``, ``may`` and ``blind`` are the rules that must fire, may fire, and must fire without keys.
    ``at`` is the machine captured at, ``by`` the client's.
    """

    what: str
    ready: Callable[[Lab], None]
    happens: Callable[[Lab], None]
    expect: tuple[str, ...] = ()
    may: tuple[str, ...] = ()
    blind: tuple[str, ...] = ()
    at: str = PHONE
    keys: bool = True
    by: str = PHONE


def nothing(_: Lab) -> None:
    """Start no server."""


def proxied(**behaviour: object) -> Callable[[Lab], None]:
    """Start the web application (``up``: whether it runs) with this behaviour, and nginx before it."""

    def ready(lab: Lab) -> None:
        more = behaviour.pop("more", UPGRADE)
        if behaviour.pop("up", True):
            lab.web(**behaviour)
        lab.proxy(more=more)

    return ready


def signed_in(then: Callable[[App, str], object], times: int = 1) -> Callable[[Lab], None]:
    """Sign in once; then negotiate and call ``then`` with the app and the hub's path, ``times`` times."""

    def happens(lab: Lab) -> None:
        app = lab.app()
        app.sign_in()
        for _ in range(times):
            then(app, app.negotiate()[1])
        app.leave()

    return happens


def asks(*paths: str, times: int = 2) -> Callable[[Lab], None]:
    """GET each path, ``times`` times."""

    def happens(lab: Lab) -> None:
        app = lab.app()
        for path in paths * times:
            app.ask("GET", path)
        app.leave()

    return happens


def websocket_or_poll(app: App, path: str) -> None:
    if not app.websocket(path, 2):
        app.poll(app.negotiate()[1], 2)


def presents(**made: object) -> Callable[[Lab], None]:
    """Start nginx with such a certificate; ``cut``: without the intermediate."""

    def ready(lab: Lab) -> None:
        chain = [] if made.pop("cut", False) else [lab.authority.middle]
        lab.proxy(
            certificate=certificates.write(
                lab.folder, lab.authority.leaf(*made.pop("hosts", [NAME]), **made), *chain
            )
        )

    return ready


def shakes_hands(
    name: str = NAME, trusts: bool = True, oldest: ssl.TLSVersion = TLS_1_2, newest: ssl.TLSVersion = TLS_1_3
) -> Callable[[Lab], None]:
    def happens(lab: Lab) -> None:
        retry(DMZ, name, trusting(lab.root if trusts else None, lab.keys, oldest, newest))

    return happens


def self_signed(lab: Lab) -> None:
    issued = certificates.issue(NAME, hosts=[NAME])
    lab.proxy(certificate=certificates.write(lab.folder, issued))


def speaks(versions: str) -> Callable[[Lab], None]:
    return lambda lab: lab.proxy(versions=versions)


def connects(*ports: int, times: int = 2) -> Callable[[Lab], None]:
    """Connect to ports of the inner server, ignoring failures."""

    def happens(_: Lab) -> None:
        for port in ports * times:
            with suppress(OSError):
                socket.create_connection((INNER, port), 4).close()
            sleep(0.2)

    return happens


def one_is_filtered(lab: Lab) -> None:
    lab.run(INNER, serving(Behaviour(), INNER, 2230))
    lab.run(INNER, serving(Behaviour(), INNER, 2231))
    lab.running.enter_context(filtered(INNER, 2231))


def one_is_closed(lab: Lab) -> None:
    lab.run(INNER, serving(Behaviour(), INNER, 2231))


def http2_server(machine: str, address: str, port: int, what: str, secured: bool) -> Callable[[Lab], None]:
    def ready(lab: Lab) -> None:
        lab.node(machine, "http2_server.js", address, str(port), what, str(lab.leaf()) if secured else "")

    return ready


def http2_client(machine: str, url: str, what: str) -> Callable[[Lab], None]:
    def happens(lab: Lab) -> None:
        words = [
            "node",
            f"--tls-keylog={lab.keys}",
            str(HERE / "http2_client.js"),
            url,
            NAME,
            str(lab.root),
            what,
        ]
        run([*inside(machine), *words], check=True, timeout=30)

    return happens


SOCKET = signed_in(lambda app, path: app.websocket(path, 2))
PICTURES: dict[str, Picture] = {
    "real-good-ws": Picture("sign-in and a WebSocket over nginx, left by the client", proxied(), SOCKET),
    "real-good-poll": Picture(
        "the hub offers long polling only, and it works over nginx",
        proxied(transports=("LongPolling",), delays={f"{API}/hub": 0.7}),
        signed_in(lambda app, path: app.poll(path, 3)),
    ),
    "real-no-upgrade": Picture(
        "nginx without the headers of an upgrade: a WebSocket is answered 200, then long polling works",
        proxied(more=""),
        signed_in(websocket_or_poll),
        ("websocket-blocked",),
    ),
    "real-ws-idle-cut": Picture(
        "nginx closes the WebSocket after 3 s without data, each time (proxy_read_timeout)",
        proxied(more=f"{UPGRADE} proxy_read_timeout 3s;"),
        signed_in(lambda app, path: app.websocket(path, 20), times=3),
        ("websocket-blocked",),
    ),
    "real-backend-gone": Picture(
        "nothing listens where nginx passes on to: 502",
        proxied(up=False),
        asks(f"{API}/api/health", "/XPhoneConnect/mobile"),
        ("backend-unavailable",),
    ),
    "real-backend-gone-proxy": Picture(
        "the same on the proxy, without keys: its connections to the web server are refused",
        proxied(up=False, more=f"proxy_bind {DMZ};"),
        asks(f"{API}/api/health", "/XPhoneConnect/mobile"),
        ("port-closed",),
        ("backend-unavailable",),
        ("port-closed",),
        at=DMZ,
        keys=False,
    ),
    "real-backend-late": Picture(
        "the application answers later than nginx waits: 504",
        proxied(more=f"{UPGRADE} proxy_read_timeout 1s;", delays={f"{API}/api/health": 30}),
        asks(f"{API}/api/health"),
        ("backend-unavailable",),
    ),
    "real-hub-401": Picture(
        "signing in succeeds, and the hub refuses the token four times",
        proxied(negotiate=NO_TOKEN),
        signed_in(lambda *_: sleep(0.3), times=4),
        ("sign-in-refused",),
    ),
    "real-no-channel": Picture(
        "the hub offers long polling only, and the app knows WebSocket only: it negotiates again and again",
        proxied(transports=("LongPolling",)),
        signed_in(lambda *_: sleep(2.5), times=3),
        ("event-channel-missing",),
    ),
    "real-path-forbidden": Picture(
        "nginx passes on the mobile page, and forbids the Web API",
        lambda lab: (
            lab.web(),
            lab.proxy(
                forwarding(f"{INNER}:{WEB}", "/XPhoneConnect/mobile"), f"location {API} {{ deny all; }}"
            ),
        )[0],
        asks("/XPhoneConnect/mobile", f"{API}/api/health"),
        ("path-not-published",),
    ),
    "real-443-closed": Picture(
        "nobody listens on 443", nothing, shakes_hands(), ("port-closed",), (), ("port-closed",), keys=False
    ),
    "real-2230-closed": Picture(
        "2231 of the server is open for the web server in the DMZ, 2230 closed",
        one_is_closed,
        connects(2231, 2230),
        ("port-closed",),
        (),
        ("port-closed",),
        at=DMZ,
        keys=False,
        by=DMZ,
    ),
    "real-2231-filtered": Picture(
        "2230 of the server is open for the web server in the DMZ, 2231 filtered",
        one_is_filtered,
        connects(2230, 2231),
        ("port-filtered",),
        (),
        ("port-filtered",),
        at=DMZ,
        keys=False,
        by=DMZ,
    ),
    "real-plain-http": Picture(
        "a server without TLS on 443: it answers the handshake with a page of HTTP",
        lambda lab: lab.run(DMZ, serving(Behaviour(), DMZ, 443)),
        shakes_hands(),
        keys=False,
    ),
    "real-expired": Picture(
        "the certificate has expired (OpenSSL, TLS 1.3)",
        presents(ends=-1),
        shakes_hands(),
        ("certificate-expired",),
        (),
        ("certificate-expired",),
    ),
    "real-name": Picture(
        "a certificate for *.example.org, and the app asks for a name two labels below (OpenSSL, TLS 1.2)",
        presents(hosts=["*.example.org"]),
        shakes_hands(BELOW, newest=TLS_1_2),
        ("certificate-name",),
        (),
        ("certificate-name",),
        keys=False,
    ),
    "real-name-tls13": Picture(
        "a certificate for another name (OpenSSL, TLS 1.3)",
        presents(hosts=["www.example.com"]),
        shakes_hands(),
        ("certificate-name",),
        (),
        ("certificate-not-trusted",),
    ),
    "real-own-authority": Picture(
        "a certificate, with its chain, of an authority that the app does not know (OpenSSL, TLS 1.2)",
        presents(),
        shakes_hands(trusts=False, newest=TLS_1_2),
        ("certificate-not-trusted",),
        ("certificate-chain",),
        ("certificate-not-trusted",),
        keys=False,
    ),
    "real-self-signed": Picture(
        "a self-signed certificate (OpenSSL, TLS 1.3)",
        self_signed,
        shakes_hands(),
        ("certificate-not-trusted",),
        (),
        ("certificate-not-trusted",),
    ),
    "real-chain-cut": Picture(
        "the intermediate certificate is not sent (OpenSSL, TLS 1.2)",
        presents(cut=True, fetched_from="http://pki.example.org/i.cer"),
        shakes_hands(newest=TLS_1_2),
        ("certificate-chain",),
        ("certificate-not-trusted",),
        ("certificate-chain",),
        keys=False,
    ),
    "real-tls13-client": Picture(
        "a server of TLS 1.2 only, a client of TLS 1.3 only",
        speaks("TLSv1.2"),
        shakes_hands(oldest=TLS_1_3),
        ("tls-version",),
        (),
        ("tls-version",),
        keys=False,
    ),
    "real-good-grpc": Picture(
        "the Web API speaks gRPC to the server: HTTP/2 in clear on 2231",
        http2_server(INNER, INNER, 2231, "grpc", secured=False),
        http2_client(DMZ, f"http://{INNER}:2231", "grpc"),
        at=DMZ,
        keys=False,
        by=DMZ,
    ),
    "real-good-grpc-tls": Picture(
        "the Web API speaks gRPC to the server: HTTP/2 over TLS 1.3 on 2231",
        http2_server(INNER, INNER, 2231, "grpc", secured=True),
        http2_client(DMZ, f"https://{INNER}:2231", "grpc"),
        at=DMZ,
        by=DMZ,
    ),
    "real-good-ws-h2": Picture(
        "WebSockets over HTTP/2 (RFC 8441), opened three times and left by the client",
        http2_server(DMZ, DMZ, 443, "websocket", secured=True),
        http2_client(PHONE, f"https://{DMZ}", "websocket"),
    ),
    "real-ws-h2-refused": Picture(
        "WebSockets over HTTP/2 are refused with 501, each time; long polling works",
        http2_server(DMZ, DMZ, 443, "refused", secured=True),
        http2_client(PHONE, f"https://{DMZ}", "websocket"),
        ("websocket-blocked",),
    ),
}
