"""One run over the scene, made once for all who look at what it wrote."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.injection import scene

Said = Callable[..., str]


@dataclass(frozen=True)
class Made:
    """The folder with the scene and ``out``; what the run said; more commands can be run in it."""

    folder: Path
    said: str

    @property
    def out(self) -> Path:
        return self.folder / "out"

    def postproc(self, *words: str, status: int = 0) -> str:
        """What a command says; it must come to this end."""
        done = subprocess.run(
            [sys.executable, "-m", "postproc", *words],
            cwd=self.folder,
            capture_output=True,
            env=os.environ | {"HOME": str(self.folder / "home")},
            stdin=subprocess.DEVNULL,
            check=False,
        )
        said = (done.stdout + done.stderr).decode(errors="surrogateescape")
        assert done.returncode == status, said
        return said


@pytest.fixture(scope="session")
def made(tmp_path_factory) -> Made:
    folder = tmp_path_factory.mktemp("injection")
    (folder / "home").mkdir()
    scene.put(folder)
    lists = [word for name in scene.LISTS for word in ("--acl-list", name)]
    said = Made(folder, "").postproc(
        "run",
        ".",
        "-o",
        "out",
        "--csv",
        "-v",
        "--fs-log",
        scene.NAMES["log"],
        "--acl",
        "acl.conf.xml",
        *lists,
    )
    return Made(folder, said)
