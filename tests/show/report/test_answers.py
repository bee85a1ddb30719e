"""Commands that run as they stand, and answers to paste into a mail, in both languages."""

import json
import os
import re
import shlex
import subprocess
import sys
from html import unescape

import pytest

from postproc import pipeline
from postproc.model.calls import Calls
from postproc.show.report.messages import messages
from postproc.show.report.takeaway import _from, commands
from tests.conftest import PCAPS
from tests.show.report import scenes
from tests.test_german import english


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    folder = tmp_path_factory.mktemp("answers") / "with a blank"
    names = ("good", "acl_403", "no_binding_success")
    pipeline.run([PCAPS / f"{name}.pcapng" for name in names], folder)
    return folder


def copied(out, kind: str) -> list[list[str]]:
    """What the folds of a kind hold to be copied, by call."""
    page = (out / "report.html").read_text()
    calls = page.split('<details class="call ')[1:]
    return [
        [
            unescape(text)
            for fold in re.findall(rf'<details class="fold {kind}">.*?</details>', call, re.DOTALL)
            for text in re.findall(r"<code>(.*?)</code>", fold, re.DOTALL)
        ]
        for call in calls
    ]


def test_the_commands_of_a_call_run_as_they_are_printed(out):
    printed = copied(out, "commands")[1]
    assert [shlex.split(line)[:2] for line in printed] == [
        ["postproc", "export"],
        ["postproc", "annotate"],
        ["postproc", "notebook"],
        ["postproc", "ticket"],
        ["wireshark", "-r"],
    ]
    for line in printed[:2]:
        words = [sys.executable, "-m", *shlex.split(line)]
        subprocess.run(words, cwd=out, check=True, capture_output=True)
    assert (out / "call-2.pcapng").stat().st_size and (out / "acl_403.annotated.pcapng").stat().st_size
    shown = printed[-1].replace("wireshark", "tshark", 1)
    assert subprocess.run(shlex.split(shown), cwd=out, check=True, capture_output=True).stdout


def test_the_answer_says_in_both_languages_what_was_seen_what_it_means_and_what_to_do(out):
    well, rejected, silent = copied(out, "answer")
    for answers in (well, rejected, silent):
        assert [text.splitlines()[0] for text in answers] == ["Hello,", "Guten Tag,"]
        assert english(answers[1]) == []
    assert "There is nothing to do." in well[0] and "Es ist nichts zu tun." in well[1]
    assert "403 Forbidden" in rejected[0] and "What it means (likely): An access list" in rejected[0]
    assert "Bitte:\n- Die Adresse des XPhone Servers in die Whitelist" in rejected[1]
    assert re.search(r"- UDP 10\.0\.50\.118:32026 <-> .*: checks \d+/0 sent/received, 0 answered", silent[0])
    assert "Ports und Zeiten (UTC):\n- UDP 10.0.50.118:32026" in silent[1]


def test_they_are_kept_with_the_findings_and_come_back(out):
    held = json.loads((out / "findings.json").read_text())["calls"][1]["answer"]
    assert set(held) == {"en", "de"}
    assert pipeline.load(out).answers[2]["de"]["headline"] == held["de"]["headline"]


def test_without_a_folder_of_results_there_is_nothing_to_run(tmp_path):
    call = Calls(scenes.tables())[1]
    assert commands(call, "sip", {}, None) == ()
    assert len(commands(call, "", {}, tmp_path)) == 4
    hostile = {call.call.capture: "/x/a\nb; rm -rf ~.pcapng"}
    made = commands(call, "sip", hostile, tmp_path)
    assert len(made) == 4, "a path with a line break is no command to paste"
    quoted = commands(call, "sip", {call.call.capture: "/x/$(touch y).pcapng"}, tmp_path)[-1]
    assert "'" in quoted and shlex.split(quoted)[2] == os.path.relpath("/x/$(touch y).pcapng", tmp_path)
    assert _from(tmp_path, "trace/a.pcapng") == "trace/a.pcapng"


def test_messages_stand_as_text_offer_beside_answer_without_keys(out):
    call = Calls(pipeline.load(out).tables)[1]
    rows = [row for row in call.sip_messages if row.has_sdp]
    head = 'Authorization: Digest username="u", response="5ecret"\n<b>\x1b[31m'
    sdp = "v=0\nc=IN IP4 192.0.2.1\nm=audio 4 RTP/SAVP 0\na=crypto:1 A inline:c2VjcmV0\na=ice-pwd:5ecret"
    held = messages(call, {(row.capture, row.frame): f"{head}\n{sdp}" for row in rows})
    assert len(held.every) == len(held.anchors) == len(rows) > 3
    lines = held.every[0].lines
    assert [line for line, marked in lines if marked][:2] == ["c=IN IP4 192.0.2.1", "m=audio 4 RTP/SAVP 0"]
    told = "\n".join(line for line, _ in lines)
    assert "\x1b" not in told and "c2VjcmV0" not in told and "5ecret" not in told
    assert len(held.pairs) >= 2 and all(offer is not answer for offer, answer in held.pairs)
    assert messages(call, {}).every == ()
