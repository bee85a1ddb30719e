"""`postproc report`, and the report that `postproc run` writes."""

import re
import shutil
import subprocess
import sys

import pytest
from click.testing import CliRunner

from postproc.cli import cli


def said(*words: object):
    return CliRunner().invoke(cli, [str(word) for word in words], catch_exceptions=False)


@pytest.fixture(scope="module")
def out(pcaps, tmp_path_factory):
    folder = tmp_path_factory.mktemp("report") / "out"
    done = said("run", pcaps / "no_binding_success.pcapng", "-o", folder, "--lang", "en")
    assert f"report: {folder / 'report.html'}" in done.stdout
    return folder


def test_a_run_writes_its_report(out):
    html = (out / "report.html").read_text(encoding="utf-8")
    assert "No Binding Success: 17 of 17" in html and 'lang="en"' in html


def test_an_earlier_run_s_report_is_made_again_the_same(out):
    before = (out / "report.html").read_bytes()
    done = said("report", out)
    assert (done.exit_code, done.stdout) == (0, f"{out / 'report.html'}\n")
    assert (out / "report.html").read_bytes() == before


def test_a_call_alone_goes_into_a_file_of_its_own(out):
    assert said("report", out, "--call", 1).stdout == f"{out / 'report-1.html'}\n"
    assert (out / "report-1.html").exists()


def test_an_unknown_call_is_one_line(out):
    done = said("report", out, "--call", 7)
    assert (done.exit_code, done.stderr) == (2, "postproc: no call 7 in this run; it has 1\n")


def test_in_another_language_the_findings_are_told_anew(out, tmp_path):
    said("report", out, "--lang", "de", "-o", tmp_path / "b.html")
    html = (tmp_path / "b.html").read_text(encoding="utf-8")
    html = re.sub(
        r'<details class="fold answer">.*?</details>', "", html, flags=re.DOTALL
    )  # in both languages
    assert 'lang="de"' in html and "Kein Binding Success" in html and "No Binding Success:" not in html


def test_findings_of_another_deployment_are_not_told_as_this_run_s(out, tmp_path):
    other = tmp_path / "other.toml"
    other.write_text("[thresholds]\ndead_requests = 1000\ndead_seconds = 1000\n")
    done = said("report", out, "--lang", "de", "--deployment", other)
    assert done.exit_code == 2 and "dasselbe --deployment" in done.stderr


def test_a_redacted_report_is_a_file_of_its_own(out):
    done = said("report", out, "--redact", "--call", 1)
    assert (done.exit_code, done.stdout) == (0, f"{out / 'report-1-redacted.html'}\n")
    assert done.stderr.startswith("replaced: ") and "\nremains: " in done.stderr
    assert "10.0.50.118" not in (out / "report-1-redacted.html").read_text(encoding="utf-8")


def test_a_folder_without_results_or_a_file_that_cannot_be_written_is_one_line(out, tmp_path):
    done = said("report", tmp_path / "none")
    assert done.exit_code == 2 and len(done.stderr.splitlines()) == 1
    done = said("report", out, "-o", tmp_path / "none" / "r.html")
    assert done.exit_code == 2 and len(done.stderr.splitlines()) == 1


WATCHED = """
import sys
from postproc.cli import cli
cli(sys.argv[1:], standalone_mode=False)
print(sorted({"jinja2", "matplotlib", "nbformat"} & set(sys.modules)))
"""


def test_without_a_report_nothing_is_imported_for_one_and_an_old_one_goes(out, pcaps):
    shutil.rmtree(out / "notebooks")  # to see whether one was edited takes nbformat
    words = ["run", pcaps / "no_binding_success.pcapng", "-o", out, "--no-report", "-q"]
    done = subprocess.run([sys.executable, "-c", WATCHED, *words], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
    assert not (out / "report.html").exists() and (out / "findings.json").exists()
