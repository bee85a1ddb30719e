import shutil
import subprocess

import pytest

from postproc import pipeline
from postproc.model.described import of_table
from postproc.model.errors import CaptureError, SetupError
from postproc.read.records import Record, pieces
from postproc.share.annotate import annotate, comments, name_in
from postproc.share.copying import copy
from tests.builders import rows


def findings(*records):
    return rows(
        "findings", *({"capture": "a.pcap", "verdict": "fault", "code": "ICE004"} | each for each in records)
    )


def described(*records):
    return of_table(findings(*records))


def shown(path) -> dict[str, str]:
    told = subprocess.run(
        [
            "tshark",
            "-r",
            path,
            "-Y",
            "frame.comment",
            "-T",
            "fields",
            "-e",
            "frame.number",
            "-e",
            "frame.comment",
        ],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return dict(line.split("\t") for line in told.splitlines())


def test_a_finding_stands_whole_at_its_first_frame_and_short_at_the_others():
    told = comments(
        described(
            {
                "frame": 4,
                "frames": "4,7",
                "name": "no-binding",
                "call": 2,
                "title": "Nothing came back",
                "detail": "6 requests\nunanswered",
            }
        )
    )
    assert told == {
        4: ["error ICE004 no-binding (call 2): Nothing came back - 6 requests unanswered"],
        7: ["error ICE004 no-binding (call 2): Nothing came back"],
    }


def test_a_frame_may_bear_several_and_odd_findings_do_no_harm():
    told = comments(
        described(
            {"frame": 4, "frames": "4,x,,9"}, {"frame": None, "frames": None}, {"frame": 4, "frames": "4"}
        )
    )
    assert told == {4: ["error ICE004", "error ICE004"], 9: ["error ICE004"]}


def test_escapes_and_line_breaks_in_a_finding_are_shown_as_text():
    (told,) = comments(described({"frame": 1, "title": "a\x1b[31m\nb"}))[1]
    assert told == "error ICE004: a\\x1b[31m\\nb"


def test_wireshark_shows_the_comments_and_the_users_own(pcaps, tmp_path):
    source = tmp_path / "mine.pcapng"
    copy(pcaps / "made/busy_486.pcapng", source, comments=lambda frame: ["my note"] if frame == 3 else [])
    target = tmp_path / "annotated.pcapng"
    found = findings(
        {"frame": 3, "title": "one"},
        {"frame": 3, "title": "two"},
        {"frame": 5, "title": "three"},
        {"capture": "b.pcap", "frame": 6},
    )
    assert annotate(source, "a.pcap", found, target) == 3
    assert shown(target) == {"3": "my note,error ICE004: one,error ICE004: two", "5": "error ICE004: three"}
    with pieces(source) as one, pieces(target) as other:
        before, after = ([p for p in each if isinstance(p, Record)] for each in (one, other))
    assert [(p.data, p.ticks) for p in before] == [(p.data, p.ticks) for p in after]


def test_the_findings_of_a_run_are_about_the_capture_by_its_content(run_of, pcaps, tmp_path):
    run = run_of("no_binding_success.pcapng")
    moved = tmp_path / "moved.pcapng"
    shutil.copy(pcaps / "no_binding_success.pcapng", moved)
    assert annotate(moved, name_in(run, moved), run.findings, tmp_path / "out.pcapng") > 0
    assert any("no-binding-success" in text for text in shown(tmp_path / "out.pcapng").values())


def test_a_capture_that_the_run_did_not_read_is_said(run_of, pcaps, tmp_path):
    with pytest.raises(SetupError, match="not among the captures"):
        name_in(run_of("no_binding_success.pcapng"), pcaps / "good.pcapng")
    with pytest.raises(CaptureError, match="no such file"):
        name_in(run_of("no_binding_success.pcapng"), tmp_path / "missing.pcapng")
    none = tmp_path / "none.pcap"
    none.write_bytes(b"nothing of a capture")
    with pytest.raises(SetupError, match="not a capture"):
        name_in(pipeline.run([none]), none)


def test_the_copy_never_replaces_the_capture(pcaps, tmp_path):
    source = tmp_path / "a.pcapng"
    shutil.copy(pcaps / "made/busy_486.pcapng", source)
    with pytest.raises(SetupError, match="cannot replace"):
        annotate(source, "a", findings(), source)
