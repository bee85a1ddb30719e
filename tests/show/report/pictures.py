"""Takes the picture of a report that the README shows.

python -m tests.show.report.pictures docs/pictures
"""

import base64
import io
import sys
import tempfile
from pathlib import Path

from PIL import Image

from postproc import pipeline
from tests.conftest import PCAPS
from tests.show.report.browser import chromium

WIDTH, HEIGHT = 1280, 1330
COLOURS = 128  # a screen of text needs no more, and the file is a third of the size
CLIP = {"x": 0, "y": 0, "width": WIDTH, "height": HEIGHT, "scale": 1}


def taken(capture: Path) -> Image.Image:
    """The top of the report of one call without Binding Success."""
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        pipeline.run([capture], Path(folder))
        browser.size(WIDTH, HEIGHT)
        browser.media()
        browser.open(Path(folder) / pipeline.REPORT)
        shot = browser.driver.execute_cdp_cmd("Page.captureScreenshot", {"format": "png", "clip": CLIP})
    return Image.open(io.BytesIO(base64.b64decode(shot["data"])))


if __name__ == "__main__":
    picture = (
        taken(PCAPS / "no_binding_success.pcapng").convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    )
    picture.save(Path(sys.argv[1]) / "report.png", optimize=True)
