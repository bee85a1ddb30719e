"""appsettings.json of the web API: settings that keep apps from signing in, or troubleshooting left behind.

Values and their limits are those of the vendor's guide, chapters 2.2 and 5.
"""

import difflib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from postproc.config.hosts import address_of, is_host, is_loopback
from postproc.config.problems import Problem, Role, same
from postproc.config.source import Setting
from postproc.model.text import Text

SECTION = "AppSettings"
HOST, PORT = f"{SECTION}:XPhoneServerHost", f"{SECTION}:XPhoneServerUnifiedPort"
SECRET, POLLING = f"{SECTION}:Secret", f"{SECTION}:SignalRLongPolling"
TOKEN, REFRESH = f"{SECTION}:JwtTokenLifetimeInMinutes", f"{SECTION}:RefreshTokenLifetimeInHours"
KNOWN = (HOST, PORT, SECRET, POLLING, TOKEN, REFRESH)
GRPC_PORT, WCF_PORT = 2231, 2230
SHORTEST_TOKEN, USUAL_TOKEN = 6, 30  # minutes (the guide)
USUAL_REFRESH = 96  # hours (the guide)
# Signing by HMAC-SHA-256 takes a key of at least 128 bits (Microsoft.IdentityModel), 256 by RFC 7518, section 3.2.
SHORTEST_SECRET = 16
FEWEST_SIGNS = 8  # distinct characters of a secret; a choice: random text of that length has more
# Words of a template, whose text is no secret; and words that people choose for lack of a better one.
TEMPLATE = re.compile(
    r"change|replace|default|example|sample|beispiel|\byour|insert|todo|<.+>|\{.+\}|\.\.\.", re.IGNORECASE
)
PLAIN = re.compile(r"secret|password|passwort|geheim|12345|abcde|qwert", re.IGNORECASE)
LEVELS = re.compile(r"Logging:(?:\w+:)?LogLevel:(?P<category>.+)", re.IGNORECASE)
LEFT_ON = ("debug", "trace", "0", "1")  # Microsoft.Extensions.Logging.LogLevel, also by its numbers
QUIET = "Error"  # level of all categories but Default in the shipped file

HOST_PUT = Text("the XPhone Server's host name or address", "Name oder Adresse des XPhone Servers")
HOST_PLACE = "<XPhone Server>"
ITSELF = Text(
    "the web server in the DMZ looks for the XPhone Server on itself (port 2231)",
    "der Webserver in der DMZ sucht den XPhone Server bei sich selbst (Port 2231)",
)
ITSELF_PERHAPS = Text(
    "right only where the web server runs on the XPhone Server itself; --role says where it does",
    "nur richtig, wenn der Webserver auf dem XPhone Server selbst läuft; --role sagt, wo er läuft",
)
NO_HOST = Text(
    "a host alone belongs here: without scheme, port and path",
    "hierher gehört nur der Host: ohne Schema, Port und Pfad",
)
EMPTY_HOST = Text(
    "without it the web API does not find the XPhone Server",
    "ohne ihn findet die Web-API den XPhone Server nicht",
)
NO_PORT = Text("not a port", "kein Port")
WCF = Text(
    "2230 is the port of the mobile web application (WCF); the web API speaks gRPC on 2231",
    "2230 ist der Port der mobilen Webanwendung (WCF); die Web-API spricht gRPC auf 2231",
)
OTHER_PORT = Text(
    "not the usual port: right only if the XPhone Server listens there and the firewall lets it through",
    "nicht der übliche Port: nur richtig, wenn der XPhone Server dort lauscht und die Firewall ihn durchlässt",
)
POLLING_PUT = Text(
    "true where a proxy or firewall blocks WebSocket",
    "true, wo ein Proxy oder eine Firewall WebSocket blockiert",
)
POLLING_WHY = Text(
    "the default; right unless WebSocket is blocked (as by Netscaler)",
    "die Voreinstellung; richtig, solange WebSocket nicht blockiert wird (wie von Netscaler)",
)
POLLING_ODD = Text(
    "neither true nor false: the web API does not start with it",
    "weder true noch false: damit startet die Web-API nicht",
)
SECRET_PUT = Text(
    "a random text of 32 signs or more, your own",
    "ein eigener zufälliger Text von 32 oder mehr Zeichen",
)
SECRET_DEFAULT = Text(
    "looks like the text of a template: who knows it can make tokens of any user",
    "sieht nach dem Text einer Vorlage aus: Wer ihn kennt, kann Tokens jedes Benutzers herstellen",
)
SECRET_SHORT = Text(
    "too short or too plain to sign tokens: it can be guessed, or signing fails",
    "zu kurz oder zu einfach, um Tokens zu signieren: erratbar, oder das Signieren scheitert",
)
TOKEN_PUT = Text("30 (at least 6)", "30 (mindestens 6)")
TOKEN_SHORT = Text(
    "shorter than the 6 minutes that the guide asks for: apps are signed out while they renew it",
    "kürzer als die 6 Minuten, die die Anleitung verlangt: Apps werden abgemeldet, während sie es erneuern",
)
NO_NUMBER = Text("not a whole number above zero", "keine ganze Zahl über null")
REFRESH_SHORT = Text(
    "no longer than the token that it renews: apps have to sign in again each time",
    "nicht länger als das Token, das es erneuert: Apps müssen sich jedes Mal neu anmelden",
)
LEVEL_WHY = Text(
    "left over from a search for faults; fills the event log",
    "von einer Fehlersuche übrig; füllt das Ereignisprotokoll",
)
ELSEWHERE = Text("under AppSettings", "unter AppSettings")
ELSEWHERE_WHY = Text(
    "has no effect here: it is read under AppSettings only",
    "wirkt hier nicht: Gelesen wird es nur unter AppSettings",
)
UNKNOWN_WHY = Text(
    "no key that the web API reads: misspelt?",
    "kein Schlüssel, den die Web-API liest: verschrieben?",
)
HOSTS_PUT = Text("* or the public name, too", "* oder auch der öffentliche Name")
HOSTS_WHY = Text(
    "requests for the public name are answered 400: it is not among the hosts allowed",
    "Anfragen an den öffentlichen Namen werden mit 400 beantwortet: Er ist nicht unter den erlaubten Hosts",
)

Found = Iterator[Problem]


class Asked(NamedTuple):
    """Context of a check: role, public URLs, and all settings by their keys in lower case."""

    role: Role | None
    urls: tuple[str, ...]
    settings: Mapping[str, Setting]

    def value(self, key: str) -> object:
        setting = self.settings.get(key.lower())
        return setting.value if setting else None


def quoted(value: object) -> str:
    """Return the value as JSON."""
    return json.dumps(value, ensure_ascii=False)


def whole(value: object) -> int | None:
    """Return a whole number, given as number or in quotes, as .NET's binder accepts both; else None."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    return int(value) if isinstance(value, str) and re.fullmatch(r"\s*-?[0-9]{1,9}\s*", value) else None


def as_written(setting: Setting, number: int) -> str:
    """Return the number as JSON, in quotes if the old value is."""
    return quoted(str(number) if isinstance(setting.value, str) else number)


def host(setting: Setting, context: Asked) -> Found:
    value = str(setting.value or "").strip()
    place = quoted(HOST_PLACE)
    if not value:
        yield Problem(setting, HOST_PUT, EMPTY_HOST, new=place)
    elif not is_host(value):
        parts = address_of(value if "://" in value else f"net://{value}")
        replace_host = parts is None or (is_loopback(parts.host) and context.role is Role.DMZ)
        new = quoted(parts.host) if parts and is_host(parts.host) and not replace_host else place
        yield Problem(setting, HOST_PUT, NO_HOST, new=new)
    elif is_loopback(value) and context.role is Role.DMZ:
        yield Problem(setting, HOST_PUT, ITSELF, new=place)
    elif is_loopback(value) and context.role is None:
        yield Problem(setting, HOST_PUT, ITSELF_PERHAPS, "hint")


def port(setting: Setting, _: Asked) -> Found:
    number = whole(setting.value)
    new = as_written(setting, GRPC_PORT)
    if number is None or not 0 < number < 1 << 16:
        yield Problem(setting, same(str(GRPC_PORT)), NO_PORT, new=new)
    elif number == WCF_PORT:
        yield Problem(setting, same(str(GRPC_PORT)), WCF, new=new)
    elif number != GRPC_PORT:
        yield Problem(setting, same(str(GRPC_PORT)), OTHER_PORT, "hint")


def secret(setting: Setting, _: Asked) -> Found:
    value = str(setting.value or "")
    if TEMPLATE.search(value) or PLAIN.fullmatch(value):
        yield Problem(setting, SECRET_PUT, SECRET_DEFAULT)
    elif len(value) < SHORTEST_SECRET or len(set(value)) < FEWEST_SIGNS or PLAIN.search(value):
        yield Problem(setting, SECRET_PUT, SECRET_SHORT, secret=bool(value))


def polling(setting: Setting, _: Asked) -> Found:
    word = str(setting.value).strip().lower()
    if word == "false":
        yield Problem(setting, POLLING_PUT, POLLING_WHY, "hint")
    elif word != "true" or setting.value is None:
        yield Problem(setting, same("true / false"), POLLING_ODD)


def token(setting: Setting, _: Asked) -> Found:
    minutes = whole(setting.value)
    new = as_written(setting, USUAL_TOKEN)
    if minutes is None or minutes <= 0:
        yield Problem(setting, TOKEN_PUT, NO_NUMBER, new=new)
    elif minutes < SHORTEST_TOKEN:
        yield Problem(setting, TOKEN_PUT, TOKEN_SHORT, new=new)


def refresh(setting: Setting, context: Asked) -> Found:
    hours, minutes = whole(setting.value), whole(context.value(TOKEN))
    new = as_written(setting, USUAL_REFRESH)
    if hours is None or hours <= 0:
        yield Problem(setting, same(str(USUAL_REFRESH)), NO_NUMBER, new=new)
    elif minutes is not None and hours * 60 <= minutes:
        yield Problem(setting, same(str(USUAL_REFRESH)), REFRESH_SHORT, new=new)


def allowed_hosts(setting: Setting, context: Asked) -> Found:
    """Check AllowedHosts like ASP.NET Core's HostFilteringMiddleware.

    Separated by ``;``, ``*.`` for subdomains.
    """
    allowed = [name.strip().lower() for name in str(setting.value or "*").split(";") if name.strip()]
    if "*" in allowed:
        return
    for url in context.urls:
        parts = address_of(url)
        is_allowed = parts is None or any(
            parts.host == name or (name.startswith("*.") and parts.host.endswith(name[1:]))
            for name in allowed
        )
        if parts and not is_allowed:
            yield Problem(setting, HOSTS_PUT, HOSTS_WHY, new=quoted(f"{setting.value};{parts.host}"))
            return


CHECKS: Mapping[str, Callable[[Setting, Asked], Found]] = {
    HOST.lower(): host,
    PORT.lower(): port,
    SECRET.lower(): secret,
    POLLING.lower(): polling,
    TOKEN.lower(): token,
    REFRESH.lower(): refresh,
    "allowedhosts": allowed_hosts,
}


def problems(settings: Mapping[str, Setting], role: Role | None, urls: tuple[str, ...] = ()) -> Found:
    """Yield what is wrong, in the order of the file; ``settings`` are those of ``jsonc.settings``."""
    by_key = {key.lower(): setting for key, setting in settings.items()}
    context = Asked(role, urls, by_key)
    for key, setting in by_key.items():
        if key in CHECKS:
            yield from CHECKS[key](setting, context)
        elif match := LEVELS.fullmatch(setting.key):
            yield from _level(setting, match["category"])
        else:
            yield from _misplaced(setting, by_key)


def _level(setting: Setting, category: str) -> Found:
    if str(setting.value).strip().lower() in LEFT_ON:
        put = "Information" if category.lower() == "default" else QUIET
        yield Problem(setting, same(put), LEVEL_WHY, new=quoted(put))


def _misplaced(setting: Setting, by_key: Mapping[str, Setting]) -> Found:
    """Yield a key of AppSettings that is in another section, or misspelled there and missing."""
    section, _, name = setting.key.rpartition(":")
    names = {key.rpartition(":")[2].lower(): key for key in KNOWN if key.lower() not in by_key}
    if section.lower() != SECTION.lower():
        if name.lower() in names and name.lower() != "secret":
            yield Problem(setting, ELSEWHERE, ELSEWHERE_WHY, secret=False)
        return
    near = difflib.get_close_matches(name.lower(), names, n=1, cutoff=0.85)
    if near:
        right = names[near[0]].rpartition(":")[2]
        problem = Problem(setting, same(right), UNKNOWN_WHY)
        yield problem._replace(secret=near[0] == "secret")
