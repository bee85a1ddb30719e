"""Certificates for test servers: valid, expired, self-signed, for another name, with or without a chain."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Issued:
    """A certificate (X.509, EC P-256) with its private key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)


def name(common):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def issue(common, by=None, *, hosts=(), begins=-10, ends=90, authority=False, fetched_from=None) -> Issued:
    """Issue a certificate by ``by``, else self-signed; it is valid from ``begins`` to ``ends`` days from now.

    ``hosts`` are the subject alternative names, ``fetched_from`` the URL of the issuer's certificate
    (Authority Information Access, RFC 5280, section 4.2.2.1).
    """
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name(common))
        .issuer_name(by.certificate.subject if by else name(common))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + begins * DAY)
        .not_valid_after(now + ends * DAY)
        .add_extension(x509.BasicConstraints(authority, None), critical=True)
    )
    if hosts:
        built = built.add_extension(x509.SubjectAlternativeName(list(_names(hosts))), critical=False)
    if fetched_from:
        where = x509.AccessDescription(
            AuthorityInformationAccessOID.CA_ISSUERS, x509.UniformResourceIdentifier(fetched_from)
        )
        built = built.add_extension(x509.AuthorityInformationAccess([where]), critical=False)
    return Issued(built.sign(by.key if by else key, hashes.SHA256()), key)


def _names(hosts: Iterable[str]):
    for host in hosts:
        try:
            yield x509.IPAddress(ip_address(host))
        except ValueError:
            yield x509.DNSName(host)


@dataclass(frozen=True)
class Authority:
    """A root, which a client may trust, and an intermediate, which issues."""

    root: Issued
    middle: Issued

    @classmethod
    def new(cls) -> "Authority":
        root = issue("Test Root", authority=True, begins=-500, ends=500)
        return cls(root, issue("Test Intermediate", root, authority=True, begins=-400, ends=400))

    def leaf(self, *hosts, **more) -> Issued:
        return issue(more.pop("common", "xp"), self.middle, hosts=hosts, **more)


def pem(*issued: Issued) -> bytes:
    return b"".join(each.certificate.public_bytes(Encoding.PEM) for each in issued)


def write(folder: Path, leaf: Issued, *chain: Issued) -> Path:
    """Write the key and the certificates to one PEM file, as a server loads it; return its path."""
    key = leaf.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path = folder / f"{leaf.certificate.serial_number:x}.pem"
    path.write_bytes(key + pem(leaf, *chain))
    return path
