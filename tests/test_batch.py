"""Work in other processes: a crash loses only its own capture, and no process is left running."""

import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import BrokenExecutor, Executor, Future
from functools import partial
from pathlib import Path

import pytest

from postproc import batch, cache, workers
from postproc.batch import Job
from postproc.files.signals import ENDING
from postproc.model.errors import CaptureError, SetupError
from postproc.model.events import of_records
from postproc.model.tables import CAPTURES
from postproc.read.inputs import Capture
from postproc.read.option_files import Options
from tests import kills
from tests.sample import some


def double(number: int) -> int:
    return 2 * number


def process() -> int:
    return os.getpid()


def process_after(seconds: float) -> int:
    time.sleep(seconds)
    return os.getpid()


def blocked() -> set[int]:
    return {int(each) for each in signal.pthread_sigmask(signal.SIG_BLOCK, [])}


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def refuse() -> None:
    raise CaptureError("no packets")


def temporary_folder() -> str:
    return tempfile.mkdtemp()


def sleep() -> None:
    time.sleep(60)


def test_one_at_a_time_is_done_in_this_process():
    with workers.workers(1) as executor:
        assert executor.submit(process).result() == os.getpid()


def test_several_at_a_time_are_done_in_a_process_each():
    with workers.workers(2) as executor:
        waiting = [executor.submit(process_after, 0.3) for _ in range(2)]
        found = {each.result() for each in waiting}
        assert executor.submit(double, 21).result() == 42
    assert len(found) == 2
    assert os.getpid() not in found


def test_processes_come_from_a_server_that_has_imported_what_they_need():
    workers.get_ready()
    with workers.workers(2) as executor:
        loaded = executor.submit(eval, "'postproc.read.together' in __import__('sys').modules")
        frozen = executor.submit(eval, "__import__('gc').get_freeze_count()")
        assert loaded.result()
        assert frozen.result() > 10_000


def test_a_process_does_one_piece_of_work_after_the_other_and_is_replaced_when_it_dies():
    with workers.workers(2) as executor:
        first = {executor.submit(process).result() for _ in range(3)}
        assert isinstance(executor.submit(die).exception(), BrokenExecutor)
        second = {executor.submit(process).result() for _ in range(3)}
    assert (len(first), len(second), first & second) == (1, 1, set())


def test_work_that_cannot_be_sent_is_no_death():
    with workers.workers(2) as executor:
        assert not isinstance(executor.submit(lambda: 1).exception(), BrokenExecutor)
        assert executor.submit(double, 21).result() == 42


def test_a_process_that_dies_loses_its_own_work_only():
    with workers.workers(2) as executor:
        futures = [
            executor.submit(die),
            *(executor.submit(double, n) for n in range(3)),
            executor.submit(refuse),
        ]
        assert isinstance(futures[0].exception(), BrokenExecutor)
        assert [future.result() for future in futures[1:4]] == [0, 2, 4]
        assert str(futures[4].exception()) == "no packets"


def test_temporary_files_of_a_process_are_cleared_away_with_the_batch():
    with workers.workers(2) as executor:
        left = Path(executor.submit(temporary_folder).result())
        assert left.exists()
    assert not left.exists()


def test_a_block_left_early_stops_what_is_running():
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt), workers.workers(2) as executor:
        executor.submit(sleep)
        while not multiprocessing.active_children():
            time.sleep(0.01)
        raise KeyboardInterrupt
    assert time.monotonic() - began < 30
    assert multiprocessing.active_children() == []


class InlineExecutor(Executor):
    """An executor that works at once, or raises what it is given."""

    def __init__(self, errors: dict[str, BaseException]) -> None:
        self.errors = errors
        self.asked: list[str] = []

    def submit(self, _work, chunk, /):
        self.asked.append([job.name for job in chunk])
        done: Future[list[batch.Outcome]] = Future()
        if error := next((self.errors[name] for name in self.asked[-1] if name in self.errors), None):
            done.set_exception(error)
        else:
            for job in chunk:
                cache.write({}, job.file)
            done.set_result([batch.Outcome(job) for job in chunk])
        return done


def jobs(folder: Path, *sizes: int) -> list[Job]:
    return [
        Job((Capture(folder / f"{size}.pcap", f"{size}.pcap", size),), folder / str(size), Options())
        for size in sizes
    ]


def test_the_biggest_captures_are_begun_first_and_alone(tmp_path):
    here, large = InlineExecutor({}), batch.SMALL + 1
    events, lost = batch.read_all(jobs(tmp_path, 5, large, 70, large + 1), here, 1, lambda _: None)
    assert here.asked == [[f"{large + 1}.pcap"], [f"{large}.pcap"], ["70.pcap", "5.pcap"]]
    assert (len(events), lost) == (4, [])


@pytest.mark.parametrize(
    ("captures", "count", "sizes"),
    [
        (1, 1, [1]),
        (3, 2, [2, 1]),
        (32, 1, [32]),
        (33, 1, [32, 1]),
        (200, 2, [32, 32, 32, 26, 20, 15, 11, 8, 8, 8, 8]),
        (5, 8, [1] * 5),
    ],
)
def test_small_captures_are_read_in_chunks_that_keep_all_busy(tmp_path, captures, count, sizes):
    given = jobs(tmp_path, *range(captures))
    found = batch.chunks(given, count)
    assert [len(chunk) for chunk in found] == sizes
    assert sorted(job.size for chunk in found for job in chunk) == list(range(captures))


def test_of_a_chunk_that_fails_each_is_tried_alone(tmp_path):
    here = InlineExecutor({"2.pcap": BrokenExecutor("the process died")})
    events, lost = batch.read_all(jobs(tmp_path, 1, 2, 3), here, 1, lambda _: None)
    assert here.asked == [["3.pcap", "2.pcap", "1.pcap"], ["3.pcap"], ["2.pcap"], ["1.pcap"]]
    assert sorted(job.name for job in events) == ["1.pcap", "3.pcap"]
    assert [left_out.path.name for left_out in lost] == ["2.pcap"]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (CaptureError("no packets"), "no packets"),
        (BrokenExecutor("x"), "the process that read it died (out of memory?)"),
        (MemoryError(), "out of memory"),
        (OSError(28, "No space left on device"), "no space left on device"),
        (KeyError("call"), "internal error, please report it: KeyError: 'call'"),
    ],
)
def test_a_capture_that_fails_is_listed_and_the_others_are_read(tmp_path, error, reason):
    events, lost = batch.read_all(jobs(tmp_path, 1, 2), InlineExecutor({"1.pcap": error}), 1, lambda _: None)
    assert [job.name for job in events] == ["2.pcap"]
    assert [(left_out.path.name, left_out.reason, left_out.error) for left_out in lost] == [
        ("1.pcap", reason, error)
    ]


def test_events_that_do_not_arrive_are_a_failure(tmp_path):
    class Elsewhere(InlineExecutor):
        def submit(self, _work, chunk, /):
            done: Future[list[batch.Outcome]] = Future()
            done.set_result([batch.Outcome(job) for job in chunk])
            return done

    _, (lost,) = batch.read_all(jobs(tmp_path, 1), Elsewhere({}), 1, lambda _: None)
    assert "do the workers see the same folder?" in lost.reason


def test_a_machine_that_cannot_do_the_work_stops_the_batch(tmp_path):
    with pytest.raises(SetupError, match="tshark not found"):
        batch.read_all(
            jobs(tmp_path, 1, 2),
            InlineExecutor({"2.pcap": SetupError("tshark not found")}),
            1,
            lambda _: None,
        )


def test_progress_counts_captures_and_bytes(tmp_path):
    steps = []
    batch.read_all(jobs(tmp_path, 10, 30), InlineExecutor({"10.pcap": CaptureError("bad")}), 1, steps.append)
    assert {(step.captures, step.bytes) for step in steps} == {(2, 40)}
    assert (steps[-1].captures_done, steps[-1].bytes_done) == (2, 40)
    assert {step.capture: step.reason for step in steps} == {"30.pcap": None, "10.pcap": "bad"}


def test_no_work_is_no_failure():
    assert batch.read_all([], None, 4, lambda _: None) == ({}, [])


def test_one_capture_at_a_time_tells_how_far_it_is(tmp_path, pcaps):
    path = pcaps / "good.pcapng"
    size = path.stat().st_size
    job = Job((Capture(path, "good.pcapng", size, ""),), tmp_path / "events", Options())
    steps = []
    batch.read_all([job], None, 1, steps.append)
    inside = [step for step in steps if step.capture is None]
    assert inside
    assert all(0 < step.bytes_done <= step.bytes == size for step in inside)


ORPHANS = """
import os
from postproc import workers
from tests.test_batch import sleep
if __name__ == "__main__":
    with workers.workers(2) as executor:
        executor.submit(sleep)
        while not executor._workers:
            pass
        print("started", flush=True)
        executor.submit(sleep).result()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="processes are looked for in /proc")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_processes_end_when_the_one_that_waits_for_them_is_gone(tmp_path, how):
    program = tmp_path / "program.py"
    program.write_text(ORPHANS)
    root = Path(__file__).parent.parent
    parent = subprocess.Popen(
        [sys.executable, program],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ | {"PYTHONPATH": str(root)},
        start_new_session=True,
    )
    parent.stdout.readline()
    assert len(kills.processes(parent.pid)) >= 4, "parent, server, tracker, worker"
    parent.send_signal(how)
    parent.wait()
    assert kills.wait_for_end(parent.pid) == []


def fail() -> None:
    raise ValueError("deep inside")


def test_where_an_error_was_raised_elsewhere_is_told():
    with workers.workers(2) as executor:
        error = executor.submit(fail).exception()
    assert isinstance(error, ValueError) and "in fail" in "".join(error.__notes__)


def test_a_temporary_folder_with_a_long_name_will_do(tmp_path, monkeypatch):
    """The path of a Unix socket is limited to about 100 bytes."""
    long = tmp_path / ("x" * 120)
    long.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    with workers.workers(2) as executor:
        assert executor.submit(double, 21).result() == 42
    assert list(long.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="signals do not wait there")
@pytest.mark.parametrize("longest", [0, 10_000], ids=["spawned", "by the fork server"])
def test_no_signal_reaches_the_first_process_either(longest):
    """multiprocessing's resource tracker, started with the first process, would let signals through."""
    code = (
        f"from postproc import workers; workers.LONGEST_FOLDER = {longest}\n"
        "from tests.test_batch import blocked\n"
        "with workers.workers(2) as doing: print(sorted(doing.submit(blocked).result()))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout == f"{sorted(map(int, ENDING))}\n"


def test_a_thread_that_is_left_stores_what_it_is_at_and_nothing_after_that(tmp_path, monkeypatch):
    begun, stored = threading.Event(), []

    def write(_events, folder):
        begun.set()
        time.sleep(0.3)
        stored.append(folder)

    monkeypatch.setattr(cache, "write", write)
    job = Job((Capture(tmp_path / "a.pcapng", "a.pcapng", 0, ""),), tmp_path / "events", Options())
    events = {"captures": of_records(CAPTURES, [{"capture": "a.pcapng", "sha256": "0" * 64}])}
    with workers.workers(1) as one:
        one.submit(one.storing, partial(batch._stored, job, events))
        assert begun.wait(10)
    assert len(stored) == 1  # the run waited for it
    with pytest.raises(BrokenExecutor, match="nothing more is stored"):
        one.storing(partial(batch._stored, job, events))
    assert len(stored) == 1


def run_script(way: str, script: Path, code: str) -> "subprocess.CompletedProcess[str]":
    """Run a script as a file, from standard input, with -c, or as a module."""
    script.write_text(code)
    words = {"file": [str(script)], "stdin": ["-"], "-c": ["-c", code], "-m": ["-m", script.stem]}[way]
    return subprocess.run(
        [sys.executable, *words],
        input=code if way == "stdin" else "",
        cwd=script.parent,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


WAYS = [
    pytest.param(way, longest, id=f"{way} {begun}")
    for way in ("file", "stdin", "-c", "-m")
    for longest, begun in ((0, "spawned"), (10_000, "by the fork server"))
]


@pytest.mark.parametrize(("way", "longest"), some(WAYS, one_in=3))
def test_a_script_is_run_once_however_many_processes_read(pcaps, tmp_path, way, longest):
    (tmp_path / "in").mkdir()
    for name in ("acl_403", "acl_488", "codec_488"):
        shutil.copy(pcaps / f"{name}.pcapng", tmp_path / "in")
    code = (
        f"import postproc.workers; postproc.workers.LONGEST_FOLDER = {longest}\n"
        "import postproc, pathlib\n"
        "with open('begun', 'a') as file: file.write('once')\n"
        "print(len(postproc.analyze('in', 'out', jobs=2).calls), __import__('__main__').postproc.__name__)\n"
    )
    done = run_script(way, tmp_path / "script.py", code)
    assert (done.stdout, done.stderr, (tmp_path / "begun").read_text()) == ("3 postproc\n", "", "once")
