"""The commands export, annotate and ticket, as they are typed."""

from zipfile import ZipFile

import pytest
from click.testing import CliRunner

from postproc.cli import cli


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
    assert done.stderr == "postproc: there is no call 9; the only call is 1\n"


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
