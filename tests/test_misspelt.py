"""mypy finds misspelt columns and enumeration words wherever rows are read; tried on a copy."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MISSPELT = {  # module -> text there, its misspelling, and mypy's message
    "diagnose/rules/media_lost.py": ("row.expected", "row.expekted", "attr-defined"),
    "diagnose/rules/dtls_alert.py": ('row.state != "alert"', 'row.state != "allert"', "comparison-overlap"),
    "show/pictures/timeline.py": ("leg.ringing_time", "leg.ringin_time", "attr-defined"),
    "show/pictures/events.py": (
        'binding.outcome == "pending"',
        'binding.outcome == "pendign"',
        "comparison-overlap",
    ),
    "show/report/sheets.py": ("row.media_packets", "row.media_pakets", "attr-defined"),
}


@pytest.mark.slow
def test_each_misspelling_fails_mypy(tmp_path):
    shutil.copytree(ROOT / "postproc", tmp_path / "postproc", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    if (known := ROOT / ".mypy_cache").is_dir():  # unchanged modules are not checked again
        shutil.copytree(known, tmp_path / known.name)
    for name, (right, wrong, _) in MISSPELT.items():
        module = tmp_path / "postproc" / name
        source = module.read_text(encoding="utf-8")
        assert right in source, name
        module.write_text(source.replace(right, wrong, 1), encoding="utf-8")
    run = subprocess.run(
        [sys.executable, "-m", "mypy"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    for name, (_, _, error) in MISSPELT.items():
        lines = [line for line in run.stdout.splitlines() if line.startswith(f"postproc/{name}:")]
        assert any(f"[{error}]" in line for line in lines), (name, run.stdout[-3000:])
    assert f"Found {len(MISSPELT)} errors" in run.stdout
