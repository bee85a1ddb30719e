"""What `postproc run` says of what it found, and its exit status."""

import json

import pytest
from click.testing import CliRunner

import postproc
from postproc.cli import cli


@pytest.fixture(scope="module")
def ran(tmp_path_factory, pcaps):
    """Runs over one capture; the events are read once and shared."""
    out = tmp_path_factory.mktemp("out")

    def run(*words: str):
        capture = str(pcaps / "no_binding_success.pcapng")
        return CliRunner().invoke(cli, ["run", capture, "-o", str(out), *words], catch_exceptions=False)

    run.out = out
    return run


def test_the_headline_of_a_faulty_call_is_printed(ran):
    said = ran().stdout
    assert "call 1: No Binding Success: 17 of 17 Binding Requests were never answered." in said
    assert "what to do" not in said


def test_german_is_german_to_the_last_line(ran):
    said = ran("--lang", "de").stdout
    assert "Anruf 1: Kein Binding Success: 17 von 17 Binding Requests blieben unbeantwortet." in said
    assert "1 Anruf in 1 Mitschnitt" in said
    assert "Befunde: " in said


def test_verbose_prints_walk_findings_causes_and_remedies(ran):
    said = ran("-v").stdout
    assert "Are they answered (Binding Success)? no" in said
    assert "ICE001 fault: No Binding Success" in said
    assert "- Enable the Pin Hole Puncher" in said
    assert "frames 19, 21, 22" in said


def test_only_asks_the_rules_named_by_name_or_code(ran):
    ran("--only", "ice001, no-media")
    found = json.loads((ran.out / "findings.json").read_bytes())["findings"]
    assert {each["name"] for each in found} == {"no-binding-success", "no-media"}


def test_an_unknown_rule_is_one_line_with_a_hint(ran):
    done = ran("--only", "no-binding-sucess")
    assert done.exit_code == 2
    assert done.stderr.splitlines()[-1] == (
        "postproc: no rule 'no-binding-sucess'; did you mean no-binding-success?"
    )


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (("--fail-on", "error"), 1),
        (("--fail-on", "note"), 1),
        ((), 0),
        (("--fail-on", "error", "--only", "hotspot-client"), 0),
    ],
)
def test_fail_on_decides_the_exit_status(ran, words, status):
    assert ran(*words).exit_code == status


def test_findings_json_has_calls_with_their_walk_and_findings_with_lists(ran):
    ran()
    held = json.loads((ran.out / "findings.json").read_bytes())
    (call,) = held["calls"]
    assert (call["verdict"], call["cause"]) == ("fault", "no-binding-success")
    assert [step["step"] for step in call["walk"]] == [
        "trace",
        "legs",
        "client_candidates",
        "server_candidates",
        "requests",
        "answers",
        "dtls",
        "media",
    ]
    first = held["findings"][0]
    assert first["frames"][:3] == [19, 21, 22]
    assert first["facts"]["unanswered"] == 17
    assert first["remedies"][0].startswith("Enable the Pin Hole Puncher")


def test_a_stored_run_has_its_walks(ran):
    ran()
    assert [step["state"] for step in postproc.load(ran.out).walks[1]][-2:] == ["not_reached", "failed"]


FAULTY = "acl_403", "registration_failed_silent"
BUSY = "busy_486"


@pytest.mark.parametrize(
    ("words", "made"),
    [
        ((), FAULTY),
        (("--notebooks", "all"), (*FAULTY, BUSY)),
        (("--notebooks", "none"), ()),
        (("--no-report",), ()),
        (("--no-report", "--notebooks", "faults"), FAULTY),
    ],
)
def test_notebooks_are_about_captures_in_which_something_was_found(ran, pcaps, words, made):
    """In a call or beside the calls; of an earlier run with more of them none is left."""
    captures = [pcaps / "acl_403.pcapng", *(pcaps / "made" / f"{name}.pcapng" for name in (FAULTY[1], BUSY))]
    out = ran.out / "books"
    given = ["run", *map(str, captures), "-j", "1", "-o", str(out)]
    for asked, names in (("all", (*FAULTY, BUSY)), (None, made)):
        done = CliRunner().invoke(cli, [*given, *(("--notebooks", asked) if asked else words)])
        assert {path.stem for path in out.glob("notebooks/*.ipynb")} == set(names)
        assert ("notebooks: " in done.stdout.splitlines()[-1]) == bool(names)
