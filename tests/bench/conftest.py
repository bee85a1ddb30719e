"""Two small captures, each built once: with media and foreign TCP, and many calls without."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from bench import generate
from bench.captures import truth_path
from bench.programs import PREFERENCES

MEDIA_CALLS, CALLS = 5, 40


class Built(NamedTuple):
    path: Path
    truth: dict[str, Any]


def build(path: Path, script: Any, foreign: int = 0) -> Built:
    generate.write(path, script, foreign, seed=1)
    return Built(path, json.loads(truth_path(path).read_text()))


@pytest.fixture(scope="session")
def with_media(tmp_path_factory) -> Built:
    plans = [generate.rtp_plan(number, generate.BEGIN + number, talk=8.0) for number in range(MEDIA_CALLS)]
    return build(tmp_path_factory.mktemp("bench") / "media.pcapng", generate.stage(plans, 1), foreign=3000)


@pytest.fixture(scope="session")
def without_media(tmp_path_factory) -> Built:
    script = generate.sip(CALLS, single_port=False, checks=2, seed=1)
    return build(tmp_path_factory.mktemp("bench") / "calls.pcapng", script)


@pytest.fixture(scope="session")
def tshark() -> Callable[..., list[str]]:
    """Lines of tshark's fields for a display filter."""

    def lines(capture: Path, display_filter: str, *fields: str, options: tuple[str, ...] = ()) -> list[str]:
        columns = [argument for field in fields for argument in ("-e", field)]
        command = ["tshark", "-n", "-r", str(capture), *PREFERENCES, *options, "-Y", display_filter]
        command += ["-T", "fields", *columns]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()

    return lines
