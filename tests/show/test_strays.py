"""RTP streams for which no call was found: a line on the terminal, a table in the report."""

import subprocess

import pandas as pd
import pytest
from click.testing import CliRunner

from postproc.cli import cli
from postproc.model.calls import Calls
from postproc.model.rows import RtpStreamRow
from postproc.model.tables import Tables
from postproc.show.answers import stray_streams
from postproc.show.report.page import Limits, html, report
from postproc.show.report.sheets import stray_streams as sheet
from tests.conftest import PCAPS
from tests.show.pictures.scenes import run_of


@pytest.fixture(scope="module")
def strays() -> Tables:
    """The good call with the two streams of its second leg left over."""
    run = run_of("good.pcapng")
    second = run.rtp_streams["leg"] == 2
    columns = {name: run.rtp_streams[name].mask(second) for name in ("call", "leg")}
    return run.tables.with_(rtp_streams=run.rtp_streams.assign(**columns))


def test_the_terminal_counts_them(strays):
    streams = strays.rtp_streams
    assert stray_streams(streams, "en") == ["2 RTP streams (804 packets) belong to no call"]
    assert stray_streams(streams, "de") == ["2 RTP-Ströme (804 Pakete) gehören zu keinem Anruf"]
    one = streams[streams["call"].isna()].head(1).assign(packets=pd.array([1], dtype="Int64"))
    assert stray_streams(one, "de") == ["1 RTP-Strom (1 Paket) gehört zu keinem Anruf"]
    assert stray_streams(streams.dropna(subset=["call"]), "en") == []


def test_the_report_lists_them_the_fullest_first(strays):
    shown = sheet(Calls(strays).of_none(RtpStreamRow, "rtp_streams"), "en")
    assert shown is not None and shown.title == "RTP streams of no call"
    packets = [int(row[4].text) for row in shown.rows]
    assert packets == [406, 398]
    assert {row[0].text for row in shown.rows} == {"good.pcapng"}
    assert "RTP-Ströme ohne Anruf" in html(report(strays, {}, "de"))
    assert "RTP-Ströme ohne Anruf" not in html(report(strays, {}, "de", limits=Limits(calls=(1,))))


def test_a_good_capture_has_none():
    assert "RTP streams of no call" not in html(report(run_of("good.pcapng").tables, {}, "en"))


def test_media_alone_is_named_at_the_end_of_a_run(tmp_path):
    alone = tmp_path / "media.pcapng"
    show = "udp && !stun && !sip && !dtls && udp.length > 150"
    command = ["tshark", "-r", PCAPS / "good.pcapng", "-Y", show, "-w", alone]
    subprocess.run(command, check=True, capture_output=True)
    done = CliRunner().invoke(cli, ["run", str(alone), "-o", str(tmp_path / "out"), "--no-report"])
    assert "4 RTP streams" in done.output and "belong to no call" in done.output
