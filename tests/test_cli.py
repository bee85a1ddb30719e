"""The command line: a process with arguments, two output streams and an exit status."""

import json
import os
import pty
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from postproc import __version__
from postproc.batch import SMALL
from postproc.cli import cli
from postproc.model.tables import TABLES
from tests import shim

COMMANDS = sorted(cli.commands)
GOOD, CUT = "acl_403.pcapng", "made/cut_short.pcap"


def postproc(*words: object, **more) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "postproc", *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
        **more,
    )


def test_the_version_is_told():
    assert postproc("--version").stdout == f"postproc, version {__version__}\n"


@pytest.mark.parametrize("words", [["run", "-h"], ["tables", "-h"], ["doctor", "-h"], ["--version"]])
def test_help_and_version_load_nothing_heavy(words):
    code = (
        f"import sys; from postproc.cli import cli; cli({words}, standalone_mode=False); print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"pandas", "numpy", "pyarrow", "pyshark", "rich"} & set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize("command", [[], *([name] for name in COMMANDS)])
@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_every_help_ends_in_an_example(command, flag):
    done = CliRunner().invoke(cli, [*command, flag])
    text, _, options = done.stdout.partition("\nOptions:")
    assert done.exit_code == 0
    assert "--help" in options
    assert re.search(r"  Examples?:\n(      postproc \S.*\n)+$", text)


@pytest.fixture(scope="module")
def trouble(pcaps):
    """A folder with every kind of bad file, one good capture and one truncated capture."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "in"
        folder.mkdir()
        Path(name).chmod(0o755)
        shutil.copy(pcaps / GOOD, folder / "good.pcapng")
        shutil.copy(pcaps / CUT, folder / "cut.pcap")
        (folder / "empty.pcap").touch()
        (folder / "text.pcap").write_text("INVITE sip:a@b SIP/2.0\n")
        (folder / "notes.txt").write_text("passed over\n")
        (folder / "dangling.pcapng").symlink_to("gone.pcapng")
        (folder / "x.pcap").mkdir()
        (folder / "nothing").mkdir()
        (folder / "loop").symlink_to(folder)
        shutil.copy(pcaps / GOOD, folder / "secret.pcap")
        (folder / "secret.pcap").chmod(0)
        yield folder


@pytest.fixture(scope="module")
def run_over_trouble(trouble):
    return postproc("run", "in", "-o", "out", "--csv", cwd=trouble.parent)


def test_bad_files_are_a_line_each_and_the_others_are_read(run_over_trouble):
    lines = run_over_trouble.stderr.splitlines()
    expected = [
        "postproc: in/dangling.pcapng: dangling link to gone.pcapng",
        "postproc: in/empty.pcap: empty file",
        "postproc: in/nothing: empty folder",
        "postproc: in/text.pcap: not a capture: its first bytes are those of no capture format",
        "postproc: in/x.pcap: a folder, not a capture; the files in it are looked at",
    ]
    if os.geteuid() != 0:
        expected.insert(3, "postproc: in/secret.pcap: permission denied")
    assert [line for line in lines if line.startswith("postproc:")] == expected
    assert run_over_trouble.returncode == 0


@pytest.mark.usefixtures("run_over_trouble")
def test_the_results_are_there(trouble):
    tables = trouble.parent / "out" / "tables"
    names = {table.name for table in TABLES}
    assert {path.stem for path in tables.glob("*.parquet")} == names
    assert {path.stem for path in tables.glob("*.csv")} == names
    summary = json.loads((trouble.parent / "out" / "summary.json").read_text())
    assert [call["final_status"] for call in summary["calls"]] == [403, 200]
    assert [row["capture"] for row in summary["captures"]][:2] == ["cut.pcap", "good.pcapng"]
    assert summary["version"] == __version__


def test_the_end_says_what_was_found_and_where_it_is(run_over_trouble):
    lines = run_over_trouble.stdout.splitlines()
    assert lines[0].startswith("call time")
    assert re.search(r"^ +1 22:39:44 721 → \+498984079810 +1 403 ", run_over_trouble.stdout, re.MULTILINE)
    assert any(line.startswith("warning: cut.pcap: cut short") for line in lines)
    assert lines[-2:] == [
        f"2 calls in {3 if os.geteuid() == 0 else 2} captures",
        "tables: out/tables  findings: out/findings.json  report: out/report.html  notebooks: out/notebooks",
    ]


def test_what_goes_into_a_pipe_has_no_colour_and_no_cursor(run_over_trouble):
    assert "\x1b" not in run_over_trouble.stdout + run_over_trouble.stderr
    assert "\r" not in run_over_trouble.stdout + run_over_trouble.stderr


def test_a_second_run_says_what_is_unchanged(run_over_trouble, trouble):
    done = postproc("run", "in", "-o", "out", cwd=trouble.parent)
    assert "2 of 2 captures unchanged since they were read" in done.stderr
    assert "captures (2 unchanged, not read again)" in done.stdout
    assert done.stdout.splitlines()[:-2] == run_over_trouble.stdout.splitlines()[:-2]  # the calls


@pytest.mark.usefixtures("run_over_trouble")
def test_quiet_prints_errors_only(trouble):
    done = postproc("run", "in", "-o", "out", "-q", cwd=trouble.parent)
    assert done.stdout == ""
    assert {line.split(":")[0] for line in done.stderr.splitlines()} == {"postproc"}


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (Path.mkdir, "no capture in this folder"),
        (Path.touch, "empty file"),
        (Path.exists, "no such file or folder"),
    ],
)
def test_nothing_readable_is_exit_status_2(tmp_path, make, reason):
    make(tmp_path / "input")
    done = postproc("run", "input", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr == f"postproc: input: {reason}\npostproc: no capture could be read\n"
    assert done.stdout == ""
    assert not (tmp_path / "postproc-out").exists()


def test_without_tshark_one_line_says_how_to_get_it(tmp_path, pcaps):
    done = postproc("run", pcaps / GOOD, cwd=tmp_path, env=os.environ | {"PATH": str(tmp_path)})
    assert done.returncode == 2
    assert done.stderr.startswith("postproc: tshark not found; install it")
    assert done.stderr.count("\n") == 1


def test_debug_adds_the_traceback(tmp_path, pcaps):
    done = postproc("run", pcaps / GOOD, "--debug", cwd=tmp_path, env=os.environ | {"PATH": str(tmp_path)})
    assert "Traceback" in done.stderr
    assert "\npostproc: tshark not found; install it" in done.stderr


@pytest.mark.parametrize(
    "words", [["run"], ["run", "x", "-j", "0"], ["run", "x", "--keylog", "no"], ["walk"]]
)
def test_wrong_arguments_are_exit_status_2(words):
    assert CliRunner().invoke(cli, words).exit_code == 2


def test_tables_are_listed_shown_and_exported():
    listed = CliRunner().invoke(cli, ["tables"]).stdout.splitlines()
    assert [line.split()[0] for line in listed] == [table.name for table in TABLES]
    assert CliRunner().invoke(cli, ["tables", "legs"]).stdout.startswith("legs: One row per recording")
    assert list(json.loads(CliRunner().invoke(cli, ["tables", "legs", "--json"]).stdout)) == ["legs"]
    assert CliRunner().invoke(cli, ["tables", "--markdown"]).stdout.startswith("# Tables\n")


def test_a_table_that_does_not_exist_is_named_with_those_that_do():
    done = CliRunner().invoke(cli, ["tables", "leg"])
    assert done.exit_code == 2
    assert "no table 'leg'; there are captures, sip_messages" in done.stderr


def test_doctor_is_content_with_this_machine_and_says_so():
    done = CliRunner().invoke(cli, ["doctor"])
    assert done.exit_code == 0
    assert re.search(r"^ok +tshark +\d+\.\d+\.\d+ \(", done.stdout, re.MULTILINE)


def test_doctor_names_the_remedy_and_fails_without_tshark(tmp_path):
    done = postproc("doctor", env=os.environ | {"PATH": str(tmp_path)})
    assert done.returncode == 2
    assert re.search(r"^fault +tshark +tshark not found\n +-> install it: ", done.stdout, re.MULTILINE)


def on_a_terminal(columns: int, *words: object, cwd: Path) -> str:
    """Return what the command prints on a terminal of ``columns`` columns."""
    try:
        master, slave = pty.openpty()
    except OSError:
        pytest.skip("this machine has no pseudo-terminals")
    environment = os.environ | {"COLUMNS": str(columns), "LINES": "40", "TERM": "xterm"}
    environment.pop("NO_COLOR", None)
    process = subprocess.Popen(
        [sys.executable, "-m", "postproc", *map(str, words)],
        stdout=slave,
        stderr=slave,
        cwd=cwd,
        env=environment,
    )
    os.close(slave)
    shown = b""
    try:
        while chunk := os.read(master, 4096):
            shown += chunk
    except OSError:  # Linux: the other end is closed
        pass
    process.wait()
    os.close(master)
    return shown.decode()


def test_on_a_terminal_no_line_is_wider_than_it_and_faults_are_red(tmp_path, pcaps):
    shown = on_a_terminal(80, "run", pcaps / GOOD, cwd=tmp_path)
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown).replace("\r", "\n")
    assert max(len(line) for line in plain.splitlines()) <= 80
    assert "\x1b[31m403\x1b[0m" in shown
    assert "reading" in shown


def heed_interrupts() -> None:
    """Undo that a shell starts background jobs, and so these tests and their children, ignoring SIGINT."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_keeps_what_it_has_and_goes_on_later(tmp_path, pcaps, jobs, how):
    (tmp_path / "in").mkdir()
    shutil.copy(pcaps / "acl_488.pcapng", tmp_path / "in" / "big.pcapng")
    slow = shutil.copy(pcaps / GOOD, tmp_path / "in" / "slow.pcapng")
    for place, size in ((tmp_path / "in" / "big.pcapng", SMALL + 4096), (Path(slow), SMALL)):
        with place.open("ab") as file:  # a Custom Block: each is read alone, the largest first
            file.write(
                struct.pack("<III", 0xBAD, size + 16, 32473) + bytes(size) + struct.pack("<I", size + 16)
            )
    environment = os.environ | {"PATH": shim.path_with_tshark(tmp_path, shim.HANGS, slow)}
    process = subprocess.Popen(
        [sys.executable, "-m", "postproc", "run", "in", "-o", "out", "-j", str(jobs)],
        env=environment,
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=heed_interrupts,  # noqa: PLW1509 (no threads here)
    )
    assert "1/2 big.pcapng: read" in process.stderr.readline()
    (os.killpg if how == signal.SIGINT else os.kill)(process.pid, how)
    out, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors == (
        "postproc: interrupted; captures already read are kept in out/events: run the same command to go on\n"
    )
    assert out == ""
    shim.make_harmless(tmp_path)
    resumed = postproc("run", "in", "-o", "out", cwd=tmp_path, env=environment)
    assert "1 of 2 captures unchanged since they were read" in resumed.stderr
    assert "2 calls in 2 captures" in resumed.stdout


@pytest.mark.parametrize(
    ("words", "status"),
    [(["--version"], 0), (["tables"], 0), (["run", "nowhere"], 2), (["run", "--no-such"], 2)],
)
def test_all_output_is_out_before_the_program_leaves(tmp_path, words, status):
    with (tmp_path / "out").open("w") as out:
        done = subprocess.run(
            [sys.executable, "-m", "postproc", *words], cwd=tmp_path, stdout=out, stderr=out, check=False
        )
    inside = CliRunner().invoke(cli, words)
    assert (done.returncode, inside.exit_code) == (status, status)
    assert (tmp_path / "out").read_text().splitlines()[-1] == inside.output.splitlines()[-1]


@pytest.mark.parametrize(("words", "status"), [(["tables"], 1), (["run", "nowhere"], 2)])
def test_who_reads_no_further_gets_no_traceback(tmp_path, words, status):
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "postproc", *words]
    done = subprocess.run(
        command, cwd=tmp_path, stdout=writer, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(writer)
    assert done.returncode == status
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


@pytest.mark.parametrize("jobs", [1, 2])
def test_no_temporary_file_is_left(tmp_path, pcaps, jobs):
    (tmp_path / "t").mkdir()
    shutil.copy(pcaps / GOOD, tmp_path / "a.pcapng")
    shutil.copy(pcaps / "acl_488.pcapng", tmp_path / "b.pcapng")
    words = ["run", "a.pcapng", "b.pcapng", "-j", str(jobs)]
    done = postproc(*words, cwd=tmp_path, env=os.environ | {"TMPDIR": str(tmp_path / "t")})
    assert done.returncode == 0
    assert list((tmp_path / "t").iterdir()) == []
