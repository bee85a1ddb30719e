"""A mutant out of a number, which says all by chance: the seed, the kinds of change, their order."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from tests.fuzz import files
from tests.fuzz import trace as traces
from tests.fuzz.binary import DTLS, ICMP, RTP, STUN
from tests.fuzz.corpus import Corpus, Seed
from tests.fuzz.files import FILES
from tests.fuzz.kinds import Kind
from tests.fuzz.packets import PACKETS
from tests.fuzz.sip import SIP
from tests.fuzz.texts import TEXTS
from tests.fuzz.trace import Trace

MESSAGES: tuple[Kind[bytes], ...] = (*SIP, *STUN, *DTLS, *RTP, *ICMP)
INTERFACE, PACKET = b"\1\0\0\0", b"\6\0\0\0"
LARGEST = 2 << 20  # bytes of a mutant: what is slow by its size alone is the bench's business
CARRIERS = {
    "sip": ("sip",),
    "sdp": ("sip",),
    "stun": ("stun", "channel"),
    "dtls": ("dtls",),
    "rtp": ("rtp", "rtcp"),
    "icmp": ("icmp",),
}
SPREAD = 60  # packets of one mutant that a change of messages changes
# For one of these tshark refuses a whole file: a block of an odd interface, an option of another length than
# its code has.
REFUSED = frozenset({"interface_odd", "comment_hostile"})


@dataclass(frozen=True)
class Mutant:
    """A spoiled input, and what it is made of."""

    number: int
    of: str  # capture, log, acl, deployment, answers
    seed: str  # the name of what was spoiled
    kinds: tuple[str, ...]
    data: bytes
    joinable: bool = False  # sound outside its packets

    @property
    def suffix(self) -> str:
        return {"capture": ".pcapng", "log": ".log", "acl": ".xml"}.get(self.of, ".toml")

    def __str__(self) -> str:
        return f"{self.of} {self.number}: {self.seed} with {', '.join(self.kinds)}"


def capture(corpus: Corpus, number: int) -> Mutant:
    """The capture of this number: messages, packets or bytes of one seed, up to three changes."""
    random = Random(number)
    seed = random.choice(corpus.captures)
    trace, data, done = seed.trace, b"", []
    for _ in range(random.choice((1, 1, 2, 3))):
        kind, trace = _changed(random, seed, trace)
        done.append(kind)
    joinable = random.random() < 0.65  # what is inside is looked at only if the file can be walked
    if joinable:
        data = traces.pcapng(trace)
    else:
        data, name = _applied(random, FILES, _written(random, trace))
        done.append(name)
    sound = joinable and REFUSED.isdisjoint(done)
    return Mutant(number, "capture", seed.path.name, tuple(done), data[:LARGEST], sound)


def join(some: Sequence[Mutant]) -> bytes:
    """Captures that are sound outside as one: their interfaces behind each other, then their packets."""
    heads, packets, before = [], [], 0
    for each in some:
        held = files.blocks(each.data)
        described = [block for block in held[1:] if block[:4] == INTERFACE]
        heads += described
        packets += [
            block[:8] + _moved(block[8:12], before) + block[12:] for block in held if block[:4] == PACKET
        ]
        before += len(described)
    return b"".join([files.blocks(some[0].data)[0], *heads, *packets])


def _moved(number: bytes, by: int) -> bytes:
    return (int.from_bytes(number, "little") + by).to_bytes(4, "little")


def text(corpus: Corpus, of: str, number: int) -> Mutant:
    """The text of this kind and number."""
    random = Random(number)
    data, done = random.choice(corpus.texts[of]), []
    for _ in range(random.choice((1, 1, 2))):
        if data:
            data, name = _applied(random, [kind for kind in TEXTS if kind.of == of], data)
            done.append(name)
    return Mutant(number, of, of, tuple(done), data[:LARGEST])


def _changed(random: Random, seed: Seed, trace: Trace) -> tuple[str, Trace]:
    """One change of the trace: of its packets, or of the messages in them."""
    for _ in range(20):
        if random.random() < 0.4:
            kind = random.choice(PACKETS)
            made = kind.change(random, trace) if trace.packets else None
        else:
            of = random.choice(tuple(CARRIERS))
            message = random.choice([each for each in MESSAGES if each.of == of])
            kind, made = message, in_messages(random, message, seed, trace)
        if made is not None and made != trace:
            return kind.name, made
    return "unchanged", trace


def in_messages(random: Random, kind: Kind[bytes], seed: Seed, trace: Trace) -> Trace | None:
    """A change of messages of one protocol: of one of them, some, or all."""
    places = [at for carrier in CARRIERS[kind.of] for at in seed.kinds.get(carrier, ())]
    places = [at for at in places if at < len(trace.packets)]
    if not places:
        return None
    count = random.choice((1, 1, 5, SPREAD))
    held = list(trace.packets)
    for at in sorted(random.sample(places, min(count, len(places)))):
        link_type = trace.interfaces[held[at].interface].link_type
        if (data := in_frame(random, kind, link_type, held[at].data)) is not None:
            held[at] = traces.with_data(held[at], data)
    return trace.with_packets(held)


def in_frame(random: Random, kind: Kind[bytes], link_type: int, data: bytes) -> bytes | None:
    """A change of the message in a frame, the headers around it right again; None if it is no such frame."""
    if kind.of == "icmp":
        at = traces.network(link_type, data)
        if at is None:
            return None
        at += 20 if data[at] >> 4 == 4 else 40
        made = kind.change(random, data[at:]) if len(data) > at + 8 else None
        return None if made is None else data[:at] + made
    found = traces.datagram(link_type, data)
    if found is None or not found.payload:
        return None
    made = kind.change(random, found.payload)
    if made is None:
        return None
    return traces.Datagram(
        found.head,
        found.protocol,
        found.src,
        found.dst,
        made,
        found.sequence,
        found.acknowledged,
        found.flags,
    ).frame()


def _written(random: Random, trace: Trace) -> bytes:
    """Mostly as pcapng, the rest as classic pcap in its four kinds."""
    if random.random() < 0.8 or not trace.interfaces:
        return traces.pcapng(trace)
    return traces.pcap(trace, random.choice("<>"), nanoseconds=random.random() < 0.5)


def _applied(random: Random, among: Sequence[Kind[bytes]], data: bytes) -> tuple[bytes, str]:
    """One of the changes that has something to change."""
    while True:
        kind = random.choice(among)
        if (made := kind.change(random, data)) is not None and made != data:
            return made, kind.name
