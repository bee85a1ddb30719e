"""A capture that makes correlation, diagnosis, a picture or the report fail is left out; all else is kept."""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from math import log2

import pandas as pd
import pytest
from click.testing import CliRunner

import postproc
from postproc import batch, diagnose, pipeline, stages, workers
from postproc.cli import cli
from postproc.files import commit
from postproc.model.errors import SetupError
from postproc.model.events import Events, with_columns
from postproc.model.findings import Rule
from postproc.model.tables import TABLES
from postproc.read import fslog
from postproc.share import notebooks
from postproc.show import pictures
from postproc.show.pictures import charts
from postproc.show.report import page as report_page
from postproc.sparing import MOST, sparing
from tests.conftest import PCAPS

GOOD = ("acl_403.pcapng", "acl_488.pcapng", "dtls_fail.pcapng", "codec_488.pcapng")
LATEST = pd.Timestamp.max.tz_localize("UTC")
REASON = "internal error, please report it: "


class Work:
    """Work that fails for some names, or for some combinations of names."""

    def __init__(self, *bad: set[str]) -> None:
        self.bad = bad
        self.tried: list[Sequence[str]] = []

    def __call__(self, names: Sequence[str]) -> list[str]:
        self.tried.append(names)
        if any(each <= set(names) for each in self.bad):
            raise ZeroDivisionError("one of them")
        return list(names)


def spared(work: Work, names: Sequence[str]):
    with workers.workers(1) as executor:
        done, lost = sparing(work, names, executor)
    assert all(isinstance(error, ZeroDivisionError) for error in lost.values())
    return done, list(lost)


NAMES = [f"{number:03d}" for number in range(200)]


def test_work_that_succeeds_is_done_once():
    work = Work()
    assert spared(work, NAMES) == (NAMES, [])
    assert len(work.tried) == 1


@pytest.mark.parametrize("bad", [[0], [199], [77], [3, 4], [0, 100, 199], list(range(5))])
def test_those_that_fail_are_found_and_no_other(bad):
    names = {NAMES[number] for number in bad}
    work = Work(*({name} for name in names))
    assert spared(work, NAMES) == ([name for name in NAMES if name not in names], sorted(names))
    assert len(work.tried) <= 1 + 2 * len(bad) * log2(2 * len(NAMES))


def test_of_two_that_only_fail_together_one_is_lost():
    assert spared(Work({"003", "150"}), NAMES) == ([name for name in NAMES if name != "150"], ["150"])


@pytest.mark.parametrize(
    "work", [Work(set()), Work(*({name} for name in NAMES))], ids=["always", "every one"]
)
def test_where_nothing_can_be_done_the_search_ends(work):
    assert spared(work, NAMES) == (None, NAMES)
    assert len(work.tried) <= MOST + 2 * log2(len(NAMES))


def test_many_culprits_cost_no_more_than_the_limit():
    work = Work(*({name} for name in NAMES[::2]))
    done, lost = spared(work, NAMES)
    assert done is not None
    assert set(NAMES[::2]) <= set(lost)
    assert sorted([*done, *lost]) == NAMES
    assert len(work.tried) <= 2 * MOST + 2 * log2(len(NAMES))


@pytest.mark.parametrize("error", [SetupError("no tshark"), KeyboardInterrupt(), SystemExit(3)])
def test_what_is_nobodys_fault_goes_through(error):
    def work(_: Sequence[str]) -> None:
        raise error

    with workers.workers(1) as executor, pytest.raises(type(error)):
        sparing(work, NAMES, executor)


READ: dict[str, Events] = {}


@pytest.fixture(autouse=True)
def read_once(monkeypatch):
    """Read each capture only once in all these tests."""
    read = batch.read_files

    def reading(files, *options):
        names = ",".join(path.name for path, _ in files)
        if names not in READ:
            READ[names] = read(files, *options)
        return READ[names]

    monkeypatch.setattr(batch, "read_files", reading)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "in").mkdir()
    for name in GOOD:
        shutil.copy(PCAPS / name, tmp_path / "in")
    return tmp_path / "in"


def assert_as_without(done: pipeline.Run, folder, *lost: str) -> None:
    """Assert that the tables are those of a run without the ``lost`` captures, and that these are named."""
    assert [each.path.name for each in done.unread] == list(lost)
    for name in lost:
        (folder / name).unlink()
    other = pipeline.run([folder], jobs=1)
    assert len(other.calls) == len(GOOD) - len(lost)
    for table in TABLES:
        pd.testing.assert_frame_equal(getattr(done, table.name), getattr(other, table.name), obj=table.name)
    assert done.walks == other.walks


def test_a_rule_that_fails_for_one_call_costs_its_capture(folder, tmp_path, monkeypatch):
    whole = pipeline.run([folder], jobs=1)
    ids = set(whole.legs.loc[whole.legs["capture"] == "dtls_fail.pcapng", "call_id"])
    first = diagnose.RULES[0]

    def find(case):
        if ids & {leg.call_id for leg in case.legs}:
            raise KeyError("a\nfault of two lines")
        return first.find(case)

    broken: tuple[Rule, ...] = (replace(first, find=find), *diagnose.RULES[1:])
    with monkeypatch.context() as patched:
        patched.setattr(diagnose, "RULES", broken)
        done = pipeline.run([folder], tmp_path / "out", jobs=1)
    assert [each.reason for each in done.unread] == [REASON + r"KeyError: 'a\nfault of two lines'"]
    loaded = postproc.load(tmp_path / "out")
    assert [each.path for each in loaded.unread] == [folder / "dtls_fail.pcapng"]
    assert "dtls_fail.pcapng" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert_as_without(done, folder, "dtls_fail.pcapng")


def test_a_column_no_stage_can_take_costs_its_capture(folder, monkeypatch):
    """A time that overflows when anything is added; reading accepts no such time."""
    read, name = batch.read_files, "codec_488.pcapng"

    def poisoned(files, *more):
        events = read(files, *more)
        if files[0][0].name != name:
            return events
        late = [pd.Timestamp.max.tz_localize("UTC")] * len(events["sip_messages"])
        return events | {"sip_messages": with_columns(events["sip_messages"], {"time": late})}

    with monkeypatch.context() as patched:
        patched.setattr(batch, "read_files", poisoned)
        patched.setattr(batch, "SMALL", -1)  # each is read alone
        done = pipeline.run([folder], jobs=1)
    assert done.unread[0].reason.startswith(REASON)
    assert_as_without(done, folder, name)


def test_captures_that_all_fail_leave_earlier_results_alone(folder, tmp_path, monkeypatch):
    first = pipeline.run([folder], tmp_path / "out", jobs=1)

    def fail(*_: object, **__: object) -> None:
        raise IndexError("every time")

    monkeypatch.setattr(stages, "diagnose", fail)
    done = pipeline.run([folder], tmp_path / "out", jobs=1, csv=True)
    assert (done.captures.empty, len(done.unread)) == (True, len(GOOD))
    assert len(postproc.load(tmp_path / "out").calls) == len(first.calls)


def test_a_call_of_two_captures_survives_with_what_is_left(monkeypatch):
    """The server's view remains if the client's cannot be processed."""
    names = ("two_vantage_client.pcapng", "two_vantage_server.pcapng")
    both = [PCAPS / "made" / name for name in names]
    server = pipeline.run(both[1:], jobs=1)
    correlate = stages.correlate

    def fail(tables, known, places):
        if names[0] in set(tables.captures["capture"]):
            raise OverflowError("too late")
        return correlate(tables, known, places)

    monkeypatch.setattr(stages, "correlate", fail)
    done = pipeline.run(both, jobs=1)
    assert [each.path for each in done.unread] == both[:1]
    assert done.captures["capture"].tolist() == [names[1]]
    pd.testing.assert_frame_equal(done.calls, server.calls)


def test_a_picture_that_cannot_be_drawn_has_a_line_instead(folder, tmp_path, monkeypatch):
    """In the report and in a notebook; the other pictures remain."""
    done = pipeline.run([folder], jobs=1, lang="de")
    media = pictures.PICTURES["media"]

    def draw(rows, lang):
        if rows.number == 2:
            raise OverflowError("so <b>long</b>")
        return media(rows, lang)

    monkeypatch.setattr(pictures, "PICTURES", {**pictures.PICTURES, "ladder": draw})
    pipeline.write_report(done, tmp_path / "r.html")
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    line = "Dieses Bild lässt sich nicht zeichnen, bitte melden: OverflowError: so "
    assert page.count(f"{line}&lt;b&gt;long") == page.count(line) > 0
    assert page.count("<svg") > 3 * len(GOOD) - 4
    assert done.call(2).ladder().picture.title == f"{line}<b>long</b>"
    assert done.call(1).ladder().picture.title.startswith("Medien")
    monkeypatch.setattr(charts, "overview", draw)
    assert done.overview().picture.title.startswith("Dieses Bild")


def test_what_the_report_cannot_take_is_left_out_of_it(folder, tmp_path, monkeypatch):
    entry = report_page.entry

    def fail(call, line, found, lang):
        if call.call.capture == "acl_488.pcapng":
            raise ValueError("no row")
        return entry(call, line, found, lang)

    monkeypatch.setattr(report_page, "entry", fail)
    done = pipeline.run([folder], tmp_path / "out", jobs=1)
    assert len(done.calls) == len(GOOD), "the tables are whole"
    reason = "left out of the report: internal error, please report it: ValueError: no row"
    assert [(each.path, each.reason) for each in done.unread] == [(folder / "acl_488.pcapng", reason)]
    asked = CliRunner().invoke(cli, ["report", str(tmp_path / "out"), "-o", str(tmp_path / "again.html")])
    assert asked.exit_code == 0
    assert "acl_488.pcapng: left out of the report: internal error" in asked.stderr
    page = (tmp_path / "again.html").read_text(encoding="utf-8")
    assert page == (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert [page.count(f'id="call-{call}"') > 0 for call in done.calls["call"]].count(True) == len(GOOD) - 1
    monkeypatch.setattr(report_page, "entry", None)
    nothing = CliRunner().invoke(cli, ["report", str(tmp_path / "out")])
    assert (nothing.exit_code, nothing.stderr.count("\n")) == (2, 1)


def test_a_notebook_that_cannot_be_made_costs_no_other(folder, tmp_path, monkeypatch):
    out = tmp_path / "out"
    done = pipeline.run([folder], out, jobs=1, report=False)
    made = notebooks.notebook

    def fail(subject, seen):
        if subject.name == "acl_488.pcapng":
            raise RecursionError("too deep")
        return made(subject, seen)

    monkeypatch.setattr(notebooks, "notebook", fail)
    with commit.staged(out, "12ab") as results:
        written = notebooks.write_all(done, results)
    assert [path.stem for path in written.paths] == ["acl_403", "codec_488", "dtls_fail"]
    assert [(each.path.stem, each.reason) for each in written.lost] == [
        ("acl_488", f"{REASON}RecursionError: too deep")
    ]


def test_logs_that_cannot_be_taken_cost_no_capture(folder, monkeypatch):
    def fail(*_: object) -> None:
        raise UnicodeError("odd")

    log = PCAPS / "acl_488.freeswitch.log"
    monkeypatch.setattr(fslog, "_table", fail)
    done = pipeline.run([folder], jobs=1, fs_logs=[log])
    assert [(each.path, each.reason) for each in done.unread] == [(log, f"{REASON}UnicodeError: odd")]
    assert (len(done.calls), len(done.logs)) == (len(GOOD), 0)


def test_a_log_that_trips_the_joining_is_lost_itself(folder, monkeypatch):
    """The captures beside it are kept."""
    logs, name = stages.correlate, PCAPS / "acl_488.freeswitch.log"

    def correlate(events, known, places):
        if len(events.logs):
            raise ZeroDivisionError
        return logs(events, known, places)

    monkeypatch.setattr(stages, "correlate", correlate)
    done = pipeline.run([folder], jobs=1, fs_logs=[name])
    assert [each.path for each in done.unread] == [name]
    assert (len(done.calls), len(done.logs)) == (len(GOOD), 0)


def test_what_cannot_be_told_in_another_language_is_one_line(folder, tmp_path, monkeypatch):
    pipeline.run([folder], tmp_path / "out", jobs=1, report=False)
    monkeypatch.setattr(stages, "walks", None)
    asked = CliRunner().invoke(cli, ["report", str(tmp_path / "out"), "--lang", "de"])
    assert (asked.exit_code, asked.stderr.count("\n")) == (2, 1)
    assert (
        "nicht in einer anderen Sprache erzählt werden: interner Fehler, bitte melden: TypeError"
        in asked.stderr
    )
