"""``postproc probe https://...``: from the host name to the event channel, each step based on the one before."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from postproc.model.errors import SetupError
from postproc.model.text import Text
from postproc.probe import certificate, reach, web
from postproc.probe.reach import Target
from postproc.probe.result import Result, Tell

PLAN = Text(
    "will contact {what} (the system's resolver for the name, then TCP, TLS and HTTPS; redirects are not followed)",
    "kontaktiert gleich {what} (den Resolver des Systems für den Namen, dann TCP, TLS und HTTPS;"
    " Umleitungen werden nicht verfolgt)",
)
UNTRUSTED = Text(
    "apps end here; what follows was asked without heeding the certificate",
    "Apps hören hier auf; das Folgende wurde ohne Rücksicht auf das Zertifikat gefragt",
)


class Asked(NamedTuple):
    """A parsed URL; ``hub`` is the path of the event channel."""

    target: Target
    path: str
    hub: str
    hold: float = 0

    @property
    def base(self) -> str:
        host = f"[{self.target.host}]" if ":" in self.target.host else self.target.host
        return f"https://{host}" + ("" if self.target.port == 443 else f":{self.target.port}")


def asked(url: str, *, hub: str | None = None, ca: Path | None = None, hold: float = 0) -> Asked:
    """Parse a URL; SetupError if it cannot be probed."""
    try:
        parts = urlsplit(url)
        port = parts.port or 443
    except ValueError as error:
        raise SetupError(f"{url}: not a URL: {error}") from error
    if parts.scheme != "https" or not parts.hostname or not url.isascii() or not url.isprintable():
        raise SetupError(f"{url}: expected https://HOST/...")
    if parts.username is not None:
        raise SetupError("a URL with user and password is not asked: no sign-in is tried")
    path = parts.path.rstrip("/")
    api = path if path.lower().endswith("/webclientapi") else web.WEB_API
    where = hub if hub and hub.startswith("/") else f"{api}/{hub or web.HUB}"
    return Asked(Target(parts.hostname, port, ca), path, where, hold)


async def run(order: Asked, tell: Tell) -> AsyncIterator[Result]:
    """Probe, and yield the result of each step; a failure ends it if no further step is possible."""
    target = order.target
    tell(PLAN, f"{target.host}, TCP {target.port}")
    dns_result, resolved = await reach.addresses(target)
    yield dns_result
    reached = []
    for address in resolved:
        result = await reach.port(address, target)
        yield result
        reached += [address] if result.verdict == "ok" else []
    if not reached:
        return
    shaken, shown = await reach.handshake(reached[0], target)
    yield shaken
    if shown is None:
        return
    results = list(certificate.judged(shown, target.host))
    for each in results:
        yield each
    trusted = not shown.verify_code and all(each.verdict in ("ok", "note") for each in (shaken, *results))
    if not trusted:
        yield Result("certificate", "note", UNTRUSTED)
    site = web.Site(order.base, target.host, reach.trusting(target) if trusted else reach.lenient())
    async for each in web.paths(site, (order.path,) if order.path else ()):
        yield each
    async for each in web.hub(site, order.hub, order.hold):
        yield each
