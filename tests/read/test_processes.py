"""Hostile settings change nothing, nothing is made without end, and no program outlives us."""

import gzip
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from postproc import load
from postproc.model.errors import CaptureError, SetupError
from postproc.model.tables import TABLES
from postproc.read import capture, processes, programs
from tests.plugins.wiresharks import MAPPED, ROOT, SYSTEM, Wireshark, each
from tests.read.test_tshark import pcap

CORP = Path(__file__).parent / "corp.lua"  # claims the SIP ports, and every UDP packet
CAPTURES = ("good.pcapng", "acl_403.pcapng")
SETTINGS = {  # what a person may have in a profile: each takes a protocol away from its dissector
    "preferences": "sip.tcp.ports: 9\nnameres.network_name: TRUE\ntcp.desegment_tcp_streams: FALSE\nbad\n",
    "decode_as_entries": "decode_as_entry: tcp.port,4900,HTTP,(none)\n",
    "disabled_protos": "sip\nstun\nclassicstun\ndtls\n",
    "heuristic_protos": "stun_udp,0\nsip_tcp,0\nsip_udp,0\ndtls_udp,0\ndtls_stun,0\n",
    "hosts": "10.0.50.118 pbx\n",
}


@pytest.fixture
def hostile(tmp_path) -> dict[str, str]:
    """The environment of somebody who has set much: in HOME, in XDG folders, and by variables."""
    home, plugins = tmp_path / "home", tmp_path / "plugins"
    profile = home / ".config" / "wireshark"
    lua = [home / ".local/lib/wireshark/plugins", profile / "plugins", home / ".wireshark/plugins", plugins]
    for folder in lua:
        folder.mkdir(parents=True)
        shutil.copy(CORP, folder)
    for folder in (profile, profile / "profiles" / "Other", tmp_path / "data"):
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in SETTINGS.items():
            (folder / name).write_text(content)
    (tmp_path / "data" / "init.lua").write_text(CORP.read_text())
    return dict(os.environ) | {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "XDG_DATA_HOME": str(home / ".local" / "share"),
        "WIRESHARK_PLUGIN_DIR": str(plugins),
        "WIRESHARK_DATA_DIR": str(tmp_path / "data"),
        "WIRESHARK_LOG_FATAL": "debug",
        "WIRESHARK_ABORT_ON_TOO_MANY_ITEMS": "1",
        "LC_ALL": "de_DE.UTF-8",
        "RES_OPTIONS": "timeout:1",
        "SMIPATH": str(home),
    }


def ordinary() -> tuple[str, ...]:
    """What makes root an ordinary user: as root, newer Wiresharks load no Lua."""
    if os.geteuid() != 0:
        return ()
    if subprocess.run([*MAPPED, "true"], capture_output=True, check=False).returncode:
        pytest.skip("root cannot become an ordinary user here")
    return MAPPED


def tables(out: Path, environment: dict[str, str], pcaps: Path) -> dict[str, object]:
    words = [sys.executable, "-m", "postproc", "run", *(str(pcaps / name) for name in CAPTURES)]
    subprocess.run(
        [*ordinary(), *words, "-q", "--no-report", "--lang", "en", "-o", str(out)],
        check=True,
        capture_output=True,
        env=environment,
    )
    run = load(out)
    return {table.name: getattr(run, table.name).to_dict("list") for table in TABLES}


def shown(environment: dict[str, str], pcaps: Path) -> str:
    command = [*ordinary(), "tshark", "-r", str(pcaps / CAPTURES[0]), "-T", "fields", "-e", "frame.protocols"]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment).stdout


def test_the_settings_are_hostile_indeed(hostile, pcaps, tmp_path):
    del hostile["WIRESHARK_LOG_FATAL"]
    assert "corp" in shown(hostile, pcaps)
    for script in tmp_path.rglob("*.lua"):
        script.unlink()
    named = set(shown(hostile, pcaps).replace("\n", ":").split(":"))
    assert "tcp" in named
    assert not {"corp", "sip", "stun", "dtls"} & named


def test_hostile_settings_of_an_ordinary_user_change_no_table(tmp_path, hostile, pcaps):
    plain = dict(os.environ) | {"HOME": str(tmp_path)}
    assert str(tables(tmp_path / "hostile", hostile, pcaps)) == str(tables(tmp_path / "plain", plain, pcaps))


def test_our_own_plug_in_and_profile_change_no_table(tmp_path, pcaps):
    home = tmp_path / "home"
    home.mkdir()
    environment = dict(os.environ) | {"HOME": str(home)}
    before = tables(tmp_path / "before", environment, pcaps)
    install = [*ordinary(), sys.executable, "-m", "postproc", "wireshark", "install"]
    subprocess.run(install, check=True, capture_output=True, env=environment)
    assert list(home.rglob("legs.lua"))
    assert str(tables(tmp_path / "after", environment, pcaps)) == str(before)


@pytest.mark.parametrize("one", each())
def test_in_every_wireshark_plug_ins_count_for_the_user_and_not_for_us(
    one: Wireshark, tmp_path, hostile, pcaps
):
    if one is SYSTEM:
        ordinary()
    inside = {name: value for name, value in hostile.items() if not name.startswith("WIRESHARK_LOG")}
    command = one.command("tshark", ["-n", "-r", str(pcaps / CAPTURES[0]), "-Y", "corp"])
    empty = tmp_path / "empty"
    empty.mkdir()
    for lua, environment in (
        (True, inside),
        (True, inside | {"HOME": str(empty), "XDG_CONFIG_HOME": str(empty)}),  # by WIRESHARK_PLUGIN_DIR
        (True, {name: value for name, value in inside.items() if name != "WIRESHARK_PLUGIN_DIR"}),
        (False, processes.environment(empty, inside)),
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        assert ("CORP" in done.stdout) is lua, (environment, done.stderr)


def test_what_is_kept_of_the_environment(tmp_path):
    own = {
        "PATH": "/usr/bin::.:bin",
        "LD_LIBRARY_PATH": "lib:/opt/lib",
        "LD_PRELOAD": "evil.so",
        "TZ": "UTC",
        "HOME": "/home/a",
        "WIRESHARK_RUN_FROM_BUILD_DIRECTORY": "1",
        "LC_ALL": "C",
        "PYTHONPATH": ".",
        "XDG_CONFIG_HOME": "/home/a/x",
        "GCONV_PATH": ".",
        "SMIPATH": ".",
        "WIRESHARK_CONFIG_DIR": "/x",
    }
    kept = processes.environment(tmp_path, own)
    others = {name for name, value in kept.items() if value != str(tmp_path)}
    assert others == {"PATH", "LD_LIBRARY_PATH", "TZ", "LC_ALL"}
    assert (kept["PATH"], kept["LD_LIBRARY_PATH"]) == ("/usr/bin", "/opt/lib")
    assert {"HOME", "XDG_CONFIG_HOME", "WIRESHARK_CONFIG_DIR", "WIRESHARK_PLUGIN_DIR"} <= set(kept)


def test_a_program_stands_in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    script = tmp_path / "where"
    script.write_text('#!/bin/sh\npwd\nls -A | grep -v alive\necho "$HOME"\n')
    script.chmod(0o755)
    folder, home = processes.run(script).stdout.splitlines()
    assert folder == home != str(tmp_path)
    assert not Path(folder).exists()


def test_a_program_without_an_end_is_told():
    with pytest.raises(SetupError, match=r"sleep does not run: .* timed out"):
        processes.run(Path(shutil.which("sleep")), "30", patience=0.1)


def bomb(path: Path, size: int) -> Path:
    """A packed capture of packets of nothing but zeros, so many bytes."""
    packet = bytes(65000)
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(pcap())
        for _ in range(size // len(packet)):
            file.write(bytes(8) + 2 * len(packet).to_bytes(4, "little") + packet)
    return path


PACKERS = {"gz": "gzip", "zst": "zstd", "lz4": "lz4"}


@pytest.mark.parametrize("ending", PACKERS)
def test_what_unpacks_to_more_than_any_capture_is_stopped(tmp_path, monkeypatch, ending):
    packed = bomb(tmp_path / "bomb.pcap.gz", 100 << 20)
    if ending != "gz":
        packer = shutil.which(PACKERS[ending]) or pytest.skip(f"{PACKERS[ending]} is not installed")
        unpacked = tmp_path / "bomb.pcap"
        unpacked.write_bytes(gzip.decompress(packed.read_bytes()))
        packed = tmp_path / f"bomb.pcap.{ending}"
        subprocess.run(
            [packer, "-q", "-f", str(unpacked), "-o" if ending == "zst" else str(packed)]
            + ([str(packed)] if ending == "zst" else []),
            check=True,
        )
    monkeypatch.setattr(processes, "IMPLIED_OUTPUT", 20 << 20)
    monkeypatch.setattr(processes, "OUTPUT_SHARE", 10)
    monkeypatch.setattr(processes, "GLANCE", 0.005)
    with pytest.raises(CaptureError, match=r"unpacked it is larger than 0\.0 GB"):
        capture.read(packed, "bomb")


def test_little_space_is_not_filled(tmp_path, monkeypatch):
    packed = bomb(tmp_path / "bomb.pcap.gz", 100 << 20)
    monkeypatch.setattr(processes, "GLANCE", 0.005)
    monkeypatch.setattr(processes.shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(0, 0, 20 << 20))
    with pytest.raises(CaptureError, match="too little temporary space"):
        capture.read(packed, "bomb")


def test_a_converter_that_does_not_end_is_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr(processes, "IMPLIED_TIME", 0.2)
    with pytest.raises(processes.TooMuchError, match="sleep took too long"):
        processes.make(tmp_path / "target", 0, Path(shutil.which("sleep")), "30")


def test_a_full_disk_is_not_taken_for_the_end_of_the_capture(tmp_path, monkeypatch):
    editcap = tmp_path / "editcap"
    editcap.write_text(
        '#!/bin/sh\nfor last; do :; done\nhead -c 100 /dev/zero > "$last"\n'
        'echo "editcap: Not all the packets could be written: No space left on device" >&2\nexit 2\n'
    )
    editcap.chmod(0o755)
    monkeypatch.setattr(programs, "companion", lambda _: editcap)
    with pytest.raises(CaptureError, match="No space left"):
        capture.converted(tmp_path / "editcap", tmp_path / "target")


def test_the_limits_are_those_in_the_readme():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"{processes.IMPLIED_OUTPUT >> 30} GiB and {processes.OUTPUT_SHARE} times" in readme
    assert f"{processes.IMPLIED_MEMORY >> 30} GiB" in readme
    assert f"{processes.IMPLIED_TIME / 60:.0f} minutes" in readme


pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Linux only")

HOLDS = """
import subprocess, sys
from postproc.read.processes import leash
with leash() as tied:
    program = subprocess.Popen(["tshark", "-r", sys.argv[1], "-Y", "frame.number == 0"], stdin=tied.stdin)
    tied.tie(program.pid)
    print(program.pid, flush=True)
    input()
"""


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def test_a_tshark_that_reads_on_and_on_ends_with_the_process_that_wanted_it(tmp_path):
    big = tmp_path / "big.pcap"
    packet = bytes(16) + bytes(60)
    record = (0).to_bytes(8, "little") + (60).to_bytes(4, "little") * 2 + packet[16:]
    header = bytes.fromhex("d4c3b2a1020004000000000000000000ffff000001000000")
    big.write_bytes(header + record * 2_000_000)
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(big)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        stderr=subprocess.DEVNULL,
    )
    pid = int(holder.stdout.readline())
    time.sleep(0.5)
    assert alive(pid)
    began = time.monotonic()
    holder.kill()
    holder.communicate()
    while alive(pid) and time.monotonic() - began < 5:
        time.sleep(0.01)
    assert time.monotonic() - began < 3


def test_a_program_that_has_ended_already_is_no_trouble():
    with processes.leash() as tied:
        tied.tie(subprocess.Popen(["true"], stdin=tied.stdin).wait() or 2**22 - 1)
