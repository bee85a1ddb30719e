"""Numbers and addresses as strangers write them: what they cannot be is not known.

A number enters arithmetic only if it has a place in the protocol: the limits are
those of the RFCs, and all far below where int64 ends.
"""

import re
from ipaddress import ip_address

PORT = 65_535
NAME = re.compile(r"(?:[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,62})\.)*[A-Za-z_][A-Za-z0-9_-]{0,62}\.?")
ADDRESS = re.compile(r"[0-9A-Fa-f.:]+(?:%[\w.:-]{1,64})?", re.ASCII)
LONGEST_NAME = 253  # RFC 1035, section 2.3.4


def number(digits: str, most: int, least: int = 0) -> int | None:
    """The number in ASCII digits; None if it is none, or outside the limits."""
    if not (digits.isascii() and digits.isdigit()):
        return None
    significant = digits.lstrip("0") or "0"
    if len(significant) > len(str(most)):  # Python refuses to read thousands of digits
        return None
    value = int(significant)
    return value if least <= value <= most else None


def host(text: str) -> str | None:
    """An IP address, or a name as hosts have (RFC 1123, section 2.1); None for anything else."""
    if ADDRESS.fullmatch(text):
        try:
            ip_address(text)
        except ValueError:
            pass
        else:
            return text
    return text if len(text) <= LONGEST_NAME and NAME.fullmatch(text) else None
