"""``postproc checklist``: what answers a step, who is asked, how it is gone on with, and what stands at the end."""

import json
import re
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from postproc import pipeline
from postproc.cli import cli
from postproc.config.check import check
from postproc.config.problems import Role
from postproc.model.findings import State
from postproc.model.tables import Tables
from postproc.model.text import LANGS
from postproc.model.wayin import FIRST_CHART
from postproc.wayin.evidence import Answer, of_config, of_probe, of_run, read_probe, together
from postproc.wayin.walk import ADVICE, Personal, failing_tests, markdown, read_personal, walked
from tests.builders import calls, rows

QUESTIONS = 10  # of the ticket, that no trace answers


def result(step, verdict="ok", rule=None, said="seen", **facts):
    return {"step": step, "verdict": verdict, "rule": rule, "said": said, "facts": facts}


GOOD = [
    result("dns"),
    result("tcp"),
    result("tls"),
    result("certificate"),
    result("name"),
    result("chain"),
    result("path", path="/XPhoneConnect/mobile"),
    result("path", path="/XPhoneConnect/webclientapi"),
    result("signalr"),
    result("websocket"),
]


def states(answers) -> dict[str, State]:
    return {step: answer.state for step, answer in answers.items()}


def test_a_good_probe_passes_what_it_shows_all_of_and_no_more():
    assert states(of_probe(GOOD)) == {
        "server_urls": "cannot_tell",  # reached, but is it entered in the server?
        "certificate": "passed",
        "web_application": "passed",
        "test_health": "passed",
        "test_hub": "passed",
    }
    assert states(of_probe([result("stun")])) == {"stun_server": "cannot_tell"}
    assert states(of_probe([result("udp"), result("nat")])) == {"firewall_ports": "passed"}


@pytest.mark.parametrize(
    ("changed", "step", "state"),
    [
        (result("chain", "fault", "certificate-chain"), "certificate", "failed"),
        (result("chain", "note"), "certificate", None),  # trusted as --ca has it: what apps do stays open
        (result("websocket", "fault", "websocket-blocked"), "test_hub", "failed"),
        (result("signalr", "cannot_tell"), "test_hub", None),
        (result("path", "fault", "path-not-published", path="/XPhoneConnect/mobile"), "site", "failed"),
        (result("tcp", "fault", "port-closed"), "server_urls", "failed"),
    ],
)
def test_what_fails_in_a_probe_fails_its_steps(changed, step, state):
    kept = [each for each in GOOD if (each["step"], each["facts"]) != (changed["step"], changed["facts"])]
    assert states(of_probe([*kept, changed])).get(step) == state


def test_udp_ports_that_do_not_pass_fail_the_firewall_though_others_do():
    assert states(of_probe([result("udp"), result("udp", "fault")]))["firewall_ports"] == "failed"


def test_findings_fail_steps_and_media_passes_them():
    found = rows(
        "findings",
        {
            "name": "stun-server-unreachable",
            "verdict": "fault",
            "title": "No answer.",
            "remedies": "Ask.\nAgain.",
        },
        {"name": "no-binding-success", "verdict": "suspect", "title": "Perhaps."},
        {"name": "codec", "verdict": "fault", "title": "Other."},
    )
    tables = Tables().with_(findings=found, calls=calls({"call": 1, "media_ok": None}))
    answers = of_run(tables, "en")
    assert states(answers) == {"stun_server": "failed", "firewall_ports": "cannot_tell"}
    assert answers["stun_server"] == Answer("failed", ("No answer.",), ("Ask.", "Again."))
    flowed = of_run(Tables().with_(calls=calls({"call": 3, "media_ok": True})), "en")
    assert states(flowed) == {"firewall_ports": "passed", "access_lists": "passed"}


def test_a_configuration_fails_steps_and_passes_none(tmp_path):
    path = tmp_path / "appsettings.json"
    path.write_text('{"AppSettings": {"XPhoneServerHost": "localhost", "SignalRLongPolling": false}}')
    checked, _ = check([path], Role.DMZ, ["https://xps/XPhoneConnect/mobile"])
    answers = of_config(checked, "en")
    assert states(answers) == {
        "test_authentication": "failed",
        "test_hub": "cannot_tell",
        "server_urls": "failed",
    }
    assert answers["test_authentication"].todo[0].endswith("put the XPhone Server's host name or address")
    path.write_text('{"AppSettings": {"XPhoneServerHost": "xps.example.com"}}')
    assert of_config(check([path])[0], "en") == {}


def test_what_was_measured_outweighs_what_somebody_says_and_a_fault_what_is_good():
    personal = Personal({"certificate": "passed", "site": "failed"})
    steps = walked({"certificate": Answer("failed", ("expired",))}, personal, "en")
    held = {each.step.id: each.answer for each in steps}
    assert held["certificate"].state == "failed" and held["certificate"].said == ("expired",)
    assert held["site"].todo == tuple(each.en for each in ADVICE["site"])
    assert failing_tests(steps) == ("url", "health")
    both = together({"site": Answer("passed", ("a",))}, {"site": Answer("failed", ("b",))})
    assert both["site"] == Answer("failed", ("a", "b"))


def test_every_step_has_advice_in_both_languages():
    assert set(ADVICE) == {step.id for step in FIRST_CHART}
    for lang in LANGS:
        told = markdown(walked({}, Personal(dict.fromkeys(ADVICE, "failed")), lang), lang)
        assert all(
            each.of(lang)[:20] in told.replace("\\", "") for texts in ADVICE.values() for each in texts
        )


def test_strangers_text_is_text():
    evil = Answer("failed", ("<script>\x1b[31m](x)",))
    assert "<script>" not in markdown(walked({"site": evil}, Personal(), "en"), "en")


def ask(*words, answers="", lang="en"):
    given = "\n".join(answers) + "\n" if answers else ""
    return CliRunner().invoke(cli, ["checklist", *map(str, words), "--lang", lang], input=given)


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_person_is_asked_stops_goes_on_and_gets_a_checklist():
    stopped = ask(answers=["y", "y", "q"])
    assert stopped.exit_code == 0 and "kept in checklist.json" in stopped.stdout
    assert json.loads(Path("checklist.json").read_text())["steps"] == {
        "web_application": "passed",
        "certificate": "passed",
    }
    # Goes on at the third: it fails, inside it works; on; then all is well but Android; then the ticket.
    rest = ["n", "y", "y", *["y"] * 6, "i", "y", "y", "?", "y", "4711", "no devices", *[""] * (QUESTIONS - 2)]
    done = ask(answers=rest)
    assert done.exit_code == 0, done.output
    told = Path("checklist.md").read_text()
    assert "works in the company's Wi-Fi, not from the internet" in told
    assert "devices on iOS, none on Android" in told and "vendor's article" in told
    assert "Of the app's connection test fails: 1, URL of the Web API" in told
    assert re.search(r"- \[x\] Customer id \(XID\): 4711", told)
    personal = read_personal(Path("checklist.json"))
    assert personal.steps["access_lists"] == "passed" and personal.steps["firewall_ports"] == "cannot_tell"
    again = ask(answers=["y", "y"])  # nothing is asked again but whether to go on behind what fails
    assert again.exit_code == 0, again.output


def test_in_german_with_a_probe_and_nobody_to_ask():
    Path("probe.json").write_text(
        json.dumps([*GOOD, result("chain", "fault", "certificate-expired", "abgelaufen")])
    )
    Path("web.config").write_text("<configuration><a></configuration>")
    done = ask("--probe", "probe.json", "--config", "web.config", "--no-ask", "-o", "weg.md", lang="de")
    assert done.exit_code == 0, done.output
    assert "postproc: web.config:1:19: </configuration> trifft auf ein offenes <a>" in done.stderr
    told = Path("weg.md").read_text()
    assert "abgelaufen" in told and "Vom Verbindungstest der App scheitert: 2, Zustand der Web-API" in told
    assert "**BITTE AUSFÜLLEN**" in told
    assert not Path("checklist.json").exists()


def test_ctrl_c_keeps_what_was_answered():
    done = ask(answers=["y"])  # then the input ends
    assert done.exit_code == 130
    assert read_personal(Path("checklist.json")).steps == {"web_application": "passed"}


@pytest.mark.parametrize(
    ("content", "option"),
    [
        ("{", "--state"),
        ("[]", "--state"),
        ('{"format": 1, "steps": {"web_application": "gone"}, "notes": {}, "ticket": {}}', "--state"),
        ('{"format": 1, "steps": {}, "notes": {"site": "<b>"}, "ticket": {}}', "--state"),
        ('{"format": 1, "steps": {}, "notes": {}, "ticket": {"x": 1}}', "--state"),
        ("[" * 9999, "--state"),
        ("{}", "--probe"),
        ('[{"step": 1}]', "--probe"),
        ('[{"step": "a", "verdict": "ok", "said": "x", "facts": 5}]', "--probe"),
    ],
)
def test_files_that_are_none_are_one_line(content, option):
    Path("file.json").write_text(content)
    done = ask(option, "file.json", "--no-ask")
    assert done.exit_code == 2
    assert done.stderr.startswith("postproc: file.json: ") and len(done.stderr.splitlines()) == 1


def test_a_probe_that_lacks_rules_and_facts_is_read(tmp_path):
    path = tmp_path / "p.json"
    path.write_text('[{"step": "tls", "verdict": "ok", "said": "x"}]')
    assert read_probe(path) == [{"step": "tls", "verdict": "ok", "said": "x", "facts": {}, "rule": None}]


def test_the_results_of_a_run_answer_and_end_in_a_ticket(here, pcaps):
    pipeline.write(pipeline.run([pcaps / "acl_403.pcapng"]), here / "out")
    done = ask("out", "--no-ask", "--ticket", "t.zip")
    assert done.exit_code == 0, done.output
    assert (
        "postproc acl check" in Path("checklist.md").read_text()
        or "whitelist" in Path("checklist.md").read_text()
    )
    with zipfile.ZipFile("t.zip") as packed:
        names = packed.namelist()
        attached = [name for name in names if name.startswith("attachments/")]
        assert "The way in: the first chart" in packed.read(attached[0]).decode()
    assert any(name.startswith("trace/") for name in names)
    assert ask("nowhere", "--no-ask").exit_code == 2
    assert ask("--ticket", "t.zip", "--no-ask").exit_code == 2
