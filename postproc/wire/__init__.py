"""Protocols as they are on the wire: a module each, bytes -> objects and objects -> bytes.

Frozen dataclasses hold every field that was sent, so that what is packed again is what
was parsed. Nothing here reads a file, knows a table or needs another package; reading,
redaction, the makers of captures and the benchmark speak through it.
"""


class MalformedError(ValueError):
    """Bytes that no sender of this protocol writes: too short, or contradicting themselves."""


def number(digits: str, most: int, least: int = 0) -> int | None:
    """The number in ASCII digits; None if it is none, or outside the limits."""
    if not (digits.isascii() and digits.isdigit()):
        return None
    significant = digits.lstrip("0") or "0"
    if len(significant) > len(str(most)):  # Python refuses to read thousands of digits
        return None
    value = int(significant)
    return value if least <= value <= most else None
