"""Measure how fast a report opens in Chromium, and how fast a search shows the calls found.

    python -m bench.browser OUT/report.html

Chromium and chromedriver are the system's (`scripts/setup browser`). A page counts as open when it is loaded
and painted, a search as done when the next frame is painted.
"""

import json
import shutil
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage")
ROUNDS = 3  # the least counts: other load on the machine only adds time
# A name in many calls, an address, a text in no call, and all calls again.
SEARCHES = ("7", "10.0.1", "no such word", "")
# Both are noted a moment after the page counts as loaded: until then the end of loading is 0.
OPENED = """
const [done] = arguments;
const look = () => {
  const [navigation] = performance.getEntriesByType("navigation");
  const paints = performance.getEntriesByType("paint").map((each) => each.startTime);
  if (navigation.loadEventEnd && paints.length) done(Math.max(navigation.loadEventEnd, ...paints));
  else setTimeout(look, 10);
};
look();
"""
SEARCHED = """
const [word, done] = arguments, search = document.querySelector(".search input"), begin = performance.now();
search.value = word;
search.dispatchEvent(new Event("input", { bubbles: true }));
requestAnimationFrame(() => setTimeout(() => done(performance.now() - begin)));
"""


@dataclass(frozen=True)
class Timing:
    """Times in ms: to open the page, and of the slowest search."""

    open_ms: float
    search_ms: float


def installed() -> bool:
    """Return whether this machine has Chromium and chromedriver."""
    return bool(_program()) and shutil.which("chromedriver") is not None


def timing(page: Path) -> Timing:
    """Return the least of ROUNDS, each in a new Chromium without a cache."""
    rounds = [_round(page) for _ in range(ROUNDS)]
    return Timing(min(each.open_ms for each in rounds), min(each.search_ms for each in rounds))


def _round(page: Path) -> Timing:
    driver = started()
    try:
        driver.get(page.resolve().as_uri())
        opened = float(driver.execute_async_script(OPENED))
        searched = [float(driver.execute_async_script(SEARCHED, word)) for word in SEARCHES]
    finally:
        driver.quit()
    return Timing(opened, max(searched))


def started() -> "Chrome":
    from selenium import webdriver  # noqa: PLC0415  (dev extra; needed only with a browser)

    options = webdriver.ChromeOptions()
    options.binary_location = str(_program())
    for argument in ARGUMENTS:
        options.add_argument(argument)
    return webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))


def _program() -> str | None:
    return next(filter(None, map(shutil.which, PROGRAMS)), None)


def main() -> None:
    print(json.dumps(asdict(timing(Path(sys.argv[1])))))


if __name__ == "__main__":
    main()
