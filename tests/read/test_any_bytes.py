"""Any bytes in packets and files: what reads and what redacts them raises nothing but the errors it promises.

Bytes are anything, or a sound message with pieces left out and put in: what is nearly right goes deeper.
"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postproc.model.errors import CaptureError
from postproc.model.tables import BY_NAME, Tables
from postproc.read import dtls
from postproc.read.events import rows
from postproc.read.limits import believed
from postproc.read.walk import open_container, windows
from postproc.share.redaction.pseudonyms import Pseudonyms
from postproc.share.redaction.stun import StunMessages
from tests.conftest import PCAPS
from tests.fuzz import rules
from tests.fuzz import trace as traces
from tests.fuzz.binary import CODES
from tests.fuzz.corpus import Seed
from tests.fuzz.trace import Kind
from tests.read import wire
from tests.read.frames import frame

FLOW = b"\x0a\0\0\x01", 4000, b"\x0a\0\0\x02", 5000
CAPTURES = ("acl_403", "made/icmp_quotes_stun", "made/ipv6", "made/turn_channel", "made/reinvite")
LINK_TYPES = (0, 1, 9, 101, 105, 108, 113, 228, 229, 276, 65_535)
fast = settings(derandomize=True, deadline=None, max_examples=60)


def sound(kind: Kind) -> list[bytes]:
    """Payloads of this kind, a few that differ in how they begin or in their length."""
    found: dict[tuple[bytes, int], bytes] = {}
    for seed in SEEDS:
        for at in seed.kinds.get(kind, ()):
            record = seed.trace.packets[at]
            link_type = seed.trace.interfaces[record.interface].link_type
            if kind == "icmp":
                network = traces.network(link_type, record.data) or 0
                payload = record.data[network + (20 if record.data[network] >> 4 == 4 else 40) :]
            else:
                payload = traces.datagram(link_type, record.data).payload
            found.setdefault((payload[:2], len(payload) // 16), payload)
    return list(found.values())[:12]


@st.composite
def spoiled(draw: st.DrawFn, samples: list[bytes]) -> bytes:
    """A sample with up to four pieces, of a few bytes or many, that give way to any bytes."""
    data = samples[draw(st.integers(0, len(samples) - 1))]  # an index is what a failure shows
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(data)))
        gone = draw(st.sampled_from((0, 1, 2, 4, 100)))
        data = data[:at] + draw(st.binary(max_size=8)) + data[at + gone :]
    return data


SEEDS = [Seed(PCAPS / f"{name}.pcapng") for name in CAPTURES]
SAMPLES: dict[Kind, list[bytes]] = {
    kind: sound(kind) for kind in ("sip", "stun", "channel", "dtls", "rtp", "icmp")
}
ANYTHING = [each for kind in SAMPLES.values() for each in kind]
FRAMES = [record.data for seed in SEEDS for record in seed.trace.packets[::7]]


def near(kind: Kind) -> st.SearchStrategy[bytes]:
    built = [stun()] if kind == "stun" else []
    return st.one_of(*built, spoiled(SAMPLES[kind]), st.binary(max_size=300))


def stun() -> st.SearchStrategy[bytes]:
    """Messages whose frame is right, with any bytes as values."""
    values = st.one_of(st.just(b""), st.binary(max_size=4), st.binary(max_size=24))
    types = st.sampled_from((0x0001, 0x0101, 0x0111, 0x0016, 0x0009))
    attributes = st.lists(st.tuples(st.sampled_from(CODES), values), max_size=5)

    def message(type_: int, held: list[tuple[int, bytes]]) -> bytes:
        body = b"".join(
            code.to_bytes(2) + len(value).to_bytes(2) + value + bytes(-len(value) & 3) for code, value in held
        )
        return type_.to_bytes(2) + len(body).to_bytes(2) + traces.COOKIE + bytes(12) + body

    return st.builds(message, types, attributes)


def pseudonyms() -> Pseudonyms:
    return Pseudonyms(b"a key", ("FreeSWITCH",))


def stun_messages(held: Pseudonyms) -> StunMessages:
    return StunMessages(held.texts, held.descriptions, b"a key")


def test_there_is_something_sound_of_every_kind():
    assert {kind for kind, samples in SAMPLES.items() if len(samples) < 2} == set()


@pytest.mark.parametrize(
    ("layer", "kind"),
    [
        ("sip", "sip"),
        ("stun", "stun"),
        ("stun", "channel"),
        ("classicstun", "stun"),
        ("dtls", "dtls"),
        ("icmp", "icmp"),
        ("icmpv6", "icmp"),
    ],
)
def test_messages_of_any_bytes_give_rows_within_the_schema(layer, kind):
    found: dict[str, list[dict[str, object]]] = {}

    @fast
    @given(st.lists(near(kind), min_size=1, max_size=6))
    def check(messages):
        protocols = ("eth", "ip", "icmp" if "icmp" in layer else "udp", layer)
        for table, row in rows(frame(messages={layer: messages}, protocols=protocols)):
            found.setdefault(table, []).append(row | {"capture": "a.pcap"})

    check()
    held = {table: BY_NAME[table].rows(made) for table, made in found.items()}
    said = rules.of_tables(Tables(**held))
    assert found and [each for each in said if "no capture of" not in each] == []


@fast
@given(near("dtls"))
def test_certificates_of_any_datagram_are_bytes_of_it(datagram):
    for each in dtls.certificates(datagram) or ():
        assert bytes.fromhex(each) in datagram


@pytest.mark.parametrize("window", [1 << 12, 8 << 20])
@pytest.mark.parametrize(
    "sample",
    [
        wire.pcapng(
            wire.interface(name="lo", resolution=9, offset=-1),
            *(wire.enhanced(wire.START // 1000 + at, data) for at, data in enumerate(FRAMES[:9])),
            wire.block(10, b"keys"),
            wire.obsolete(7, FRAMES[0]),
        ),
        wire.pcap([(wire.START, data) for data in FRAMES[:9]]),
        wire.pcap([(wire.START, data) for data in FRAMES[:9]], order=">", nano=True),
    ],
    ids=["pcapng", "pcap", "pcap-big-endian"],
)
def test_a_file_of_any_bytes_is_walked_or_refused(sample, window, tmp_path):
    path = tmp_path / "capture"

    @fast
    @given(st.one_of(spoiled([sample]), st.binary(max_size=100).map(lambda rest: sample[:24] + rest)))
    def check(data):
        path.write_bytes(data)
        count = 0
        with path.open("rb", buffering=0) as file:
            try:
                container = open_container(file)
                for found in windows(file, container, window):
                    count += len(found.start)
                    assert (found.start + found.captured <= len(found.data)).all()
                    assert all(map(believed, found.time.tolist()))
                    assert (found.interface < len(container.interfaces)).all()
                    assert (found.record_at + found.record_size <= len(data)).all()
            except CaptureError:
                return
        assert count == container.packets

    check()


@pytest.mark.parametrize("packed", [wire.datagram, lambda payload: wire.datagram(wire.channel_data(payload))])
def test_media_of_any_bytes_is_measured_within_the_schema(packed, tmp_path):
    payloads = st.one_of(near("rtp"), st.builds(wire.rtp, st.integers(0, 9), st.integers(0, 2**32 - 1)))

    @fast
    @given(st.lists(st.tuples(st.integers(0, 2**62), payloads), min_size=1, max_size=40))
    def check(packets):
        captured = [(time % (2**32 * wire.SECOND), packed(payload)) for time, payload in packets]
        parted = wire.parted(tmp_path, wire.pcap(captured))
        for table in (parted.rtp_streams, parted.rtp_seconds):
            numbers = table.select_dtypes("number").drop(columns=["ssrc"], errors="ignore")
            assert (numbers.fillna(0) >= 0).all(axis=None)
        assert parted.rtp_streams["packets"].sum() <= len(packets)

    check()


@settings(fast, max_examples=600)
@given(st.one_of(stun(), stun(), stun(), near("stun")))
def test_redaction_keeps_the_length_of_any_stun_message(message):
    assert len(stun_messages(pseudonyms()).message(message, lambda inner: inner)) == len(message)


@fast
@given(st.lists(near("dtls"), max_size=4), near("dtls"))
def test_redaction_keeps_the_length_of_any_dtls_datagram(noted, datagram):
    handshakes = pseudonyms().handshakes
    for each in noted:
        handshakes.note(FLOW, each)
    for old, new in handshakes.fingerprints():
        assert len(old) == len(new)
    for each in (datagram, *noted):
        assert len(handshakes.payload(FLOW, each)) == len(each)


@fast
@given(near("sip"))
def test_redaction_takes_any_sip_message(message):
    held = pseudonyms()
    new = held.messages.message(message)
    assert new == held.messages.message(message)  # what is learnt on the way changes nothing


@fast
@given(st.one_of(st.text(max_size=300), near("sip").map(lambda data: data.decode(errors="surrogateescape"))))
def test_redaction_keeps_the_lines_of_any_description(text):
    ends = [char for char in text if char in "\r\n"]
    new = pseudonyms().descriptions.body(text)
    assert [char for char in new if char in "\r\n"] == ends


def test_redaction_takes_packets_of_any_bytes():
    carried = st.one_of(spoiled(ANYTHING), st.binary(max_size=100))
    addresses = st.sampled_from(("10.0.0.1", "198.51.100.2", "0.0.0.0", "255.255.255.255", "224.0.0.251"))
    built = st.builds(
        lambda payload, source, port: wire.ethernet(wire.ipv4(wire.udp(payload, 4000, port), source=source)),
        carried,
        addresses,
        st.sampled_from((0, 53, 5060, 65_535)),
    )
    segments = st.builds(lambda payload, back: wire.segment(payload, 5060, back=back), carried, st.booleans())
    packet = st.one_of(spoiled(FRAMES), st.binary(max_size=200), built, segments)

    @settings(fast, max_examples=100)
    @given(st.lists(st.tuples(st.sampled_from((1, 1, 1, *LINK_TYPES)), packet), min_size=1, max_size=8))
    def check(held):
        packets = pseudonyms().packets()
        for number, (link_type, data) in enumerate(held):
            packets.note(number, link_type, data)
        packets.finish()
        for number, (link_type, data) in enumerate(held):
            assert len(packets.packet(number, link_type, data)) == len(data)

    check()
