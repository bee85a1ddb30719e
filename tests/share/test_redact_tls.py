"""SIP over TLS whose keys are known: the copy shows the same calls, without keys and names."""

import pytest

from postproc import pipeline
from postproc.read.option_files import Options
from postproc.read.records import Other, Record, pieces
from postproc.share.redact import Source, Work, redact
from postproc.wire import pcapng

LEGS = ["call", "leg", "role", "state", "final_status", "ended_by"]
CALLS = ["legs", "verdict", "final_status", "joined_by"]


def redacted(source):
    redact(Work([source]), "key")
    return pipeline.run([source.target], report=False, jobs=1)


@pytest.mark.parametrize("name", ["sips_tls", "sips_tls_odd_port", "sips_tls_keylog"])
def test_the_copy_shows_the_same_calls(pcaps, tmp_path, name):
    path = pcaps / f"made/{name}.pcapng"
    keylog = pcaps / f"made/{name}.keys" if name.endswith("keylog") else None
    one = pipeline.run([path], options=Options(keylog=keylog), report=False, jobs=1)
    other = redacted(Source(path, tmp_path / "a.pcapng", keylog=keylog))
    assert "tls" in set(one.legs["transport"])
    for rows, columns in (("calls", CALLS), ("legs", LEGS)):
        assert getattr(one, rows)[columns].equals(getattr(other, rows)[columns])
    count = ["call", "direction", "outcome"]
    assert one.bindings.value_counts(count).equals(other.bindings.value_counts(count))
    assert one.sip_messages["frame"].tolist() == other.sip_messages["frame"].tolist()


def test_neither_keys_nor_names_nor_handshakes_are_in_it(pcaps, tmp_path):
    target = tmp_path / "a.pcapng"
    redact(Work([Source(pcaps / "made/sips_tls.pcapng", target)]), "key")
    content = target.read_bytes()
    assert not [word for word in (b"Mobil", b"984079810", b"CLIENT_") if word in content]
    with pieces(target) as found:
        held = list(found)
    assert not [piece for piece in held if isinstance(piece, Other) and piece.kind == pcapng.SECRETS]
    assert not [piece for piece in held if isinstance(piece, Record) and b"\x16\x03\x01" in piece.data]


def test_without_keys_nothing_of_it_is_left(pcaps, tmp_path):
    run = redacted(Source(pcaps / "made/sips_tls_keylog.pcapng", tmp_path / "a.pcapng"))
    assert set(run.legs["transport"]) == {"udp"}
