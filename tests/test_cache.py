"""Cached events: they are restored under the file names of this run, or not at all."""

import hashlib
import os

import pandas as pd
import pyarrow as pa
import pytest

from postproc import cache
from postproc.model.columns import ARROW
from postproc.model.events import Events, of_tables
from postproc.model.tables import Tables, concat
from tests import builders


def events(name: str = "old.pcapng", call_id: str = "a@x") -> Tables:
    return Tables().with_(
        captures=builders.captures({"capture": name, "path": f"/was/{name}", "packets": 3}),
        sip_messages=builders.sip_messages({"capture": name, "call_id": call_id, "cseq": 2**62, "time": 1.5}),
    )


def held(name: str = "old.pcapng", call_id: str = "a@x") -> Events:
    return of_tables(events(name, call_id).items())


def assert_equal(found: Tables, expected: Tables) -> None:
    for table, rows in expected.items():
        pd.testing.assert_frame_equal(getattr(found, table.name), rows)


def test_events_come_back_with_the_schemas_types(tmp_path):
    cache.write(held(), tmp_path / "key")
    assert_equal(cache.gather([(cache.read(tmp_path / "key"), [{}])]), events())


def test_a_renamed_capture_bears_its_new_name(tmp_path):
    cache.write(held(), tmp_path / "key")
    names = {"capture": "new.pcapng", "path": "/is/new.pcapng", "sha256": "ab"}
    found = cache.gather([(cache.read(tmp_path / "key"), [names])])
    assert found.sip_messages["capture"].tolist() == ["new.pcapng"]
    assert found.captures[list(names)].values.tolist() == [list(names.values())]


def test_captures_are_put_under_each_other_in_the_order_given(tmp_path):
    parts = []
    for name in ("b", "a"):
        cache.write(held(name, f"{name}@x"), tmp_path / name)
        parts.append((cache.read(tmp_path / name), [{}]))
    assert_equal(cache.gather(parts), concat([events("b", "b@x"), events("a", "a@x")]))


def test_a_column_of_several_captures_is_in_one_piece():
    """Arrow works on a column of two hundred pieces several times as long."""
    parts = []
    for name in ("b", "a"):
        parts.append((held(name), [{"capture": f"{name}.pcap"}]))
    found = cache.gather(parts).sip_messages
    assert found["capture"].tolist() == ["b.pcap", "a.pcap"]
    assert [pa.chunked_array(pa.array(found[name])).num_chunks for name in ("capture", "call_id")] == [1, 1]


def test_nothing_gathered_is_empty_tables():
    assert_equal(cache.gather([]), Tables())


def test_a_capture_without_rows_is_held_all_the_same(tmp_path):
    cache.write({}, tmp_path / "key")
    assert cache.read(tmp_path / "key") == {}


def test_an_older_file_is_replaced_and_no_other_is_left(tmp_path):
    cache.write(held(call_id="1@x"), tmp_path / "key")
    cache.write(held(call_id="2@x"), tmp_path / "key")
    found = cache.read(tmp_path / "key")
    assert found is not None
    assert found["sip_messages"]["call_id"].to_pylist() == ["2@x"]
    assert [path.name for path in tmp_path.iterdir()] == ["key"]


def test_what_is_no_file_of_ours_gives_way(tmp_path):
    (tmp_path / "key" / "in").mkdir(parents=True)
    cache.write(held(), tmp_path / "key")
    assert set(cache.read(tmp_path / "key") or ()) == {"captures", "sip_messages"}


def test_nobody_else_may_read_it(tmp_path):
    cache.write(held(), tmp_path / "key")
    assert (tmp_path / "key").stat().st_mode & 0o077 == 0


def test_a_write_that_fails_leaves_nothing(tmp_path, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cache.Path, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        cache.write(held(), tmp_path / "key")
    assert list(tmp_path.iterdir()) == []


def with_digest(body: bytes) -> bytes:
    """Return a forged file with a valid digest."""
    return hashlib.sha256(body).digest() + body


def stream(rows: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, rows.schema) as out:
        out.write_table(rows)
    return sink.getvalue().to_pybytes()


def test_a_file_with_any_byte_changed_or_cut_off_is_as_good_as_none(tmp_path):
    cache.write(held(), tmp_path / "key")
    whole = (tmp_path / "key").read_bytes()
    for at in range(0, len(whole), 97):
        changed = bytearray(whole)
        changed[at] ^= 1
        for content in (bytes(changed), whole[:at]):
            (tmp_path / "key").write_bytes(content)
            assert cache.read(tmp_path / "key") is None


@pytest.mark.parametrize(
    "body",
    [
        b"no stream",
        b"\xff\xff\xff\xff\xff\xff\xff\x7f",
        stream(pa.table({"a": [1]})),
        stream(pa.table({"a": [1]}).replace_schema_metadata({cache.NAME: b"no_such_table"})),
        stream(pa.table({"a": [1]}).replace_schema_metadata({cache.NAME: b"\xff"})),
        stream(pa.table({"a": [1]}).replace_schema_metadata({cache.NAME: b"sip_messages"})),
    ],
)
def test_what_is_not_ours_is_as_good_as_none(tmp_path, body):
    (tmp_path / "key").write_bytes(with_digest(body))
    assert cache.read(tmp_path / "key") is None


def test_texts_that_lead_out_of_their_memory_are_as_good_as_none(tmp_path):
    cache.write(held(), tmp_path / "key")
    rows = pa.concat_tables([(cache.read(tmp_path / "key") or {})["captures"]] * 2)
    offsets = pa.array([0, 1 << 40, 1], pa.int64()).buffers()[1]
    text = pa.Array.from_buffers(ARROW["string"], 2, [None, offsets, pa.py_buffer(b"x")])
    hostile = rows.set_column(rows.column_names.index("path"), rows.schema.field("path"), text)
    (tmp_path / "key").write_bytes(with_digest(stream(hostile)))
    assert cache.read(tmp_path / "key") is None


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "key")
    assert cache.read(tmp_path / "key") is None


def test_a_missing_file_is_none(tmp_path):
    assert cache.read(tmp_path / "nothing") is None


def test_the_key_depends_on_every_part_and_on_the_readers(monkeypatch):
    keys = {cache.key("sha", "4.0.17"), cache.key("sha", "4.4.0"), cache.key("other", "4.0.17")}
    monkeypatch.setattr(cache, "_readers", lambda: "changed")
    keys.add(cache.key("sha", "4.0.17"))
    assert len(keys) == 4
    assert cache.key("sha", "4.0.17") == cache.key("sha", "4.0.17")


def test_places_are_known_without_the_hash_and_only_when_they_hold_events(tmp_path):
    place = tmp_path / "key-120"
    cache.write(held(), cache.file(place, ["ab" * 32]))
    cache.write(held(), cache.file(place, ["cd" * 32]))
    (tmp_path / ".key-7-ab.making").touch()  # left by a crashed run
    assert place in cache.places(tmp_path)
    assert tmp_path / "key-7" not in cache.places(tmp_path)
    assert cache.places(tmp_path / "nothing") == set()
