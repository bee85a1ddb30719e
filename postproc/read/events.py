"""tshark's frames -> the message tables of one capture, second captures of a packet marked.

A second capture (SPAN ports, ``any``, two interfaces) has the same bytes from the IP header on
(TTL and checksum aside) within 5 ms: seen at another interface, or at the same one with the same
TTL. A sender that leaves the IP identification at 0 could repeat itself so fast that only 0.5 ms
counts then. A SIP message copied in HEP is a second capture, too: the same ends and bytes, by its
agent's clock or by that of the capture within 250 ms.

ICMP errors are read here with the packet they quote (RFC 792, RFC 4443); SIP, SDP, STUN and DTLS
have modules of their own.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from itertools import islice
from typing import Any, NamedTuple

import pandas as pd

from postproc.model import constants
from postproc.model.columns import FLAG, INTEGER, array
from postproc.model.tables import BY_NAME, Tables
from postproc.read import connections, dtls, hep, limits, sdp, sip, stun
from postproc.read.frame import Frame
from postproc.wire import MalformedError, ip
from postproc.wire import stun as wire
from postproc.wire.ip import ICMP, ICMPV6, TCP, UDP, IcmpMessage, written
from postproc.wire.transport import UDP_HEADER

BATCH = 4000  # rows held as dicts before they become a DataFrame, which is far smaller
MESSAGE_TABLES = (
    "sip_messages",
    "sip_headers",
    "sdp_media",
    "candidates",
    "stun_messages",
    "dtls_messages",
    "icmp_errors",
    "connection_events",
)
WINDOW = constants.nanoseconds("copies.window_s")
WINDOW_WITHOUT_ID = constants.nanoseconds("copies.window_without_id_s")
# The same for a copy in HEP, whose agent has a clock of its own: half of T1, after which SIP repeats itself
# (RFC 3261, section 17.1.1.1). A clock further away is not compared; wider, a repetition would be a copy.
WINDOW_OF_AGENT = 250_000_000  # ns
QUOTED_TRANSPORTS = {UDP: "udp", TCP: "tcp"}
ICMP_ERRORS = constants.icmp_types("icmp.errors")
PORTS_SIZE = 4  # bytes: the least that a quote is of use with
ICMP_LAYERS = {"icmp": (ICMP, 4), "icmpv6": (ICMPV6, 6)}

Row = tuple[str, dict[str, Any]]


def events(frames: Iterable[Frame], name: str, warnings: list[str]) -> Tables:
    """The message tables of the frames; ``capture`` is ``name``, copies are marked.

    What a limit cuts is added to ``warnings``.
    """
    pending: dict[str, list[dict[str, Any]]] = {table: [] for table in MESSAGE_TABLES}
    done: dict[str, list[pd.DataFrame]] = {table: [] for table in MESSAGE_TABLES}
    sightings: list[Sighting] = []
    guessed: set[int] = set()
    for frame in sip.headed(sip.completed(hep.opened(frames)), warnings):
        sightings.append(sighting(frame))
        guessed.update([frame.number] * frame.guessed)
        found = rows(frame)
        for table, row in islice(found, limits.ROWS):
            pending[table].append(row)
            if len(pending[table]) == BATCH:
                done[table].append(_frame(table, pending[table]))
                pending[table] = []
        if more := sum(1 for _ in found):
            warnings.append(f"{more} headers, media or candidates of frame {frame.number} left out")
    sure = [sight for sight in sightings if sight.frame not in guessed]
    copy_of = copies_of(sight for sight in sure if sight.arrived is None)
    copy_of |= agents_copies(sure, copy_of)
    made = {
        table: _finish(table, done[table], pending[table], name, Marks(copy_of, guessed))
        for table in MESSAGE_TABLES
    }
    of_signalling = connections.of_signalling(made["connection_events"], made["sip_messages"])
    return Tables(**made).with_(connection_events=of_signalling)


def rows(frame: Frame) -> Iterator[Row]:
    """The rows of one frame, each with its table's name."""
    if "icmp" in frame.protocols or "icmpv6" in frame.protocols:  # what they quote are no messages
        error = icmp_error(frame)
        yield from [("icmp_errors", error)] if error else []
        return
    for message in frame.messages.get("sip", []):
        yield from _sip(frame, message)
    for row in connections.rows(frame):
        yield "connection_events", row
    for row in stun.rows(frame):
        yield "stun_messages", row
    for row in dtls.rows(frame):
        yield "dtls_messages", row


def _sip(frame: Frame, message: bytes) -> Iterator[Row]:
    parsed = sip.parse(message)
    if not parsed:
        return
    text = sip.description(parsed)
    row = sip.message_row(frame, parsed, has_sdp=text is not None)
    yield "sip_messages", row
    yield from (("sip_headers", header) for header in sip.header_rows(frame, parsed))
    if text:
        description = sdp.parse(text)
        key = {name: row[name] for name in ("frame", "time", "call_id")}
        yield from (("sdp_media", key | media) for media in sdp.media_rows(description))
        key["cseq"] = row["cseq"]
        yield from (("candidates", key | line) for line in sdp.candidate_rows(description))
    elif fragment := sip.trickled(parsed):
        key = {name: row[name] for name in ("frame", "time", "call_id", "cseq")}
        yield from (("candidates", key | line) for line in sdp.candidate_rows(sdp.parse(fragment)))


def _frame(table: str, records: list[dict[str, Any]]) -> pd.DataFrame:
    return BY_NAME[table].rows(records)


def _finish(
    table: str,
    parts: list[pd.DataFrame],
    left: list[dict[str, Any]],
    name: str,
    marks: "Marks",
) -> pd.DataFrame:
    """The table of one capture: of ``parts``, and of records that are in none yet."""
    declared = BY_NAME[table]
    if parts:
        whole = pd.concat([*parts, _frame(table, left)] if left else parts, ignore_index=True)
        if "copy_of" in declared.names:
            frames = whole["frame"].tolist()
            whole["copy_of"] = array([marks.copy_of.get(frame) for frame in frames], INTEGER)
            whole["time_guessed"] = array([frame in marks.guessed for frame in frames], FLAG)
        return declared.conform(declared.captured(whole, name))
    for record in left:  # so that the table is made once
        record["capture"] = name
        if "copy_of" in declared.names:
            record["copy_of"] = marks.copy_of.get(record["frame"])
            record["time_guessed"] = record["frame"] in marks.guessed
    return declared.rows(left)


class Marks(NamedTuple):
    """Frames that are copies of others, and those whose time is not their own."""

    copy_of: Mapping[int, int]
    guessed: Collection[int]


class Sighting(NamedTuple):
    """One frame, as far as copies are recognised by it."""

    frame: int
    time: int
    interface: int
    ttl: int
    identified: bool
    digest: bytes
    contents: tuple[bytes, ...] = ()  # of SIP messages with their ends
    arrived: int | None = None  # when a copy in HEP was captured


def sighting(frame: Frame) -> Sighting:
    start = max(frame.packet.find(frame.ip), 0) if frame.ip else 0
    packet = bytearray(frame.packet[start:])
    identified, ttl = False, 0
    if len(frame.ip) >= 20 and frame.ip[0] >> 4 == 4:
        identified, ttl = frame.ip[4:6] != b"\0\0", frame.ip[8]
        packet[8:9], packet[10:12] = b"\0", b"\0\0"
    elif len(frame.ip) >= 40:
        ttl, packet[7:8] = frame.ip[7], b"\0"
    digest = blake2b(packet, digest_size=16).digest()
    ends = frame.src_addr, frame.src_port, frame.dst_addr, frame.dst_port
    contents = tuple(
        blake2b(f"{ends}".encode() + message, digest_size=16).digest()
        for message in frame.messages.get("sip", [])
    )
    return Sighting(
        frame.number, frame.time, frame.interface, ttl, identified, digest, contents, frame.arrived
    )


def copies_of(sightings: Iterable[Sighting]) -> dict[int, int]:
    """Frame number of each copy -> frame number of the packet first seen."""
    first: dict[bytes, Sighting] = {}
    found: dict[int, int] = {}
    for seen in sorted(sightings, key=lambda s: (s.time, s.frame)):
        original = first.get(seen.digest)
        if original and _is_copy(seen, original):
            found[seen.frame] = original.frame
        else:
            first[seen.digest] = seen
    return found


def agents_copies(sightings: Sequence[Sighting], copies: Mapping[int, int]) -> dict[int, int]:
    """Frame number of each copy in HEP -> that of the packet itself, else of the copy that came first."""
    if all(seen.arrived is None for seen in sightings):
        return {}
    first: dict[bytes, list[Sighting]] = {}
    found: dict[int, int] = {}
    for seen in sorted(sightings, key=lambda sight: (sight.arrived is not None, sight.time, sight.frame)):
        for content in () if seen.frame in copies else seen.contents:
            known = first.setdefault(content, [])
            original = next((each for each in known if _is_agents_copy(seen, each)), None)
            if original:
                found[seen.frame] = original.frame
            else:
                known.append(seen)
    return found


def _is_agents_copy(seen: Sighting, original: Sighting) -> bool:
    """By the agent's clock, or by that of the capture."""
    if seen.arrived is None or seen.frame == original.frame:
        return False
    came = original.time if original.arrived is None else original.arrived
    return min(abs(seen.time - original.time), abs(seen.arrived - came)) < WINDOW_OF_AGENT


def _is_copy(seen: Sighting, original: Sighting) -> bool:
    if seen.frame == original.frame:  # a segment may hold several messages
        return False
    window = WINDOW if seen.identified else WINDOW_WITHOUT_ID
    elsewhere = seen.interface != original.interface
    return seen.time - original.time < window and (elsewhere or seen.ttl == original.ttl)


def icmp_error(frame: Frame) -> dict[str, Any] | None:
    """The error as one row; None when it is no error or quotes neither UDP nor TCP."""
    for layer, (protocol, version) in ICMP_LAYERS.items():
        for data in frame.messages.get(layer, []):
            try:
                message = ip.parse_icmp(protocol, data)
                quote = _quote(message) if (version, message.kind) in ICMP_ERRORS else None
            except MalformedError:
                continue
            if quote:
                return quote | {
                    "frame": frame.number,
                    "time": frame.time,
                    "reporter": frame.src_addr,
                    "version": version,
                    "type": message.kind,
                    "code": message.code,
                }
    return None


def _quote(message: IcmpMessage) -> dict[str, Any] | None:
    packet = message.quoted()
    segment = packet.payload
    behind = packet.fragment is not None and packet.fragment.offset > 0  # without the ports
    if packet.protocol not in QUOTED_TRANSPORTS or len(segment) < PORTS_SIZE or behind:
        return None
    return {
        "src_addr": written(packet.source),
        "src_port": int.from_bytes(segment[0:2]),
        "dst_addr": written(packet.destination),
        "dst_port": int.from_bytes(segment[2:4]),
        "transport": QUOTED_TRANSPORTS[packet.protocol],
        "transaction_id": _transaction(segment[UDP_HEADER:]) if packet.protocol == UDP else None,
    }


def _transaction(datagram: bytes) -> str | None:
    has_cookie = len(datagram) >= wire.HEADER and datagram[4:8] == wire.COOKIE
    return wire.parse(datagram).transaction.hex() if has_cookie else None
