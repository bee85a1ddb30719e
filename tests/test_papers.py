"""The developers' documents name only modules and files that exist."""

import re
from importlib.util import find_spec
from pathlib import Path

import pytest

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


def test_every_module_of_reading_is_in_the_architecture():
    page = (ROOT / "docs" / "ARCHITECTURE.md").read_text(encoding="utf-8")
    section = page.partition("## From bytes to tables")[2].partition("\n## ")[0]
    named = set(re.findall(r"`(\w+)`", section))
    modules = {path.stem for path in (ROOT / "postproc" / "read").glob("*.py")} - {"__init__", "arrays"}
    assert modules - named == set()
