"""Make rows of sdp_media and candidates from session descriptions (RFC 8866) with ICE (RFC 8839)."""

import re
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

from postproc.model.addresses import addr_class
from postproc.read import limits
from postproc.wire import MalformedError, number
from postproc.wire import sdp as wire
from postproc.wire.rtp import STATIC_PAYLOAD_TYPES
from postproc.wire.sdp import Description, Section

LARGEST_TYPE = 127
INLINE = re.compile(r"inline:([^|;\s]+)")  # key and salt, without lifetime and MKI (RFC 4568, section 6.1)
DIGEST = 8  # hex digits kept
ALTERNATIVES, ALTC_FIELDS = 8, 4  # most kept per section: a choice, RFC 6947 has two
DIRECTIONS = ("sendrecv", "sendonly", "recvonly", "inactive")
UFRAG = re.compile(r"\sufrag\s+(\S+)")
INVALID = {"addr_class": "invalid"}
AMR = ("AMR", "AMR-WB")
# Parameters that have to be the same on both sides (RFC 4867, section 8.3.1).
PACKING = ("octet-align", "crc", "robust-sorting", "interleaving")

parse = wire.parse


def media_rows(description: Description) -> Iterator[dict[str, Any]]:
    """Yield rows of sdp_media, without the columns of the message that carries them."""
    session, sections = description
    origin = dict(zip(("sdp_owner", "session_id", "session_version"), _origin(session), strict=False))
    for section in sections:
        yield (
            origin
            | _media(section)
            | {
                "mid": section.attribute("mid"),
                "direction": _direction(section, session),
                "connection_addr": _connection(section, session),
                "alternatives": ",".join(_alternatives(section)) or None,
                "ufrag": _either(section, session, "ice-ufrag"),
                "pwd_present": _either(section, session, "ice-pwd") is not None,
                "setup": _either(section, session, "setup"),
                "fingerprint": ", ".join(section.all("fingerprint") or session.all("fingerprint")) or None,
                "rtcp_mux": section.attribute("rtcp-mux") is not None,
                "rtcp_mux_only": section.attribute("rtcp-mux-only") is not None,
                "crypto": ",".join(suite for _, suite in _suites(section)) or None,
                "crypto_tags": ",".join(tag for tag, _ in _suites(section)) or None,
                "crypto_keys": ",".join(_digests(section)) or None,
                "ice_lite": session.attribute("ice-lite") is not None,
                "ice_mismatch": "ice-mismatch"
                in {name for name, _ in (*section.attributes, *session.attributes)},
                "ice_options": _either(section, session, "ice-options") or None,
            }
        )


def candidate_rows(description: Description) -> Iterator[dict[str, Any]]:
    """Yield rows of candidates, without the columns of the message; an unparsable line has only NA."""
    session, sections = description
    owner = next(iter(_origin(session)), None)
    for index, section in enumerate(sections or [session]):
        lines = session.all("candidate") * (index == 0 and bool(sections)) + section.all("candidate")
        mid = section.attribute("mid") or str(index)
        for line in lines:
            match = UFRAG.search(line)
            ufrag = match[1] if match else _either(section, session, "ice-ufrag")
            yield {"sdp_owner": owner, "mid": mid, "ufrag": ufrag} | candidate(line)


def candidate(line: str) -> dict[str, Any]:
    """Return the columns of one a=candidate value; if malformed only ``addr_class``, "invalid"."""
    try:
        parsed = wire.parse_candidate(line)
    except MalformedError:
        return INVALID
    addr = limits.host(parsed.addr)
    if addr is None:
        return INVALID
    return {
        "foundation": parsed.foundation,
        "component": parsed.component,
        "transport": parsed.transport.lower(),
        "priority": parsed.priority,
        "addr": addr,
        "port": parsed.port,
        "type": parsed.kind.lower(),
        "related_addr": limits.host(parsed.extension("raddr") or ""),
        "related_port": parsed.related_port,
        "addr_class": addr_class(addr),
    }


def _origin(session: Section) -> list[str]:
    return (session.value("o") or "").split()


def _media(section: Section) -> dict[str, Any]:
    try:
        media = wire.parse_media(section.value("m") or "")
    except MalformedError:
        return {}
    return {
        "media": media.kind.lower(),
        "port": media.port,
        "proto": media.proto.upper(),
        "formats": ",".join(media.formats) or None,
        "codecs": ",".join(_codecs(media.formats, section)) or None,
        "packing": ",".join(_packing(media.formats, section)) or None,
    }


def _codecs(formats: tuple[str, ...], section: Section) -> Iterator[str]:
    mapped = dict(value.split(None, 1) for value in section.all("rtpmap") if len(value.split(None, 1)) == 2)
    for name in formats:
        payload_type = number(name, LARGEST_TYPE)
        if codec := mapped.get(name):
            yield f"{name}={'/'.join(codec.split('/')[:2])}"
        elif payload_type in STATIC_PAYLOAD_TYPES:
            encoding, rate = STATIC_PAYLOAD_TYPES[payload_type]
            yield f"{name}={encoding}/{rate}"


def _packing(formats: tuple[str, ...], section: Section) -> Iterator[str]:
    """Yield ``format=parameters`` of each AMR format; without PACKING: ``plain``, bandwidth-efficient."""
    said = dict(value.split(None, 1) for value in section.all("fmtp") if len(value.split(None, 1)) == 2)
    for each in _codecs(formats, section):
        name, _, codec = each.partition("=")
        if codec.split("/")[0].upper() in AMR:
            pairs = (item.strip().lower().partition("=") for item in said.get(name, "").split(";"))
            given = {key: value.strip() for key, _, value in pairs}
            yield f"{name}={'+'.join(key for key in PACKING if given.get(key, '0') != '0') or 'plain'}"


def _alternatives(section: Section) -> Iterator[str]:
    """Yield address and port of each a=altc (RFC 6947, section 3): ``number IP4|IP6 address port``."""
    for line in section.all("altc")[:ALTERNATIVES]:
        fields = line.split()
        addr = limits.host(fields[2]) if len(fields) == ALTC_FIELDS else None
        if addr and (port := number(fields[3].partition("/")[0], wire.LARGEST_PORT)):
            yield f"{addr} {port}"


def _suites(section: Section) -> Iterator[tuple[str, str]]:
    """Yield tag and suite of each a=crypto line (RFC 4568, section 9.2): ``tag suite inline:key``."""
    for line in section.all("crypto"):
        if len(fields := line.split(None, 2)) >= 2:
            yield fields[0], fields[1]


def _digests(section: Section) -> Iterator[str]:
    """Yield a digest of each a=crypto line's keys: they are long and random, and so cannot be guessed."""
    for line in section.all("crypto"):
        if len(fields := line.split(None, 2)) >= 2:
            keys = INLINE.findall(" ".join(fields[2:]))
            yield sha256(";".join(keys).encode()).hexdigest()[:DIGEST] if keys else ""


def _direction(section: Section, session: Section) -> str:
    """Return the section's direction, else the session's, else sendrecv (RFC 8866, section 6.7)."""
    for where in (section, session):
        for name, _ in where.attributes:
            if name in DIRECTIONS:
                return name
    return "sendrecv"


def _either(section: Section, session: Section, name: str) -> str | None:
    return section.attribute(name) or session.attribute(name)


def _connection(section: Section, session: Section) -> str | None:
    connection = section.value("c")
    try:
        return limits.host(
            wire.parse_connection(session.value("c") or "" if connection is None else connection)
        )
    except MalformedError:
        return None
