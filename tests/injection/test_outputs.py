"""What a run and the commands after it write and say of a scene that is hostile throughout."""

import ast
import json
import os
import re
import subprocess
from collections.abc import Mapping
from zipfile import ZipFile

import nbformat
import pytest
from selenium.common.exceptions import NoAlertPresentException

import postproc
from tests.fuzz import rules
from tests.hostile import MOVES, TEXTS
from tests.injection import scene
from tests.injection.markdown import LINK, PLAIN_TAGS, tags
from tests.plugins.bundle import TSHARK, Bundle, bad_filters, color_rules, named, table
from tests.show.report.browser import chromium

CAPTURE = scene.NAMES["capture"]
MEMBER = re.compile(r"[A-Za-z0-9_][\w.-]*(/[A-Za-z0-9_][\w.-]*)*", re.ASCII)


@pytest.fixture(scope="session")
def run(made):
    return postproc.load(made.out)


def test_the_texts_got_as_far_as_the_tables(run):
    """What never got in could not get out: as good as all of them are there, byte for byte."""
    texts = {text[: scene.LONGEST] for text in TEXTS.values()}
    held = set(run.sip_messages["user_agent"].dropna()) | set(run.stun_messages["software"].dropna())
    assert len(held & texts) >= len(TEXTS) - 4, "line ends, NUL and blanks do not stand in a header"
    assert len(run.legs) >= 2 * (len(TEXTS) - 1)
    assert sum("onerror" in text or "${evil}" in text for text in run.log_events["text"]) >= 2
    assert any("<svg/onload" in detail for detail in run.findings["detail"])
    assert len(run.candidates) > 40
    assert CAPTURE in set(run.captures["capture"])


def test_every_file_of_a_run_is_harmless_to_who_reads_it(made, run):
    """The report's page, JSON, CSV and notebooks, by the rules of the campaign."""
    assert list(rules.of_results(made.out, run.tables)) == []
    assert not list(made.folder.rglob("owned*")) and not list(made.folder.parent.rglob("owned*"))


COMMANDS = {
    "run": None,
    "filter": ("filter", CAPTURE),
    "acl check": (
        "acl",
        "check",
        "acl.conf.xml",
        "--capture",
        CAPTURE,
        *(word for text in scene.LISTS for word in ("--list", text, "--signalling-list", text)),
        "--addr",
        "192.0.2.1",
    ),
    "annotate": ("annotate", CAPTURE, "-o", "annotated.pcapng"),
    "export": ("export", CAPTURE, "--call", "2", "-o", "export.pcapng"),
    "notebook": ("notebook", CAPTURE, "-o", "a.ipynb"),
    "wireshark color": ("wireshark", "color", CAPTURE),
    "report": ("report", "out", "--call", "3", "-o", "one.html"),
    "ticket": (
        "ticket",
        CAPTURE,
        "--fs-log",
        scene.NAMES["log"],
        "--attach",
        scene.NAMES["unread"],
        "--answers",
        "answers.json",
        "-o",
        "ticket.zip",
    ),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_what_a_command_says_moves_no_cursor(made, command):
    words = COMMANDS[command]
    assert list(rules.of_said(made.postproc(*words) if words else made.said)) == []


def test_markdown_of_notebooks_is_text(made):
    written = list(made.out.glob("notebooks/*.ipynb"))
    assert written
    for path in written:
        for cell in nbformat.read(path, as_version=4).cells:
            if cell.cell_type == "markdown":
                assert tags(cell.source) <= PLAIN_TAGS
            else:
                ast.parse(cell.source)
                assert not MOVES & set(cell.source)


@pytest.mark.parametrize("redacted", [False, True])
def test_markdown_of_tickets_is_text(made, redacted):
    told = ("good.pcapng", "--answers", "answers.json", "--redact", "--yes", "-o", "md.zip")
    made.postproc(*(("ticket", *told) if redacted else (*COMMANDS["ticket"][:-1], "md.zip")))
    with ZipFile(made.folder / "md.zip") as archive:
        names = archive.namelist()
        pages = {name: archive.read(name).decode() for name in names if name.endswith(".md")}
    assert len(pages) == 1 + redacted
    for page in pages.values():
        assert tags(page) <= PLAIN_TAGS
        assert not MOVES & set(page) and not LINK.search(page)
    assert [name for name in names if not MEMBER.fullmatch(name)] == []


def test_packet_comments_are_lines_and_the_findings_own(made, run):
    made.postproc("annotate", CAPTURE, "-o", "comments.pcapng")
    command = [*TSHARK, "-r", "comments.pcapng", "-Y", "frame.comment", "-T", "json", "-e", "frame.comment"]
    done = subprocess.run(command, cwd=made.folder, capture_output=True, check=True)
    layers = [each["_source"]["layers"] for each in json.loads(done.stdout)]
    comments = [text for each in layers for text in each["frame.comment"]]
    known = {(row.severity, row.code) for row in run.findings.itertuples()}
    assert comments and all((tuple(text.split()[:2])) in known for text in comments)
    assert not MOVES & set("".join(comments))


def test_a_list_of_words_to_hide_holds_words_and_hides_them(made):
    attached = made.folder / "attached.txt"
    attached.write_text(
        " Zwiebelturm ".join(text.replace("\0", "") for text in TEXTS.values()), encoding="utf-8"
    )
    words = ("ticket", "good.pcapng", "--attach", "attached.txt", "--redact", "-o", "hidden.zip")
    assert "nothing was written" in made.postproc(*words, status=2)
    listed = made.folder / "hidden.words.txt"
    lines = listed.read_text(encoding="utf-8").splitlines()
    assert not (MOVES - {"\t"}) & set("".join(lines)) and any(
        line.startswith("Zwiebelturm\t") for line in lines
    )
    made.postproc(*words, "--hide", listed.name)
    with ZipFile(made.folder / "hidden.zip") as archive:
        left = set(re.findall(r"\w+", archive.read("attachments/1.txt").decode().lower()))
    assert not left & {line.partition("\t")[0].lower() for line in lines if not line.startswith("#")}


def test_a_traceback_moves_no_cursor(made):
    os.mkfifo(made.folder / "keys\x1b[2J")
    said = made.postproc("run", "good.pcapng", "--keylog", "keys\x1b[2J", "-o", "other", "--debug", status=2)
    assert "Traceback" in said and "keys\\x1b[2J" in said
    assert not MOVES & set(said)


@pytest.fixture(scope="session")
def alone(made):
    """The run over the one capture: its calls have numbers of their own there."""
    return postproc.analyze(made.folder / CAPTURE)


@pytest.fixture(scope="session")
def profile(made):
    """The configuration that ``wireshark color`` made, and the files of its profile."""
    made.postproc(*COMMANDS["wireshark color"])
    (folder,) = (made.folder / "home").rglob("profiles/Legs *")
    texts = {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}
    return Bundle(folder.parent.parent), folder.name, texts


def of_calls(expressions: Mapping[str, str]) -> dict[str, str]:
    """Of macros, or saved filters, those of whole calls."""
    return {name: body for name, body in expressions.items() if re.fullmatch(r"[Cc]all ?\d+", name)}


def test_no_text_becomes_a_line_of_a_profile_of_its_own(made, alone, profile):
    bundle, name, texts = profile
    colors, macros = color_rules(texts["colorfilters"]), named(texts["dmacros"])
    saved = named(texts["dfilters"])
    calls = [int(call) for call in alone.calls["call"]]
    assert all(text.isascii() for text in texts.values())
    assert all(each.startswith("Legs: ") for each in colors)
    assert list(of_calls(macros)) == [f"call{call}" for call in calls]
    assert list(of_calls(saved)) == [f"Call {call}" for call in calls]
    assert macros == {row[0]: row[1] for row in table(texts["dfilter_macros"])}
    every = {**colors, **saved, **{row[1]: row[2] for row in table(texts["dfilter_buttons"])}}
    assert bad_filters(bundle, made.folder / CAPTURE, every, profile=name) == {}


@pytest.mark.parametrize("turned", [False, True])
def test_a_filter_of_a_call_shows_that_call_and_no_other(made, alone, profile, tmp_path, turned):
    """All calls at once, as colour rules; the first that fits counts, so both ways round."""
    filters = of_calls(named(profile[2]["dmacros"]))
    lines = [f"@{call}@{body[1:-1]}@[0,0,0][1,1,1]\n" for call, body in filters.items()]
    (tmp_path / "profiles" / "P").mkdir(parents=True)
    (tmp_path / "profiles" / "P" / "colorfilters").write_text("".join(lines[::-1] if turned else lines))
    colors = Bundle(tmp_path).colors(made.folder / CAPTURE, profile="P")
    calls = dict(zip(alone.legs["call_id"], alone.legs["call"], strict=True))
    messages = zip(alone.sip_messages["frame"], alone.sip_messages["call_id"], strict=True)
    expected = {frame: f"call{calls[call_id]}" for frame, call_id in messages if call_id in calls}
    assert len(expected) > 200
    assert {frame: colors[frame] for frame in expected} == expected


@pytest.mark.slow
def test_nothing_in_the_report_acts_in_a_browser(made):
    """With candidates judged by lists of such names, lines of the log, and files that were not read."""
    page = made.out / "report.html"
    text = page.read_text(encoding="utf-8")
    assert all(told in text for told in ("alert(1)", "evil.example", "CS_EXECUTE"))
    with chromium() as browser:
        browser.open(page)
        browser.run("for (const each of document.querySelectorAll('details')) each.open = true")
        with pytest.raises(NoAlertPresentException):
            _ = browser.driver.switch_to.alert.text
        assert browser.log() == [] and browser.requests() == [f"file://{page}"]
