"""Calls are told once, when they have ended, with what a run says of them."""

import os
import shutil
import time
from pathlib import Path

import pytest

from postproc import pipeline, stages
from postproc.read import deployment
from postproc.read.option_files import AS_USUAL
from postproc.watch import ending, session, window
from postproc.watch.ending import REMEMBERED, SILENT, State, Told
from postproc.watch.growing import first_time
from postproc.watch.session import Early, Ending, Watch
from postproc.watch.window import Window
from tests.pieces import cut, packets_of
from tests.watch import replay

CAPTURES = (
    "good.pcapng",
    "two_calls.pcapng",
    "no_binding_success.pcapng",
    "acl_403.pcapng",
    "made/busy_486.pcapng",
    "cases/f_oneway_later.pcapng",
    "made/hep.pcapng",
)


class Watched(Watch):
    """A watch of a folder that keeps what it tells."""

    def __init__(self, folder: Path, copies: Path) -> None:
        copies.mkdir()
        work = stages.Work(deployment.read("xphone"), AS_USUAL, (), "en", (), jobs=1)
        self.endings: list[Ending] = []
        self.words: list[Early] = []
        self.refused: list[str] = []
        super().__init__(
            Window(folder, copies),
            work,
            self.endings.extend,
            self.words.append,
            lambda name, _: self.refused.append(name),
        )

    def told(self) -> dict[str, tuple[str, ...]]:
        rows = [each.run.calls[each.run.calls["call_uid"] == each.state.uid].iloc[0] for each in self.endings]
        return {row["call_uid"]: said(row) for row in rows}


def said(row) -> tuple[str, ...]:
    return tuple(str(row[name]) for name in ("verdict", "cause", "headline", "final_status", "end"))


def of_run(path: Path) -> dict[str, tuple[str, ...]]:
    calls = pipeline.run([path], report=False, jobs=1).calls
    return {row["call_uid"]: said(row) for _, row in calls.iterrows()}


@pytest.mark.parametrize("name", CAPTURES)
def test_a_file_that_grows_gives_what_a_run_says(pcaps, tmp_path, name):
    content = (pcaps / name).read_bytes()
    folder = tmp_path / "folder"
    folder.mkdir()
    watch = Watched(folder, tmp_path / "copies")
    for quarter in range(1, 5):
        with (folder / "live").open("ab") as file:
            file.write(content[len(content) * (quarter - 1) // 4 : len(content) * quarter // 4])
        watch.step()
    watch.close()
    assert len(watch.endings) == len({each.state.uid for each in watch.endings})
    assert watch.told() == of_run(pcaps / name)


def test_the_files_of_a_ring_are_followed_one_after_another(pcaps, tmp_path, monkeypatch):
    """Files that no call needs go, and what is left of a call that was told is not told again."""
    made = cut(pcaps / "two_calls.pcapng", 12, tmp_path)
    by_time = sorted(made, key=lambda path: first_time(path, 0))
    folder = tmp_path / "folder"
    folder.mkdir()
    monkeypatch.setattr(ending, "KEPT", 1e6)
    watch = Watched(folder, tmp_path / "copies")
    monkeypatch.setattr(watch.window, "rests", lambda _: True)
    for path in by_time:
        path.rename(folder / path.name)
        watch.step()
    watch.close()
    whole = of_run(pcaps / "two_calls.pcapng")
    assert len(watch.endings) == len(whole)
    assert {uid: told[:2] for uid, told in watch.told().items()} == {
        uid: told[:2] for uid, told in whole.items()
    }
    assert watch.counters.packets == sum(packets_of(path) for path in folder.iterdir())
    watch.window.drop([path.name for path in by_time[:5]])
    shutil.copy(pcaps / "made/busy_486.pcapng", folder)
    watch.close()
    assert len(watch.endings) == len(whole) + 1
    monkeypatch.setattr(ending, "KEPT", 0.0)
    watch.step()
    assert [path.stat().st_size > 0 for path in (tmp_path / "copies").iterdir()] == [True] * len(
        watch.window.files
    )
    assert len(watch.window.files) <= 1


def test_a_call_is_told_when_it_has_ended_and_not_before(pcaps, tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    watch = Watched(folder, tmp_path / "copies")
    content = (pcaps / "good.pcapng").read_bytes()
    (folder / "live").write_bytes(content[: len(content) // 2])
    watch.step()
    time.sleep(2.5)
    watch.step()
    assert watch.endings == []
    (folder / "live").write_bytes(content)
    watch.step()
    deadline = time.monotonic() + 4
    while not watch.endings and time.monotonic() < deadline:
        time.sleep(0.2)
        watch.step()
    assert [each.open for each in watch.endings] == [False]


def test_a_call_without_an_end_is_told_as_open(pcaps, tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    content = (pcaps / "good.pcapng").read_bytes()
    (folder / "live").write_bytes(content[: len(content) // 2])
    watch = Watched(folder, tmp_path / "copies")
    watch.close()
    assert [each.open for each in watch.endings] == [True]


def test_a_fault_that_stands_is_told_while_the_call_goes_on(pcaps, tmp_path, monkeypatch):
    monkeypatch.setattr(session, "EARLY", 0.3)
    monkeypatch.setattr(session, "QUIET", 0.1)
    folder = tmp_path / "folder"
    folder.mkdir()
    content = (pcaps / "no_binding_success.pcapng").read_bytes()
    watch = Watched(folder, tmp_path / "copies")
    for percent in range(80, 100):
        (folder / "live").write_bytes(content[: len(content) * percent // 100])
        watch.step()
        time.sleep(0.1)
    assert [each.rule for each in watch.words] == ["no-binding-success"]
    assert "Binding Success" in watch.words[0].title


def test_no_media_for_five_seconds_is_told_while_the_call_goes_on(pcaps, tmp_path):
    """At once, and not before: the packets themselves say how long."""
    capture = pcaps / "cases" / "min_no_media_20s_then_hold_1s.pcapng"  # answered after 0.6 s
    content, (first, *_) = capture.read_bytes(), replay.packets(capture)
    folder = tmp_path / "folder"
    folder.mkdir()
    watch = Watched(folder, tmp_path / "copies")
    for after_s, told in ((5, []), (6.5, ["no-media"]), (8, ["no-media"])):
        reached = next(data for time, data in replay.packets(capture) if time > first[0] + after_s * 1e9)
        (folder / "live").write_bytes(content[: content.index(reached)])
        watch.step()
        watch._judged_at -= 60  # as if time had gone by: no SIP comes meanwhile
        assert [each.rule for each in watch.words] == told
    assert "without a single RTP packet" in watch.words[0].title


def test_a_full_folder_is_taken_in_by_time_and_in_steps(pcaps, tmp_path, monkeypatch):
    monkeypatch.setattr(window, "STEP", 1)
    names = ("good.pcapng", "two_calls.pcapng", "made/busy_486.pcapng")
    for name in names:
        target = tmp_path / "folder" / Path(name).name
        target.parent.mkdir(exist_ok=True)
        target.write_bytes((pcaps / name).read_bytes())
        os.utime(target, (1, 1))
    begin = time.monotonic()
    watch = Watched(tmp_path / "folder", tmp_path / "copies")
    watch.step()
    assert 0 < watch.counters.lag_s <= time.monotonic() - begin  # what waits, not how old it is
    watch.close()
    assert watch.told() == of_run(tmp_path / "folder")
    starts = [each.state.start for each in watch.endings]
    assert starts == sorted(starts)


def state(start_s: float, *call_ids: str, usernames: tuple[str, ...] = ()) -> State:
    start = int(start_s * 1e9)
    held = frozenset(call_ids or usernames)
    return State(1, "uid", start, start, start + 10**9, bool(call_ids), held, frozenset(usernames))


def test_what_was_told_is_known_by_its_call_ids_and_checks():
    told = Told()
    told.add(state(100, "a", "b", usernames=("x:y",)))
    assert told.has(state(100, "a", "b"))
    assert told.has(state(100.5, "b"))  # its first file is gone
    assert told.has(state(100.5, usernames=("x:y",)))
    assert not told.has(state(100, "b", "c"))  # joined otherwise
    assert not told.has(state(100, usernames=("x:z",)))
    assert told.has(state(101 + SILENT, "a"))
    assert not told.has(state(102 + SILENT, "a"))  # a Call-ID of another call
    told.forget(int((101 + REMEMBERED) * 1e9))
    assert len(told) == 3
    told.forget(int((102 + REMEMBERED) * 1e9))
    assert len(told) == 0


def test_a_file_that_cannot_be_read_is_named_once_and_let_go_of(pcaps, tmp_path, monkeypatch):
    monkeypatch.setattr(ending, "KEPT", 0.0)
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "good").write_bytes((pcaps / "made/busy_486.pcapng").read_bytes())
    bad, empty = folder / "bad.snoop", folder / "empty.pcap.gz"
    bad.write_bytes(b"snoop\0\0\0" + bytes(range(60)))
    empty.write_bytes(bytes.fromhex("1f8b0800") + bytes(range(40)))
    for path in (bad, empty):
        os.utime(path, (1, 1))
    watch = Watched(folder, tmp_path / "copies")
    watch.step()
    watch.close()
    watch.step()
    assert watch.refused == ["bad.snoop"]
    assert watch.window.files.keys() <= {"good"}
    assert len(watch.endings) == 1
