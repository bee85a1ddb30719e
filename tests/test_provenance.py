"""An unchanged run reuses its results; any change makes it a full one."""

import re
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import orjson
import pandas as pd
import pytest
from click.testing import CliRunner

from postproc import pipeline, provenance, stages
from postproc.commands.run import run_command
from postproc.model.tables import TABLES
from postproc.read import deployment as deployments
from postproc.read import programs
from postproc.read.option_files import Options
from postproc.share import notebooks
from tests.conftest import PCAPS

BOOKS = pipeline.Beside("notebooks", lambda run, results: notebooks.write_all(run, results).lost)
NAMES = ("acl_403", "acl_488")


@dataclass
class Place:
    """A folder of captures with their logs, and the folder for results."""

    top: Path

    @property
    def out(self) -> Path:
        return self.top / "out"

    def run(self, **other: object) -> pipeline.Run:
        usual = {"jobs": 1, "fs_logs": [self.top / "logs"], "beside": BOOKS}
        usual["options"] = Options(keylog=self.top / "keys")
        return pipeline.run([self.top / "in"], self.out, **(usual | other))


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    top = tmp_path_factory.mktemp("place")
    for folder in ("in", "logs"):
        (top / folder).mkdir()
    for name in NAMES:
        shutil.copy(PCAPS / f"{name}.pcapng", top / "in")
        shutil.copy(PCAPS / f"{name}.freeswitch.log", top / "logs")
    shutil.copy(PCAPS / "acl_403.pcapng", top / "in" / "copy.pcapng")
    (top / "keys").write_text(f"CLIENT_RANDOM {'0' * 64} {'1' * 96}\n")
    made = Place(top)
    made.run()
    return made


def is_reused(place: Place, **other: object) -> bool:
    """Return whether the results are reused: then no file is written."""
    before = stamps(place.out)
    run = place.run(**other)
    assert pipeline.load(place.out).id == run.id
    return stamps(place.out) == before


def stamps(out: Path) -> dict[Path, int]:
    files = (path for path in out.rglob("*") if path.is_file() and path.name != ".lock")
    return {path: path.stat().st_mtime_ns for path in files}


def test_what_stands_is_what_was_made(place):
    first = place.run()
    assert is_reused(place)
    again = place.run()
    assert (first.unchanged, again.unchanged) == (2, 2)
    assert (again.walks, again.unread, again.lang) == (first.walks, first.unread, first.lang)
    for table in TABLES:
        pd.testing.assert_frame_equal(getattr(again, table.name), getattr(first, table.name))


def test_that_it_stands_is_told_and_nothing_is_done(place, monkeypatch):
    place.run()
    steps = []
    for name in ("correlate", "diagnose", "_read"):
        monkeypatch.setattr(stages, name, None)
    monkeypatch.setattr(pipeline, "_write", None)
    assert is_reused(place, tell=lambda step: steps.append(step.doing))
    assert steps == [pipeline.UNCHANGED]


def change_last_byte(path: Path) -> None:
    """Change the last byte of a file, whose size stays the same."""
    content = bytearray(path.read_bytes())
    content[-6] ^= 1
    path.write_bytes(content)


INPUTS = {
    "bytes of a capture": lambda top: change_last_byte(top / "in" / "acl_488.pcapng"),
    "bytes of a copy": lambda top: change_last_byte(top / "in" / "copy.pcapng"),
    "a capture more": lambda top: shutil.copy(PCAPS / "codec_488.pcapng", top / "in"),
    "a capture fewer": lambda top: (top / "in" / "acl_488.pcapng").unlink(),
    "a capture's name": lambda top: (top / "in" / "acl_488.pcapng").rename(top / "in" / "other.pcapng"),
    "a file that is no capture": lambda top: (top / "in" / "junk.pcap").write_bytes(b"junk"),
    "bytes of a log": lambda top: change_last_byte(top / "logs" / "acl_403.freeswitch.log"),
    "a log more": lambda top: shutil.copy(PCAPS / "codec_488.freeswitch.log", top / "logs"),
    "a log fewer": lambda top: (top / "logs" / "acl_403.freeswitch.log").unlink(),
    "keys": lambda top: (top / "keys").write_text(f"CLIENT_RANDOM {'2' * 64} {'1' * 96}\n"),
}


@pytest.mark.parametrize("change", INPUTS.values(), ids=INPUTS)
def test_another_input_is_another_run(place, change):
    place.run(report=False)
    kept = {path: path.read_bytes() for path in place.top.glob("*/*") if place.out not in path.parents}
    kept[place.top / "keys"] = (place.top / "keys").read_bytes()
    try:
        change(place.top)
        assert not is_reused(place, report=False)
        assert is_reused(place, report=False)
    finally:
        for folder in ("in", "logs"):
            for path in (place.top / folder).iterdir():
                path.unlink()
        for path, content in kept.items():
            path.write_bytes(content)


XPHONE = deployments.read("xphone")
ASKED = {
    "all packets": {"options": Options(all_packets=True)},
    "no keys": {"options": Options()},
    "deployment": {"deployment": deployments.read("freeswitch")},
    "threshold": {"deployment": replace(XPHONE, thresholds=replace(XPHONE.thresholds, loss_percent=21))},
    "list": {"deployment": replace(XPHONE, candidate_acl=("wan.auto",))},
    "rules": {"only": ["second_leg_missing"]},
    "csv": {"csv": True},
    "no report": {"report": False},
    "no notebooks": {"beside": None},
    "other notebooks": {"beside": BOOKS._replace(about="fewer")},
    "no logs": {"fs_logs": ()},
}


@pytest.mark.parametrize("other", ASKED.values(), ids=ASKED)
def test_another_question_is_another_run(place, other):
    place.run()
    assert not is_reused(place, **other)
    assert is_reused(place, **other)


def test_another_tshark_or_package_is_another_run(place, monkeypatch, tmp_path):
    place.run()
    with monkeypatch.context() as patched:
        build = programs.tshark_build()
        patched.setattr(programs, "tshark_build", lambda: f"{build} of another day")
        assert not is_reused(place)
    place.run()
    (tmp_path / "phonenumbers-99.0.dist-info").mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    assert not is_reused(place)


@pytest.mark.parametrize("name", ["call.py", "show/report/page.css", "model/constants.toml", "new.py"])
def test_other_code_is_another_run(monkeypatch, tmp_path, name):
    ours = Path(provenance.__file__).parent
    shutil.copytree(ours, tmp_path / "postproc", ignore=shutil.ignore_patterns("__pycache__"))
    before = provenance._code()
    monkeypatch.setattr(provenance, "__file__", str(tmp_path / "postproc" / "provenance.py"))
    assert provenance._code() == before
    with (tmp_path / "postproc" / name).open("ab") as file:
        file.write(b"\n")
    assert provenance._code() != before


RESULTS = {
    "an edited report": lambda out: (out / "report.html").write_text("mine"),
    "an edited summary": lambda out: change_last_byte(out / "summary.json"),
    "other findings": lambda out: change_last_byte(out / "findings.json"),
    "a table of another run": lambda out: change_last_byte(out / "tables" / "calls.parquet"),
    "a table gone": lambda out: (out / "tables" / "calls.parquet").unlink(),
    "a notebook gone": lambda out: (out / "notebooks" / "acl_403.ipynb").unlink(),
    "a table of an older run": lambda out: (out / "tables" / "calls.csv").write_text("old"),
    "no record": lambda out: (out / provenance.RECORD).unlink(),
    "a damaged record": lambda out: (out / provenance.RECORD).write_bytes(b"{}"),
    "a record of another form": lambda out: (out / provenance.RECORD).write_bytes(b"[1]"),
}


@pytest.mark.parametrize("change", RESULTS.values(), ids=RESULTS)
def test_results_that_are_not_as_they_were_are_made_again(place, change):
    place.run()
    change(place.out)
    assert not is_reused(place)
    assert is_reused(place)


def test_results_of_which_only_some_are_of_the_record_are_made_again(place):
    """The run crashed after its results were in place, but before their inputs were recorded."""
    place.run()
    record = (place.out / provenance.RECORD).read_bytes()
    place.run(only=["second_leg_missing"])
    (place.out / provenance.RECORD).write_bytes(record)
    assert not is_reused(place)


def test_an_edited_notebook_is_named_by_every_run(place):
    place.run()
    book = place.out / "notebooks" / "acl_403.ipynb"
    made = orjson.loads(book.read_bytes())
    made["cells"][0]["source"] = "# mine"
    book.write_bytes(orjson.dumps(made))
    edited = book.read_bytes()
    assert not is_reused(place)
    assert not is_reused(place)
    assert book.read_bytes() == edited
    book.unlink()


def test_a_capture_that_could_not_be_read_is_tried_again(place):
    broken = place.top / "in" / "broken.pcapng"
    broken.write_bytes((PCAPS / "acl_403.pcapng").read_bytes()[:40])
    try:
        assert [each.path for each in place.run().unread] == [broken]
        assert not is_reused(place)
    finally:
        broken.unlink()


def test_a_folder_elsewhere_is_another_run(place, tmp_path):
    place.run()
    there = Place(tmp_path / "moved")
    shutil.copytree(place.top, there.top)
    assert not is_reused(there)


def test_another_language_is_told_without_correlation(place, monkeypatch, tmp_path):
    whole = Place(tmp_path)
    fresh = pipeline.run(
        [place.top / "in"],
        whole.out,
        jobs=1,
        fs_logs=[place.top / "logs"],
        lang="de",
        options=Options(keylog=place.top / "keys"),
    )
    place.run()
    for name in ("correlate", "_read"):
        monkeypatch.setattr(stages, name, None)
    told = place.run(lang="de")
    assert (told.lang, told.walks) == ("de", fresh.walks)
    for table in TABLES:
        pd.testing.assert_frame_equal(getattr(told, table.name), getattr(fresh, table.name))
    assert page(place.out) == page(whole.out)
    assert is_reused(place, lang="de")
    assert not is_reused(place, lang="en")


def page(out: Path) -> str:
    html = re.sub(r"\b[0-9a-f]{32}\b", "RUN", (out / "report.html").read_text())
    return re.sub(r"(?:\.\./)+(?:place0/)?in/", "in/", html)  # commands name captures relative to the results


@pytest.mark.parametrize("words", [[], ["-v"], ["--lang", "de"], ["--fail-on", "error"]])
def test_the_same_lines_are_printed(tmp_path, words):
    given = [
        str(PCAPS / "acl_403.pcapng"),
        str(PCAPS / "good.pcapng"),
        "-j",
        "1",
        "-o",
        str(tmp_path / "out"),
    ]
    first, again = (CliRunner().invoke(run_command, [*given, "--no-report", *words]) for _ in range(2))
    record = tmp_path / "out" / provenance.RECORD
    assert orjson.loads(record.read_bytes())["run"] == pipeline.load(tmp_path / "out").id
    assert again.exit_code == first.exit_code
    assert re.sub(r" \(2 (unchanged|unverändert)[^)]*\)", "", again.stdout) == first.stdout != again.stdout
