"""The report of many calls in a real browser: the figures are of this page, and of a sensible size."""

import pytest

from bench import browser
from postproc.show.report import page
from tests.show.report.test_model import crowd

pytestmark = pytest.mark.skipif(not browser.installed(), reason="no Chromium with its chromedriver")


def test_opening_and_searching_take_time_and_the_search_finds(tmp_path):
    path = tmp_path / "r.html"
    page.write(page.report(crowd(["ok", "fault"] * 20), {}, "en"), path)
    found = browser.timing(path)
    assert 0 < found.search_ms < 10_000 and 0 < found.open_ms < 60_000
    driver = browser.started()
    try:
        driver.get(path.as_uri())
        driver.execute_async_script(browser.SEARCHED, "no such word")
        assert driver.find_element("css selector", ".none-left").is_displayed()
    finally:
        driver.quit()
