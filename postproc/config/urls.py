"""The public URLs in the XPhone Server's settings, which apps are told to contact."""

from collections.abc import Iterator

from postproc.config.hosts import Address, address_of, is_address
from postproc.config.problems import Problem, same
from postproc.config.source import Setting
from postproc.model.addresses import addr_class
from postproc.model.text import Text

PLACE = "--url"  # in place of a file name
# The guide, chapter 2.3: paths that a reverse proxy has to publish, in the spelling that apps use.
MOBILE = "/XPhoneConnect/mobile"
WEB_API = "/XPhoneConnect/webclientapi"
PUBLISHED = (MOBILE, "/XPhoneConnect/Mobile", WEB_API, "/XPhoneConnect/doc", "/XPhoneConnect/WebMeeting")
NO_URL = Text("not a URL with scheme and host", "keine URL mit Schema und Host")
NOT_HTTPS = Text("apps sign in over HTTPS only", "Apps melden sich nur über HTTPS an")
NOT_PUBLIC_PUT = Text(
    "the name by which it is reached from outside", "der Name, unter dem man es von außen erreicht"
)
NOT_PUBLIC = Text(
    "cannot be reached from outside: the name or address is known in the house only",
    "von außen nicht erreichbar: Name oder Adresse gelten nur im Haus",
)
BARE_ADDRESS_PUT = Text("a name that the certificate covers", "ein Name, den das Zertifikat abdeckt")
BARE_ADDRESS = Text(
    "an address instead of a name: only a certificate issued for the address fits",
    "eine Adresse statt eines Namens: Nur ein auf die Adresse ausgestelltes Zertifikat passt",
)
NO_PATH = Text(
    "the path leads neither to the mobile web application nor to the web API",
    "der Pfad führt weder zur mobilen Webanwendung noch zur Web-API",
)
SPELLING = Text(
    "a reverse proxy tells upper and lower case apart: this spelling is not one that the guide has published",
    "ein Reverse Proxy unterscheidet Groß- und Kleinschreibung: so geschrieben ist er keiner der Pfade der Anleitung",
)
LOGIN = Text("without user and password", "ohne Benutzer und Kennwort")
LOGIN_WHY = Text(
    "user and password in a URL are shown to everybody and sent to nobody",
    "Benutzer und Kennwort in einer URL sieht jeder, und kein Server bekommt sie",
)


def problems(url: str) -> Iterator[Problem]:
    """Yield what is wrong with one URL."""
    setting = Setting("url", url, 0, len(url))
    parts = address_of(url)
    if parts is None:
        yield Problem(setting, same(f"https://HOST{WEB_API.lower()}"), NO_URL)
        return
    if "@" in url.partition("://")[2].partition("/")[0]:
        yield Problem(setting, LOGIN, LOGIN_WHY, secret=True)
        return
    if parts.scheme != "https":
        yield Problem(setting, same("https://" + url.partition("://")[2]), NOT_HTTPS)
    yield from _host(setting, parts)
    path = parts.path.rstrip("/")
    if path.lower() not in (MOBILE.lower(), WEB_API.lower()):
        yield Problem(setting, Text(f"{MOBILE} or {WEB_API}", f"{MOBILE} oder {WEB_API}"), NO_PATH)
    elif path not in (*PUBLISHED, path.lower()):
        yield Problem(setting, same(MOBILE if path.lower() == MOBILE.lower() else WEB_API), SPELLING, "hint")


def _host(setting: Setting, parts: Address) -> Iterator[Problem]:
    address = is_address(parts.host)
    is_internal = (
        addr_class(parts.host) not in ("public", "documentation") if address else "." not in parts.host
    )
    if is_internal or parts.host.endswith((".local", ".internal", ".lan", ".localhost")):
        yield Problem(setting, NOT_PUBLIC_PUT, NOT_PUBLIC)
    elif address:
        yield Problem(setting, BARE_ADDRESS_PUT, BARE_ADDRESS, "hint")
