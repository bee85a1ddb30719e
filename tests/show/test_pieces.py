"""JSON written and read piece by piece: nothing is lost on the way, whoever laid it out."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postproc.show import pieces

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.text(), JSON, max_size=4)
DOCUMENT: dict[str, Any] = {
    "run": {"id": "1", "lang": "de"},
    "calls": [{"call": 1, "walk": [{"said": '}\n{ "x": ['}, {}]}, {}, {"call": 2}],
    "none": [],
    "about": "one",
    "findings": [{"rule": "a", "frames": []}],
}


def written(path: Path, document: dict[str, Any]) -> Path:
    pieces.write(path, document | {"calls": iter(document["calls"])})
    return path


def in_pieces(document: dict[str, Any]) -> list[tuple[str, Any]]:
    listed = {name: value if isinstance(value, list) else [value] for name, value in document.items()}
    return [(name, item) for name, items in listed.items() for item in items]


def test_what_is_written_is_json_and_is_read_in_pieces(tmp_path):
    path = written(tmp_path / "x.json", DOCUMENT)
    assert json.loads(path.read_text("utf-8")) == DOCUMENT
    assert list(pieces.read(path)) == in_pieces(DOCUMENT)


@given(about=OBJECTS, calls=st.lists(OBJECTS, max_size=3), name=st.text(max_size=5))
def test_whatever_is_written_comes_back(tmp_path_factory, about, calls, name):
    document = {name: about, "calls": calls, "word": name}
    path = written(tmp_path_factory.mktemp("x") / "x.json", document)
    assert json.loads(path.read_bytes()) == document
    assert list(pieces.read(path)) == in_pieces(document)


@pytest.mark.parametrize("indent", [None, 1, 2, 4, "\t"])
def test_a_document_that_others_laid_out_is_read_too(tmp_path, indent):
    (tmp_path / "x.json").write_text(json.dumps(DOCUMENT, indent=indent), "utf-8")
    assert list(pieces.read(tmp_path / "x.json")) == in_pieces(DOCUMENT)


def test_a_document_that_is_cut_short_is_an_error_wherever_it_is_cut(tmp_path):
    path = written(tmp_path / "x.json", DOCUMENT)
    whole = path.read_bytes()
    for size in range(len(whole) - 1):  # the last line's end says nothing
        path.write_bytes(whole[:size])
        with pytest.raises(ValueError):
            list(pieces.read(path))


@pytest.mark.parametrize("text", ["", "[]", "1", "{", "[{}]"])
def test_what_is_no_json_object_is_an_error(tmp_path, text):
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(ValueError):
        list(pieces.read(tmp_path / "x.json"))
