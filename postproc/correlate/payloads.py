"""What SDP says of a stream: its codec and whether it is SRTP.

The receiver's description defines what is sent to it (RFC 3264, section 5.1).
Its section is found by ufrag or by transport address; else all of the leg's
are asked. Payload types nobody described have the meaning of RFC 3551, section 6.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import pandas as pd

from postproc.correlate.endpoints import Address, LegKey
from postproc.correlate.records import records

STATIC = {
    0: "PCMU", 3: "GSM", 4: "G723", 5: "DVI4", 6: "DVI4", 7: "LPC", 8: "PCMA", 9: "G722", 10: "L16",
    11: "L16", 12: "QCELP", 13: "CN", 14: "MPA", 15: "G728", 16: "DVI4", 17: "DVI4", 18: "G729",
    25: "CelB", 26: "JPEG", 28: "nv", 31: "H261", 32: "MPV", 33: "MP2T", 34: "H263",
}  # fmt: skip
SPELLING = {name.upper(): name for name in (*STATIC.values(), "opus", "telephone-event")}
SECURE, PLAIN = {"SAVP", "SAVPF"}, {"AVP", "AVPF"}


class Section(NamedTuple):
    """A media section of a leg's SDP; ``author`` is the description's o= line and Call-ID."""

    author: tuple[str | None, ...]
    ufrag: str | None
    address: tuple[str | None, int | None]
    proto: str | None
    codecs: str | None


Sections = dict[LegKey, list[Section]]


def sections(sdp_media: pd.DataFrame, legs: pd.DataFrame) -> Sections:
    """Return each leg's sections in use (port not 0), in time order; by (call, None) the whole call's."""
    leg_of = {call_id: (call, leg) for call_id, call, leg in records(legs, "call_id", "call", "leg")}
    ordered = sdp_media.sort_values("time", kind="stable")
    authors = records(ordered, "call_id", "sdp_owner", "session_id")
    rows = records(ordered, "ufrag", "connection_addr", "port", "proto", "codecs")
    found: dict[LegKey, dict[Section, None]] = {}
    for author, (ufrag, addr, port, proto, codecs) in zip(authors, rows, strict=True):
        leg = leg_of.get(author[0])
        if leg is not None and port != 0:
            section = Section(author, ufrag, (addr, port), proto, codecs)
            for key in {leg, (leg[0], None)}:
                found.setdefault(key, {})[section] = None
    return {key: list(held) for key, held in found.items()}


def nearest_first(held: Sequence[Section], receiver: Address, ufrag: str | None) -> list[list[Section]]:
    """Return the receiver's sections, the rest of its description, and all of them."""
    own = [s for s in held if (s.ufrag == ufrag if ufrag else s.address == receiver)]
    authors = {section.author for section in own}
    return [own, [section for section in held if section.author in authors], list(held)]


def codec(tiers: Sequence[Sequence[Section]], payload_type: int | None) -> str | None:
    """Return the encoding name of a payload type, without clock rate; NA if nobody defines it."""
    if payload_type is None:
        return None
    for section in (section for tier in tiers for section in tier):
        for number, name in _mapped(section.codecs or ""):
            if number == str(payload_type):
                return name
    return STATIC.get(payload_type)


def _mapped(codecs: str) -> Iterator[tuple[str, str]]:
    """Yield payload type and name of each item like ``8=PCMA/8000``."""
    for item in codecs.split(","):
        number, _, encoding = item.strip().partition("=")
        name = encoding.partition("/")[0]
        if name:
            yield number, SPELLING.get(name.upper(), name)


def secured(tiers: Sequence[Sequence[Section]]) -> bool | None:
    """Tell whether the profile is SRTP's (RFC 3711, 5124, 5764); NA where sections differ."""
    for tier in tiers:
        profiles = {(section.proto or "").upper().rpartition("/")[2] for section in tier}
        if profiles & (SECURE | PLAIN):
            return None if profiles & SECURE and profiles & PLAIN else bool(profiles & SECURE)
    return None
