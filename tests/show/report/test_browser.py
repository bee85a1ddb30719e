"""The report in a real browser: what people do with it."""

import re
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from selenium.common.exceptions import NoAlertPresentException
from selenium.webdriver.common.keys import Keys

from postproc import pipeline
from postproc.show.report import page
from postproc.show.report.page import report
from tests.conftest import PCAPS
from tests.hostile import TEXTS
from tests.show.report.browser import chromium
from tests.show.report.test_model import crowd
from tests.show.report.test_page import spoiled

pytestmark = pytest.mark.slow

CAPTURES = ("no_binding_success", "good", "acl_403", "two_calls")
NUMBERS = ".calls tbody tr td:first-child"
ALL_OPEN = "for (const each of document.querySelectorAll('details')) each.open = true"
WIDE = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture(scope="module")
def browser():
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    out = tmp_path_factory.mktemp("report")
    pipeline.run([PCAPS / f"{name}.pcapng" for name in CAPTURES], out)
    return out / "report.html"


@pytest.fixture
def opened(browser, path):
    browser.size(1280, 900)
    browser.media()
    browser.open(path)
    return browser


def test_nothing_is_asked_of_any_network_and_the_console_stays_empty(opened, path):
    for call in opened.all("details.call > summary"):
        call.click()
    for fold in opened.all("details.call .fold:not([open]) > summary"):
        opened.run("arguments[0].click()", fold)
    assert opened.requests() == [f"file://{path}"]
    assert opened.log() == []


def test_times_are_in_the_zone_chosen_everywhere(opened, path):
    """Local time to begin with; texts to copy stay UTC, as they say."""
    opened.driver.execute_cdp_cmd("Emulation.setTimezoneOverride", {"timezoneId": "Asia/Kolkata"})
    try:
        opened.open(path)
        opened.run(ALL_OPEN)
        for word, shown, label in (("viewer", "04:08:49", "UTC+5:30"), ("utc", "22:38:49", "UTC")):
            opened.run(
                "const s = document.querySelector('.zone select'); s.value = arguments[0];"
                "s.dispatchEvent(new Event('change'))",
                word,
            )
            call = "details.call[data-call='1']"
            assert opened.one(".calls tr[data-call='1'] time:not(.day)").text == shown
            assert opened.one(f"{call} > summary time").get_property("textContent") == shown
            assert f"({label})" in opened.one(".calls thead th:nth-child(4)").text
            assert f"{shown}.496 {label}" in opened.one(f"{call} .picture svg").get_property("textContent")
            assert label in opened.one(".meta").text
            assert "22:38:49" in opened.one(f"{call} .answer code").get_property("textContent")
        assert opened.log() == []
    finally:
        opened.driver.execute_cdp_cmd("Emulation.setTimezoneOverride", {"timezoneId": ""})


@pytest.mark.parametrize(
    ("name", "shown", "label"),
    [("Europe/Berlin", "23:38:49", "UTC+1"), ("America/St_Johns", "19:08:49", "UTC-3:30")],
)
def test_a_zone_named_for_the_run_is_shown_first(browser, path, name, shown, label):
    page = path.with_name("zone.html")
    pipeline.write_report(pipeline.load(path.parent), page, tz=name)
    browser.open(page)
    assert browser.one(".zone select").get_property("value") == "named"
    assert browser.one(".calls tr[data-call='1'] time:not(.day)").text == shown
    assert f"({label})" in browser.one(".calls thead th:nth-child(4)").text
    assert browser.log() == []


def test_a_table_across_the_change_of_the_clocks_names_both_zones(browser, path):
    page = path.with_name("summer.html")
    pipeline.write_report(pipeline.load(path.parent), page, tz="Europe/Berlin")
    page.write_text(page.read_text().replace('datetime="2026-11-22T22:38', 'datetime="2026-07-22T22:38'))
    browser.open(page)
    assert "(UTC+1/UTC+2)" in browser.one(".calls thead th:nth-child(4)").text
    assert browser.one(".calls tr[data-call='1'] time:not(.day)").text == "00:38:49"
    started = {dt.text for dt in browser.all("dt") if "UTC" in dt.text}
    assert all(text.count("UTC") == 1 for text in started)


def test_calls_are_sorted_by_any_column_and_back(opened):
    assert opened.one(".calls th:nth-child(2)").get_attribute("aria-sort") == "ascending"
    assert opened.texts(".calls tbody .badge") == ["Fault", "Suspect", "OK", "OK", "OK"]
    opened.click(".calls th:nth-child(1) button")
    assert opened.texts(NUMBERS) == ["1", "2", "3", "4", "5"]
    opened.click(".calls th:nth-child(1) button")
    assert opened.texts(NUMBERS) == ["5", "4", "3", "2", "1"]
    assert opened.one(".calls th:nth-child(1)").get_attribute("aria-sort") == "descending"
    opened.click(".calls th:nth-child(3) button")
    told = opened.texts(".calls td.wide")
    assert told == sorted(told, key=str.lower)


def test_a_verdict_is_switched_off_and_on(opened):
    opened.click('.chip[data-verdict="ok"]')
    assert len(opened.texts(NUMBERS)) == 2 and len(opened.seen("details.call")) == 2
    assert opened.one(".shown").text == "2 of 5 calls"
    opened.click('.chip[data-verdict="ok"]')
    assert len(opened.texts(NUMBERS)) == 5 and opened.one(".shown").text == ""


@pytest.mark.parametrize(
    ("typed", "calls"), [("no-binding", 1), ("4930998877", 1), ("acl 403", 1), ("721", 4)]
)
def test_a_search_leaves_the_calls_that_match(opened, typed, calls):
    opened.keys("/")
    opened.keys(typed)
    assert len(opened.texts(NUMBERS)) == calls == len(opened.seen("details.call"))
    opened.keys(Keys.ESCAPE)
    assert len(opened.texts(NUMBERS)) == 5


def test_a_search_without_a_match_says_so(opened):
    opened.one(".search input").send_keys("nobody")
    assert opened.texts(".none-left") == ["No call matches."]


def test_a_row_opens_its_call_by_mouse_and_by_keyboard(opened):
    opened.click(".calls tr[data-call='3'] td.wide")
    assert opened.one("details.call[data-call='3']").get_property("open")
    opened.run("arguments[0].focus()", opened.one(".calls tr[data-call='1'] a"))
    opened.keys(Keys.ENTER)
    assert opened.one("details.call[data-call='1']").get_property("open")
    assert opened.driver.current_url.endswith("#call-1")


def test_a_link_to_a_call_opens_it(opened, path):
    opened.open(path, "#call-3")
    call = opened.one("details.call[data-call='3']")
    assert call.get_property("open")
    assert 0 <= opened.run("return arguments[0].getBoundingClientRect().top", call) < 900


def faulty(opened) -> str:
    number = opened.one(".calls tr[data-verdict='fault']").get_attribute("data-call")
    opened.click(f".calls tr[data-call='{number}'] a")
    return f"details.call[data-call='{number}']"


def test_the_step_where_it_broke_is_shown_first_and_others_by_click_and_arrow(opened):
    call = faulty(opened)
    (chosen,) = opened.texts(f"{call} .panel h4")
    assert chosen == "Are they answered (Binding Success)? no"
    opened.click(f"{call} .chart li:nth-child(3) .box")
    assert opened.texts(f"{call} .panel h4") == ["Does the client offer usable candidates? yes"]
    opened.keys(Keys.ARROW_RIGHT)
    assert opened.texts(f"{call} .panel h4") == ["Does the server offer usable candidates? yes"]
    assert len(opened.all(f"{call} .box[aria-current]")) == 1


def test_a_step_leads_to_its_finding(opened):
    call = faulty(opened)
    opened.click(f"{call} .panel.chosen .to-finding")
    assert "No Binding Success" in opened.one(".finding.marked h4").text


@pytest.mark.parametrize(
    ("selector", "begins"),
    [
        (".panel.chosen .copyable", "frame.number in {19, 21"),
        (".panel.chosen .copyable + .copyable", "stun && udp.port == 32026"),
        (".take-along > .copyable", 'sip.Call-ID in {"9d56a52dee2347a2bea6d63a057bfece"'),
        (".take-along > .fold:last-child .long", "call 3"),
        (".take-along > .answer .long", "Hello,"),
    ],
)
def test_what_a_button_copies_can_be_pasted(opened, selector, begins):
    call = faulty(opened)
    opened.run("for (const each of document.querySelectorAll('.take-along .fold')) each.open = true")
    opened.click(f"{call} {selector} button.copy")
    time.sleep(0.2)
    assert opened.one(f"{call} {selector} button.copy").text == "Copied"
    shown, pasted = opened.one(f"{call} {selector} code").get_property("textContent"), opened.pasted()
    assert pasted.startswith(begins)
    assert "".join(pasted.split()) == "".join(shown.split()), "a search field takes no line ends"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_is_never_wider_than_the_screen(opened, width, scheme):
    opened.media(scheme=scheme)
    opened.size(width, 800)
    opened.run(ALL_OPEN)
    assert opened.run(WIDE) == 0


NESTED = """
    const [first, ...others] = [...document.querySelectorAll(".finding:has(.columns)")].slice(0, 4);
    others.reduce((outer, inner) => { outer.append(inner); return inner; }, first);
    return others.length;
"""
TOO_WIDE = """
    const columns = [...document.querySelectorAll(".finding .columns")];
    return columns.filter((each) => each.scrollWidth > each.clientWidth).length;
"""


def test_every_table_fits_a_desk_s_screen(browser, tmp_path):
    """Also that of a call captured at three places."""
    captures = [PCAPS / "places" / "ports_changed", PCAPS / "way-in" / "2231-filtered-iis.pcapng"]
    pipeline.run(captures, tmp_path / "out", lang="de")
    browser.size(1280, 900)
    browser.media()
    browser.open(tmp_path / "out" / "report.html")
    browser.run(ALL_OPEN)
    wide = (
        "return [...document.querySelectorAll('.scroll, .picture')]"
        ".filter((each) => each.scrollWidth > each.clientWidth).map((each) => each.ariaLabel)"
    )
    assert browser.run(wide) == []
    assert len(browser.seen(".way-in .chart li")) == 13


def test_four_findings_in_each_other_have_room_on_a_phone(opened):
    opened.size(390, 800)
    opened.run(ALL_OPEN)
    assert opened.run(NESTED) == 3
    assert opened.run(TOO_WIDE) == 0


def test_dark_and_light_texts_stand_out(opened):
    inks = "const s = getComputedStyle(document.body); return [s.color, s.backgroundColor]"
    light = opened.run(inks)
    opened.media(scheme="dark")
    dark = opened.run(inks)
    assert light != dark and sum(map(int, re.findall(r"\d+", dark[1]))) < 100


def test_the_pictures_inks_follow_the_page_without_a_style_of_their_own(opened):
    inks = """
        const drawn = [...document.querySelectorAll(".picture svg [fill^='var(--plot-ink']")];
        return [...new Set(drawn.map((each) => getComputedStyle(each).fill))];
    """
    assert opened.run(inks) == ["rgb(26, 26, 26)"]
    opened.run("document.documentElement.style.setProperty('--plot-ink', '#ff0000')")
    assert opened.run(inks) == ["rgb(255, 0, 0)"]


def test_paper_gets_every_step_reached_of_the_calls_that_are_open(opened):
    call = faulty(opened)
    assert len(opened.seen(f"{call} .panel")) == 1
    opened.media("print")
    reached = opened.all(f"{call} .panel:not(.not_reached)")
    assert opened.seen(f"{call} .panel") == reached and len(reached) > 4
    assert not opened.seen(".tools, button.copy, .zone, .commands, .answer, .messages, .panel.not_reached")
    opened.media()
    assert opened.paper().count(b"/Type /Page\n") >= 3


def test_paper_gets_what_is_folded_above_the_calls(opened):
    folded = "details:not([open], .call, .call *)"
    assert opened.all(folded)
    opened.run("dispatchEvent(new Event('beforeprint'))")
    assert not opened.all(folded) and not opened.all("details.call[open]")
    opened.run("dispatchEvent(new Event('afterprint'))")
    assert opened.all(folded)


BROKEN_WORDS = """
    const broken = [], walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = walk.nextNode(); node; node = walk.nextNode()) {
        if (!node.parentElement.closest("td") || !/^\\s*\\S{1,12}\\s*$/.test(node.data)) continue;
        const range = document.createRange();
        range.selectNodeContents(node);
        if (range.getClientRects().length > 1) broken.push(node.data);
    }
    return broken;
"""


def test_on_paper_no_word_of_a_table_is_broken(opened):
    opened.run("for (const each of document.querySelectorAll('details')) each.open = true")
    opened.size(703, 1032)  # A4 less its margins of 12 mm, at 96 pixels per inch
    opened.media("print")
    assert opened.run(BROKEN_WORDS) == []
    assert opened.run(WIDE) <= 0


def test_without_scripts_everything_is_there_to_read(opened, path):
    opened.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        opened.open(path, "#call-3")
        assert len(opened.seen("details.call[data-call='3'] .panel")) == 8
        assert not opened.seen(".tools")
    finally:
        opened.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


@pytest.mark.parametrize("evil", TEXTS.values(), ids=TEXTS)
def test_what_strangers_write_does_nothing(browser, tmp_path, evil):
    held = tmp_path / "evil.html"
    page.write(report(spoiled(evil), {}, "en", unread=[(evil, evil)]), held)
    browser.size(1280, 900)
    browser.open(held)
    browser.run("for (const each of document.querySelectorAll('details')) each.open = true")
    with pytest.raises(NoAlertPresentException):
        _ = browser.driver.switch_to.alert.text
    assert browser.log() == [] and browser.requests() == [f"file://{held}"]
    assert browser.run(WIDE) == 0


SLIPPED = """
<script>document.title = "owned"</script>
<img src="{site}/img" onerror="document.title = 'owned'"><svg onload="document.title = 'owned'"></svg>
<style>body {{ background: url({site}/style) }} h1 {{ display: none }}</style>
<p style="background: url({site}/attribute); position: fixed" id="styled">x</p>
<link rel="stylesheet" href="{site}/link"><base href="{site}/base/">
<iframe src="{site}/frame"></iframe><object data="{site}/object"></object>
<video src="{site}/video" autoplay></video><a href="javascript:void(document.title = 'owned')" id="link">x</a>
<form action="{site}/form"><button id="sent">x</button></form>
"""
SINKS = """
    const refused = [], tried = {
        markup: () => { document.querySelector("h1").innerHTML = "<b>owned</b>" },
        code: () => { document.createElement("script").text = "1" },
        policy: () => trustedTypes.createPolicy("mine", { createHTML: (text) => text }),
    };
    for (const [name, sink] of Object.entries(tried)) try { sink() } catch { refused.push(name) }
    return refused;
"""


@pytest.fixture
def site():
    """A server, and the paths somebody has asked it for."""
    asked = []

    class Asked(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Asked) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()


def slipped(path, site, policy):
    """The page with markup in it, as if a template had forgotten to escape it; with a policy or without."""
    text = path.read_text(encoding="utf-8").replace("<main>", f"<main>{SLIPPED.format(site=site)}")
    return text if policy else text.replace("Content-Security-Policy", "X-Nothing")


@pytest.mark.parametrize("policy", [False, True])
def test_the_policy_holds_where_escaping_would_not(browser, path, tmp_path, site, policy):
    held = tmp_path / "slipped.html"
    held.write_text(slipped(path, site[0], policy), encoding="utf-8")
    browser.open(held)
    styled = browser.one("#styled").value_of_css_property("position")
    refused = browser.run(SINKS)
    browser.run("document.querySelector('#link').click()")
    time.sleep(0.3)
    title, base = browser.driver.title, browser.run("return document.baseURI")
    browser.run("document.querySelector('#sent').click()")
    time.sleep(0.3)
    if not policy:  # what is to be held back would else happen
        assert (title, styled, refused) == ("owned", "fixed", [])
        assert {"/img", "/style", "/attribute", "/link", "/frame", "/object", "/video"} <= {*site[1]}
        assert base == f"{site[0]}/base/" and "/form?" in site[1]
        return
    assert "owned" not in title and styled == "static" and refused == ["markup", "code", "policy"]
    assert site[1] == [] and base == browser.driver.current_url == f"file://{held}"


def test_a_report_of_200_calls_is_small_and_quick(browser, tmp_path):
    capture = tmp_path / "many.pcapng"
    command = [sys.executable, "-m", "bench.generate", "sip", str(capture), "--calls", "200"]
    subprocess.run(command, check=True, cwd=PCAPS.parent, capture_output=True)
    pipeline.run([capture], tmp_path / "out")
    held = tmp_path / "out" / "report.html"
    assert held.stat().st_size < 15_000_000
    browser.size(1280, 900)
    browser.open(held)
    assert len(browser.all("details.call")) == 200
    loaded = "const [t] = performance.getEntriesByType('navigation'); return t.loadEventEnd"
    assert browser.run(loaded) < 5000
    typed = """
        const input = document.querySelector(".search input"), begun = performance.now();
        input.value = "486"; input.dispatchEvent(new Event("input")); document.body.offsetHeight;
        return performance.now() - begun;
    """
    assert browser.run(typed) < 500


def test_of_many_rows_some_are_shown_and_more_on_wish(browser, tmp_path, monkeypatch):
    """Search and order look at all of them; without scripts and on paper all are there."""
    monkeypatch.setattr(page, "ROWS_SHOWN", 2)
    verdicts = ["ok", "fault", "ok", "suspect", "fault"]
    page.write(report(crowd(verdicts), {}, "en"), tmp_path / "r.html")
    browser.size(1280, 900)
    browser.media()
    browser.open(tmp_path / "r.html")
    assert browser.texts(NUMBERS) == ["2", "5"]  # the worst first
    browser.click(".more button")
    assert browser.texts(NUMBERS) == ["2", "5", "4", "1"]
    browser.click(".more button")
    assert browser.texts(NUMBERS) == ["2", "5", "4", "1", "3"] and not browser.seen(".more")
    browser.click(".chip.ok")
    assert browser.texts(NUMBERS) == ["2", "5"] and browser.seen(".more")
    browser.click(".calls th:first-child button")
    assert browser.texts(NUMBERS) == ["2", "4"]
    browser.media("print")
    assert browser.texts(NUMBERS) == ["2", "4", "5"] and not browser.seen(".more")
    browser.media()
    browser.run("document.documentElement.classList.remove('js')")
    assert browser.texts(NUMBERS) == ["2", "4", "5"]
    assert browser.log() == []


def test_calls_and_steps_the_dark_theme_and_paper(opened, path):
    """A row per call that is not well; pictures are dark on a dark page; all calls print, though closed."""
    opened.run(ALL_OPEN)
    assert opened.texts(".heat tbody th") == ["3", "2"]
    assert "✗" in opened.one(".heat tbody tr:first-child").text
    opened.media(scheme="dark")
    assert "invert" in opened.run("return getComputedStyle(document.querySelector('.picture svg')).filter")
    opened.media()
    opened.open(path)
    opened.run(
        "window.print = () => { window.printed = document.querySelectorAll('details.call[open]').length }"
    )
    opened.click(".print-all")
    assert opened.run("return window.printed") == 5
    assert opened.run("return document.querySelectorAll('details.call[open]').length") == 0
    opened.size(390, 800)
    assert opened.run(WIDE) <= 0, "the page needs no scrolling sideways"
    for fact in (".calls td.wide", ".causes td.wide", "details.call > summary .headline"):
        box = opened.run("return arguments[0].getBoundingClientRect().right", opened.seen(fact)[0])
        assert box <= 390, fact


def test_an_arrow_of_the_ladder_opens_its_message(opened):
    """The SIP message as text, the lines of SDP that matter marked; by mouse and by keyboard."""
    call = faulty(opened)
    opened.run(
        "for (const each of document.querySelectorAll(arguments[0])) each.open = true",
        f"{call} .pictures .fold",
    )
    link = next(each for each in opened.seen(f"{call} .picture a") if "INVITE" in each.text)
    opened.run("arguments[0].scrollIntoView({block: 'center'})", link)
    link.find_element("tag name", "text").click()
    time.sleep(0.2)
    (told,) = opened.texts(f"{call} details.message[open] pre")
    assert told.startswith("INVITE sip:") and "a=candidate:" in told
    marked = opened.texts(f"{call} details.message[open] mark")
    assert any(line.startswith("c=IN") for line in marked) and not any("Via" in line for line in marked)
    assert opened.log() == []
