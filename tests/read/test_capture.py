"""One capture file: every way it is read, and what is said when it cannot be."""

import gzip
import hashlib
import shutil
import subprocess
from dataclasses import replace

import numpy as np
import pytest

from postproc.model.errors import CaptureError
from postproc.read import capture
from postproc.read.capture import read
from postproc.read.option_files import Options
from tests.read.test_tshark import SIP, ipv4, pcap, tcp

TWO = pcap(tcp(1, SIP % 1), tcp(1 + len(SIP % 1), SIP % 2))


@pytest.fixture
def written(tmp_path):
    def write(content: bytes, name: str = "a.pcap"):
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return write


def row(tables):
    return tables.captures.iloc[0]


def test_capture_row_says_what_was_read(written):
    held = row(read(written(TWO), "in/a.pcap"))
    assert (held["capture"], held["format"], held["packets"]) == ("in/a.pcap", "pcap", 2)
    assert (held["link_types"], held["interfaces"]) == ("RAW", "")
    assert (held["first_time"].timestamp(), held["last_time"].timestamp()) == (1.0, 2.0)
    assert (held["dissected_packets"], bool(held["cut_short"])) == (2, False)


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"", "empty"), (b"just some text, no capture\n" * 9, "not a capture"), (TWO[:10], "not a capture|cut")],
)
def test_what_is_no_capture_is_said_in_one_line(written, content, reason):
    with pytest.raises(CaptureError, match=reason) as caught:
        read(written(content), "a")
    assert "\n" not in str(caught.value)


def test_missing_file_is_a_capture_error(tmp_path):
    with pytest.raises(CaptureError):
        read(tmp_path / "none.pcap", "a")


def test_gzip_is_converted_and_keeps_its_name(written):
    tables = read(written(gzip.compress(TWO), "a.pcap.gz"), "a")
    assert row(tables)["format"] == "gzip"
    assert tables.sip_messages["frame"].tolist() == [1, 2]


@pytest.mark.parametrize("options", [Options(), Options(all_packets=True)], ids=["fast", "all"])
def test_broken_gzip_is_read_as_far_as_it_goes_or_refused(written, options):
    whole = gzip.compress(TWO * 1)
    try:
        tables = read(written(whole[:-20], "a.pcap.gz"), "a", options)
    except CaptureError as error:
        assert "\n" not in str(error)
    else:
        assert len(tables.sip_messages) <= 2


@pytest.mark.parametrize(
    "content",
    [
        TWO,
        TWO[:-3],
        TWO[:-40] + bytes(100) + TWO,
        gzip.compress(TWO, mtime=0),
        gzip.compress(TWO, mtime=0)[:-20],
    ],
    ids=["whole", "cut", "corrupt in the middle", "gzip", "cut gzip"],
)
@pytest.mark.parametrize("options", [Options(), Options(all_packets=True)], ids=["fast", "all"])
def test_the_hash_is_that_of_the_file_as_it_is(written, content, options):
    assert row(read(written(content), "a", options))["sha256"] == hashlib.sha256(content).hexdigest()


def test_other_formats_are_converted(written, tmp_path):
    snoop = tmp_path / "a.snoop"
    ethernet = bytearray(TWO)
    subprocess.run(
        ["editcap", "-T", "ether", "-F", "snoop", str(written(bytes(ethernet))), str(snoop)], check=True
    )
    assert (row(read(snoop, "a"))["format"], row(read(snoop, "a"))["packets"]) == ("snoop", 2)


def test_without_editcap_tshark_reads_alone_and_says_so(written, monkeypatch, tmp_path):
    def refuse(*_):
        raise CaptureError("editcap cannot convert it")

    monkeypatch.setattr(capture, "converted", refuse)
    tables = read(written(gzip.compress(TWO), "a.pcap.gz"), "a")
    assert "read by tshark alone, media not measured" in row(tables)["warnings"]
    assert row(tables)["sha256"] == hashlib.sha256((tmp_path / "a.pcap.gz").read_bytes()).hexdigest()
    assert len(tables.sip_messages) == 2


def test_editcap_that_fails_is_quoted(written, monkeypatch, tmp_path):
    program = tmp_path / "editcap"
    program.write_text("#!/bin/sh\necho first >&2\necho out of luck >&2\nexit 1\n")
    program.chmod(0o755)
    tshark = tmp_path / "tshark"
    tshark.write_text(f'#!/bin/sh\nexec {shutil.which("tshark")} "$@"\n')
    tshark.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    held = row(read(written(gzip.compress(TWO), "a.pcap.gz"), "a"))
    assert "out of luck" in held["warnings"]


def test_frames_that_do_not_map_back_are_read_by_tshark_alone(written, monkeypatch):
    def shifted(*args, **kwargs):
        parted = real(*args, **kwargs)
        return replace(parted, kept_times=parted.kept_times + np.int64(1))

    real = capture.split
    monkeypatch.setattr(capture, "split", shifted)
    behind = b"\r\n" + SIP % 1  # a keep-alive: not plain, so tshark's
    tables = read(written(pcap(tcp(1, behind), tcp(1 + len(behind), SIP % 2))), "a")
    assert "read by tshark alone, which is slower: frame 1" in row(tables)["warnings"]
    assert tables.sip_messages["frame"].tolist() == [1, 2]
    assert row(tables)["dissected_packets"] == 2


def test_cut_file_keeps_its_whole_packets(written):
    tables = read(written(TWO[:-3]), "a")
    assert (row(tables)["packets"], bool(row(tables)["cut_short"])) == (1, True)
    assert tables.sip_messages["call_id"].tolist() == ["1"]


def test_keys_beside_the_capture_open_tls(pcaps):
    path, keys = pcaps / "made/sips_tls_keylog.pcapng", pcaps / "made/sips_tls_keylog.keys"
    assert "tls" not in set(read(path, "a").sip_messages["transport"])
    assert "tls" in set(read(path, "a", Options(keylog=keys)).sip_messages["transport"])


@pytest.mark.parametrize("name", ["sips_tls", "sips_tls_odd_port"])
def test_keys_inside_the_capture_open_tls_on_any_port(pcaps, name):
    messages = read(pcaps / f"made/{name}.pcapng", "a").sip_messages
    assert (messages["transport"] == "tls").sum() == 7


def udp(source: int, target: int, payload: bytes) -> bytes:
    return ipv4(
        17, source.to_bytes(2) + target.to_bytes(2) + (8 + len(payload)).to_bytes(2) + b"\0\0" + payload
    )


OFFER = SIP.replace(b"OPTIONS", b"INVITE").replace(
    b"Content-Length: 0\r\n\r\n",
    b"Content-Type: application/sdp\r\n\r\nv=0\r\nc=IN IP4 10.0.0.1\r\nm=audio 4000 RTP/AVP 8\r\n",
)
RTP = b"\x80\x08\0\1\0\0\0\1\0\0\0\x09" + bytes(160)


@pytest.mark.parametrize(
    ("port", "payload", "packets"),
    [(4000, RTP, [1]), (4002, RTP, []), (4000, RTP.replace(b"\x80\x08", b"\x80\x09"), [])],
    ids=["port and payload type of the SDP", "another port", "another payload type"],
)
def test_single_rtp_packet_counts_where_sdp_expects_it(written, port, payload, packets):
    path = written(pcap(udp(5060, 5060, OFFER % 1), udp(9000, port, payload)))
    for options in (Options(), Options(all_packets=True)):
        tables = read(path, "a", options)
        assert tables.rtp_streams["packets"].tolist() == packets
        assert tables.rtp_seconds["packets"].tolist() == packets
