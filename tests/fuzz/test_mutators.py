"""Every kind of mutation does what it says: on what it is for, and again for the same chance."""

# ruff: noqa: ARG005  (some words are about what comes out alone)

import struct
from collections.abc import Callable
from random import Random

import pytest

from tests.conftest import PCAPS
from tests.fuzz import files, packets, sip, texts
from tests.fuzz import trace as traces
from tests.fuzz.binary import attributes
from tests.fuzz.corpus import ACL, ANSWERS, DEPLOYMENT, Seed, corpus
from tests.fuzz.files import blocks
from tests.fuzz.kinds import HOSTILE, Kind
from tests.fuzz.mutate import CARRIERS, MESSAGES, capture, in_frame, in_messages, join, text
from tests.fuzz.trace import Trace

CHANCES = range(12)
SEEDS = {
    name: Seed(PCAPS / f"{name}.pcapng") for name in ("good", "acl_403", "made/icmp_quotes_stun", "made/ipv6")
}
LOG = (PCAPS / "acl_403.freeswitch.log").read_bytes()[:40_000]
SAMPLES = {"log": LOG, "acl": ACL, "deployment": DEPLOYMENT, "answers": ANSWERS}
Says = Callable[[bytes, bytes], bool]
TELLING: dict[str, Callable[[bytes], bool]] = {  # messages with something of everything in them
    "sip": lambda payload: payload.startswith(b"INVITE"),
    "sdp": lambda payload: payload.startswith(b"INVITE"),
    "stun": lambda payload: len(attributes(payload)) > 2,
    "dtls": lambda payload: b"\x30\x82" in payload,
}


def lines(message: bytes) -> list[bytes]:
    return message.partition(b"\r\n\r\n")[0].split(b"\r\n")


def body(message: bytes) -> bytes:
    return message.partition(b"\r\n\r\n")[2]


def sample(of: str) -> bytes:
    """A payload of this protocol; of SIP an INVITE with a description."""
    for seed in SEEDS.values():
        for carrier in CARRIERS[of]:
            for at in seed.kinds.get(carrier, ()):
                record = seed.trace.packets[at]
                link_type = seed.trace.interfaces[record.interface].link_type
                if of == "icmp":
                    return record.data[(traces.network(link_type, record.data) or 0) + 20 :]
                found = traces.datagram(link_type, record.data)
                if TELLING.get(of, lambda _: True)(found.payload):
                    return found.payload
    raise LookupError(of)


# What a change says it does, seen in before and after.
MESSAGE: dict[str, Says] = {
    "header_dropped": lambda a, b: len(lines(b)) == len(lines(a)) - 1,
    "header_doubled": lambda a, b: len(lines(b)) == len(lines(a)) + 1,
    "headers_shuffled": lambda a, b: sorted(lines(a)) == sorted(lines(b)),
    "header_emptied": lambda a, b: len(b) < len(a) and len(lines(a)) == len(lines(b)),
    "header_hostile": lambda a, b: body(b) != b"" and b[:6] == a[:6],
    "header_added": lambda a, b: len(b) > len(a),
    "header_many": lambda a, b: len(lines(b)) >= len(lines(a)) + 19,
    "header_long": lambda a, b: len(b) >= len(a) + 300,
    "header_folded": lambda a, b: b"\r\n \t" in b,
    "headers_compact": lambda a, b: b"\r\ni:" in b and b"\r\nCall-ID:" not in b,
    "header_number": lambda a, b: len(lines(a)) == len(lines(b)),
    "header_nul": lambda a, b: b"\0\xff\xc3(" in b,
    "start_line_odd": lambda a, b: lines(a)[0] != lines(b)[0],
    "status_odd": lambda a, b: a[:8] == b[:8] and a[11:] == b[11:],
    "method_other": lambda a, b: not b.startswith(b"INVITE"),
    "length_wrong": lambda a, b: body(a) == body(b),
    "line_ends_bare": lambda a, b: b"\r" not in b,
    "message_twice": lambda a, b: b == a + a,
    "keep_alive_before": lambda a, b: b.startswith(b"\r\n") and b.endswith(a),
    "message_cut": lambda a, b: a.startswith(b),
    "body_multipart": lambda a, b: b"multipart/" in b and body(a) in b,
    "body_other": lambda a, b: body(a) != body(b),
    "sdp_line_dropped": lambda a, b: body(b).count(b"\r\n") == body(a).count(b"\r\n") - 1,
    "sdp_line_doubled": lambda a, b: body(b).count(b"\r\n") > body(a).count(b"\r\n"),
    "sdp_shuffled": lambda a, b: sorted(body(a).split(b"\r\n")) == sorted(body(b).split(b"\r\n")),
    "sdp_number": lambda a, b: body(a) != body(b),
    "sdp_word": lambda a, b: body(a) != body(b),
    "candidate_odd": lambda a, b: body(b).count(b"a=candidate:") > body(a).count(b"a=candidate:"),
    "candidates_many": lambda a, b: body(b).count(b"a=candidate:") >= 50,
    "sections_many": lambda a, b: body(b).count(b"m=audio") >= 20,
    "attribute_odd": lambda a, b: body(b).startswith(body(a)),
    "attribute_dropped": lambda a, b: len(b) < len(a) and b[4:20] == a[4:20],
    "attribute_doubled": lambda a, b: b[20:].startswith(a[20:]),
    "attributes_shuffled": lambda a, b: sorted(attributes(a)) == sorted(attributes(b)),
    "attribute_value": lambda a, b: [c for c, _ in attributes(a)] == [c for c, _ in attributes(b)],
    "attribute_added": lambda a, b: b.endswith(a[20:]) and len(b) > len(a),
    "attribute_code": lambda a, b: [v for _, v in attributes(a)] == [v for _, v in attributes(b)],
    "attribute_length": lambda a, b: a[:22] + a[24:] == b[:22] + b[24:],
    "stun_length": lambda a, b: a[:2] + a[4:] == b[:2] + b[4:],
    "stun_type": lambda a, b: a[2:] == b[2:],
    "stun_cookie": lambda a, b: a[:4] + a[8:] == b[:4] + b[8:],
    "stun_transaction": lambda a, b: a[:8] + a[20:] == b[:8] + b[20:],
    "stun_nested": lambda a, b: a in b and b[:2] == b"\x00\x16",
    "channel_wrapped": lambda a, b: b.endswith(a) and 0x40 <= b[0] < 0x80,
    "record_length": lambda a, b: a[:11] + a[13:] == b[:11] + b[13:],
    "record_version": lambda a, b: a[:1] + a[3:] == b[:1] + b[3:],
    "record_content": lambda a, b: a[1:] == b[1:],
    "record_epoch": lambda a, b: a[:3] + a[5:] == b[:3] + b[5:],
    "handshake_number": lambda a, b: a[:13] == b[:13] and a[25:] == b[25:],
    "record_repeated": lambda a, b: b.startswith(a + a),
    "certificate_garbage": lambda a, b: a[: a.find(b"\x30\x82")] == b[: a.find(b"\x30\x82")],
    "alert_odd": lambda a, b: b[0] == 21,
    "rtp_sequence": lambda a, b: a[:2] + a[4:] == b[:2] + b[4:],
    "rtp_timestamp": lambda a, b: a[:4] + a[8:] == b[:4] + b[8:],
    "rtp_ssrc": lambda a, b: a[:8] + a[12:] == b[:8] + b[12:],
    "rtp_type": lambda a, b: a[:1] + a[2:] == b[:1] + b[2:],
    "rtp_flags": lambda a, b: b[0] >> 6 == 2 and a[1:] == b[1:],
    "rtp_cut": lambda a, b: a.startswith(b) and len(b) < len(a),
    "rtcp_odd": lambda a, b: 192 <= b[1] < 224,
    "icmp_type": lambda a, b: a[2:] == b[2:],
    "icmp_quote_cut": lambda a, b: a.startswith(b) and len(b) < len(a),
    "icmp_quote_odd": lambda a, b: len(a) == len(b) and a[:8] == b[:8],
    "icmp_of_icmp": lambda a, b: b.endswith(a) and b[0] == 3,
}
FILE: dict[str, Says] = {
    "bits_flipped": lambda a, b: len(a) == len(b),
    "bytes_set": lambda a, b: len(a) == len(b),
    "number_set": lambda a, b: sum(x != y for x, y in zip(a, b, strict=True)) <= 8,
    "piece_deleted": lambda a, b: len(b) < len(a),
    "piece_doubled": lambda a, b: len(b) > len(a),
    "piece_inserted": lambda a, b: len(b) > len(a),
    "piece_zeroed": lambda a, b: len(a) == len(b) and b.count(0) > a.count(0),
    "file_cut": lambda a, b: a.startswith(b),
    "file_continued": lambda a, b: b.startswith(a) and len(b) > len(a),
    "packed": lambda a, b: b[:2] in (b"\x1f\x8b", b"\x28\xb5", b"\x04\x22", b"BZ"),
    "magic_other": lambda a, b: a[:4] != b[:4] and a[20:] == b[20:],
    "block_length": lambda a, b: len(a) == len(b),
    "block_kind": lambda a, b: len(a) == len(b),
    "block_field": lambda a, b: len(a) == len(b),
    "block_options": lambda a, b: len(b) > len(a),
    "blocks_shuffled": lambda a, b: sorted(blocks(a)) == sorted(blocks(b)),
    "block_dropped": lambda a, b: len(blocks(b)) == len(blocks(a)) - 1,
    "block_added": lambda a, b: len(b) > len(a),
    "section_odd": lambda a, b: blocks(a)[1:] == blocks(b)[1:] or a[24:] == b[24:],
    "pcap_field": lambda a, b: a[40:] == b[40:],
}
TEXT: dict[str, Says] = {
    "text_bits": lambda a, b: len(a) == len(b),
    "text_cut": lambda a, b: a.startswith(b),
    "lines_dropped": lambda a, b: b.count(b"\n") < a.count(b"\n"),
    "lines_doubled": lambda a, b: b.count(b"\n") > a.count(b"\n"),
    "lines_shuffled": lambda a, b: sorted(a.split(b"\n")) == sorted(b.split(b"\n")),
    "line_hostile": lambda a, b: any(odd in b for odd in HOSTILE),
    "line_long": lambda a, b: len(b) >= len(a) + 3000,
    "numbers_other": lambda a, b: a.count(b"\n") == b.count(b"\n"),
    "encoded": lambda a, b: len(a) != len(b) or b.count(b"\n") == 0,
    "nothing_but": lambda a, b: a not in b,
    "times_odd": lambda a, b: any(odd in b for odd in texts.ODD_TIMES) or b"2026-13-45" in b,
    "channels_mixed": lambda a, b: len(a) != len(b) or a.count(b"-") == b.count(b"-"),
    "element_deep": lambda a, b: b.count(b"<list") >= 50,
    "doctype_added": lambda a, b: b"<!DOCTYPE" in b,
    "network_odd": lambda a, b: any(odd in b for odd in texts.NETWORKS),
    "attribute_value_odd": lambda a, b: any(odd in b for odd in HOSTILE),
    "value_odd": lambda a, b: (
        sum(b.count(odd) for odd in texts.VALUES) > sum(a.count(odd) for odd in texts.VALUES)
        or len(a) != len(b)
    ),
    "key_odd": lambda a, b: a != b,
    "deep_array": lambda a, b: b.endswith(a) and b.startswith(b"x = [[["),
}
TRACE: dict[str, Callable[[Trace, Trace], bool]] = {
    "packet_dropped": lambda a, b: len(b.packets) == len(a.packets) - 1,
    "packet_doubled": lambda a, b: len(b.packets) > len(a.packets),
    "packets_shuffled": lambda a, b: sorted(e.frame for e in a.packets) == sorted(e.frame for e in b.packets),
    "packet_cut": lambda a, b: b.packets[-1].data in a.packets[-1].data,
    "packet_padded": lambda a, b: total(b) > total(a) and len(a.packets) == len(b.packets),
    "packet_bytes": lambda a, b: total(a) == total(b),
    "packet_blob": lambda a, b: len(b.packets) == len(a.packets) + 1,
    "comment_hostile": lambda a, b: any(each.options for each in b.packets) and total(a) == total(b),
    "ethernet_only": lambda a, b: len(b.packets) == len(a.packets) + 1,
    "ip_field": lambda a, b: abs(total(a) - total(b)) <= 1,
    "ip_options": lambda a, b: total(b) > total(a),
    "fragmented": lambda a, b: len(b.packets) > len(a.packets),
    "udp_field": lambda a, b: len(a.packets) == len(b.packets),
    "ports_swapped": lambda a, b: len(a.packets) == len(b.packets),
    "tunnelled": lambda a, b: total(b) > total(a),
    "tcp_field": lambda a, b: len(a.packets) == len(b.packets),
    "tcp_resegmented": lambda a, b: len(b.packets) >= len(a.packets),
    "tcp_shifted": lambda a, b: len(a.packets) == len(b.packets),
    "tcp_keep_alive": lambda a, b: len(a.packets) == len(b.packets),
    "link_type_other": lambda a, b: a.packets == b.packets and a.interfaces != b.interfaces,
    "interface_odd": lambda a, b: a.packets == b.packets and a.interfaces != b.interfaces,
    "interfaces_many": lambda a, b: len(b.interfaces) > len(a.interfaces),
    "ticks_any": lambda a, b: total(a) == total(b) and a != b,
    "clock_stepped": lambda a, b: total(a) == total(b) and a != b,
}


def total(trace: Trace) -> int:
    return sum(len(each.data) for each in trace.packets)


def named(kinds: tuple[Kind, ...]) -> list[object]:
    return [pytest.param(kind, id=f"{kind.of}-{kind.name}") for kind in kinds]


def changed(kind: Kind, held: object, says: Callable[..., bool]) -> int:
    """How often there was a change; each must be what the kind says, and the same for the same chance."""
    count = 0
    for chance in CHANCES:
        made = kind.change(Random(chance), held)
        assert made == kind.change(Random(chance), held)
        if made is not None and made != held:
            assert says(held, made), (kind.name, chance)
            count += 1
    return count


@pytest.mark.parametrize("kind", named(MESSAGES))
def test_messages_are_changed_as_the_kind_says(kind):
    held = sample(kind.of)
    if kind.name == "status_odd":
        held = b"SIP/2.0 200 OK\r\nCall-ID: a\r\n\r\n"
    assert changed(kind, held, MESSAGE[kind.name])


@pytest.mark.parametrize("kind", named(files.FILES))
def test_files_are_changed_as_the_kind_says(kind):
    trace = SEEDS["acl_403"].trace
    held = traces.pcap(trace) if kind.name == "pcap_field" else traces.pcapng(trace)
    assert changed(kind, held, FILE[kind.name])


@pytest.mark.parametrize("kind", named(texts.TEXTS))
def test_texts_are_changed_as_the_kind_says(kind):
    assert changed(kind, SAMPLES[kind.of], TEXT[kind.name])


@pytest.mark.parametrize("kind", named(packets.PACKETS))
def test_traces_are_changed_as_the_kind_says(kind):
    assert changed(kind, SEEDS["good"].trace, TRACE[kind.name])


def test_every_kind_has_its_word_here_and_no_word_is_left_over():
    for kinds, words in (
        (MESSAGES, MESSAGE),
        (files.FILES, FILE),
        (texts.TEXTS, TEXT),
        (packets.PACKETS, TRACE),
    ):
        assert {kind.name for kind in kinds} == set(words)


@pytest.mark.parametrize("name", SEEDS)
def test_what_is_taken_apart_and_put_together_says_the_same(name):
    seed = SEEDS[name]
    assert {"sip", "stun"} & set(seed.kinds)
    for record in seed.trace.packets:
        link_type = seed.trace.interfaces[record.interface].link_type
        if found := traces.datagram(link_type, record.data):
            again = traces.datagram(link_type, found.frame())
            assert again == found


@pytest.mark.parametrize("order", "<>")
def test_a_trace_as_pcap_and_as_pcapng_is_read_back(order, tmp_path):
    trace = SEEDS["acl_403"].trace
    for name, data in (
        ("a.pcapng", traces.pcapng(trace)),
        ("a.pcap", traces.pcap(trace, order, nanoseconds=True)),
    ):
        (tmp_path / name).write_bytes(data)
        again = traces.read(tmp_path / name)
        assert [each.data for each in again.packets] == [each.data for each in trace.packets]
        assert [each.time for each in again.packets] == [each.time for each in trace.packets]


def test_a_changed_message_stands_in_a_frame_with_right_lengths_and_checksums():
    seed = SEEDS["good"]
    for of in ("sip", "stun", "rtp", "dtls"):
        record = seed.trace.packets[
            next(seed.kinds[carrier] for carrier in CARRIERS[of] if carrier in seed.kinds)[0]
        ]
        twice = Kind(of, "twice", lambda _, payload: payload + payload)
        made = in_frame(Random(1), twice, 1, record.data)
        before, after = traces.datagram(1, record.data), traces.datagram(1, made)
        assert after.payload == before.payload * 2
        assert struct.unpack(">H", made[16:18])[0] == len(made) - 14


def test_a_number_is_a_mutant_the_same_every_time():
    seeds = corpus()
    first = [capture(seeds, number) for number in range(60)]
    assert first == [capture(seeds, number) for number in range(60)]
    assert len({each.data for each in first}) > 50
    assert {each.joinable for each in first} == {True, False}
    for of in SAMPLES:
        assert text(seeds, of, 7) == text(seeds, of, 7)


def test_joined_captures_hold_the_packets_of_all(tmp_path):
    seeds = corpus()
    some = [each for each in (capture(seeds, number) for number in range(30)) if each.joinable][:5]
    apart = []
    for each in some:
        (tmp_path / "one.pcapng").write_bytes(each.data)
        apart += [packet.data for packet in traces.read(tmp_path / "one.pcapng").packets]
    (tmp_path / "all.pcapng").write_bytes(join(some))
    assert [packet.data for packet in traces.read(tmp_path / "all.pcapng").packets] == apart


def test_all_protocols_of_the_corpus_are_reached():
    seeds = corpus().captures
    for of in CARRIERS:
        kinds = [kind for kind in MESSAGES if kind.of == of]
        made = [in_messages(Random(3), kind, seed, seed.trace) for kind in kinds for seed in seeds]
        assert (
            sum(
                each is not None and each != seed for each, seed in zip(made, seeds * len(kinds), strict=True)
            )
            > 5
        )
    assert sip.SIP and {link for seed in seeds for link in (seed.trace.interfaces[0].link_type,)} >= {
        1,
        101,
        113,
        276,
    }
