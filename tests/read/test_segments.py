"""Messages after a keep-alive in a TCP segment are found; what tshark shows is not doubled."""

import pytest

from postproc.read import tshark
from postproc.read.segments import completed
from tests.read.frames import frame
from tests.read.test_tshark import SIP, pcap, tcp

INFO = b"INFO sip:a@b SIP/2.0\r\nl: 27\r\n\r\n" + b"INVITE sip:x SIP/2.0\r\nl:0\r\n"


def header(sequence: int) -> bytes:
    return b"\x13\xc4\x13\xc4" + (sequence % (1 << 32)).to_bytes(4) + bytes(12)


def found(
    *segments: tuple[bytes, list[bytes]], starts: list[int] | None = None, **changes
) -> list[list[bytes]]:
    """What is shown of segments that follow each other, or begin at these sequence numbers."""
    sizes = [len(payload) for payload, _ in segments]
    heads = [header(at) for at in starts or [sum(sizes[:n]) for n in range(len(sizes))]]
    frames = (
        frame(**({"transport": "tcp", "header": head, "packet": b"eth" + head + payload,
                  "messages": {"sip": known}} | changes))
        for head, (payload, known) in zip(heads, segments, strict=True)
    )  # fmt: skip
    return [each.messages.get("sip", []) for each in completed(frames)]


def test_message_behind_a_keep_alive():
    one, two = SIP % 1, SIP % 2
    assert found((one + b"\r\n\r\n" + two, [one])) == [[one, two]]


def test_message_behind_a_keep_alive_that_ends_in_the_next_segment():
    one, two, three = SIP % 1, SIP % 2, SIP % 3
    segments = (one + b"\r\n\r\n" + two[:30], [one]), (two[30:] + b"\r\n\r\n" + three, [two[30:] + three])
    assert found(*segments) == [[one], [two, three]]


def test_segment_that_begins_with_a_keep_alive():
    assert found((b"\r\n\r\n" + SIP % 1, [])) == [[SIP % 1]]


def test_message_tshark_puts_together_is_not_doubled():
    one = SIP % 1
    assert found((one[:30], []), (one[30:], [one])) == [[], [one]]


def test_start_line_in_a_body_is_no_message():
    assert found((INFO, [INFO])) == [[INFO]]
    assert found((b"\r\n\r\n" + INFO, [])) == [[INFO]]


@pytest.mark.parametrize("changes", [{"transport": "udp"}, {"protocols": ("tls",)}, {"header": b""}])
def test_other_transports_are_left_alone(changes):
    assert found((SIP % 1, []), **changes) == [[]]


def test_segment_sent_again_is_not_read_again():
    one, two = SIP % 1, SIP % 2
    whole = one + b"\r\n\r\n" + two
    assert found((whole, [one]), (whole, []), starts=[7, 7]) == [[one, two], []]
    assert found((one, [one]), (one + b"\r\n\r\n" + two, []), starts=[7, 7]) == [[one], [two]]


def test_sequence_numbers_wrap_around():
    one, two = SIP % 1, SIP % 2
    assert found((one, [one]), (one, []), (two, []), starts=[-9, -9, len(one) - 9]) == [[one], [], [two]]


def test_gap_forgets_what_was_begun():
    one = SIP % 1
    assert found((one[:30], []), (one[30:], []), starts=[0, 60]) == [[], []]


def test_another_connection_on_the_same_ports_is_read():
    one, two = SIP % 1, SIP % 2
    assert found((one, [one]), (two, []), starts=[1 << 30, 0]) == [[one], [two]]


def test_endless_beginning_is_not_kept():
    assert found((b"INVITE sip:a SIP/2.0\r\n" + b"x" * (1 << 20), []), (b"\r\n\r\n", [])) == [[], []]


def test_with_real_tshark(tmp_path):
    messages = [SIP % n for n in range(1, 6)]
    one, two, three, four, five = messages
    payloads = [one + b"\r\n\r\n" + two, three + b"\r\n\r\n" + four[:40], four[40:] + b"\r\n\r\n" + five]
    starts = [1 + sum(map(len, payloads[:n])) for n in range(3)]
    path = tmp_path / "a.pcap"
    path.write_bytes(pcap(*map(tcp, starts, payloads)))
    shown = [m for each in completed(tshark.frames(path)) for m in each.messages.get("sip", [])]
    assert sorted(shown) == messages
