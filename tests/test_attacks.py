"""Malicious captures in ``attacks/``: each affects only itself, and its redacted copy names nobody.

Generated ones of the same kinds are in ``tests/fuzz`` and ``tests/canaries``. Programs in the current folder
are tested in ``test_current_folder``, a user's Lua scripts in ``read/test_processes``.
"""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import postproc
from postproc import pipeline
from postproc.model.tables import TABLES
from postproc.read.limits import believed
from postproc.share.redact import Source, Work, redact
from tests.conftest import PCAPS

ATTACKS = Path(__file__).parent / "attacks"
NAMES = sorted(path.name for path in ATTACKS.iterdir())
TIMES = [
    "all_ffffffff7fffffff.pcapng",
    "cancelled_last_packet_2262.pcapng",
    "codec_488_negative.pcapng",
    "forked_last_packet_over_2262.pcapng",
    "jump_10years.pcapng",
    "jump_1970.pcapng",
    "tsoffset.pcapng",
    "vendor_half_over_2262.pcapng",
]
LEAKS = {
    "dns_id_8f12.pcapng": [],
    "dtls_psk_identity.pcapng": [],
    "llmnr_id_9c01.pcapng": [],
    "multipart_boundary_mismatch.pcapng": ["Secret"],
    "multipart_preamble.pcapng": ["Mrs Preamble"],
    "nbns_id_8a01.pcapng": ["EDEBEOEBFCFJ", "CANARY".encode("utf-16-le").decode("latin-1")],
    "stun_software_hostname.pcapng": ["Hostname"],
    "useragent_sdp.pcapng": ["43616e617279", "805EC0CA7A12", "48.1374"],
}


def test_every_attack_is_tried_here():
    assert sorted([*TIMES, *LEAKS]) == NAMES


@pytest.fixture(scope="module")
def alone(tmp_path_factory) -> pipeline.Run:
    """The run over the harmless capture alone."""
    return pipeline.run([PCAPS / "good.pcapng"], out=tmp_path_factory.mktemp("alone"), report=False, jobs=1)


@pytest.mark.parametrize("names", [*([name] for name in TIMES), NAMES], ids=[*TIMES, "all"])
def test_a_capture_costs_only_itself(names, alone, tmp_path):
    folder, out = tmp_path / "ticket", tmp_path / "out"
    folder.mkdir()
    for path in (PCAPS / "good.pcapng", *(ATTACKS / name for name in names)):
        shutil.copy(path, folder)
    done = subprocess.run(
        [sys.executable, "-m", "postproc", "run", folder, "--out", out, "-j", "1"],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert "Traceback" not in done.stderr
    assert "internal error" not in done.stdout + done.stderr
    run = postproc.load(out)
    assert sorted(run.captures["capture"]) == sorted([*names, "good.pcapng"])
    ours = run.legs[run.legs["capture"] == "good.pcapng"]
    assert sorted(ours["call_id"]) == sorted(alone.legs["call_id"])
    (call,) = set(ours["call"])
    assert run.calls.set_index("call").loc[call, "verdict"] == alone.calls["verdict"].item()
    assert len(run.bindings[run.bindings["call"] == call]) == len(alone.bindings)


@pytest.mark.parametrize("name", TIMES)
def test_no_time_outside_what_is_believed_is_told_and_the_row_says_so(name):
    run = pipeline.run([ATTACKS / name], report=False, jobs=1)
    for table in TABLES:
        rows = getattr(run, table.name)
        for column in rows.select_dtypes("datetimetz"):
            times = rows[column].dropna().astype("int64").tolist()
            assert all(map(believed, times)), (table.name, column)
    warned = run.captures["warnings"].fillna("").str.contains("clock outside 1970 to 2200").all()
    assert warned == (not name.startswith("jump"))  # those jump within the accepted range


@pytest.mark.parametrize(("name", "more"), LEAKS.items(), ids=[name.partition(".")[0] for name in LEAKS])
def test_no_canary_is_left(name, more, tmp_path):
    new = tmp_path / "1.pcapng"
    before = (ATTACKS / name).read_bytes()
    redact(Work([Source(ATTACKS / name, new)]), "key")
    after = new.read_bytes()
    assert len(after) > len(before) / 2
    for word in ["canary", *more]:
        assert word.lower().encode("latin-1") not in after.lower(), word
