"""A server's certificates: dates, names and chain, judged by this machine's clock and store.

Names: RFC 9525, section 6. Chain: the issuer of each certificate is the next one or in the store (RFC 5280,
section 6); servers send all but the root (RFC 8446, section 4.4.2).
"""

import ssl
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from cryptography import x509
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

from postproc.model.text import Text
from postproc.probe.result import Result

SOON = timedelta(days=14)  # ACME renews 30 days before the end: a nearer end means that renewal has failed
# OpenSSL's x509_vfy.h
EXPIRED, NOT_YET = 10, 9
SELF_SIGNED, ROOT_UNKNOWN, NO_ISSUER, LEAF_ALONE = 18, 19, 20, 21

DATES_OK = Text(
    "{subject}, issued by {issuer}, valid from {begins} to {ends}",
    "{subject}, ausgestellt von {issuer}, gültig von {begins} bis {ends}",
)
OVER = Text("{subject} has expired on {ends}", "{subject} ist am {ends} abgelaufen")
NOT_BEGUN = Text("{subject} is valid from {begins} on only", "{subject} gilt erst ab {begins}")
ENDS_SOON = Text("{subject} expires on {ends}", "{subject} läuft am {ends} ab")
RENEW = Text(
    "Renew the certificate and bind the new one where TLS ends (reverse proxy or IIS).",
    "Das Zertifikat erneuern und das neue dort binden, wo TLS endet (Reverse Proxy oder IIS).",
)
NAME_OK = Text("the certificate covers {host}", "das Zertifikat deckt {host} ab")
NAME_WRONG = Text(
    "the certificate is for {names}, not for {host}", "das Zertifikat gilt für {names}, nicht für {host}"
)
SUBDOMAIN = Text(
    "the certificate is for {names}; * stands for one label, and {host} has more below it: phones refuse it",
    "das Zertifikat gilt für {names}; * steht für eine Stufe, {host} hat darunter mehr: Smartphones lehnen es ab",
)
RIGHT_NAME = Text(
    "Have a certificate issued that names {host}, or use a name that it covers.",
    "Ein Zertifikat ausstellen lassen, das {host} nennt, oder einen Namen verwenden, den es abdeckt.",
)
TRUSTED = Text(
    "this machine's store trusts the chain of {length} certificates",
    "der Speicher dieses Rechners vertraut der Kette aus {length} Zertifikaten",
)
TRUSTED_HERE = Text(
    "trusted with what --ca names and this machine's store: apps need the same authority",
    "mit dem, was --ca nennt, und dem Speicher dieses Rechners vertraut: Apps brauchen dieselbe Zertifizierungsstelle",
)
SELF = Text(
    "{subject} is self-signed: no app trusts it",
    "{subject} ist selbst ausgestellt: Keine App vertraut ihm",
)
OWN_ROOT = Text(
    "the chain ends at {root}, which this machine's store does not know",
    "die Kette endet bei {root}, das der Speicher dieses Rechners nicht kennt",
)
CUT = Text(
    "the chain is cut: the server does not send {issuer}, which has issued {subject}",
    "die Kette ist unvollständig: Der Server sendet {issuer} nicht, das {subject} ausgestellt hat",
)
CUT_OR_PRIVATE = Text(
    "{issuer}, which has issued {subject}, is neither sent nor in this machine's store:"
    " the chain is cut, or the authority is a private one",
    "{issuer}, das {subject} ausgestellt hat, wird weder gesendet, noch ist es im Speicher dieses Rechners:"
    " Die Kette ist unvollständig, oder die Zertifizierungsstelle ist eine private",
)
SEND_CHAIN = Text(
    "Install the intermediate certificates where TLS ends, so that the server sends them.",
    "Die Zwischenzertifikate dort installieren, wo TLS endet, damit der Server sie mitsendet.",
)
PUBLIC_CA = Text(
    "Use a certificate of a public authority, or install the root on every phone (--ca FILE tries it here).",
    "Ein Zertifikat einer öffentlichen Zertifizierungsstelle verwenden oder die Wurzel auf jedem Smartphone"
    " installieren (--ca FILE probiert es hier).",
)
DISTRUST = Text("this machine does not trust it: {reason}", "dieser Rechner vertraut ihm nicht: {reason}")
UNREADABLE = Text(
    "a certificate that cannot be read: {reason}", "ein Zertifikat, das sich nicht lesen lässt: {reason}"
)


class Seen(NamedTuple):
    """A server's certificates as DER, leaf first; and OpenSSL's verdict by this machine's store."""

    chain: tuple[bytes, ...]
    verify_code: int = 0  # X509_V_OK
    verify_message: str = ""
    added: bool = False  # an authority was trusted in addition to the store


def chain_of(connection: ssl.SSLObject | ssl.SSLSocket) -> tuple[bytes, ...]:
    """Return the certificates as sent; before Python 3.13 they are accessible only in a private object."""
    source = (
        connection if hasattr(connection, "get_unverified_chain") else getattr(connection, "_sslobj", None)
    )
    sent = source.get_unverified_chain() if source is not None else None
    return tuple(_der(each) for each in sent or ())


def _der(certificate: object) -> bytes:
    if isinstance(certificate, bytes):
        return certificate
    return ssl.PEM_cert_to_DER_cert(certificate.public_bytes())  # type: ignore[attr-defined]


def judged(shown: Seen, host: str, now: datetime | None = None) -> Iterator[Result]:
    """Yield results for dates, name and chain independently, while a client reports only the first error."""
    try:
        chain = [x509.load_der_x509_certificate(each) for each in shown.chain]
        leaf = chain[0]
        names = _names(leaf)
        facts = {
            "subject": _called(leaf.subject),
            "issuer": _called(leaf.issuer),
            "begins": f"{leaf.not_valid_before_utc:%Y-%m-%d %H:%M} UTC",
            "ends": f"{leaf.not_valid_after_utc:%Y-%m-%d %H:%M} UTC",
            "names": names[:20],
            "host": host,
            "length": len(chain),
        }
        fetchable = _issuer_is_named(chain[-1])
    except (ValueError, IndexError) as error:
        yield Result("certificate", "cannot_tell", UNREADABLE, {"reason": str(error)})
        return
    now = now or datetime.now(UTC)
    yield _dates(chain, facts, now)
    yield _name(host, names, facts)
    yield from _trust(shown, chain, facts, fetchable=fetchable)


def _dates(chain: Sequence[x509.Certificate], facts: dict[str, object], now: datetime) -> Result:
    for each in chain:
        own_facts = {
            **facts,
            "subject": _called(each.subject),
            "begins": f"{each.not_valid_before_utc:%Y-%m-%d %H:%M} UTC",
            "ends": f"{each.not_valid_after_utc:%Y-%m-%d %H:%M} UTC",
        }
        if each.not_valid_after_utc < now:
            return Result("certificate", "fault", OVER, own_facts, "certificate-expired", RENEW)
        if each.not_valid_before_utc > now:
            return Result("certificate", "fault", NOT_BEGUN, own_facts, "certificate-expired", RENEW)
    if chain[0].not_valid_after_utc < now + SOON:
        return Result("certificate", "note", ENDS_SOON, facts, advice=RENEW)
    return Result("certificate", "ok", DATES_OK, facts)


def _name(host: str, names: Sequence[str], facts: dict[str, object]) -> Result:
    if any(covers(name, host) for name in names):
        return Result("name", "ok", NAME_OK, facts)
    below = any(name.startswith("*.") and host.lower().endswith(name[1:].lower()) for name in names)
    text = SUBDOMAIN if below else NAME_WRONG
    return Result("name", "fault", text, facts, "certificate-name", RIGHT_NAME)


def covers(name: str, host: str) -> bool:
    """Return whether a certificate's name covers a host: ``*`` is exactly the leftmost label (RFC 9525, 6.3)."""
    name, host = name.lower().rstrip("."), host.lower().rstrip(".")
    if name.startswith("*."):
        label, dot, rest = host.partition(".")
        return bool(label and dot) and rest == name[2:] and "." in rest
    return name == host


def _trust(
    shown: Seen, chain: Sequence[x509.Certificate], facts: dict[str, object], *, fetchable: bool
) -> Iterator[Result]:
    last = chain[-1]
    last_facts = {
        **facts,
        "subject": _called(last.subject),
        "issuer": _called(last.issuer),
        "root": _called(last.subject),
    }
    code = shown.verify_code
    if not code:
        yield Result(
            "chain", "note" if shown.added else "ok", TRUSTED_HERE if shown.added else TRUSTED, facts
        )
    elif code == SELF_SIGNED:
        yield Result("chain", "fault", SELF, last_facts, "certificate-not-trusted", PUBLIC_CA)
    elif code == ROOT_UNKNOWN:
        yield Result("chain", "fault", OWN_ROOT, last_facts, "certificate-not-trusted", PUBLIC_CA)
    elif code in (NO_ISSUER, LEAF_ALONE) and fetchable:
        yield Result("chain", "fault", CUT, last_facts, "certificate-chain", SEND_CHAIN)
    elif code in (NO_ISSUER, LEAF_ALONE):
        yield Result("chain", "fault", CUT_OR_PRIVATE, last_facts, "certificate-not-trusted", SEND_CHAIN)
    elif code not in (EXPIRED, NOT_YET):  # reported by ``_dates``; whether it is otherwise trusted is unknown
        reason = {**facts, "reason": shown.verify_message}
        yield Result("chain", "fault", DISTRUST, reason, "certificate-not-trusted")


def _names(certificate: x509.Certificate) -> list[str]:
    """Return names and addresses of the extension; the common name is ignored (RFC 9525, section 2)."""
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    addresses = [str(each) for each in extension.get_values_for_type(x509.IPAddress)]
    return [*extension.get_values_for_type(x509.DNSName), *addresses]


def _called(name: x509.Name) -> str:
    common = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(common[0].value) if common else name.rfc4514_string()


def _issuer_is_named(certificate: x509.Certificate) -> bool:
    """Return whether it has a URL of its issuer's certificate, as public authorities' do (RFC 5280, 4.2.2.1)."""
    try:
        extension = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    except x509.ExtensionNotFound:
        return False
    return any(each.access_method == AuthorityInformationAccessOID.CA_ISSUERS for each in extension)
