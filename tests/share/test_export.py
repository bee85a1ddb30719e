"""The report with pseudonyms."""

import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest
from pandas.testing import assert_frame_equal

from postproc import pipeline
from postproc.model.errors import SetupError
from postproc.read.records import Described, Other, Record, pieces
from postproc.share.export import export, export_redacted, file_names, report
from postproc.wire.pcapng import option
from tests.share.same import of_call, without_place

TABLES = ("legs", "candidates", "bindings", "pairs", "dtls", "rtp_streams", "findings")


def read(path: Path) -> list[Record]:
    with pieces(path) as found:
        return [piece for piece in found if isinstance(piece, Record)]


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("two_calls.pcapng", 1),
        ("two_calls.pcapng", 2),
        ("no_binding_success.pcapng", 1),
        ("made/icmp_quotes_stun.pcapng", 2),
        ("made/sips_tls_keylog.pcapng", 1),
        pytest.param("made/turn_channel.pcapng", 1, marks=pytest.mark.slow),
        pytest.param("made/sip_udp_fragments.pcapng", 1, marks=pytest.mark.slow),
        ("made/tcp_segments.pcapng", 1),
        pytest.param("made/sll.pcap", 1, marks=pytest.mark.slow),
        pytest.param("made/compressed.pcapng.gz", 1, marks=pytest.mark.slow),
    ],
)
def test_a_run_on_the_export_finds_the_same_call(run_of, tmp_path, name, call):
    run = run_of(name)
    (written,) = export(run, call, tmp_path / "call.pcapng")
    again = pipeline.run([written])
    assert len(again.calls) == 1
    for table in TABLES:
        expected, found = of_call(getattr(run, table), call), of_call(getattr(again, table), 1)
        assert_frame_equal(without_place(expected), without_place(found), obj=table)


def test_packets_are_the_originals_and_bear_their_numbers(run_of, pcaps, tmp_path):
    (written,) = export(run_of("two_calls.pcapng"), 2, tmp_path / "call.pcapng")
    originals = {record.frame: record for record in read(pcaps / "two_calls.pcapng")}
    for record in read(written):
        number = int(record.options[4:].split(b" ")[1])
        original = originals[number]
        assert record.options == original.options + option(1, f"frame {number} of two_calls.pcapng".encode())
        assert (record.data, record.ticks, record.interface) == (
            original.data,
            original.ticks,
            original.interface,
        )


def test_wireshark_opens_the_export_with_its_interfaces(run_of, tmp_path):
    (written,) = export(run_of("two_calls.pcapng"), 2, tmp_path / "call.pcapng")
    told = subprocess.run(["capinfos", "-M", written], capture_output=True, text=True, check=True).stdout
    assert "Name = lo" in told and "Name = eth0" in told
    shown = subprocess.run(
        ["tshark", "-r", written, "-T", "fields", "-e", "sip.Call-ID"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert set(shown.split()) == set(run_of("two_calls.pcapng").legs.query("call == 2")["call_id"])


def test_tls_secrets_go_with_the_export_so_that_it_can_be_read(pcaps, tmp_path):
    secrets, capture = f"tls,{pcaps / 'made/sips_tls_keylog.keys'}", tmp_path / "with_secrets.pcapng"
    subprocess.run(
        ["editcap", "--inject-secrets", secrets, pcaps / "made/sips_tls_keylog.pcapng", capture],
        check=True,
        capture_output=True,
    )
    run = pipeline.run([capture])
    assert "tls" in set(run.legs["transport"])
    (written,) = export(run, 1, tmp_path / "call.pcapng")
    with pieces(written) as found:
        assert any(isinstance(piece, Other) and piece.kind == 10 for piece in found)
    again = pipeline.run([written])
    assert_frame_equal(without_place(of_call(run.legs, 1)), without_place(again.legs))


def test_a_call_in_two_captures_gives_a_file_for_each(pcaps, tmp_path):
    views = [pcaps / "made/two_vantage_client.pcapng", pcaps / "made/two_vantage_server.pcapng"]
    run = pipeline.run(views)
    written = export(run, 1, tmp_path / "call.pcapng")
    assert [path.name for path in written] == [
        "call-1-two_vantage_client.pcapng",
        "call-2-two_vantage_server.pcapng",
    ]
    assert all(written.values())


def test_a_redacted_export_has_the_same_packets_without_the_names(run_of, tmp_path):
    run = run_of("two_calls.pcapng")
    (plain,) = export(run, 2, tmp_path / "a.pcapng")
    (redacted,) = export_redacted(run, 2, tmp_path / "b.pcapng").written
    assert [record.ticks for record in read(plain)] == [record.ticks for record in read(redacted)]
    content = redacted.read_bytes()
    assert b"4930998877" in plain.read_bytes()
    assert b"4930998877" not in content and b"two_calls" not in content
    assert b"frame 269" in content


@pytest.mark.parametrize("call", [0, 3])
def test_a_call_that_is_not_there_is_said(run_of, tmp_path, call):
    with pytest.raises(SetupError, match=f"no call {call} in this run; it has 1, 2"):
        export(run_of("two_calls.pcapng"), call, tmp_path / "call.pcapng")


def test_trouble_with_the_target_is_said_and_nothing_is_left(run_of, tmp_path):
    with pytest.raises(SetupError, match="missing"):
        export(run_of("made/busy_486.pcapng"), 1, tmp_path / "missing" / "call.pcapng")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["../../etc/passwd", "a b\n.pcap", "..", "CON", "x" * 255])
def test_file_names_are_harmless(name):
    made = file_names(Path("x.pcapng"), [f"{name}.pcap", "b.pcap"])
    assert [path.parent for path in made.values()] == [Path()] * 2
    assert all(len(path.name) < 100 and path.suffix == ".pcapng" for path in made.values())


def test_an_export_is_its_owners_alone(run_of, tmp_path):
    (written,) = export(run_of("made/busy_486.pcapng"), 1, tmp_path / "call.pcapng")
    assert os.name != "posix" or stat.S_IMODE(written.stat().st_mode) == 0o600


def test_pcap_becomes_pcapng_with_its_resolution(run_of, tmp_path):
    (written,) = export(run_of("made/nanosecond.pcap"), 1, tmp_path / "call.pcapng")
    with pieces(written) as found:
        assert [piece for piece in found if isinstance(piece, Described)] == [
            Described(1, 262144, option(9, b"\x09"))
        ]


def test_packets_are_their_owners_alone(run_of, tmp_path):
    (written,) = export(run_of("good.pcapng"), 1, tmp_path / "call.pcapng")
    assert written.stat().st_mode & 0o777 == 0o600


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
