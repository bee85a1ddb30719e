"""The report with pseudonyms."""

import shutil

import pytest

from postproc import pipeline
from postproc.model.errors import SetupError
from postproc.share.report import report

TOKENS = ("10.0.50.118", "198.51.100.77", "498984079810", "9d56a52d", "a32057f2-5a6b", "no_binding_success.")


@pytest.fixture(scope="module")
def done(pcaps, tmp_path_factory):
    folder = tmp_path_factory.mktemp("redacted")
    for name in ("no_binding_success.pcapng", "no_binding_success.freeswitch.log"):
        shutil.copy(pcaps / name, folder)
    (log,) = folder.glob("*.log")
    return pipeline.run([folder / "no_binding_success.pcapng"], folder / "out", fs_logs=[log])


def test_the_redacted_report_says_the_same_and_holds_no_original(done, tmp_path):
    assert report(done, tmp_path / "r.html", key="k").same
    html = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "No Binding Success: 17 of 17 Binding Requests were never answered." in html
    plain = (done.out / "report.html").read_text(encoding="utf-8")
    there = [token for token in TOKENS if token in plain]
    assert len(there) >= 4 and not [token for token in TOKENS if token in html]


def test_one_call_can_be_redacted_and_an_unknown_one_cannot(done, tmp_path):
    report(done, tmp_path / "r.html", calls=[1])
    assert 'data-call="1" open' in (tmp_path / "r.html").read_text(encoding="utf-8")
    with pytest.raises(LookupError, match="no call 5"):
        report(done, tmp_path / "x.html", calls=[5])
    assert not (tmp_path / "x.html").exists()


def test_a_file_that_cannot_be_written_is_said(done, tmp_path):
    with pytest.raises(SetupError, match="gone"):
        report(done, tmp_path / "gone" / "r.html")


def test_without_the_capture_there_is_no_redacted_report(done, tmp_path):
    lost = done.tables.captures.assign(path=str(tmp_path / "lost.pcapng"))
    with pytest.raises(SetupError, match=r"lost\.pcapng: gone"):
        report(pipeline.Run(done.tables.with_(captures=lost)), tmp_path / "r.html")
