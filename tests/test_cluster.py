"""A Dask cluster reads captures with the same results."""

import shutil

import pandas as pd
import pytest

from postproc import pipeline
from postproc.model.tables import TABLES
from tests import shim

pytestmark = pytest.mark.slow
distributed = pytest.importorskip("distributed")


@pytest.fixture
def client():
    options = {"n_workers": 2, "threads_per_worker": 1, "host": "127.0.0.1", "dashboard_address": None}
    with distributed.LocalCluster(**options) as cluster, distributed.Client(cluster) as client:
        yield client


@pytest.fixture
def folder(tmp_path, pcaps):
    (tmp_path / "in").mkdir()
    for name in ("acl_403.pcapng", "acl_488.pcapng", "codec_488.pcapng"):
        shutil.copy(pcaps / name, tmp_path / "in")
    (tmp_path / "in" / "broken.pcap").write_bytes(bytes.fromhex("d4c3b2a1") + bytes(5))
    return tmp_path / "in"


def test_a_cluster_gives_what_this_machine_gives(client, folder, tmp_path):
    there = pipeline.run([folder], tmp_path / "there", executor=client.get_executor())
    again = pipeline.run([folder], executor=client.get_executor())
    here = pipeline.run([folder], tmp_path / "here", jobs=1)
    for table in TABLES:
        pd.testing.assert_frame_equal(getattr(there, table.name), getattr(here, table.name), obj=table.name)
    assert len(there.captures) == len(again.captures) == 3
    assert [left_out.reason for left_out in there.unread] == [left_out.reason for left_out in here.unread]


def test_the_death_of_a_worker_loses_its_capture_only(folder, tmp_path, monkeypatch, request):
    victim = folder / "acl_403.pcapng"
    monkeypatch.setenv("PATH", shim.path_with_tshark(tmp_path, shim.KILLS_ITS_PARENT, victim))
    done = pipeline.run([folder], executor=request.getfixturevalue("client").get_executor(retries=0))
    assert done.captures["capture"].tolist() == ["acl_488.pcapng", "codec_488.pcapng"]
    assert ("acl_403.pcapng", "the process that read it died (out of memory?)") in [
        (left_out.path.name, left_out.reason) for left_out in done.unread
    ]
