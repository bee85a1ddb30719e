"""The options ``--deployment`` and ``--acl`` of a run."""

import pandas as pd
import pytest
from click.testing import CliRunner

import postproc
from postproc.cli import cli

XML = '<network-lists><list name="only_vpn" default="deny"/><list name="lan"/></network-lists>'


@pytest.fixture
def run(tmp_path, monkeypatch, pcaps):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LC_ALL", "C")
    (tmp_path / "acl.conf.xml").write_text(XML)

    def made(*words, capture="acl_488"):
        return CliRunner().invoke(cli, ["run", str(pcaps / f"{capture}.pcapng"), "-q", *words])

    return made


def verdicts():
    found = postproc.load("postproc-out").candidates["acl_verdict"]
    return [None if pd.isna(value) else value for value in found]


def test_lists_of_a_file_fill_the_verdict_of_candidates(run):
    assert run("--acl", "acl.conf.xml", "--acl-list", "only_vpn").exit_code == 0
    assert verdicts() == ["denied", "denied"]


def test_built_in_lists_need_no_file(run):
    assert run("--acl-list", "wan.auto").exit_code == 0
    assert verdicts() == ["denied", "allowed"]


def test_a_file_that_does_not_say_what_is_applied_is_told_and_leaves_it_open(run):
    done = run("--acl", "acl.conf.xml")
    assert done.exit_code == 0
    assert "name them with --acl-list" in done.stderr
    assert verdicts() == ["unknown", "unknown"]


def test_without_lists_there_is_no_verdict_and_no_word(run):
    done = run()
    assert (done.exit_code, done.stderr) == (0, "")
    assert verdicts() == [None, None]


def test_another_deployment_is_no_reason_to_read_again(run, tmp_path):
    run(capture="good")
    before = sorted(path.name for path in (tmp_path / "postproc-out" / "events").iterdir())
    assert run("--deployment", "generic", capture="good").exit_code == 0
    assert sorted(path.name for path in (tmp_path / "postproc-out" / "events").iterdir()) == before
    assert set(postproc.load("postproc-out").candidates["side_by"]) == {"b2bua"}


@pytest.mark.parametrize(
    "words, told",
    [
        (["--deployment", "nope.toml"], "postproc: nope.toml: no such file or directory"),
        (["--acl", "nope.xml"], "postproc: nope.xml: no such file or directory"),
    ],
)
def test_a_missing_file_stops_the_run_in_one_line(run, words, told):
    done = run(*words)
    assert done.exit_code == 2
    assert done.stderr.startswith(told)


def test_analyze_takes_a_name_a_file_or_a_deployment(tmp_path, pcaps):
    (tmp_path / "own.toml").write_text('base = "generic"\n[acl]\ncandidate = ["wan.auto"]')
    known = postproc.analyze(pcaps / "acl_488.pcapng", deployment=tmp_path / "own.toml").candidates
    assert known["acl_verdict"].tolist() == ["denied", "allowed"]
    assert set(known["side_by"]) == {"role"}
    named = postproc.analyze(pcaps / "good.pcapng", deployment="freeswitch").candidates
    assert "marker" in set(named["side_by"])
