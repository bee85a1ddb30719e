"""Wire formats, one module per protocol: bytes to objects and objects to bytes.

Frozen dataclasses hold every field as sent, so that packing a parsed object restores its bytes. Nothing
here reads files, knows tables or needs other packages; reading, redaction, the makers of captures and the
benchmarks use it.
"""


class MalformedError(ValueError):
    """Bytes that violate the protocol: too short, or contradictory."""


def number(digits: str, most: int, least: int = 0) -> int | None:
    """Return the number in ASCII digits; None if there is none, or if it is outside the limits."""
    if not (digits.isascii() and digits.isdigit()):
        return None
    significant = digits.lstrip("0") or "0"
    if len(significant) > len(str(most)):  # Python refuses to read thousands of digits
        return None
    value = int(significant)
    return value if least <= value <= most else None
