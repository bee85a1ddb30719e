"""Telephone numbers as keys that two legs may share, however each writes them.

E.164 where the number says so or the region's dialling rules do (RFC 3966); else
its last seven digits; short numbers and names only as they stand. Who withholds
the number has no key.
"""

import re
from typing import NamedTuple

from postproc import constants

TAIL = constants.count("users.tail")
LONGEST = constants.count("users.longest")
VISUAL = re.compile(r"[\s().\-/]")
DIGITS = re.compile(r"\+?[0-9]+")
# Lengths are bounded: an endless header must not cost endless time.
URI_USER = re.compile(
    rf"sips?:([^@>;,\s\"]{{1,{LONGEST}}})[^@>,\s\"]{{0,{LONGEST}}}@|tel:([^>;,\s\"]{{1,{LONGEST}}})",
    re.IGNORECASE,
)
LONGEST_HEADER = constants.count("sip.longest_header")
WITHHELD = frozenset(constants.words("users.withheld"))


class Number(NamedTuple):
    """Keys of a user part: E.164, or a short number or name as it stands; and a number's last digits."""

    exact: str | None
    tail: str | None


def number(user: str | None, region: str | None) -> Number:
    """Return the keys of a URI's user part; ``region`` (ISO 3166) reads national numbers."""
    name = (user or "").strip().lower()
    plain = VISUAL.sub("", name)
    if not name or name in WITHHELD or len(name) > LONGEST:
        return Number(None, None)
    if not (DIGITS.fullmatch(plain) and len(plain.removeprefix("+")) >= TAIL):
        return Number(f"={name}", None)
    return Number(_e164(plain, region), plain[-TAIL:])


def _e164(plain: str, region: str | None) -> str | None:
    if plain.startswith("+"):
        return plain
    return None if region is None else _by_dialling_rules(plain, region)


def _by_dialling_rules(plain: str, region: str) -> str | None:
    import phonenumbers  # noqa: PLC0415  (large, and many captures hold no such number)

    try:
        parsed = phonenumbers.parse(plain, region, keep_raw_input=True)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(parsed):
        return None
    if parsed.country_code_source == phonenumbers.CountryCodeSource.FROM_DEFAULT_COUNTRY:
        # Complete with its prefix only: else it may be a local or foreign one.
        prefix = phonenumbers.ndd_prefix_for_region(region, strip_non_digits=True)
        if prefix is None or not plain.startswith(prefix):
            return None
    return f"+{parsed.country_code}{phonenumbers.national_significant_number(parsed)}"


def users(header: str) -> list[str]:
    """Return the user parts of all SIP and tel URIs in a header value."""
    return [sip or tel for sip, tel in URI_USER.findall(header[:LONGEST_HEADER])]
