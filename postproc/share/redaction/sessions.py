"""Where sessions say that media goes: ends and payload types of session descriptions (RFC 8866, RFC 8839)."""

import re
from ipaddress import ip_address

MEDIA = re.compile(r"m=\w+ (\d{1,5})(?:/\d+)? (\S+)((?: \d{1,3})*)")
CONNECTION = re.compile(r"c=IN IP[46] ([0-9A-Fa-f.:]+)")
RTCP = re.compile(r"a=rtcp:(\d{1,5})(?: IN IP[46] ([0-9A-Fa-f.:]+))?")
CANDIDATE = re.compile(r"a=candidate:\S+ \d+ \w+ \d+ ([0-9A-Fa-f.:]+) (\d{1,5}) ")
CARRIES_RTP = "RTP"

End = tuple[bytes, int]


class Sessions:
    """The ends that descriptions name for RTP, and the payload types they may carry there."""

    def __init__(self) -> None:
        self._ends: dict[End, set[int]] = {}
        self.payload_types: set[int] = set()

    def note(self, description: str) -> None:
        """Learn the ends of a description."""
        session = ""
        for number, block in enumerate(re.split(r"(?m)^(?=m=)", description)):
            connection = CONNECTION.search(block)
            if not number:
                session = connection[1] if connection else ""
            elif found := MEDIA.match(block):
                self._note(block, found, connection[1] if connection else session)

    def _note(self, block: str, media: re.Match[str], addr: str) -> None:
        if CARRIES_RTP not in media[2]:
            return
        types = set(map(int, media[3].split()))
        self.payload_types |= types
        named = [(addr, media[1]), *CANDIDATE.findall(block)]
        named += [(other or addr, port) for port, other in RTCP.findall(block)]
        for host, port in named:
            if end := _end(host, int(port)):
                self._ends.setdefault(end, set()).update(types)

    def payload_types_at(self, end: End) -> set[int]:
        """The payload types that a description names for this end; none where none names it."""
        return self._ends.get(end, set())


def _end(host: str, port: int) -> End | None:
    try:
        return ip_address(host).packed, port
    except ValueError:
        return None
