"""The report as a page: what is in it, and that it needs nothing else."""

import base64
import hashlib
import re

import pytest

from postproc.model.columns import TEXT
from postproc.model.tables import Tables
from postproc.show import colors
from postproc.show.report import page
from postproc.show.report.page import Limits, report
from postproc.show.report.words import HEADINGS, PAGE, TITLES
from tests import builders
from tests.hostile import MOVES, SURROGATE, TEXTS
from tests.show.report import scenes
from tests.show.report.pages import Page

JOINING = {"call_id", "verdict", "frames", "facts", "name", "caused_by", "lane", "severity"}
WIRE = {
    "src_addr",
    "dst_addr",
    "client_addr",
    "server_addr",
}  # of IP headers: addresses whatever anybody writes


def made(tables: Tables | None = None, lang: str = "en", **known) -> str:
    held = scenes.tables() if tables is None else tables
    return page.html(report(held, scenes.WALK, lang, version="9.9", **known))


def spoiled(evil: str) -> Tables:
    """The scene with every text a stranger's; what joins rows is left alone."""
    held = scenes.tables()
    changed = {}
    for table, rows in held.items():
        texts = [c.name for c in table.columns if c.dtype == TEXT and c.name not in JOINING | WIRE]
        changed[table.name] = rows.assign(
            **{name: rows[name].mask(rows[name].notna(), evil) for name in texts}
        )
    return held.with_(**changed)


def policy(held: Page) -> str:
    (text,) = (value for value in held.values("content") if "default-src" in value)
    return text


@pytest.mark.parametrize("lang", ["en", "de"])
def test_the_page_shows_the_calls_and_what_was_found(lang):
    html = made(lang=lang)
    held = Page(html)
    assert f'<html lang="{lang}">' in html
    text = " ".join(held.texts)
    for said in (
        "No Binding Success: 2 of 2.",
        "Capture on both sides.",
        "frame.number in {19, 21}",
        "b1@x"[:2],
    ):
        assert said in text
    assert held.elements["svg"] == 9, (
        "three pictures of two calls, two of one without checks and media, one of all"
    )
    assert [value for value in held.values("id") if value.startswith("call-1-step")] == [
        f"call-1-step-{n}" for n in (1, 2, 3, 4)
    ]


def test_every_id_is_there_once_and_every_link_inside_the_page_leads_somewhere():
    held = Page(made())
    ids = held.values("id")
    assert len(ids) == len(set(ids))
    assert {link[1:] for link in held.values("href") if link.startswith("#")} <= set(ids)


@pytest.mark.parametrize(
    ("word", "chosen"),
    [
        ("local", "viewer"),
        ("UTC", "utc"),
        ("Europe/Berlin", "named"),
        ("log", "utc"),
    ],  # no log: as the terminal has it
)
def test_the_zone_asked_for_is_shown_first(word, chosen):
    html = made(zone=word)
    assert re.findall(r'<option value="(\w+)" selected', html) == [chosen]
    assert (f'data-named="{word}"' in html) == (chosen == "named")


def test_the_logs_zone_is_shown_first_where_it_is_known():
    logs = builders.rows("logs", {"offset_ms": 3_600_100.0})
    html = made(scenes.tables().with_(logs=logs), zone="log")
    assert '<option value="log" selected' in html and 'data-log="60"' in html


def test_a_line_ends_in_a_file_name_behind_a_sign():
    assert page._breakable("a_b/<c>.pcap") == "a_<wbr>b/<wbr>&lt;c&gt;.<wbr>pcap"


def test_answers_say_their_language():
    html = made(
        answers={
            1: {
                each: dict.fromkeys(("headline", "detail", "claim"), "x")
                | {"confidence": 1.0, "causes": [], "remedies": []}
                for each in ("de", "en")
            }
        }
    )
    assert re.findall(r'<pre tabindex="0" lang="(\w\w)">', html) == ["en", "de"]


def test_the_page_needs_no_network():
    held = Page(made())
    assert not held.values("src") and not held.elements["link"] and not held.elements["base"]
    assert "@import" not in held.raw["style"] and "url(" not in held.raw["style"]
    assert not re.search(r"fetch|XMLHttpRequest|WebSocket|import\(", held.raw["script"])
    outside = [link for link in held.values("href") if not link.startswith("#")]
    assert outside and all(link.startswith("https://www.rfc-editor.org/rfc/rfc") for link in outside)
    assert policy(held).startswith("default-src 'none';")


def test_the_policy_allows_the_page_s_own_script_and_style_and_nothing_else():
    held = Page(made())
    early, script = page.EARLY, held.raw["script"].removeprefix(page.EARLY)
    assert script != held.raw["script"]
    digest = {
        name: base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        for name, text in (("early", early), ("script", script), ("style", held.raw["style"]))
    }
    assert policy(held).split("; ") == [
        "default-src 'none'",
        f"style-src 'sha256-{digest['style']}'",
        f"script-src 'sha256-{digest['early']}' 'sha256-{digest['script']}'",
        "base-uri 'none'",
        "form-action 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    ]
    assert (held.elements["script"], held.elements["style"]) == (2, 1)
    assert not held.values("style")


@pytest.mark.parametrize("evil", TEXTS.values(), ids=TEXTS)
def test_what_strangers_write_is_only_text(evil):
    walks = {1: [step | {"said": evil, "capture": evil, "filter": evil} for step in scenes.WALK[1]]}
    html = page.html(report(spoiled(evil), walks, "en", unread=[(evil, evil), (SURROGATE, SURROGATE)]))
    held, plain = Page(html), Page(page.html(report(scenes.tables(), scenes.WALK, "en", unread=[("a", "b")])))
    assert set(held.elements) <= set(plain.elements)
    assert held.elements["script"] == 2 and held.raw == plain.raw
    assert not [name for _, name, _ in held.attributes if name.startswith("on")]
    assert all(link.startswith(("#", "https://", "http://")) for link in held.values("href"))
    assert not set(html) & MOVES
    assert len(html) < 1_500_000
    html.encode("utf-8", "replace")


def test_a_template_in_a_text_is_not_filled_in():
    text = " ".join(Page(page.html(report(spoiled("{{ 7*191 }}"), {}, "en"))).texts)
    assert "{{ 7*191 }}" in text and "1337" not in text


def test_legs_have_the_colours_of_wireshark_s_profile():
    style = Page(made()).raw["style"]
    assert f"--leg1:{colors.LEG_1.fill};" in style and f"--leg2:{colors.LEG_2.fill};" in style


def test_dark_screens_are_served_and_paper_is_white():
    style = Page(made()).raw["style"]
    assert "@media screen and (prefers-color-scheme: dark)" in style and "@media print" in style


def test_nothing_at_all_is_a_page_too():
    assert "No calls in these captures." in made(Tables())


def test_the_only_call_of_a_report_is_open():

    one = page.html(report(scenes.tables(), scenes.WALK, "en", limits=Limits(calls=[1])))
    assert re.search(r'<details class="call fault" data-call="1" open>', one)
    assert not re.search(r'<details class="call [a-z_]+" data-call="\d" open>', made())


def test_calls_without_pictures_or_details_say_how_to_get_them():

    bare = made(limits=Limits(pictured=1, detailed=2))
    assert "postproc report OUT --call 3" in bare and "postproc report OUT --call N" in bare
    assert "--call" not in made()


@pytest.mark.parametrize("held", [PAGE, HEADINGS, TITLES])
def test_both_languages_have_the_same_places_to_fill_in(held):
    places = re.compile(r"\{\w*\}")
    for text in held.values():
        assert text.en and text.de
        assert sorted(places.findall(text.en)) == sorted(places.findall(text.de))


def test_the_page_is_written_whole_or_not_at_all(tmp_path):
    page.write(report(scenes.tables(), scenes.WALK, "en"), tmp_path / "r.html")
    assert [path.name for path in tmp_path.iterdir()] == ["r.html"]
    assert (tmp_path / "r.html").read_text(encoding="utf-8").rstrip().endswith("</html>")
    with pytest.raises(OSError):
        page.write(report(Tables(), {}, "en"), tmp_path / "gone" / "r.html")
