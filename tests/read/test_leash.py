"""A program that writes nothing ends with us, even if we are killed."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from postproc.read import leash

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Linux only")

HOLDS = """
import subprocess, sys
from postproc.read.leash import leash
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
        [sys.executable, "-c", HOLDS, str(big)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
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
    with leash.leash() as tied:
        tied.tie(subprocess.Popen(["true"], stdin=tied.stdin).wait() or 2**22 - 1)
