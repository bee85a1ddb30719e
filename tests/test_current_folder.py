"""Commands are started in folders with untrusted files: none of them is run or loaded."""

import importlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from postproc import current_folder

POSTPROC = Path(sys.executable).with_name("postproc")
# Modules that Python, its workers, a notebook's kernel and we import.
MODULES = (
    "multiprocessing",
    "socket",
    "selectors",
    "struct",
    "signal",
    "pathlib",
    "tempfile",
    "queue",
    "json",
    "pandas",
    "numpy",
    "pyshark",
    "matplotlib",
    "IPython",
    "ipykernel",
    "sitecustomize",
    "postproc",
)
RAN = "RAN"


@pytest.fixture
def ticket(tmp_path, pcaps, monkeypatch) -> Path:
    """A folder with two captures, and files that leave a trace if they are run or loaded."""
    monkeypatch.delenv(current_folder.SAFE_PATH, raising=False)
    monkeypatch.setenv("PATH", os.pathsep.join([".", "bin", os.environ["PATH"], ""]))
    folder = tmp_path / "ticket"
    (folder / "bin").mkdir(parents=True)
    for name in ("acl_403.pcapng", "acl_488.pcapng"):
        shutil.copy(pcaps / name, folder)
    for module in MODULES:
        (folder / f"{module}.py").write_text(f"open({str(tmp_path / RAN)!r}, 'a').write({module!r} + ' ')\n")
    for program in ("tshark", "editcap", "capinfos", "fc-list", "uname"):
        for place in (folder, folder / "bin"):
            (place / program).write_text(f"#!/bin/sh\necho {program} >> {tmp_path / RAN}\n")
            (place / program).chmod(0o755)
    (folder / "config.ini").write_text(
        f"[tshark]\ntshark_path = {folder}/bin/tshark\n[editcap]\neditcap_path = {folder}/bin/editcap\n"
    )
    os.mkfifo(folder / "matplotlibrc")  # reading it blocks for ever
    for place in (folder, folder / "profile_default", folder / "profile_default" / "startup"):
        place.mkdir(exist_ok=True)
        for name in ("ipython_config.py", "ipython_kernel_config.py", "jupyter_config.py", "00-a.py"):
            (place / name).write_text((folder / "pandas.py").read_text().replace("pandas", name))
    return folder


def done(ticket: Path, *words: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(words, cwd=ticket, capture_output=True, text=True, check=False, timeout=120)
    ran = ticket.parent / RAN
    assert not ran.exists(), ran.read_text()
    return done


@pytest.mark.parametrize(
    "words",
    [
        ["run", ".", "-j", "1", "-o", "../out"],
        ["run", ".", "-j", "2", "-o", "../out"],
        ["filter", "acl_403.pcapng"],
        ["export", "acl_403.pcapng", "--call", "1", "-o", "../call.pcapng"],
        ["doctor"],
        ["wireshark", "status"],
    ],
    ids=" ".join,
)
def test_no_command_runs_or_loads_what_lies_there(ticket, words):
    finished = done(ticket, str(POSTPROC), *words)
    assert (finished.returncode, finished.stderr.count("Traceback")) == (0, 0), finished.stderr


def test_a_notebook_loads_nothing_that_lies_beside_it(ticket):
    finished = done(ticket, str(POSTPROC), "notebook", "acl_403.pcapng", "--execute")
    assert finished.returncode == 0, finished.stderr
    assert "image/svg" in (ticket / "acl_403.ipynb").read_text()


def test_a_notebook_that_somebody_else_starts_loads_none_of_it_from_its_first_cell_on(ticket):
    finished = done(ticket, str(POSTPROC), "notebook", "acl_403.pcapng")
    assert finished.returncode == 0, finished.stderr
    cells = json.loads((ticket / "acl_403.ipynb").read_text())["cells"]
    first = next("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    (ticket / "postproc.py").unlink()  # Jupyter imports some modules before our code
    kernel = "import sys, pathlib; sys.path.insert(0, {!r}); exec({!r})"
    for entry in ("", str(ticket)):
        finished = done(ticket, sys.executable, "-P", "-c", kernel.format(entry, first))
        assert finished.returncode == 0, finished.stderr


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_script_that_reads_captures_has_workers_that_load_nothing(ticket, jobs):
    script = ticket.parent / "script.py"
    script.write_text(
        "import postproc\nif __name__ == '__main__':\n"
        f"    print(len(postproc.analyze('.', jobs={jobs}).captures))\n"
    )
    finished = done(ticket, sys.executable, str(script))
    assert (finished.stdout, finished.stderr) == ("2\n", "")


def test_started_as_a_module_what_we_import_comes_from_elsewhere(ticket):
    for module in MODULES:
        if module not in (
            "pandas",
            "numpy",
            "pyshark",
            "multiprocessing",
        ):  # Python imports some of these itself
            (ticket / f"{module}.py").unlink()
    finished = done(ticket, sys.executable, "-m", "postproc", "run", ".", "-j", "2", "-o", "../out")
    assert finished.returncode == 0, finished.stderr


def test_pictures_do_not_depend_on_where_one_stands(ticket):
    code = "from postproc.show.pictures import figures; print(figures.mpl.rcParams['lines.linewidth'])"
    (ticket / "matplotlibrc").unlink()
    (ticket / "matplotlibrc").write_text("lines.linewidth: 77\n")
    assert done(ticket, sys.executable, "-P", "-c", code).stdout == "1.5\n"


def test_a_folder_that_has_been_removed_is_no_trouble(tmp_path):
    gone = tmp_path / "gone"
    gone.mkdir()
    before = Path.cwd()
    os.chdir(gone)
    gone.rmdir()
    try:
        with current_folder.elsewhere():
            importlib.import_module("json")
    finally:
        os.chdir(before)


@pytest.mark.parametrize("before", [None, "", "1"])
def test_who_starts_pythons_later_has_what_was_set_before(monkeypatch, before):
    if before is None:
        monkeypatch.delenv(current_folder.SAFE_PATH, raising=False)
    else:
        monkeypatch.setenv(current_folder.SAFE_PATH, before)
    with current_folder.left_out():
        assert os.environ[current_folder.SAFE_PATH] == "1"
    assert os.environ.get(current_folder.SAFE_PATH) == before
