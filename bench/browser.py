"""How fast a report is in a real Chromium: to open, and to show the calls that a search finds.

    python -m bench.browser OUT/report.html

Chromium and its chromedriver are the system's (`scripts/setup browser`). A page is open when it is loaded and
painted; a search is done when the frame after it is.
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
ROUNDS = 3  # the least counts: others on the machine only ever add
# A name that many calls bear, an address, what no call has, and all calls again.
SEARCHES = ("7", "10.0.1", "no such word", "")
OPENED = """
const [navigation] = performance.getEntriesByType("navigation");
const paints = performance.getEntriesByType("paint").map((each) => each.startTime);
return Math.max(navigation.loadEventEnd, ...paints);
"""
SEARCHED = """
const [word, done] = arguments, search = document.querySelector(".search input"), begin = performance.now();
search.value = word;
search.dispatchEvent(new Event("input", { bubbles: true }));
requestAnimationFrame(() => setTimeout(() => done(performance.now() - begin)));
"""


@dataclass(frozen=True)
class Timing:
    """Milliseconds: to open the page, and the slowest of the searches."""

    open_ms: float
    search_ms: float


def installed() -> bool:
    """Whether this machine has a Chromium that can be driven."""
    return bool(_program()) and shutil.which("chromedriver") is not None


def timing(page: Path) -> Timing:
    """The least of some rounds, each in a Chromium of its own: nothing is cached."""
    rounds = [_round(page) for _ in range(ROUNDS)]
    return Timing(min(each.open_ms for each in rounds), min(each.search_ms for each in rounds))


def _round(page: Path) -> Timing:
    driver = started()
    try:
        driver.get(page.resolve().as_uri())
        opened = float(driver.execute_script(OPENED))
        searched = [float(driver.execute_async_script(SEARCHED, word)) for word in SEARCHES]
    finally:
        driver.quit()
    return Timing(opened, max(searched))


def started() -> "Chrome":
    from selenium import webdriver  # noqa: PLC0415  (of the dev extra; who has no browser needs none)

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
