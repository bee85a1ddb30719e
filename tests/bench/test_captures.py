import ast
import json
from pathlib import Path

import pytest

from bench import captures, generate
from bench.captures import Spec, ready, truth_path


def imported(path):
    """Names of the bench modules that a module imports."""
    nodes = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ImportFrom)]
    for node in nodes:
        if node.module == "bench":
            yield from (alias.name for alias in node.names)
        elif node.module and node.module.startswith("bench."):
            yield node.module.removeprefix("bench.")


def test_every_module_that_the_generator_uses_decides_whether_a_capture_is_current():
    folder, todo, seen = Path(generate.__file__).parent, ["generate"], set()
    while todo:
        name = todo.pop()
        seen.add(name)
        todo += [each for each in imported(folder / f"{name}.py") if each not in seen]
    assert seen - {"captures"} == set(captures.GENERATOR)


@pytest.mark.parametrize(
    ("spec", "name", "title"),
    [
        (Spec("rtp", 10_000), "rtp-10000", "10,000 packets"),
        (Spec("rtp", 10_000, foreign=500), "rtp-10000-foreign-500", "10,000 packets + 500 foreign"),
        (Spec("sip", 2000, single_port=True), "sip-2000-one-port", "2,000 calls, one media port"),
        (Spec("folder", 200), "folder-200", "200 small captures"),
        (Spec("sip", 2000, one_link_type=True), "sip-2000-one-link-type", "2,000 calls"),
    ],
)
def test_a_capture_is_named_by_its_parameters(spec, name, title):
    assert (spec.name, spec.title) == (name, title)


def test_a_capture_is_built_once_with_its_truth(tmp_path):
    capture = ready(Spec("rtp", 800), tmp_path)
    built = capture.stat().st_mtime_ns
    assert truth_path(capture).exists()
    assert ready(Spec("rtp", 800), tmp_path).stat().st_mtime_ns == built


def test_a_folder_of_small_captures_has_one_truth(tmp_path):
    folder = ready(Spec("folder", 3), tmp_path)
    assert [path.name for path in sorted(folder.iterdir())] == ["0000.pcapng", "0001.pcapng", "0002.pcapng"]
    assert len({path.read_bytes() for path in folder.iterdir()}) == 3
    truth = json.loads(truth_path(folder).read_text())
    assert (
        len(truth["calls"]),
        len({leg["call_id"] for call in truth["calls"] for leg in call["legs"]}),
    ) == (3, 6)


def test_another_generator_builds_it_anew(tmp_path, monkeypatch):
    built = ready(Spec("sip", 3), tmp_path).stat().st_mtime_ns
    monkeypatch.setattr(captures, "generator_digest", lambda: "another")
    assert ready(Spec("sip", 3), tmp_path).stat().st_mtime_ns > built


def test_the_parameters_reach_the_generator(tmp_path):
    plain = ready(Spec("sip", 3), tmp_path).read_bytes()
    assert ready(Spec("sip", 3, single_port=True), tmp_path).read_bytes() != plain
    assert ready(Spec("sip", 3, one_link_type=True), tmp_path).read_bytes() != plain
    assert ready(Spec("sip", 3, foreign=20), tmp_path).read_bytes() != plain
