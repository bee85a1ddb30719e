"""The documents agree with the program: every command, every table, every make target."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from postproc.cli import cli
from postproc.diagnose.rules import RULES
from postproc.model.findings import STAGES
from postproc.model.tables import TABLES
from postproc.show import documents

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_page_of_tables_is_what_the_program_prints():
    page = (ROOT / "docs" / "TABLES.md").read_text(encoding="utf-8")
    assert page == documents.tables_as_markdown(TABLES) + "\n", (
        "renew it: postproc tables --markdown > docs/TABLES.md"
    )


@pytest.mark.parametrize("name", ["README.md", "README.de.md"])
def test_every_error_picture_is_in_the_readme_in_the_order_of_the_chain(name):
    rows = re.findall(
        r"^\| [^|]+ \| ((?:`[a-z0-9-]+`(?:, )?)+) \|$", (ROOT / name).read_text(encoding="utf-8"), re.M
    )
    stages = [[rule.name for rule in RULES if rule.stage == stage] for stage in STAGES]
    assert [re.findall(r"`([^`]+)`", row) for row in rows if row.count("`") > 6] == stages


@pytest.mark.parametrize("command", sorted(cli.commands))
def test_every_command_is_in_the_readme(command):
    assert f"postproc {command}" in README


def test_every_option_of_run_is_in_the_readme():
    options = {word for option in cli.commands["run"].params for word in option.opts if word.startswith("--")}
    assert sorted(word for word in options if f"`{word}" not in README) == []


@pytest.mark.parametrize("page", ["README.md", "README.de.md", "SECURITY.md"])
def test_commands_in_the_pages_exist(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    commands = set(re.findall(r"(?:`|\$ |^    )postproc ([a-z]+)", text, re.MULTILINE))
    targets = set(re.findall(r"\bmake ([a-z][a-z-]+)", text))
    makefile = (ROOT / "Makefile").read_text()
    assert commands <= set(cli.commands)
    assert commands
    assert {target for target in targets if not re.search(rf"^{target}:", makefile, re.MULTILINE)} == set()


@pytest.mark.parametrize("page", ["README.md", "README.de.md", "CHANGELOG.md", "SECURITY.md"])
def test_links_between_the_pages_lead_somewhere(page):
    links = re.findall(r"\]\((?!https?:)([^)#]+)", (ROOT / page).read_text(encoding="utf-8"))
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_constraints_name_versions_and_nothing_else():
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    assert [line for line in lines if not re.fullmatch(r"[A-Za-z0-9_.-]+==[A-Za-z0-9_.]+", line)] == []
    assert any(line.startswith("pandas==") for line in lines)


@pytest.mark.parametrize("page", ["README.md", "README.de.md"])
def test_the_first_example_is_what_is_printed(page, tmp_path, monkeypatch):
    """Compared line by line; the page may cut a line, which then ends with ``...``."""
    text = (ROOT / page).read_text(encoding="utf-8")
    example = re.search(r"^    \$ postproc (run .*\n(?:    .*\n)+)", text, re.MULTILINE)
    command, *shown = example[1].splitlines()
    language = "" if "--lang" in command else "--lang en"
    monkeypatch.chdir(ROOT / "pcaps")
    words = f"{command} {language} -j 1 --no-report -o".split()
    done = CliRunner().invoke(cli, [*words, str(tmp_path)], env={"COLUMNS": "200"})
    printed = done.stdout.splitlines()
    for line in (each.removeprefix("    ") for each in shown):
        assert any(_shows(line, each) for each in printed), line


def _shows(line: str, printed: str) -> bool:
    return printed.startswith(line[:-4]) if line.endswith(" ...") else printed == line


@pytest.mark.parametrize("page", [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")], ids=lambda page: page.name)
def test_no_page_holds_both_sides_of_a_merge(page):
    assert re.findall(r"^[<=>]{7}(?: .*)?$", page.read_text(encoding="utf-8"), re.MULTILINE) == []
