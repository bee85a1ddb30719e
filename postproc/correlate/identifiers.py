"""What looks like the id of a call: random, not a name, number, version, address or time."""

import re

from postproc import constants

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
LONGEST_HEADER = constants.count("sip.longest_header")
LONGEST_NUMBER = constants.count("ids.longest_number")  # digits of a telephone number (E.164)


def words(value: str) -> list[str]:
    """Return the value whole and taken apart at blanks, brackets, quotes, commas, semicolons, equal signs."""
    whole = value[:LONGEST_HEADER].strip()
    return list(dict.fromkeys(word for word in (whole, *WORDS.split(whole)) if word))


def local_part(call_id: str) -> str:
    """Return what stands before the host in a Call-ID (RFC 3261, section 8.1.1.4), without brackets."""
    return (call_id.partition("@")[0] or call_id).strip("{}<>\"' ")


def is_named_id(word: str) -> bool:
    """Return whether the value of a header that is there for ids holds one: not null, not a mere flag."""
    told = SHORTEST <= len(word) <= LONGEST and len(set(word) - set("0-")) > 1
    return told and sum(map(str.isdigit, word)) >= FEWEST_DIGITS


def looks_random(word: str) -> bool:
    """Return whether a value of unknown purpose is an id beyond doubt."""
    word = local_part(word)
    if URI.match(word) or MAC.fullmatch(word) or VERSION_OR_ADDRESS.search(word) or DATE.match(word):
        return False
    if not is_named_id(word):
        return False
    if word.isdigit():
        return len(word) > LONGEST_NUMBER
    return bool(UUID.search(word) or HEX_RUN.search(word)) or len(CHANGE.findall(word)) >= FEWEST_CHANGES
