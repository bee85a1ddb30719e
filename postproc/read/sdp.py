"""Session descriptions (RFC 8866) and their ICE candidates (RFC 8839) -> rows."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from postproc.model.addresses import addr_class
from postproc.read import limits

# RFC 3551, table 4 and 5: payload types that need no rtpmap.
STATIC_CODECS = {
    0: "PCMU/8000", 3: "GSM/8000", 4: "G723/8000", 5: "DVI4/8000", 6: "DVI4/16000", 7: "LPC/8000",
    8: "PCMA/8000", 9: "G722/8000", 10: "L16/44100", 11: "L16/44100", 12: "QCELP/8000", 13: "CN/8000",
    14: "MPA/90000", 15: "G728/8000", 16: "DVI4/11025", 17: "DVI4/22050", 18: "G729/8000",
    26: "JPEG/90000", 31: "H261/90000", 32: "MPV/90000", 33: "MP2T/90000", 34: "H263/90000",
}  # fmt: skip
LARGEST_TYPE = 127
DIRECTIONS = ("sendrecv", "sendonly", "recvonly", "inactive")
MEDIA = re.compile(r"(\S+)\s+(\d+)(?:/\d+)?\s+(\S+)\s*(.*)")
LARGEST_COMPONENT, LARGEST_PRIORITY = 256, 2**32 - 1  # RFC 8839, section 5.1; the wire has 32 bits for it
UFRAG = re.compile(r"\sufrag\s+(\S+)")


@dataclass
class Section:
    """The lines of the session (media is None) or of one m= section."""

    media: str | None = None
    connection: list[str] | None = None  # the fields of c=
    attributes: list[tuple[str, str]] = field(default_factory=list)

    def attribute(self, name: str) -> str | None:
        return next((value for key, value in self.attributes if key == name), None)

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.attributes if key == name]


class Description(NamedTuple):
    """A session description: the fields of o=, the session section and the media sections."""

    origin: list[str]
    session: Section
    media: list[Section]


def parse(text: str) -> Description:
    """Take a description apart; lines it does not know are passed over."""
    origin: list[str] = []
    sections = [Section()]
    for line in text.replace("\r", "\n").split("\n"):
        kind, value = line[:2], line[2:].strip()
        if kind == "m=":
            sections.append(Section(media=value))
        elif kind == "o=":
            origin = value.split()
        elif kind == "c=":
            sections[-1].connection = value.split()
        elif kind == "a=":
            name, _, content = value.partition(":")
            sections[-1].attributes.append((name.strip().lower(), content.strip()))
    return Description(origin, sections[0], sections[1:])


def media_rows(description: Description) -> Iterator[dict[str, Any]]:
    """Rows of sdp_media, without the columns of the message that carries them."""
    origin, session, sections = description
    for section in sections:
        yield (
            _origin(origin)
            | _media(section)
            | {
                "mid": section.attribute("mid"),
                "direction": _direction(section, session),
                "connection_addr": _connection(section, session),
                "ufrag": _either(section, session, "ice-ufrag"),
                "pwd_present": _either(section, session, "ice-pwd") is not None,
                "setup": _either(section, session, "setup"),
                "fingerprint": ", ".join(section.all("fingerprint") or session.all("fingerprint")) or None,
                "rtcp_mux": section.attribute("rtcp-mux") is not None,
                "rtcp_mux_only": section.attribute("rtcp-mux-only") is not None,
                "crypto": ",".join(_suites(section)) or None,
                "ice_lite": session.attribute("ice-lite") is not None,
                "ice_mismatch": "ice-mismatch"
                in {name for name, _ in (*section.attributes, *session.attributes)},
                "ice_options": _either(section, session, "ice-options") or None,
            }
        )


def candidate_rows(description: Description) -> Iterator[dict[str, Any]]:
    """Rows of candidates, without the columns of the message; an unparsable line is a row of NA."""
    origin, session, sections = description
    for index, section in enumerate(sections or [session]):
        lines = session.all("candidate") * (index == 0 and bool(sections)) + section.all("candidate")
        mid = section.attribute("mid") or str(index)
        for line in lines:
            found = UFRAG.search(line)
            ufrag = found[1] if found else _either(section, session, "ice-ufrag")
            yield {"sdp_owner": origin[0] if origin else None, "mid": mid, "ufrag": ufrag} | candidate(line)


def candidate(line: str) -> dict[str, Any]:
    """Columns of one a=candidate value (RFC 8839, section 5.1)."""
    fields = line.split()
    try:
        if fields[6].lower() != "typ":
            return {"addr_class": "invalid"}
        extensions = dict(zip(fields[8::2], fields[9::2], strict=False))
        related_port = extensions.get("rport")
        return {
            "foundation": fields[0],
            "component": _number(fields[1], LARGEST_COMPONENT),
            "transport": fields[2].lower(),
            "priority": _number(fields[3], LARGEST_PRIORITY),
            "addr": _host(fields[4]),
            "port": _number(fields[5], limits.PORT),
            "type": fields[7].lower(),
            "related_addr": limits.host(extensions.get("raddr", "")),
            "related_port": None if related_port is None else _number(related_port, limits.PORT),
            "addr_class": addr_class(fields[4]),
        }
    except (ValueError, IndexError):
        return {"addr_class": "invalid"}


def _number(digits: str, most: int) -> int:
    if (number := limits.number(digits, most)) is None:
        raise ValueError(digits[:40])
    return number


def _host(text: str) -> str:
    if (host := limits.host(text)) is None:
        raise ValueError(text[:40])
    return host


def _origin(fields: list[str]) -> dict[str, Any]:
    names = ("sdp_owner", "session_id", "session_version")
    return dict(zip(names, fields, strict=False))


def _media(section: Section) -> dict[str, Any]:
    found = MEDIA.fullmatch(section.media or "")
    if not found:
        return {}
    formats = found[4].split()
    return {
        "media": found[1].lower(),
        "port": limits.number(found[2], limits.PORT),
        "proto": found[3].upper(),
        "formats": ",".join(formats) or None,
        "codecs": ",".join(_codecs(formats, section)) or None,
    }


def _codecs(formats: list[str], section: Section) -> Iterator[str]:
    mapped = dict(value.split(None, 1) for value in section.all("rtpmap") if len(value.split(None, 1)) == 2)
    for name in formats:
        number = limits.number(name, LARGEST_TYPE)
        static = None if number is None else STATIC_CODECS.get(number)
        if codec := mapped.get(name) or static:
            yield f"{name}={'/'.join(codec.split('/')[:2])}"


def _suites(section: Section) -> Iterator[str]:
    """Yield the crypto suite of each a=crypto line (RFC 4568, section 9.2): ``tag suite inline:key``."""
    for line in section.all("crypto"):
        if len(fields := line.split(None, 2)) >= 2:
            yield fields[1]


def _direction(section: Section, session: Section) -> str:
    """The direction in force: the section's, the session's, else sendrecv (RFC 8866, section 6.7)."""
    for where in (section, session):
        for name, _ in where.attributes:
            if name in DIRECTIONS:
                return name
    return "sendrecv"


def _either(section: Section, session: Section, name: str) -> str | None:
    return section.attribute(name) or session.attribute(name)


def _connection(section: Section, session: Section) -> str | None:
    fields = session.connection if section.connection is None else section.connection
    return limits.host(fields[2].split("/")[0]) if fields and len(fields) >= 3 else None
