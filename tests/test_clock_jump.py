"""A clock jump costs no work: effort depends on the packets, not on the time between them."""

import struct
import sys
import threading
from collections.abc import Callable
from types import FrameType

import pandas as pd
import pytest

import postproc
from postproc.model.calls import Calls
from postproc.read.limits import LATEST, SECOND
from postproc.read.walk import open_container, windows
from postproc.show.pictures import PICTURES
from tests.conftest import PCAPS

YEAR = 365 * 86_400 * SECOND
JUMPS = {"10 years": 10 * YEAR, "56 years": 56 * YEAR, "as far as it goes": None}
TICKS_AT = 12  # offset of the timestamp in an Enhanced Packet Block


@pytest.fixture(scope="module")
def capture(tmp_path_factory) -> Callable[[int | None], str]:
    """A function that writes a call with its second half moved by s; None: to the last accepted time."""
    folder = tmp_path_factory.mktemp("jump")
    source = PCAPS / "good.pcapng"

    def made(jump: int | None) -> str:
        content = bytearray(source.read_bytes())
        with source.open("rb", buffering=0) as file:
            container = open_container(file)
            (window,) = [each for each in windows(file, container) if len(each.start)]
        unit = 10 ** (9 - container.interfaces[0].resolution)
        last = int(window.time[-1])
        later = LATEST - 1000 - last if jump is None else jump
        for at in window.record_at[len(window.time) // 2 :].tolist():
            high, low = struct.unpack_from("<II", content, at + TICKS_AT)
            ticks = (high << 32 | low) + later // unit
            struct.pack_into("<II", content, at + TICKS_AT, ticks >> 32, ticks & 0xFFFFFFFF)
        path = folder / f"{jump}.pcapng"
        path.write_bytes(content)
        return str(path)

    return made


class TooMuch(BaseException):
    """Not an Exception, which would be treated as the capture's fault."""


def lines_run(work: Callable[[], object], most: int) -> int:
    """Return how many of our source lines the work executes; raise TooMuch beyond ``most``."""
    count = 0

    def line(frame: FrameType, event: str, _: object) -> Callable[..., object]:
        nonlocal count
        count += event == "line"
        if count > most:
            raise TooMuch(f"{frame.f_code.co_filename}:{frame.f_lineno}")
        return line

    def call(frame: FrameType, *_: object) -> Callable[..., object] | None:
        return line if "/postproc/" in frame.f_code.co_filename else None

    before = sys.gettrace()
    threading.settrace(call)
    sys.settrace(call)
    try:
        work()
    finally:
        sys.settrace(before)
        threading.settrace(None)  # type: ignore[arg-type]
    return count


@pytest.fixture(scope="module")
def usual(capture, tmp_path_factory) -> int:
    """The lines executed for the unchanged capture."""
    out = tmp_path_factory.mktemp("usual")
    return lines_run(lambda: postproc.analyze(capture(0), out, csv=True), 100_000_000)


@pytest.mark.parametrize("jump", JUMPS.values(), ids=JUMPS)
def test_a_jump_costs_no_work(capture, usual, tmp_path, jump):
    """From the file to tables, findings, report and pictures."""
    runs = []
    lines_run(lambda: runs.append(postproc.analyze(capture(jump), tmp_path, csv=True)), 2 * usual)
    (done,) = runs
    assert not done.unread
    assert done.captures["warnings"].isna().all(), "these times are all believed"
    assert len(done.rtp_seconds) < 100
    lasted = done.captures["last_time"] - done.captures["first_time"]
    assert (lasted > pd.Timedelta(days=3640)).all()
    drawn = [PICTURES[name](Calls(done)[call], "en") for call in done.calls["call"] for name in PICTURES]
    assert max(len(each.strokes) + len(each.areas) + len(each.labels) for each in drawn) < 3000
