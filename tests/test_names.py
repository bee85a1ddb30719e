"""Unusual file names: not UTF-8, of maximal length, with control characters, with a leading dash.

``read.inputs.readable`` alone turns paths into text, which ``located`` turns back into the path.
"""

import json
import os
import unicodedata
from pathlib import Path

import nbformat
import pytest
from click.testing import CliRunner, Result

import postproc
from postproc import batch
from postproc.cli import cli
from postproc.commands.report import default_target
from postproc.model.events import Events
from postproc.model.tables import TEXT
from postproc.read.capture import Files
from postproc.read.inputs import located, readable
from postproc.show.terminal import clean
from tests.conftest import PCAPS
from tests.sample import some

NAMES = {
    "latin-1": "Störung_Müller".encode("latin-1"),
    "CP850": "Störung_Müller".encode("cp850"),
    "UTF-8": "Störung_Müller".encode(),
    "255 bytes": "ä".encode() * 124,
    "255 broken bytes": b"\xe4" * 248,
    "lines": b"a\nb\rc",
    "dash": b"-x",
    "escape": b"\x1b[31mred\x07",
    "bidi": "\u202egnp\u2066".encode(),
    "shell": b"a b'c\"d`$(x)&;|<>*?\\",
    "looks like bytes": rb"St\xf6rung",
}
UNSHOWN = {"Cc", "Cf", "Cs"}
READ: dict[bytes, Events] = {}


@pytest.fixture(autouse=True)
def read_once(monkeypatch):
    """Read each name only once in all these tests."""
    read = batch.read_files

    def reading(files: Files, *more) -> Events:
        key = os.fsencode("/".join(path.name for path, _ in files))
        if key not in READ:
            READ[key] = read(files, *more)
        return READ[key]

    monkeypatch.setattr(batch, "read_files", reading)


# One of each kind for running all commands; reading and writing are tested with every name.
HARDEST = some(("255 broken bytes", "dash", "looks like bytes", "lines", "escape"), one_in=2)


@pytest.fixture(params=NAMES)
def named(request, tmp_path, monkeypatch) -> Path:
    """A capture in a folder, both with such a name; the folder is the current directory."""
    name = NAMES[request.param]
    folder = tmp_path / os.fsdecode(name[:100])
    folder.mkdir()
    path = folder / os.fsdecode(name + b".pcapng")
    path.write_bytes((PCAPS / "acl_488.pcapng").read_bytes())
    log = (PCAPS / "acl_488.freeswitch.log").read_bytes()
    (folder / os.fsdecode(name[:240] + b".log")).write_bytes(log)
    monkeypatch.chdir(folder)
    return path


def succeeds(*words: str) -> Result:
    """Run a command; it must succeed and print only characters that can be displayed."""
    done = CliRunner().invoke(cli, [os.fsdecode(os.fsencode(word)) for word in words])
    assert done.exit_code == 0, done.output
    assert all(unicodedata.category(char) not in UNSHOWN for char in done.output if char != "\n")
    return done


@pytest.mark.parametrize("named", HARDEST, indirect=True)
def test_every_command_takes_it(named):
    log = str(named.with_suffix(".log") if len(os.fsencode(named.name)) < 250 else next(Path().glob("*.log")))
    succeeds("run", str(named), "-o", "out", "--csv", "--fs-log", log)
    run = postproc.load("out")
    assert len(run.calls) == 1
    assert run.unread == ()
    for _, rows in run.tables.items():
        for column in rows.columns[rows.dtypes == TEXT]:
            rows[column].dropna().map(str.encode)  # a lone surrogate raises
    (text,) = run.captures["path"]
    assert (text, located(text)) == (readable(str(named)), named)
    assert located(run.logs["path"].iloc[0]).samefile(log)
    assert len(run.call(1).packets(limit=2)) == 2
    succeeds("report", "out", "-o", "again.html")
    succeeds("report", "out", "--redact", "-o", "redacted.html")
    succeeds("filter", "--", str(named))
    succeeds("annotate", str(named), "--findings", "out")
    succeeds("export", str(named), "--call", "1", "-o", "call.pcapng")
    succeeds("ticket", str(named), "-o", "ticket.zip")
    for path in Path("out").rglob("*.json"):
        json.loads(path.read_text(encoding="utf-8"))
    (book,) = Path("out/notebooks").iterdir()
    cells = "\n".join(cell.source for cell in nbformat.read(book, 4).cells if cell.cell_type == "code")
    compile(cells.replace("%", "#"), "book", "exec")


@pytest.mark.parametrize("option", ["--acl", "--deployment", "--keylog"])
def test_what_is_wrong_with_it_is_one_line(named, option):
    wrong = named.with_name(os.fsdecode(os.fsencode(named.stem)[:240] + b".xml"))
    wrong.write_bytes(b"\xff\xfe\x00 none")
    done = CliRunner().invoke(cli, ["run", str(named), option, str(wrong), "-o", f"{wrong}/out"])
    assert done.exit_code == 2
    assert done.stderr.count("\n") == 1, done.stderr
    assert all(unicodedata.category(char) not in UNSHOWN for char in done.stderr[:-1])


def test_results_go_where_the_name_says(named):
    out = named.with_name(os.fsdecode(os.fsencode(named.stem)[:240] + b".d"))
    succeeds("run", str(named), "-o", f"{out}")
    assert (out / "report.html").exists()
    longest = named.with_name(os.fsdecode(os.fsencode(named.stem)[:248] + b".html"))
    succeeds("report", f"{out}", "-o", f"{longest}")
    assert longest.exists()


def test_the_terminal_and_the_tables_tell_a_name_alike():
    name = os.fsdecode(NAMES["latin-1"])
    assert clean(name) == readable(name) == r"St\xf6rung_M\xfcller"


def test_a_text_leads_to_the_file_that_has_it_as_its_name_first(tmp_path):
    spelled, meant = tmp_path / r"St\xf6rung", tmp_path / os.fsdecode("Störung".encode("latin-1"))
    meant.touch()
    assert located(str(spelled)) == meant
    spelled.touch()
    assert located(str(spelled)) == spelled
    assert located(str(tmp_path / r"none\xf6")) == tmp_path / r"none\xf6"


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_a_copy_s_name_is_not_too_long(name):
    capture = Path(os.fsdecode(name + b".pcapng"))
    target = default_target(capture)
    assert len(os.fsencode(target.name)) <= 255
    assert target.name.endswith(".annotated.pcapng")


def test_a_card_in_a_notebook_shows_it(tmp_path):
    (tmp_path / os.fsdecode(NAMES["latin-1"] + b".pcap")).touch()
    html = postproc.analyze(tmp_path)._repr_html_()
    html.encode()
    assert r"St\xf6rung_M\xfcller.pcap" in html
