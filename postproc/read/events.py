"""Turn tshark's frames into the message tables of one capture, and mark second captures of a packet.

A second capture (SPAN ports, ``any``, two interfaces) has the same bytes from the IP header on, except TTL
and checksum, within 5 ms: at another interface, or at the same one with the same TTL. Without an IP
identification a sender's own repetition looks alike, so only 0.5 ms count then. A SIP message copied in HEP
is a second capture too: same ends and bytes within 250 ms, by its agent's clock or the capture's.

ICMP errors are parsed here with the packet they quote (RFC 792, RFC 4443); SIP, SDP, STUN and DTLS have
modules of their own.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from itertools import islice
from typing import Any, NamedTuple

import pyarrow as pa

from postproc.model import constants
from postproc.model.events import Events, captured, of_records, with_columns
from postproc.model.tables import BY_NAME
from postproc.read import connections, dtls, hep, limits, sdp, sip, stun
from postproc.read.frame import Frame
from postproc.wire import MalformedError, ip
from postproc.wire import stun as wire
from postproc.wire.ip import ICMP, ICMPV6, TCP, UDP, IcmpMessage, written
from postproc.wire.transport import UDP_HEADER

BATCH = 4000  # rows held as dicts before they become a table, which is far smaller
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
# The same for a copy in HEP, whose agent has its own clock: half of T1, after which SIP is retransmitted
# (RFC 3261, section 17.1.1.1). Wider, a retransmission would count as a copy; a clock further off than this
# leaves copies unrecognised.
WINDOW_OF_AGENT = 250_000_000  # ns
QUOTED_TRANSPORTS = {UDP: "udp", TCP: "tcp"}
ICMP_ERRORS = constants.icmp_types("icmp.errors")
PORTS_SIZE = 4  # bytes of the transport header that a quote must have to identify a flow
ICMP_LAYERS = {"icmp": (ICMP, 4), "icmpv6": (ICMPV6, 6)}

Row = tuple[str, dict[str, Any]]


def events(frames: Iterable[Frame], name: str, warnings: list[str]) -> Events:
    """Return the message tables of the frames with ``name`` as their ``capture`` and copies marked.

    What exceeds a limit is dropped and reported in ``warnings``.
    """
    pending: dict[str, list[dict[str, Any]]] = {table: [] for table in MESSAGE_TABLES}
    batches: dict[str, list[pa.Table]] = {table: [] for table in MESSAGE_TABLES}
    sightings: list[Sighting] = []
    guessed: set[int] = set()
    for frame in sip.headed(sip.completed(hep.opened(frames)), warnings):
        sightings.append(sighting(frame))
        guessed.update([frame.number] * frame.guessed)
        frame_rows = rows(frame)
        for table, row in islice(frame_rows, limits.ROWS):
            pending[table].append(row)
            if len(pending[table]) == BATCH:
                batches[table].append(_batch(table, pending))
        if more := sum(1 for _ in frame_rows):
            warnings.append(f"{more} headers, media or candidates of frame {frame.number} left out")
    sure = [sight for sight in sightings if sight.frame not in guessed]
    copy_of = copies_of(sight for sight in sure if sight.arrived is None)
    copy_of |= agents_copies(sure, copy_of)
    found = Events()
    for table, parts in batches.items():
        if pending[table]:
            parts.append(_batch(table, pending))
        if parts:
            found[table] = captured(_marked(pa.concat_tables(parts), copy_of, guessed), name)
    if "connection_events" in found:
        of_signalling = connections.of_signalling(found["connection_events"], found.get("sip_messages"))
        found["connection_events"] = of_signalling
    return {table: each for table, each in found.items() if len(each)}


def rows(frame: Frame) -> Iterator[Row]:
    """Yield the rows of one frame, each with its table's name."""
    if "icmp" in frame.protocols or "icmpv6" in frame.protocols:  # quoted packets are no messages
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
    text = None if frame.cut_short else sip.description(parsed)  # half a description proves nothing
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


def _batch(table: str, pending: dict[str, list[dict[str, Any]]]) -> pa.Table:
    """Return the rows of a table that are pending, which they are no longer."""
    records, pending[table] = pending[table], []
    return of_records(BY_NAME[table], records)


def _marked(rows: pa.Table, copy_of: Mapping[int, int], guessed: Collection[int]) -> pa.Table:
    """Mark copies, with their originals by frame number, and frames whose time is not their own."""
    if "copy_of" not in rows.column_names:
        return rows
    frames = rows["frame"].to_pylist()
    marks = {"copy_of": map(copy_of.get, frames), "time_guessed": (frame in guessed for frame in frames)}
    return with_columns(rows, {column: list(values) for column, values in marks.items()})


class Sighting(NamedTuple):
    """The properties of a frame that identify copies."""

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
    """Return by frame number of each copy that of the packet first seen."""
    first: dict[bytes, Sighting] = {}
    originals: dict[int, int] = {}
    for sight in sorted(sightings, key=lambda s: (s.time, s.frame)):
        original = first.get(sight.digest)
        if original and _is_copy(sight, original):
            originals[sight.frame] = original.frame
        else:
            first[sight.digest] = sight
    return originals


def agents_copies(sightings: Sequence[Sighting], copies: Mapping[int, int]) -> dict[int, int]:
    """Return by frame number of each copy in HEP that of the packet itself, else of the first copy."""
    if all(seen.arrived is None for seen in sightings):
        return {}
    first: dict[bytes, list[Sighting]] = {}
    originals: dict[int, int] = {}
    for seen in sorted(sightings, key=lambda sight: (sight.arrived is not None, sight.time, sight.frame)):
        for content in () if seen.frame in copies else seen.contents:
            earlier = first.setdefault(content, [])
            original = next((each for each in earlier if _is_agents_copy(seen, each)), None)
            if original:
                originals[seen.frame] = original.frame
            else:
                earlier.append(seen)
    return originals


def _is_agents_copy(sight: Sighting, original: Sighting) -> bool:
    """Return whether a frame with HEP copies the original, by the agent's clock or the capture's."""
    if sight.arrived is None or sight.frame == original.frame:
        return False
    came = original.time if original.arrived is None else original.arrived
    return min(abs(sight.time - original.time), abs(sight.arrived - came)) < WINDOW_OF_AGENT


def _is_copy(sight: Sighting, original: Sighting) -> bool:
    if sight.frame == original.frame:  # a segment may hold several messages
        return False
    window = WINDOW if sight.identified else WINDOW_WITHOUT_ID
    elsewhere = sight.interface != original.interface
    return sight.time - original.time < window and (elsewhere or sight.ttl == original.ttl)


def icmp_error(frame: Frame) -> dict[str, Any] | None:
    """Return the error as one row; None if it is no error or quotes neither UDP nor TCP."""
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
