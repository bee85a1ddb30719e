"""DTLS handshakes: their two ends, their state, and their call and leg (RFC 5764, RFC 6347, RFC 9147)."""

import hashlib
import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pandas as pd

from postproc.correlate.endpoints import Address, Index, Pair, pair_of
from postproc.correlate.relays import Allocations, ends_beyond
from postproc.correlate.rows import records
from postproc.correlate.spans import LegKey
from postproc.correlate.whose import Owner, Traffic, owner, ufrag_at
from postproc.model import constants
from postproc.model.tables import DTLS

# DTLS messages of one pair of addresses cut into handshakes (RFC 6347, section 4.2; RFC 9147).
#
# A ClientHello in the clear opens a new handshake if the previous one is over:
# completed some time ago, closed, silent for longer than any retransmission timer,
# or another call's. Everything else belongs to the handshake in progress.


SILENCE = constants.nanoseconds("dtls.silence_s")
LATE = constants.nanoseconds("dtls.late_s")
# ns. The same message_seq again within this time is the message's next fragment, not a retransmission: the
# fragments of a flight leave together, while libwebrtc retransmits after 50 ms and others after 1 s (RFC
# 6347, section 4.2.4.1). From 50 ms on it would hide libwebrtc's retransmissions.
FLIGHT = 20_000_000

FROM_CLIENT = {"client_hello", "client_key_exchange"}
FROM_SERVER = {"server_hello", "hello_verify_request", "server_key_exchange", "server_hello_done"}
CLOSING = {"close_notify", "encrypted"}
WARNINGS = frozenset(constants.words("dtls.warnings"))


class Message(NamedTuple):
    """A row of dtls_messages; time in ns since 1970."""

    frame: int
    time: int
    src: Address
    dst: Address
    content: str | None
    type: str | None
    seq: int | None
    alert: str | None
    epoch: int | None
    certificate: str | None


@dataclass
class Handshake:
    """Messages of one handshake, in time order; ``protected``: each sender's first record under new keys."""

    messages: list[Message] = field(default_factory=list)
    protected: dict[Address, int] = field(default_factory=dict)
    closed: bool = False

    def add(self, message: Message) -> None:
        if is_protected(message):
            self.protected.setdefault(message.src, message.time)
        self.closed |= len(self.protected) > 1 and message.alert in CLOSING
        self.messages.append(message)


def is_hello(message: Message) -> bool:
    return message.type == "client_hello" and not message.epoch


def is_protected(message: Message) -> bool:
    """Return whether the sender has the new keys: it sent ChangeCipherSpec, or a record under them.

    DTLS 1.3 hides the type of such a record (RFC 9147, section 4), so its Finished may look like
    application data. An alert under the new keys is no proof.
    """
    if message.content == "change_cipher_spec" or message.type == "encrypted":
        return True
    return message.content in ("handshake", "ack", "application_data") and bool(message.epoch)


def handshakes(messages: Iterable[Message], same_call: Callable[[Message, Message], bool]) -> list[Handshake]:
    """Cut the messages between two addresses, in time order, into handshakes."""
    all_handshakes: list[Handshake] = []
    for message in messages:
        if not all_handshakes or (is_hello(message) and _is_over(all_handshakes[-1], message, same_call)):
            all_handshakes.append(Handshake())
        all_handshakes[-1].add(message)
    return all_handshakes


def _is_over(handshake: Handshake, hello: Message, same_call: Callable[[Message, Message], bool]) -> bool:
    last = handshake.messages[-1]
    if handshake.closed or hello.time - last.time > SILENCE or not has_handshake(handshake):
        return True
    if len(handshake.protected) > 1:
        return hello.time - max(handshake.protected.values()) > LATE
    return not same_call(last, hello)


def has_handshake(handshake: Handshake) -> bool:
    return any(message.content == "handshake" for message in handshake.messages)


def client_of(handshake: Handshake) -> Address:
    """Return the DTLS client: sender of a client's message, receiver of a server's, else the first sender."""
    for types, of_client in ((FROM_CLIENT, True), (FROM_SERVER, False)):
        for message in handshake.messages:
            if message.type in types:
                return message.src if of_client else message.dst
    return handshake.messages[0].src


def client_hellos(handshake: Handshake) -> int:
    """Count ClientHello messages; the fragments of one count once."""
    last: dict[tuple[Address, int | None], int] = {}
    count = 0
    for message in filter(is_hello, handshake.messages):
        key = message.src, message.seq
        count += message.seq is None or message.time - last.get(key, -FLIGHT - 1) > FLIGHT
        last[key] = message.time
    return count


def certificates(handshake: Handshake) -> dict[Address, str]:
    """Return the first certificate each side sent, hex of its DER."""
    by_sender: dict[Address, str] = {}
    for message in handshake.messages:
        if message.certificate:
            by_sender.setdefault(message.src, message.certificate)
    return by_sender


def completed(handshake: Handshake, srtp: Callable[[int], int | None]) -> int | None:
    """Return when the handshake completed (ns since 1970), None if the capture does not show it.

    It completes when both sides have used the new keys. Where the capture misses one side's records,
    application data or SRTP after the other side's proves it too; ``srtp`` returns the start of the
    first SRTP stream from a given time on. A side that repeats its last flight lacks the other's (RFC
    6347, section 4.2.4), so only a stream that starts after that counts. Epoch 2 is DTLS 1.3: see
    ``is_protected``.
    """
    if not has_handshake(handshake):
        return None
    protected = handshake.protected.values()
    if len(protected) > 1:
        return max(protected)
    data = [m.time for m in handshake.messages if m.content == "application_data" and m.epoch == 1]
    flights = [m.time for m in handshake.messages if m.content == "change_cipher_spec"]
    media = srtp(max([min(protected), *flights[-1:]])) if protected else None
    return min([*data[:1], *([] if media is None else [media])], default=None)


def fatal_alert(handshake: Handshake) -> str | None:
    """Return the alert that ended an incomplete handshake, None if there was none.

    An encrypted alert counts only if both sides sent handshake messages: otherwise it may
    close an association of which the capture shows one direction.
    """
    senders = {message.src for message in handshake.messages if message.content == "handshake"}
    for message in handshake.messages:
        readable = message.alert not in WARNINGS and message.alert != "encrypted"
        if message.alert and (readable or (message.alert == "encrypted" and len(senders) > 1)):
            return message.alert
    return None


def state(handshake: Handshake, complete: int | None) -> str:
    """Return none, client_hello_only, incomplete, complete or alert."""
    if complete is not None:
        return "complete"
    if fatal_alert(handshake):
        return "alert"
    inside = [message for message in handshake.messages if message.content == "handshake"]
    if not inside:
        return "none"
    hello_only = all(map(is_hello, inside)) and len({message.src for message in inside}) == 1
    return "client_hello_only" if hello_only and not handshake.protected else "incomplete"


# Certificates against the fingerprints in SDP (RFC 8122, section 5).
#
# A description may list several fingerprints; any match is enough. They are taken from
# the description that the certificate's sender wrote, found by its ufrag, else by its
# transport address; where neither identifies it, from all of the leg's descriptions.


Fingerprint = tuple[str, str]  # hash function, digest in lower-case hex
Offered = dict[tuple[object, ...], set[Fingerprint]]

# RFC 8122 forbids md2 and md5: such a line neither proves nor disproves.
HASHES = {"sha-1": "sha1", "sha-224": "sha224", "sha-256": "sha256", "sha-384": "sha384", "sha-512": "sha512"}
LINE = re.compile(r"([a-z]+-\d+)\s+([0-9a-f]{2}(?::[0-9a-f]{2})+)", re.IGNORECASE)


def offered_fingerprints(sdp_media: pd.DataFrame, legs: pd.DataFrame) -> Offered:
    """Return the fingerprints by (leg key, ufrag), (leg key, address), (leg key,) and (call,)."""
    leg_of = {call_id: (call, leg) for call_id, call, leg in records(legs, "call_id", "call", "leg")}
    offered: Offered = {}
    parsed: dict[str, set[Fingerprint]] = {}
    for call_id, text, ufrag, *address in records(
        sdp_media, "call_id", "fingerprint", "ufrag", "connection_addr", "port"
    ):
        leg = leg_of.get(call_id)
        if leg is not None and text is not None:
            named = parsed.get(text) or parsed.setdefault(text, parse(text))
            for key in ((leg, ufrag), (leg, tuple(address)), (leg,), (leg[0],)):
                offered.setdefault(key, set()).update(named)
    return offered


def parse(text: str) -> set[Fingerprint]:
    """Return the fingerprints of an a=fingerprint value that use one of HASHES."""
    return {
        (name.lower(), digest.replace(":", "").lower())
        for name, digest in LINE.findall(text)
        if name.lower() in HASHES
    }


def of_sender(
    fingerprints: Offered, leg: LegKey, ufrag: str | None, address: Address
) -> tuple[set[Fingerprint], bool]:
    """Return the fingerprints a certificate may match, and whether it must match one of them.

    It need not if all of them may be the other side's, because only that side's description was captured.
    """
    if ufrag is not None:
        return fingerprints.get((leg, ufrag), set()), True
    if own := fingerprints.get((leg, address)):
        return own, True
    of_leg = fingerprints.get((leg,) if leg[1] is not None else (leg[0],), set())
    return of_leg, len(of_leg) > 1


def sha256(certificate: str | None) -> str | None:
    """Return the SHA-256 of a certificate given as hex of its DER."""
    return _digest("sha-256", certificate) if certificate else None


def _digest(name: str, certificate: str) -> str | None:
    try:
        return hashlib.new(HASHES[name], bytes.fromhex(certificate)).hexdigest()
    except ValueError:  # not hex: the certificate is damaged
        return None


def matches(certificate: str, fingerprints: set[Fingerprint], must: bool = True) -> bool | None:
    """Return whether any fingerprint is the certificate's; None where none can be compared."""
    digests = {name: _digest(name, certificate) for name, _ in fingerprints}
    comparisons = [digest == digests[name] for name, digest in fingerprints if digests[name] is not None]
    return True if any(comparisons) else (False if comparisons and must else None)


def verdict(matched: Iterable[bool | None]) -> bool | None:
    """Return False for any mismatch, True if all certificates match, None if any is unknown."""
    results = list(matched)
    if False in results:
        return False
    return True if results and None not in results else None


# The dtls table (RFC 5764, RFC 6347).


Key = tuple[str, bool, Pair]  # capture, inside TURN, the two ends


def dtls(
    dtls_messages: pd.DataFrame,
    rtp_streams: pd.DataFrame,
    sdp_media: pd.DataFrame,
    legs: pd.DataFrame,
    index: Index,
    *,
    relays: Allocations | None = None,
) -> pd.DataFrame:
    """Return one row per handshake and pair of transport addresses of a capture, in time order.

    ``legs`` are numbered; ``rtp_streams`` need no call yet: SRTP proves a handshake whose end the
    capture misses. ``relays`` give the two ends of a handshake inside TURN.
    """
    offered = offered_fingerprints(sdp_media, legs)
    media = _media_starts(rtp_streams)
    rows = []
    for key, messages in _by_pair(dtls_messages).items():
        beyond = _beyond(key, messages, relays or {})
        for handshake in handshakes(messages, _same_call(index, key[0], beyond)):
            rows.append(_row(key, handshake, media.get(key, []), offered, index, beyond=beyond))
    rows.sort(key=lambda row: (row["time"], row["capture"]))
    return DTLS.rows(rows)


def _by_pair(dtls_messages: pd.DataFrame) -> dict[Key, list[Message]]:
    """Return the messages between two ends in time order; those without ends or time are left out."""
    ends = records(dtls_messages, "src_addr", "src_port", "dst_addr", "dst_port", by="time")
    names = ("content", "handshake_type", "message_seq", "alert", "epoch", "certificate")
    rows = records(dtls_messages, "copy_of", "capture", "relayed", "frame", "time", *names, by="time")
    by_pair: dict[Key, list[Message]] = {}
    for (copy_of, capture, relayed, frame, time, *rest), end in zip(rows, ends, strict=True):
        if copy_of is None and time is not None and None not in end:
            src, dst = end[:2], end[2:]
            message = Message(frame, time, src, dst, *rest)
            by_pair.setdefault((capture, bool(relayed), pair_of(src, dst)), []).append(message)
    return by_pair


def _media_starts(rtp_streams: pd.DataFrame) -> dict[Key, list[int]]:
    """Return when RTP streams begin between two ends, sorted."""
    starts: dict[Key, list[int]] = {}
    names = ("capture", "relayed", "first_time", "src_addr", "src_port", "dst_addr", "dst_port")
    for capture, relayed, time, *ends in records(rtp_streams, *names):
        if time is not None and None not in ends:
            key = capture, bool(relayed), pair_of((ends[0], ends[1]), (ends[2], ends[3]))
            starts.setdefault(key, []).append(time)
    return {key: sorted(times) for key, times in starts.items()}


def _first_from(times: list[int]) -> Callable[[int], int | None]:
    return lambda start: next(iter(times[bisect_left(times, start) :]), None)


def _same_call(
    index: Index, capture: str, beyond: Mapping[Address, Address]
) -> Callable[[Message, Message], bool]:
    """Return a predicate: may two messages belong to one call? False if they are attributed to two calls."""

    def same(one: Message, other: Message) -> bool:
        flows = (Traffic(capture, beyond[m.src], beyond[m.dst], m.time, m.time) for m in (one, other))
        calls = [owner(index, flow) for flow in flows]
        return len({call_owner.call for call_owner in calls if call_owner}) < 2

    return same


def _beyond(key: Key, messages: list[Message], relays: Allocations) -> dict[Address, Address]:
    """Return by wire address the end it stands for: inside TURN, the one beyond the relay."""
    ends = key[2]
    relayed_ends = ends_beyond(relays, key[0], messages[0].time, ends) if key[1] else None
    return dict(zip(ends, relayed_ends or ends, strict=True))


def _row(
    key: Key,
    handshake: Handshake,
    media: list[int],
    offered: Offered,
    index: Index,
    *,
    beyond: Mapping[Address, Address],
) -> dict[str, Any]:
    first = next(filter(is_hello, handshake.messages), handshake.messages[0])
    client = client_of(handshake)
    server = key[2][1] if client == key[2][0] else key[2][0]
    end = completed(handshake, _first_from(media))
    last = end or handshake.messages[-1].time
    traffic = Traffic(key[0], beyond[client], beyond[server], first.time, last)
    handshake_owner = owner(index, traffic)
    sent = certificates(handshake)
    by_end = {beyond[address]: certificate for address, certificate in sent.items()}
    return {
        "capture": key[0],
        "frame": handshake.messages[0].frame,
        "time": handshake.messages[0].time,
        "call": handshake_owner and handshake_owner.call,
        "leg": handshake_owner and handshake_owner.leg,
        "client_addr": client[0],
        "client_port": client[1],
        "server_addr": server[0],
        "server_port": server[1],
        "state": state(handshake, end),
        "client_hellos": client_hellos(handshake),
        "alert": fatal_alert(handshake) if end is None else None,
        "started": first.time,
        "completed": end,
        "duration_ms": None if end is None else (end - first.time) / 1e6,
        "certificate_sha256": sha256(sent.get(server) or sent.get(client)),
        "fingerprint_matches": verdict(_matched(by_end, offered, index, traffic, handshake_owner)),
        "relayed": key[1],
    }


def _matched(
    sent: dict[Address, str], offered: Offered, index: Index, traffic: Traffic, handshake_owner: Owner | None
) -> Iterator[bool | None]:
    """Yield for each certificate whether it matches its sender's fingerprints."""
    for address, certificate in sent.items():
        if handshake_owner is None:
            yield None
            continue
        leg = handshake_owner.call, handshake_owner.leg
        ufrag = ufrag_at(index, traffic, leg, address)
        yield matches(certificate, *of_sender(offered, leg, ufrag, address))
