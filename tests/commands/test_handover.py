"""The commands export, annotate and ticket, as they are typed."""

import os
import shutil
import stat
from zipfile import ZipFile

import pytest
from click.testing import CliRunner

import postproc
from postproc.cli import cli
from postproc.commands import share


def typed(*words: object, **options: object):
    return CliRunner().invoke(cli, [str(word) for word in words], **options)


@pytest.fixture
def busy(pcaps):
    return pcaps / "made/busy_486.pcapng"


def test_export_says_what_it_wrote(busy, tmp_path):
    done = typed("export", busy, "--call", 1, "-o", tmp_path / "c.pcapng")
    assert done.exit_code == 0
    assert done.output.endswith("packets of call 1\n")
    assert (tmp_path / "c.pcapng").stat().st_size


def test_a_redacted_export_with_a_key_is_the_same_each_time(busy, tmp_path):
    for name in ("a", "b"):
        assert (
            typed("export", busy, "--call", 1, "--redact", "--key", "k", "-o", tmp_path / name).exit_code == 0
        )
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_call_that_is_not_there_is_one_line_and_exit_status_2(busy):
    done = typed("export", busy, "--call", 9)
    assert done.exit_code == 2
    assert done.stderr == "postproc: no call 9 in this run; it has 1\n"


def test_a_call_is_exported_by_its_number_in_an_earlier_run(pcaps, busy, tmp_path):
    out, capture = tmp_path / "out", tmp_path / "two_calls.pcapng"
    shutil.copy(pcaps / "two_calls.pcapng", capture)
    assert typed("run", capture, busy, "-o", out, "-q", "--no-report").exit_code == 0
    calls = postproc.load(out).calls.set_index("call")["capture"]
    for call in calls.index[calls == "two_calls.pcapng"]:
        exported = tmp_path / f"{call}.pcapng"
        assert typed("export", out, "--call", call, "-o", exported).exit_code == 0
        assert len(postproc.analyze(exported).calls) == 1


def test_every_command_knows_a_call_by_its_number_in_an_earlier_run(pcaps, tmp_path, monkeypatch):
    """Its number in the run is not the one that its capture alone would give it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WIRESHARK_CONFIG_DIR", str(tmp_path / "wireshark"))
    (tmp_path / "in").mkdir()
    for name, source in (("a", pcaps / "acl_403.pcapng"), ("b", pcaps / "only_private.pcapng")):
        shutil.copy(source, tmp_path / f"in/{name}.pcapng")
    assert typed("run", "in", "-o", "out", "-q", "--no-report").exit_code == 0
    run = postproc.load("out")
    number = int(run.calls.loc[run.calls["capture"] == "b.pcapng", "call"].min())
    assert number > 1
    uid = run.call(number).calls["call_uid"].iloc[0]

    annotated = typed("annotate", "out", "--call", number)
    assert annotated.output.startswith("b.annotated.pcapng: ")
    comments = (tmp_path / "b.annotated.pcapng").read_bytes()
    assert f"(call {number})".encode() in comments
    assert b"(call 1)" not in comments and not (tmp_path / "a.annotated.pcapng").exists()

    assert typed("notebook", "out", "--call", number).exit_code == 0
    assert f"call = run.call({number})" in (tmp_path / "b.ipynb").read_text()

    coloured = typed("wireshark", "color", "out", "--call", number)
    assert "Legs b" in coloured.output
    assert f"call{number}" in next((tmp_path / "wireshark").rglob("dmacros")).read_text()

    packed = typed("ticket", "out", "--call", number)
    assert packed.exit_code == 0
    own = postproc.analyze(tmp_path / "in/b.pcapng").calls.set_index("call_uid").loc[uid, "call"]
    assert f"call {number} is call {own} in the ticket" in packed.output
    assert "trace/b.pcapng" in " ".join(ZipFile(tmp_path / f"ticket-{number}.zip").namelist())
    for command in (["annotate"], ["notebook"], ["wireshark", "color"], ["ticket"], ["filter"], ["export"]):
        done = typed(*command, "out", "--call", 99)
        assert done.exit_code == 2
        assert done.stderr.startswith("postproc: no call 99 in this run; it has 1, 2")


@pytest.mark.parametrize("becomes", ["another", "gone", "a pipe"])
def test_of_a_capture_that_is_not_what_was_read_nothing_is_exported(busy, tmp_path, becomes):
    out, capture = tmp_path / "out", tmp_path / "a.pcapng"
    shutil.copy(busy, capture)
    assert typed("run", capture, "-o", out, "-q", "--no-report").exit_code == 0
    capture.write_bytes(capture.read_bytes() + b"\0" * 32)
    if becomes != "another":
        capture.unlink()
    if becomes == "a pipe":
        os.mkfifo(capture)
    done = typed("export", out, "--call", 1)
    assert (done.exit_code, done.stderr.count("\n")) == (2, 1)
    assert "not the file that was read" in done.stderr


def test_annotate_takes_findings_of_an_earlier_run(pcaps, tmp_path):
    source = pcaps / "acl_403.pcapng"
    log = pcaps / "acl_403.freeswitch.log"
    assert typed("run", source, "--fs-log", log, "-o", tmp_path / "out", "-q").exit_code == 0
    done = typed("annotate", source, "--findings", tmp_path / "out", "-o", tmp_path / "a.pcapng")
    assert done.exit_code == 0
    assert b"invite-rejected-by-acl" in (tmp_path / "a.pcapng").read_bytes()


@pytest.mark.parametrize(("lang", "said"), [("de", "noch auszufüllen"), ("en", "still to be filled in")])
def test_a_ticket_says_what_is_open_and_asks_for_it(busy, tmp_path, lang, said):
    done = typed("ticket", busy, "--lang", lang, "-o", tmp_path / "t.zip")
    assert done.exit_code == 0
    assert said in done.output and "symptom" in done.output
    asked = typed(
        "ticket", busy, "--ask", "--lang", lang, "-o", tmp_path / "t.zip", input="4711\nsilence\n" + "\n" * 20
    )
    assert asked.exit_code == 0
    with ZipFile(tmp_path / "t.zip") as archive:
        assert b"silence" in archive.read("checklist.md")


@pytest.mark.parametrize("command", ["export", "annotate", "ticket"])
def test_help_ends_in_an_example(command):
    shown = typed(command, "-h")
    assert shown.exit_code == 0
    assert f"postproc {command} " in shown.output.partition("Examples:")[2]


@pytest.fixture
def with_prose(busy, tmp_path):
    """The words of a redacted ticket with an attachment that names somebody no trace tells of."""
    attached = tmp_path / "gateway.txt"
    attached.write_text("Zauberwald Apotheke cannot be called\n", encoding="utf-8")
    return ("ticket", busy, "--redact", "--attach", attached, "--lang", "en", "-o", tmp_path / "t.zip")


def attached_text(path) -> str:
    with ZipFile(path) as archive:
        return archive.read("attachments/1.txt").decode()


def test_words_nobody_can_judge_stop_a_ticket_and_are_listed(with_prose, tmp_path):
    done = typed(*with_prose)
    assert done.exit_code == 2
    assert done.stderr.startswith("postproc: nothing was written: ") and done.stderr.count("\n") == 1
    assert "--yes" in done.stderr and "--hide" in done.stderr
    assert not (tmp_path / "t.zip").exists()
    listed = tmp_path / "t.words.txt"
    words = [line.partition("\t") for line in listed.read_text().splitlines() if not line.startswith("#")]
    assert ("Zauberwald", "\t", "1 attachments/1.txt") in words
    assert os.name != "posix" or stat.S_IMODE(listed.stat().st_mode) == 0o600
    hidden = typed(*with_prose, "--hide", listed)
    assert hidden.exit_code == 0
    assert "zauberwald" not in attached_text(tmp_path / "t.zip").lower()


def test_with_yes_they_stay_and_the_ticket_says_so(with_prose, tmp_path):
    done = typed(*with_prose, "--yes")
    assert done.exit_code == 0
    assert "Zauberwald Apotheke cannot be called" in attached_text(tmp_path / "t.zip")
    told = done.stderr.splitlines()
    assert any(line.startswith("replaced: ") and "users and numbers" in line for line in told)
    assert any(
        line.startswith("remains, though no dictionary knows it: ") and "Zauberwald" in line for line in told
    )
    with ZipFile(tmp_path / "t.zip") as archive:
        assert "Zauberwald (1)" in archive.read("redaction.md").decode()


@pytest.mark.parametrize(("answer", "written"), [("y\n", True), ("n\n", False)])
def test_on_a_terminal_it_is_asked(with_prose, tmp_path, monkeypatch, answer, written):
    monkeypatch.setattr(share, "_is_interactive", lambda: True)
    done = typed(*with_prose, input=answer)
    assert "Zauberwald" in done.stderr and "Do they name nobody?" in done.stderr
    assert (tmp_path / "t.zip").exists() == written == (done.exit_code == 0)
    assert (tmp_path / "t.words.txt").exists() != written


def test_a_file_of_words_that_is_no_text_is_said(with_prose, tmp_path):
    (tmp_path / "w").write_bytes(b"\xff\xfe\0")
    assert "no text in UTF-8" in typed(*with_prose, "--hide", tmp_path / "w").stderr
