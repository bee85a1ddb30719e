"""TLS over TCP: what shows how far a handshake came is the same in the copy, and nothing else is."""

import pytest

from postproc import pipeline
from postproc.share.redact import Source, Work, redact
from postproc.share.redaction import tls
from postproc.share.redaction.dtls import Handshakes
from postproc.wire import dtls as wire
from postproc.wire.dtls import counted, tls_handshake, tls_record
from tests.conftest import PCAPS

NAME = b"phone.anna.example"
SERVER_NAME = counted(b"\0" + counted(NAME, 2), 2)
HELLO = (
    b"\3\3"
    + b"R" * 32
    + counted(b"session-of-anna", 1)
    + counted(b"\x13\1\xc0\x2f", 2)
    + counted(b"\0", 1)
    + counted(b"\0\0" + counted(SERVER_NAME, 2), 2)
)
CERTIFICATE = counted(counted(b"\x30\x0b\x0c\x09anna-muel", 3), 3)
CHANGE = tls_record(wire.CHANGE_CIPHER_SPEC, b"\1")


def replaced(stream: bytes) -> bytes:
    return tls.replaced(stream, Handshakes(b"key"))


@pytest.mark.parametrize(
    "stream",
    [
        tls_handshake(wire.CLIENT_HELLO, HELLO),
        tls_handshake(wire.CERTIFICATE, CERTIFICATE),
        tls_handshake(wire.SERVER_KEY_EXCHANGE, b"anna"),
        tls_handshake(wire.CLIENT_HELLO, HELLO)[:-4] + b"anna",
        CHANGE + tls_record(wire.HANDSHAKE, b"sealed by anna"),
        CHANGE + tls_record(wire.ALERT, b"anna-sealed"),
        tls_record(wire.APPLICATION_DATA, b"sealed by anna"),
        tls_record(wire.ALERT, b"\2\x2a") + b"what is no record, anna",
        b"anna",
    ],
)
def test_nobody_is_named_and_no_size_changes(stream):
    new = replaced(stream)
    assert len(new) == len(stream)
    assert b"anna" not in new
    assert [each[:3] for each in wire.tls_records(new)] == [each[:3] for each in wire.tls_records(stream)]


def test_what_hellos_choose_from_and_alerts_in_the_clear_stay():
    new = replaced(tls_handshake(wire.CLIENT_HELLO, HELLO))
    assert b"\x13\1\xc0\x2f" in new
    alert = tls_record(wire.ALERT, b"\2\x30")
    assert replaced(alert) == alert


def test_what_is_sealed_does_not_look_like_a_message():
    sealed = CHANGE + tls_record(wire.HANDSHAKE, b"\1\0\0\x28 no hello")
    assert replaced(sealed)[len(CHANGE) + wire.TLS_RECORD :] == b"\xff" * 13


@pytest.mark.parametrize("name", ["tls_handshake_failed_trust", "tls_handshake_failed_version"])
def test_a_copy_says_what_became_of_the_handshakes(name, tmp_path):
    source, copy = PCAPS / "made" / f"{name}.pcapng", tmp_path / "1.pcapng"
    redact(Work([Source(source, copy)]))
    one, other = (pipeline.run([path], report=False, jobs=1) for path in (source, copy))
    told = ["frame", "time", "event", "alert", "src_port", "dst_port"]
    assert len(one.connection_events)
    assert one.connection_events[told].equals(other.connection_events[told])
    assert other.findings["name"].tolist() == one.findings["name"].tolist()
