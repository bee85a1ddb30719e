"""The campaign itself: that it finds what is there to be found; and a short one with every full test run."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from threading import Timer

import pytest

from postproc.model.errors import CaptureError
from postproc.read import sip
from tests.conftest import PCAPS
from tests.fuzz import campaign, mutate, stages
from tests.fuzz.__main__ import again
from tests.fuzz.campaign import Campaign, Plan
from tests.fuzz.corpus import ACL, Corpus, corpus
from tests.fuzz.stages import Fault, Faults
from tests.fuzz.worker import Answer, Task, Worker, worker

SEED = 2  # of the short campaign, so that it is the same every time


@pytest.fixture(scope="module")
def doing():
    with worker(campaign.neighbour()) as made:
        yield made


@pytest.mark.slow
def test_sound_captures_and_texts_break_nothing(doing, tmp_path):
    (tmp_path / "in").mkdir()
    for name in ("acl_403.pcapng", "made/busy_486.pcapng", "made/big_endian.pcap"):
        data = (PCAPS / name).read_bytes()
        path = tmp_path / "in" / name.rpartition("/")[2]
        path.write_bytes(data)
        assert doing.do(Task("reading", path)).faults == []
    (tmp_path / "in" / stages.NEIGHBOUR).write_bytes(campaign.neighbour())
    (tmp_path / "a.log").write_bytes((PCAPS / "acl_403.freeswitch.log").read_bytes())
    (tmp_path / "acl.xml").write_bytes(ACL)
    for number in range(12):  # so many commands are taken in turn
        done = doing.do(Task("whole", tmp_path, number=number, inputs=4))
        assert done.faults == [], number
    for of, texts in corpus().texts.items():
        path = tmp_path / f"text{'.xml' if of == 'acl' else '.toml'}"
        path.write_bytes(texts[0])
        assert doing.do(Task("text", path, of)).faults == []


def test_a_step_that_fails_is_a_fault_unless_the_program_says_no():
    faults = Faults()
    with faults.step("one"):
        raise CaptureError("cut short")
    assert faults.found == []
    with faults.step("two"):
        raise CaptureError("cut \x1b[2J short")
    with faults.step("three"):
        raise OverflowError("int too big")
    assert [each.what.partition(":")[0] for each in faults.found] == ["two", "three"]
    assert "OverflowError in test_campaign.py:test_a_step" in faults.found[1].what


def test_a_worker_that_dies_or_hangs_is_replaced(doing, tmp_path, monkeypatch):
    path = tmp_path / "a.pcapng"
    path.write_bytes((PCAPS / "acl_403.pcapng").read_bytes())
    assert doing.do(Task("reading", path)).faults == []
    os.kill(doing._process.pid, signal.SIGSTOP)  # so that it is still there when the task comes
    killer = Timer(0.5, os.kill, (doing._process.pid, signal.SIGKILL))
    killer.start()
    assert "the process died" in doing.do(Task("reading", path)).faults[0].what
    assert doing.do(Task("reading", path)).faults == []
    monkeypatch.setattr("tests.fuzz.worker.LONGEST", 1.0)
    os.kill(doing._process.pid, signal.SIGSTOP)
    begun = time.monotonic()
    assert "it hangs" in doing.do(Task("reading", path)).faults[0].what
    assert time.monotonic() - begun < 20
    monkeypatch.undo()
    assert doing.do(Task("reading", path)).faults == []


class Planted(Worker):
    """A program with a fault of its own: it cannot stand two texts together."""

    def do(self, task: Task) -> Answer:
        files = [task.path] if task.path.is_file() else [*task.path.rglob("*.*")]
        evil = [path for path in files if path.is_file() and b"SIP/2.0 403" in path.read_bytes()]
        return Answer([Fault("planted: 403", "said")] if evil else [], 0.1)


def test_what_fails_is_kept_small_with_the_command_that_tries_it_again(tmp_path):
    (tmp_path / "neighbour.pcapng").write_bytes(b"")
    seeds = Corpus(tuple(each for each in corpus().captures if "acl_403" in each.path.name), corpus().texts)
    plan = Plan(seed=4, captures=12, texts=4, batch=2, merged=3, seconds=60, found=tmp_path / "found")
    said: list[str] = []
    score = Campaign(plan, seeds, Planted(tmp_path / "neighbour.pcapng", tmp_path), said.append).run()
    assert score.inputs["capture"] >= 12 and score.inputs["texts"] >= 4
    assert score.faults["planted: 403"] > 3 and len(said) == 1
    (place,) = (tmp_path / "found").iterdir()
    about = json.loads((place / "fault.json").read_text())
    assert about["again"].startswith("python -m tests.fuzz --again ") and "acl_403" in about["made"][0]
    (kept,) = place.glob("capture-*")
    assert b"SIP/2.0 403" in kept.read_bytes() and kept.stat().st_size < 200


def plant() -> None:
    """Have the reader of SIP fail at what ``header_nul`` writes into a header."""
    sound = sip.parse

    def parse(message: bytes) -> sip.SipMessage | None:
        if b"\0\xff\xc3(" in message:
            raise ZeroDivisionError("planted")
        return sound(message)

    sip.parse = parse


@pytest.mark.slow
def test_a_fault_planted_in_a_reader_is_found_made_small_and_fails_again(tmp_path, monkeypatch):
    """In one input, and in a batch through the whole program."""
    (header_nul,) = (kind for kind in mutate.MESSAGES if kind.name == "header_nul")
    monkeypatch.setattr(mutate, "MESSAGES", (*mutate.MESSAGES, *[header_nul] * 200))
    seeds = Corpus(tuple(each for each in corpus().captures if "busy_486" in each.path.name), corpus().texts)
    plan = Plan(seed=6, captures=4, texts=2, batch=2, merged=2, seconds=60, shrinking=2, found=tmp_path)
    with worker(campaign.neighbour(), plant) as failing:
        score = Campaign(plan, seeds, failing, lambda _: None).run()
    planted = {f"{stage}: ZeroDivisionError in events.py:_sip" for stage in ("split", "read")}
    assert planted <= set(score.faults)
    (kept,) = score.places["split: ZeroDivisionError in events.py:_sip"].glob("capture-*")
    assert b"\0\xff\xc3(" in kept.read_bytes() and kept.stat().st_size < 3000
    with worker(campaign.neighbour(), plant) as failing:
        assert planted <= {each.what for each in again(kept, failing, 0)}
    with worker(campaign.neighbour()) as doing:
        assert again(kept, doing, 0) == []


def test_the_neighbour_has_nothing_in_common_with_any_seed():
    data = campaign.neighbour()
    for seed in corpus().captures:
        for record in seed.trace.packets:
            assert record.data not in data


@pytest.mark.slow
def test_a_short_campaign_finds_nothing(tmp_path):
    command = [
        sys.executable,
        "-m",
        "tests.fuzz",
        "--seed",
        str(SEED),
        "--captures",
        "30",
        "--texts",
        "60",
        "--seconds",
        "300",
        "--found",
        str(tmp_path),
    ]
    done = subprocess.run(command, cwd=PCAPS.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"[1-9]\d captures, \d{2} texts, .* [1-9]\d* files of captures", done.stdout)


def test_kinds_of_a_mutant_are_told():
    made = mutate.capture(corpus(), 5)
    assert str(made) == f"capture 5: {made.seed} with {', '.join(made.kinds)}"


def test_the_memory_of_whoever_started_the_process_is_not_its_own(doing):
    """As a test's process grows, so would every worker's peak, by ru_maxrss."""
    much = bytearray(400_000_000)
    much[::4096] = b"x" * len(much[::4096])
    doing.stop()
    assert doing.do(Task("reading", PCAPS / "acl_403.pcapng")).own < len(much)
