"""Recognise telephone numbers, names and ids of calls in SIP headers."""

import re
from typing import NamedTuple

from postproc.model import constants

# Telephone numbers as keys that two legs share however each writes them.
#
# E.164 where the number is global (RFC 3966) or the region's dialling rules make it
# so; else its last seven digits; short numbers and names as they are. A withheld
# number has no key.


TAIL = constants.count("users.tail")
LONGEST_USER = constants.count("users.longest")
VISUAL = re.compile(r"[\s().\-/]")
DIGITS = re.compile(r"\+?[0-9]+")
# Lengths are bounded, so that the time to search a hostile header is too.
URI_USER = re.compile(
    rf"sips?:([^@>;,\s\"]{{1,{LONGEST_USER}}})[^@>,\s\"]{{0,{LONGEST_USER}}}@|tel:([^>;,\s\"]{{1,{LONGEST_USER}}})",
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
    if not name or name in WITHHELD or len(name) > LONGEST_USER:
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
        # Only with its national prefix is it complete; without, it may be a local or foreign number.
        prefix = phonenumbers.ndd_prefix_for_region(region, strip_non_digits=True)
        if prefix is None or not plain.startswith(prefix):
            return None
    return f"+{parsed.country_code}{phonenumbers.national_significant_number(parsed)}"


def users(header: str) -> list[str]:
    """Return the user parts of all SIP and tel URIs in a header value."""
    return [sip or tel for sip, tel in URI_USER.findall(header[:LONGEST_HEADER])]


# Words that look like the id of a call: random, and no name, number, version, address or time.


SHORTEST, LONGEST = constants.count("ids.shortest"), constants.count("ids.longest")
FEWEST_DIGITS, FEWEST_CHANGES = constants.count("ids.fewest_digits"), constants.count("ids.fewest_changes")
HEX_DIGITS = constants.count("ids.hex_run")
WORDS = re.compile(r"[\s;,=<>{}()\"']+")
UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
MAC = re.compile(r"[0-9a-f]{12}|[0-9a-f]{2}(?:[:-][0-9a-f]{2}){5}", re.IGNORECASE)
VERSION_OR_ADDRESS = re.compile(r"\d+\.\d+\.\d+|^[0-9a-f:]*::[0-9a-f:]*$", re.IGNORECASE)
DATE = re.compile(r"\d{4}-\d\d-\d\d")
URI = re.compile(f"(?:{'|'.join(constants.words('ids.uri_schemes'))}):", re.IGNORECASE)
HEX_RUN = re.compile(rf"(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{{{HEX_DIGITS},}}", re.IGNORECASE)
CHANGE = re.compile(r"(?<=\d)(?=[a-z])|(?<=[a-z])(?=\d)", re.IGNORECASE)
LONGEST_NUMBER = constants.count("ids.longest_number")  # digits of a telephone number (E.164)


def words(value: str) -> list[str]:
    """Return the value, and its parts split at blanks, brackets, quotes, commas, semicolons, equal signs."""
    whole = value[:LONGEST_HEADER].strip()
    return list(dict.fromkeys(word for word in (whole, *WORDS.split(whole)) if word))


def local_part(call_id: str) -> str:
    """Return the part of a Call-ID before the host (RFC 3261, section 8.1.1.4), without brackets."""
    return (call_id.partition("@")[0] or call_id).strip("{}<>\"' ")


def is_named_id(word: str) -> bool:
    """Return whether a word in a header meant for ids is one: neither null nor a mere flag."""
    plausible = SHORTEST <= len(word) <= LONGEST and len(set(word) - set("0-")) > 1
    return plausible and sum(map(str.isdigit, word)) >= FEWEST_DIGITS


def looks_random(word: str) -> bool:
    """Return whether a word of unknown purpose is certainly an id."""
    word = local_part(word)
    if URI.match(word) or MAC.fullmatch(word) or VERSION_OR_ADDRESS.search(word) or DATE.match(word):
        return False
    if not is_named_id(word):
        return False
    if word.isdigit():
        return len(word) > LONGEST_NUMBER
    return bool(UUID.search(word) or HEX_RUN.search(word)) or len(CHANGE.findall(word)) >= FEWEST_CHANGES
