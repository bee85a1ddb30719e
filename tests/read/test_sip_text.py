"""SIP messages as text, as far as a frame has them."""

import pandas as pd
import pytest

from postproc import pipeline
from postproc.read import sip_text
from postproc.read.sip_text import _text, texts
from tests.conftest import PCAPS

INVITE = b"INVITE sip:b@x SIP/2.0\r\nCall-ID: a1\r\nContent-Length: 4\r\n\r\nv=0\n"
BYE = b"BYE sip:b@x SIP/2.0\r\nCall-ID: b2\r\nContent-Length: 0\r\n\r\n"


@pytest.mark.parametrize(
    ("data", "call_id", "text"),
    [
        (INVITE, "a1", "INVITE sip:b@x SIP/2.0\nCall-ID: a1\nContent-Length: 4\n\nv=0"),
        (b"\0HEP3" + INVITE + b"\0", "a1", "INVITE sip:b@x SIP/2.0\nCall-ID: a1\nContent-Length: 4\n\nv=0"),
        (b"\x65H" + INVITE, "a1", "INVITE sip:b@x SIP/2.0\nCall-ID: a1\nContent-Length: 4\n\nv=0"),
        (INVITE + BYE, "b2", "BYE sip:b@x SIP/2.0\nCall-ID: b2\nContent-Length: 0"),
        (INVITE[:35], "a1", "INVITE sip:b@x SIP/2.0\nCall-ID: a1"),
        (b"SIP/2.0 200 OK\r\nCall-ID: a1\r\n\r\n", "a1", "SIP/2.0 200 OK\nCall-ID: a1"),
        (INVITE, "other", ""),
        (b"\xff" * 2000, "a1", ""),
        (b"A" * 60_000, "a1", ""),
    ],
)
def test_the_message_of_a_call_in_a_packet(data, call_id, text):
    assert _text(data, call_id.encode()) == text


def test_frames_of_a_capture_and_what_cannot_be_read(tmp_path, monkeypatch):
    capture = PCAPS / "acl_403.pcapng"
    call_id = "7605428fa7584c5291df749728b9e50e"
    wanted = dict.fromkeys(range(1, 30), call_id)
    found = texts(capture, wanted)
    assert next(iter(found.values())).startswith("INVITE sip:")
    assert any(text.startswith("SIP/2.0 403") for text in found.values())
    assert texts(capture, dict.fromkeys(range(1, 30), "nobody's")) == {}
    assert texts(tmp_path / "gone.pcap", wanted) == texts(tmp_path, wanted) == {}
    monkeypatch.setattr(sip_text, "LARGEST", 10)
    assert texts(capture, wanted) == {}


@pytest.mark.parametrize("name", ["sip_udp_fragments", "tcp_segments", "sip_first_fragment"])
def test_messages_in_several_packets_are_whole(name):
    capture = PCAPS / f"made/{name}.pcapng"
    rows = pipeline.run([capture], report=False, jobs=1).sip_messages
    found = texts(capture, dict(zip(rows["frame"], rows["call_id"], strict=True)))
    for row in rows.drop_duplicates("frame").itertuples():
        text = found[row.frame]
        assert text.startswith(f"{row.method} " if row.status is pd.NA else f"SIP/2.0 {row.status} ")
        assert ("\nv=0" in text) == row.has_sdp or row.cut_short
