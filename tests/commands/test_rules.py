"""`postproc rules` and `postproc explain`."""

from pathlib import Path

import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner

from postproc import pipeline
from postproc.cli import cli
from postproc.diagnose.rules import RULES
from postproc.show.documents import rule_explained
from tests.conftest import PCAPS

ROOT = Path(__file__).parent.parent.parent


def said(*words: str):
    return CliRunner().invoke(cli, words, catch_exceptions=False)


def test_every_rule_is_listed_with_code_and_name():
    told = said("rules", "--lang", "de").stdout.splitlines()
    lines = [line.strip() for line in told if line.startswith("  ")]
    assert len(lines) == len(RULES)
    (line,) = [line for line in lines if line.startswith("ICE001 ")]
    assert line.split(maxsplit=2)[1:] == ["no-binding-success", "Kein Binding Success"]


@pytest.mark.parametrize("word", ["ICE001", "ice001", "no-binding-success", "No-Binding-Success"])
def test_a_rule_is_explained_by_code_or_name(word):
    text = said("explain", word, "--lang", "en").stdout
    assert text.startswith("ICE001 no-binding-success: No Binding Success")
    assert "What to do:" in text and "[xphone]" in text and "RFC 8445" in text


def test_an_unknown_one_is_one_line():
    done = said("explain", "xyz")
    assert (done.exit_code, done.stderr) == (2, "postproc: no rule 'xyz'; `postproc rules` lists them\n")


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
@pytest.mark.parametrize("lang", ["en", "de"])
def test_no_line_is_wider_than_the_terminal_and_no_brace_is_left(rule, lang):
    lines = rule_explained(rule, RULES, lang, 80)
    assert max(map(len, lines[1:])) <= 80
    assert "{" not in "".join(lines)


@pytest.mark.slow
def test_the_matrix_of_rules_is_what_the_program_prints():
    """All captures in one run: which rule fires on which capture."""
    printed = said("rules", "--matrix", str(ROOT / "pcaps")).stdout
    page = (ROOT / "docs" / "RULES-MATRIX.md").read_text(encoding="utf-8")
    assert page == printed, "renew it: postproc rules --matrix pcaps/ > docs/RULES-MATRIX.md"


def test_the_matrix_has_a_row_for_every_rule():
    """What can be seen of the page without reading captures."""
    page = (ROOT / "docs" / "RULES-MATRIX.md").read_text(encoding="utf-8")
    rows = [line.split("`")[1] for line in page.splitlines() if line.startswith("| `")]
    assert rows == [rule.name for rule in RULES]


def test_no_row_of_the_matrix_is_empty():
    """Every rule fires on a capture of pcaps/, and not on built tables only."""
    page = (ROOT / "docs" / "RULES-MATRIX.md").read_text(encoding="utf-8")
    cells = {
        line.split("`")[1]: line.split("|")[2:-1] for line in page.splitlines() if line.startswith("| `")
    }
    assert [rule for rule, row in cells.items() if not any(cell.strip() for cell in row)] == []


def test_the_page_of_rules_is_what_the_program_prints():
    page = (ROOT / "docs" / "RULES.md").read_text(encoding="utf-8")
    assert page == said("rules", "--markdown").stdout, "renew it: postproc rules --markdown > docs/RULES.md"


def test_a_matrix_of_no_captures_has_no_marks(tmp_path):
    done = said("rules", "--matrix", str(tmp_path))
    assert done.exit_code == 0
    assert "| `no-media` |\n" in done.stdout


def test_rules_stand_under_their_stages_and_words_choose_among_them():
    told = CliRunner().invoke(cli, ["rules", "--lang", "en"]).output.splitlines()
    stages = [line for line in told if not line.startswith(" ")]
    assert stages == [
        "The capture:",
        "The way in:",
        "SIP:",
        "Candidates and codecs:",
        "Checks:",
        "NAT:",
        "DTLS:",
        "Media:",
    ]
    chosen = CliRunner().invoke(cli, ["rules", "nat", "symmetric", "--lang", "en"]).output
    assert "symmetric-nat" in chosen and "no-binding-success" not in chosen
    assert CliRunner().invoke(cli, ["rules", "nothing-like-it"]).output == ""


def completed(*words: str) -> list[str]:
    complete = ShellComplete(cli, {}, "postproc", "_POSTPROC_COMPLETE")
    return [item.value for item in complete.get_completions(list(words[:-1]), words[-1])]


def test_rules_deployments_and_calls_are_completed(tmp_path):
    assert completed("explain", "no-b") == ["no-binding-success"]
    assert completed("run", "--only", "ICE001,no-bi") == ["ICE001,no-binding-success"]
    assert completed("run", "--deployment", "xp")[0] == "xphone"
    pipeline.run([PCAPS / "two_calls.pcapng"], tmp_path / "out", report=False)
    for command in ("filter", "export", "annotate", "ticket", "notebook", "report"):
        assert completed(command, str(tmp_path / "out"), "--call", "") == ["1", "2"], command
    assert completed("filter", str(tmp_path), "--call", "") == []
