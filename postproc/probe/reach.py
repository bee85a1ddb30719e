"""From a host name to a TLS connection: addresses, TCP ports, and the result of the handshake."""

import asyncio
import errno
import socket
import ssl
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from postproc.model.addresses import transport_address
from postproc.model.errors import SetupError
from postproc.model.text import Text
from postproc.probe.certificate import Seen, chain_of
from postproc.probe.result import Result, no_address

MOST_ADDRESSES = 8  # of a name; a choice
TCP_SECONDS = 5.0  # three SYNs of Linux: at 0, 1 and 3 s (RFC 6298, section 2)
TLS_SECONDS = 10.0  # a choice: a handshake takes two round trips, but servers under load take seconds
REACHED = Text("{address} answers after {ms} ms", "{address} antwortet nach {ms} ms")
CLOSED = Text("{address} refuses: nothing listens there", "{address} lehnt ab: Dort lauscht nichts")
FILTERED = Text(
    "{address} does not answer within {seconds} s: a firewall drops it, or there is no way",
    "{address} antwortet nicht innerhalb von {seconds} s: Eine Firewall verwirft es, oder es gibt keinen Weg",
)
NO_WAY = Text("no way to {address} from here: {reason}", "kein Weg zu {address} von hier: {reason}")
OPEN_PORT = Text(
    "Have the web server listen there; have firewall and port forwarding lead TCP {port} to it.",
    "Den Webserver dort lauschen lassen; Firewall und Port-Weiterleitung müssen TCP {port} zu ihm führen.",
)
NAMES = Text("{host} is {addresses}", "{host} ist {addresses}")
ENTER_NAME = Text(
    "Enter the name in the DNS that apps ask: the public one from outside, the company's own within.",
    "Den Namen in das DNS eintragen, das die Apps fragen: von außen das öffentliche, im Haus das eigene.",
)
TLS_OK = Text("{version} with {cipher}, after {ms} ms", "{version} mit {cipher}, nach {ms} ms")
TLS_OLD = Text(
    "the server speaks nothing newer than {version}: apps of today ask for TLS 1.2 at least",
    "der Server kann nichts Neueres als {version}: heutige Apps verlangen mindestens TLS 1.2",
)
NEWER = Text("Allow TLS 1.2 and 1.3 on the server.", "TLS 1.2 und 1.3 auf dem Server zulassen.")
NO_COMMON = Text(
    "no TLS version or cipher in common: {reason}", "keine gemeinsame TLS-Version oder Cipher Suite: {reason}"
)
NOT_TLS = Text("what answers there does not speak TLS", "was dort antwortet, spricht kein TLS")
TLS_CLOSED = Text(
    "the connection is closed during the TLS handshake: {reason}",
    "die Verbindung wird während des TLS-Handshakes geschlossen: {reason}",
)
TLS_SLOW = Text(
    "connected, and no end of the TLS handshake within {seconds} s",
    "verbunden, aber der TLS-Handshake ist nach {seconds} s nicht zu Ende",
)
TLS_ALERT = Text(
    "the server breaks the handshake off: {reason}", "der Server bricht den Handshake ab: {reason}"
)
VERSION_REASONS = (
    "PROTOCOL_VERSION",
    "UNSUPPORTED_PROTOCOL",
    "HANDSHAKE_FAILURE",
    "NO_PROTOCOLS",
    "INSUFFICIENT",
)
NEWEST_OLD = ("SSLv3", "TLSv1", "TLSv1.1")


class Target(NamedTuple):
    """A web server to probe; ``ca``: certificates to trust in addition to the system's store."""

    host: str
    port: int = 443
    ca: Path | None = None


def trusting(target: Target) -> ssl.SSLContext:
    """Return the TLS context of a modern client that verifies the chain; names are checked separately."""
    context = ssl.create_default_context()
    if target.ca:
        try:
            context.load_verify_locations(target.ca)
        except (OSError, ssl.SSLError) as error:
            raise SetupError(f"{target.ca}: no certificates in PEM: {error}") from error
    context.check_hostname = False
    return context


def lenient() -> ssl.SSLContext:
    """Return a context that accepts any certificate and old versions; nothing secret is sent with it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    return context


async def addresses(target: Target) -> tuple[Result, list[str]]:
    """Resolve the name by this machine's resolver."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(TLS_SECONDS):
            infos = await loop.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        return no_address(target.host, error, advice=ENTER_NAME), []
    unique = list(dict.fromkeys(str(each[4][0]) for each in infos))[:MOST_ADDRESSES]
    return Result("dns", "ok", NAMES, {"host": target.host, "addresses": unique}), unique


async def port(address: str, target: Target) -> Result:
    """Try a TCP connection."""
    facts: dict[str, object] = {"address": transport_address(address, target.port), "port": target.port}
    begun = time.monotonic()
    try:
        async with asyncio.timeout(TCP_SECONDS):
            _, writer = await asyncio.open_connection(address, target.port)
    except TimeoutError:
        facts["seconds"] = f"{TCP_SECONDS:.0f}"
        return Result("tcp", "fault", FILTERED, facts, "port-filtered", OPEN_PORT)
    except OSError as error:
        if error.errno in (errno.ECONNREFUSED, errno.ECONNRESET):
            return Result("tcp", "fault", CLOSED, facts, "port-closed", OPEN_PORT)
        facts["reason"] = error.strerror or str(error)
        return Result("tcp", "fault", NO_WAY, facts, "port-filtered")
    facts["ms"] = _ms(begun)
    writer.close()
    return Result("tcp", "ok", REACHED, facts)


async def handshake(address: str, target: Target) -> tuple[Result, Seen | None]:
    """Do the handshake with a lenient context and, if that completes, with the store; None for no certificates."""
    begun = time.monotonic()
    outcome = await _shaken(address, target, lenient())
    if isinstance(outcome, BaseException):
        return _failed(outcome, target), None
    version, cipher, chain = outcome
    facts = {"version": version, "cipher": cipher, "ms": _ms(begun)}
    checked = await _shaken(address, target, trusting(target))
    code, message = 0, ""
    if isinstance(checked, ssl.SSLCertVerificationError):
        code, message = checked.verify_code, checked.verify_message
    certificates = Seen(chain, code, message, target.ca is not None)
    if version in NEWEST_OLD:
        return Result("tls", "fault", TLS_OLD, facts, "tls-version", NEWER), certificates
    if isinstance(checked, BaseException) and not code:
        return _failed(checked, target), certificates
    return Result("tls", "ok", TLS_OK, facts), certificates


async def _shaken(
    address: str, target: Target, context: ssl.SSLContext
) -> tuple[str, str, tuple[bytes, ...]] | OSError:
    """Return version, cipher and chain, or the error of the handshake."""
    try:
        async with asyncio.timeout(TLS_SECONDS):
            _, writer = await asyncio.open_connection(
                address, target.port, ssl=context, server_hostname=target.host
            )
    except OSError as error:  # ssl.SSLError and TimeoutError are kinds of it
        return error
    tls: ssl.SSLObject = writer.get_extra_info("ssl_object")
    cipher = tls.cipher()
    result = tls.version() or "", cipher[0] if cipher else "", chain_of(tls)
    writer.transport.abort()
    return result


def _failed(error: OSError, target: Target) -> Result:
    facts: Mapping[str, object] = {
        "host": target.host,
        "seconds": f"{TLS_SECONDS:.0f}",
        "reason": _reason(error),
    }
    if isinstance(error, TimeoutError):
        return Result("tls", "fault", TLS_SLOW, facts)
    if isinstance(error, ssl.SSLEOFError) or not isinstance(error, ssl.SSLError):
        return Result("tls", "fault", TLS_CLOSED, facts)
    reason = (error.reason or "").upper()
    if "WRONG_VERSION_NUMBER" in reason or "HTTP_REQUEST" in reason or "RECORD_LAYER" in reason:
        return Result("tls", "fault", NOT_TLS, facts)
    if any(each in reason for each in VERSION_REASONS):
        return Result("tls", "fault", NO_COMMON, facts, "tls-version", NEWER)
    return Result("tls", "fault", TLS_ALERT, facts)


def _reason(error: OSError) -> str:
    if isinstance(error, ssl.SSLError) and error.reason:
        return error.reason.replace("_", " ").lower()
    return error.strerror or str(error) or type(error).__name__


def _ms(begun: float) -> int:
    return round((time.monotonic() - begun) * 1000)
