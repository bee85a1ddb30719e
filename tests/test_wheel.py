"""The wheel is built, installed into a clean environment, and run there."""

import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
pytestmark = pytest.mark.slow


def run(*command: object, **more) -> str:
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False, **more)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--wheel", "--outdir", folder, ROOT)
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_holds_the_package_its_data_the_plug_ins_and_the_licence(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    ours = {
        path.relative_to(ROOT).as_posix()
        for kind in ("*.py", "*.toml", "*.html.j2", "*.css", "*.js")
        for path in (ROOT / "postproc").rglob(kind)
    }
    plugins = {
        f"postproc/{path.relative_to(ROOT).as_posix()}"
        for path in (ROOT / "plugins").rglob("*")
        if path.is_file() and "source" not in path.parts
    }
    assert ours | plugins | {"postproc/py.typed"} <= set(names)
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert not any(name.startswith(("tests/", "pcaps/", "bench/")) for name in names)
    assert [name for name in names if name.endswith(".lua")] == ["postproc/plugins/legs.lua"]


def test_the_wheel_runs_in_a_clean_environment(wheel, tmp_path):
    run(sys.executable, "-m", "venv", tmp_path / "venv")
    programs = tmp_path / "venv" / ("Scripts" if os.name == "nt" else "bin")
    run(programs / "python", "-m", "pip", "install", "-c", ROOT / "constraints.txt", wheel)
    shown = run(programs / "postproc", "run", ROOT / "pcaps" / "good.pcapng", cwd=tmp_path)
    assert "1 call in 1 capture" in shown
    assert (tmp_path / "postproc-out" / "tables" / "calls.parquet").exists()
    assert run(programs / "python", "-m", "pip", "check")


def test_the_source_distribution_has_what_its_tests_need_and_its_page_leads_into_the_repository(tmp_path):
    run(sys.executable, "-m", "build", "--outdir", tmp_path, ROOT)
    (archive,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(archive) as held:
        held.extractall(tmp_path, filter="data")
    (folder,) = tmp_path.glob("legshark-*/")
    assert archive.stat().st_size < 30e6
    modules = ["tests/read/test_stun.py", "tests/diagnose/test_captures.py", "tests/plugins/test_sources.py"]
    chosen = [*modules, "-k", "test_stun or two_calls or test_sources"]  # all captures would take a minute
    told = run(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *chosen, cwd=folder)
    assert "[100%]" in told
    assert list(tmp_path.glob("*.whl"))
    about = (folder / "PKG-INFO").read_text(encoding="utf-8")
    metadata = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    repository = metadata["tool"]["hatch"]["metadata"]["hooks"]["custom"]["repository"]
    assert all(url.startswith(repository) for url in metadata["project"]["urls"].values())
    assert f"]({repository}/raw/main/docs/pictures/report.png)" in about
    targets = re.findall(r"\]\(([^)]+)\)", about)
    assert len(targets) > 20
    assert [each for each in targets if not each.startswith(("https://", "#"))] == []
