"""X.509 certificates (RFC 5280), the parts a client checks: names, issuer, validity; in DER (X.690).

Nothing is verified: signatures and key usage are left to the client.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import NamedTuple

from postproc.wire import MalformedError

SEQUENCE, SET, OID, UTC_TIME, GENERALIZED_TIME = 0x30, 0x31, 0x06, 0x17, 0x18
VERSION, EXTENSIONS = 0xA0, 0xA3  # context tags of TBSCertificate
COMMON_NAME = bytes.fromhex("550403")
SUBJECT_ALT_NAME, AUTHORITY_ACCESS = bytes.fromhex("551d11"), bytes.fromhex("2b06010505070101")
CA_ISSUERS = bytes.fromhex("2b06010505073002")
DNS_NAME, IP_ADDRESS = 0x82, 0x87  # of GeneralName
MOST_NAMES = 100
LONGEST_NAME = 253  # RFC 1035, section 2.3.4
TIMES = {UTC_TIME: re.compile(rb"\d{12}Z"), GENERALIZED_TIME: re.compile(rb"\d{14}Z")}
LONG = 0x80  # of a length: so many bytes that follow hold it


class Element(NamedTuple):
    tag: int
    body: bytes
    whole: bytes


class Certificate(NamedTuple):
    """``issuer`` and ``subject`` are common names; ``names`` are DNS names and addresses."""

    subject: str
    issuer: str
    subject_name: bytes  # the whole distinguished names, DER
    issuer_name: bytes
    not_before: datetime
    not_after: datetime
    names: tuple[str, ...]
    ca_issuers: bool  # says where its issuer's certificate can be fetched (RFC 5280, section 4.2.2.1)

    @property
    def self_issued(self) -> bool:
        return self.subject_name == self.issuer_name

    def fits(self, name: str) -> bool:
        """Return whether the certificate is valid for this name or address (RFC 6125, section 6.4; RFC
        2818, section 3.1).

        The common name is used only if there is no other name.
        """
        return covers(self.names or (self.subject,), name)


def covers(names: Iterable[str], name: str) -> bool:
    """Return whether one of a certificate's names matches, literally or with a wildcard as its first
    label.
    """
    wanted = name.lower().rstrip(".")
    held = [each.lower().rstrip(".") for each in names]
    _, dot, domain = wanted.partition(".")
    return wanted in held or (bool(dot) and not _is_address(wanted) and f"*.{domain}" in held)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def parse(der: bytes) -> Certificate:
    """Parse a certificate; raises MalformedError if it is invalid or cut."""
    outer = _first(der)
    fields = list(_elements(_first(outer.body).body))
    if fields and fields[0].tag == VERSION:
        del fields[0]
    if outer.tag != SEQUENCE or len(fields) < 5:
        raise MalformedError("no certificate")
    _, _, issuer, validity, subject = fields[:5]
    times = list(_elements(validity.body))
    if len(times) != 2:
        raise MalformedError("no validity in a certificate")
    extensions = dict(_extensions(fields))
    return Certificate(
        _common_name(subject),
        _common_name(issuer),
        subject.whole,
        issuer.whole,
        _time(times[0]),
        _time(times[1]),
        tuple(_names(extensions.get(SUBJECT_ALT_NAME, b""))),
        _has_ca_issuers(extensions.get(AUTHORITY_ACCESS, b"")),
    )


def _first(data: bytes) -> Element:
    """Return the element at the start, which has to be complete."""
    if len(data) < 2:
        raise MalformedError("an element of DER cut short")
    size, at = data[1], 2
    if size & LONG:
        at += size & ~LONG
        if at > 6:
            raise MalformedError("an element of DER longer than any certificate")
        size = int.from_bytes(data[2:at])
    if len(data) < at + size:
        raise MalformedError("an element of DER longer than what holds it")
    return Element(data[0], data[at : at + size], data[: at + size])


def _elements(data: bytes) -> Iterator[Element]:
    while data:
        element = _first(data)
        yield element
        data = data[len(element.whole) :]


def _extensions(fields: list[Element]) -> Iterator[tuple[bytes, bytes]]:
    """Yield identifier and value of each extension."""
    for field in fields[5:]:
        if field.tag == EXTENSIONS:
            for extension in _elements(_first(field.body).body):
                parts = list(_elements(extension.body))
                if len(parts) >= 2:
                    yield parts[0].body, parts[-1].body


def _common_name(name: Element) -> str:
    """Return the common name, otherwise all values of the name, separated by commas."""
    values = []
    for part in _elements(name.body):
        for pair in _elements(part.body):
            kind, value = [*_elements(pair.body), pair, pair][:2]
            text = value.body.decode(errors="replace")[:LONGEST_NAME]
            if kind.body == COMMON_NAME:
                return text
            values.append(text)
    return ", ".join(values)[:LONGEST_NAME]


def _names(value: bytes) -> Iterator[str]:
    if not value:
        return
    for number, name in enumerate(_elements(_first(value).body)):
        if number == MOST_NAMES:
            return
        if name.tag == DNS_NAME:
            yield name.body.decode("ascii", errors="replace")[:LONGEST_NAME]
        elif name.tag == IP_ADDRESS and len(name.body) in (4, 16):
            yield str(ip_address(name.body))


def _has_ca_issuers(value: bytes) -> bool:
    methods = [_first(each.body).body for each in _elements(_first(value).body)] if value else []
    return CA_ISSUERS in methods


def _time(element: Element) -> datetime:
    """Read a time (RFC 5280, section 4.1.2.5): two-digit years from 50 on belong to the last century."""
    form = TIMES.get(element.tag)
    if form is None or not form.fullmatch(element.body):
        raise MalformedError("no time of RFC 5280 in a certificate")
    text = element.body.decode()
    if element.tag == UTC_TIME:
        text = ("19" if text[:2] >= "50" else "20") + text
    try:
        return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise MalformedError("no date in a certificate") from None
