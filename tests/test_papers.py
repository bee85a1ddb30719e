"""The developers' documents name only modules and files that exist."""

import re
from importlib.util import find_spec
from pathlib import Path

import pytest

from postproc.diagnose import evidence

ROOT = Path(__file__).parent.parent
PAPERS = ("CONTRIBUTING.md", "docs/ARCHITECTURE.md")


def missing(text: str) -> list[str]:
    """Return modules and paths in the text that do not exist."""
    modules = set(re.findall(r"\bpostproc(?:\.[a-z_]+)+\b(?!/)", text))
    paths = set(re.findall(r"\b(?:postproc|tests|docs)/[\w/.-]+\w", text))
    paths = {path for path in paths if "NAME" not in path}
    return sorted(
        [name for name in modules if find_spec(name) is None] + [p for p in paths if not (ROOT / p).exists()]
    )


@pytest.mark.parametrize("paper", PAPERS)
def test_modules_and_files_that_a_paper_names_exist(paper):
    assert missing((ROOT / paper).read_text(encoding="utf-8")) == []


def test_one_that_is_gone_is_found():
    assert missing("`postproc.diagnose.gone`, `tests/gone.py`") == ["postproc.diagnose.gone", "tests/gone.py"]


@pytest.mark.parametrize("folder", ["postproc", "bench"])
def test_no_comment_cites_a_paper_that_is_not_in_the_repository(folder):
    cited = re.compile(r"\b(?:DESIGN|GUIDE|FREESWITCH|SKETCHES|STYLE|METHODS)(?: \d|, |\.md|\))")
    for path in (ROOT / folder).rglob("*.py"):
        for line in path.read_text(encoding="utf-8").splitlines():
            comment = "#" in line or '"""' in line
            assert not (comment and cited.search(line)), f"{path.name}: {line}"


def modules(package: str) -> set[str]:
    return {path.stem for path in (ROOT / "postproc" / package).glob("*.py")} - {"__init__"}


@pytest.mark.parametrize(
    ("package", "heading", "not_worth_a_line"),
    [("read", "## From bytes to tables", {"arrays"}), ("places", "## Places", set())],
)
def test_the_architecture_lists_every_module(package, heading, not_worth_a_line):
    page = (ROOT / "docs" / "ARCHITECTURE.md").read_text(encoding="utf-8")
    table = re.findall(r"^\| (`.*?) \|", page.partition(heading)[2].partition("\n## ")[0], re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", " ".join(table))) == modules(package) - not_worth_a_line


def test_the_evidence_lists_every_module():
    listed = [line for line in (evidence.__doc__ or "").splitlines() if re.match(r"\w+(?:, \w+)*  ", line)]
    named = {name for line in listed for name in line.partition("  ")[0].split(", ")}
    assert named == modules("diagnose/evidence")
