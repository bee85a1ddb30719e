"""Events on disk: what was written comes back under the names of this run, or not at all."""

import orjson
import pandas as pd
import pytest

from postproc import cache
from postproc.model.tables import Tables, concat
from tests import builders


def events(name: str = "old.pcapng", call_id: str = "a@x") -> Tables:
    return Tables().with_(
        captures=builders.captures({"capture": name, "path": f"/was/{name}", "packets": 3}),
        sip_messages=builders.sip_messages({"capture": name, "call_id": call_id, "cseq": 2**62, "time": 1.5}),
    )


def assert_equal(found: Tables, expected: Tables) -> None:
    for table, rows in expected.items():
        pd.testing.assert_frame_equal(getattr(found, table.name), rows)


def test_events_come_back_with_the_schemas_types(tmp_path):
    cache.write(events(), tmp_path / "key")
    assert_equal(cache.gather([(cache.read(tmp_path / "key"), [{}])]), events())


def test_a_renamed_capture_bears_its_new_name(tmp_path):
    cache.write(events(), tmp_path / "key")
    names = {"capture": "new.pcapng", "path": "/is/new.pcapng", "sha256": "ab"}
    found = cache.gather([(cache.read(tmp_path / "key"), [names])])
    assert found.sip_messages["capture"].tolist() == ["new.pcapng"]
    assert found.captures[list(names)].values.tolist() == [list(names.values())]


def test_captures_are_put_under_each_other_in_the_order_given(tmp_path):
    parts = []
    for name in ("b", "a"):
        cache.write(events(name, f"{name}@x"), tmp_path / name)
        parts.append((cache.read(tmp_path / name), [{}]))
    assert_equal(cache.gather(parts), concat([events("b", "b@x"), events("a", "a@x")]))


def test_nothing_gathered_is_empty_tables():
    assert_equal(cache.gather([]), Tables())


def test_a_capture_without_rows_is_held_all_the_same(tmp_path):
    cache.write(Tables(), tmp_path / "key")
    assert cache.read(tmp_path / "key") == {}


def test_an_older_folder_is_replaced_and_no_other_is_left(tmp_path):
    cache.write(events(call_id="1@x"), tmp_path / "key")
    cache.write(events(call_id="2@x"), tmp_path / "key")
    held = cache.read(tmp_path / "key")
    assert held is not None
    assert held["sip_messages"]["call_id"].to_pylist() == ["2@x"]
    assert [path.name for path in tmp_path.iterdir()] == ["key"]


def test_a_write_that_fails_leaves_nothing(tmp_path, monkeypatch):
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cache.pq, "write_table", full)
    with pytest.raises(OSError, match="No space left"):
        cache.write(events(), tmp_path / "key")
    assert list(tmp_path.iterdir()) == []


def broken(folder, name, content=None):
    if content is None:
        (folder / name).unlink()
    else:
        (folder / name).write_bytes(content)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("rows.json", None),
        ("rows.json", b""),
        ("rows.json", b"[]x"),
        ("rows.json", b"5"),
        ("rows.json", b'{"sip_messages": 7}'),
        ("rows.json", b'{"no_such_table": 1}'),
        ("sip_messages.parquet", None),
        ("sip_messages.parquet", b"PAR1 not really PAR1"),
        ("sip_messages.parquet", b""),
    ],
)
def test_a_damaged_folder_is_as_good_as_none(tmp_path, name, content):
    cache.write(events(), tmp_path / "key")
    broken(tmp_path / "key", name, content)
    assert cache.read(tmp_path / "key") is None


def test_a_table_with_other_columns_is_as_good_as_none(tmp_path):
    cache.write(events(), tmp_path / "key")
    path = tmp_path / "key" / "sip_messages.parquet"
    pd.read_parquet(path).drop(columns="branch").to_parquet(path)
    assert cache.read(tmp_path / "key") is None


def test_a_missing_folder_is_none(tmp_path):
    assert cache.read(tmp_path / "nothing") is None


def test_the_key_depends_on_every_part_and_on_the_readers(monkeypatch):
    keys = {cache.key("sha", "4.0.17"), cache.key("sha", "4.4.0"), cache.key("other", "4.0.17")}
    monkeypatch.setattr(cache, "_readers", lambda: "changed")
    keys.add(cache.key("sha", "4.0.17"))
    assert len(keys) == 4
    assert cache.key("sha", "4.0.17") == cache.key("sha", "4.0.17")


def test_places_are_known_without_the_hash_and_only_when_they_hold_events(tmp_path):
    place = tmp_path / "key-120"
    cache.write(events(), cache.folder(place, ["ab" * 32]))
    cache.write(events(), cache.folder(place, ["cd" * 32]))
    (tmp_path / ".key-7-ab.making").mkdir()  # left by a run that died
    assert place in cache.places(tmp_path)
    assert tmp_path / "key-7" not in cache.places(tmp_path)
    assert cache.places(tmp_path / "nothing") == set()


def test_the_number_of_rows_is_kept(tmp_path):
    cache.write(events(), tmp_path / "key")
    assert orjson.loads((tmp_path / "key" / "rows.json").read_bytes()) == {"captures": 1, "sip_messages": 1}
