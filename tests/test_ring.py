"""A run over a ring buffer gives the results of one over the whole capture, wherever it was cut."""

import gzip
import hashlib
import shutil
from pathlib import Path

import pandas as pd
import pytest

from postproc import pipeline
from postproc.model.tables import TABLES
from postproc.read.option_files import Options
from postproc.share.export import frames_belonging
from postproc.show.selection import belonging
from tests.pieces import cut, differences, run
from tests.read import wire

# RTP with losses; two calls at once; checks that fail; DTLS fragments; SIP over TCP; HEP; IP fragments
CUT = (
    "good.pcapng",
    "two_calls.pcapng",
    "no_binding_success.pcapng",
    "cases/direct_media_both_ways.pcap",
    "cases/f_dtls_frag.pcapng",
    "cases/f_oneway_later.pcapng",
    "cases/f_wss_no_binding.pcapng",
)


@pytest.mark.parametrize("pieces", [2, 5])
@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.slow) for name in CUT[1:]] + [CUT[0]])
def test_a_ring_buffer_reads_like_the_whole(pcaps, tmp_path, name, pieces):
    made = cut(pcaps / name, pieces, tmp_path, seed=pieces)
    whole, found = run(pcaps / name), run(made[0].parent)
    assert differences(whole.tables, found.tables) == []
    assert found.captures["packets"].sum() == whole.captures["packets"].sum()
    assert set(found.calls["capture"]) <= set(found.captures["capture"])
    assert (found.timeline["frame"] <= found.captures["packets"].max()).all()


@pytest.mark.parametrize(("name", "plain"), [("good.pcapng", 1), ("cases/direct_media_both_ways.pcap", 0)])
def test_a_ring_buffer_packed_by_gzip_reads_like_the_whole(pcaps, tmp_path, name, plain):
    """The newest file may not be packed yet."""
    made = cut(pcaps / name, 3, tmp_path)
    for path in made[: len(made) - plain]:
        (path.parent / f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    whole, found = run(pcaps / name), run(made[0].parent)
    assert differences(whole.tables, found.tables) == []
    assert found.captures["recording"].nunique() == 1
    assert (found.captures["format"] == "gzip").sum() == len(made) - plain
    for row in found.captures.itertuples():
        assert row.sha256 == hashlib.sha256((made[0].parent / row.capture).read_bytes()).hexdigest()


@pytest.fixture
def ring(pcaps, tmp_path) -> Path:
    return cut(pcaps / "two_calls.pcapng", 5, tmp_path)[0].parent


def test_processes_of_their_own_say_the_same(ring):
    one, two = run(ring), pipeline.run([ring], report=False, jobs=2)
    for table in TABLES:
        pd.testing.assert_frame_equal(getattr(one, table.name), getattr(two, table.name), obj=table.name)


def test_tshark_alone_says_the_same(ring):
    alone = pipeline.run([ring], report=False, jobs=1, options=Options(all_packets=True))
    assert differences(run(ring).tables, alone.tables) == []


def test_what_has_not_changed_is_not_read_again(ring, tmp_path):
    def again() -> pipeline.Run:
        return pipeline.run([ring], tmp_path / "out", report=False, jobs=1)

    first = again()
    assert (first.unchanged, again().unchanged) == (0, 5)
    newest = first.captures.sort_values("first_time")["capture"].iloc[-1]
    shutil.copy(ring / newest, tmp_path)
    (ring / newest).unlink()
    assert again().unchanged == 0
    shutil.copy(tmp_path / newest, ring)
    found = again()
    assert found.unchanged == 5  # both are in the cache
    assert differences(first.tables, found.tables) == []


def test_a_file_that_cannot_be_walked_is_read_by_itself(ring):
    whole = run(ring)
    by_time = whole.captures.sort_values("first_time")["capture"].tolist()
    content, at = (ring / by_time[2]).read_bytes(), 0
    while at < len(content) // 2:  # beyond what shows that it belongs to the ring
        at += int.from_bytes(content[at + 4 : at + 8], "little")
    unknown = wire.block(0x0BAD, bytes(8))  # which may be packets
    (ring / by_time[2]).write_bytes(content[:at] + unknown + content[at:])
    found = run(ring)
    others = whole.captures["capture"] != by_time[2]
    assert found.captures["capture"].tolist() == whole.captures["capture"].tolist()
    assert found.captures["packets"][others].tolist() == whole.captures["packets"][others].tolist()
    assert found.captures["recording"].nunique() == whole.captures["recording"].nunique() == 1
    columns = ["call_id", "state", "answer_time"]
    assert found.legs[columns].values.tolist() == whole.legs[columns].values.tolist()
    assert found.calls["verdict"].tolist() == whole.calls["verdict"].tolist()


def test_findings_told_in_another_language_are_the_same(ring):
    done = run(ring)
    assert pipeline.retold(done, "de").findings["frames"].tolist() == done.findings["frames"].tolist()


def test_what_belongs_to_a_call_is_found_in_every_file(ring, pcaps):
    def packets(done: pipeline.Run, call: int) -> int:
        paths = dict(zip(done.captures["capture"], done.captures["path"], strict=True))
        held = belonging(done.tables, call)
        return sum(len(frames_belonging(Path(paths[name]), each)) for name, each in held.items())

    whole, found = run(pcaps / "two_calls.pcapng"), run(ring)
    for call in (1, 2):
        # A connection's acknowledgements after its last message are read only in the same file.
        assert packets(whole, call) - 3 <= packets(found, call) <= packets(whole, call)
