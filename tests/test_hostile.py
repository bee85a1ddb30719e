"""Hostile texts in SIP headers, from the wire to the screen."""

import csv
import struct
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

EVIL = {
    "from": "=HYPERLINK(0)",
    "to": "\x1b[2J\x07red",
    "agent": "+cmd|' /C calc'!A0",
}


def sip_packet() -> bytes:
    """An IPv4 packet with an INVITE over UDP."""
    lines = (
        "INVITE sip:b@198.51.100.2 SIP/2.0",
        "Via: SIP/2.0/UDP 198.51.100.1:5060;branch=z9hG4bK1",
        f"From: <sip:{EVIL['from']}@198.51.100.1>;tag=1",
        f"To: <sip:{EVIL['to']}@198.51.100.2>",
        "Call-ID: \u202eevil@host",
        "CSeq: 1 INVITE",
        f"User-Agent: {EVIL['agent']}",
        "Content-Length: 0",
    )
    sip = ("\r\n".join(lines) + "\r\n\r\n").encode()
    udp = struct.pack(">HHHH", 5060, 5060, 8 + len(sip), 0) + sip
    addresses = bytes([198, 51, 100, 1, 198, 51, 100, 2])
    return struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0) + addresses + udp


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile")
    packet = sip_packet()
    header = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101)
    capture = header + struct.pack("<IIII", 1_700_000_000, 0, len(packet), len(packet)) + packet
    (folder / "a\x1b[31m\n.pcap").write_bytes(capture)
    (folder / "b\x1b[31m\n.pcap").write_bytes(b"")
    command = [sys.executable, "-m", "postproc", "run", ".", "-o", "out", "--csv"]
    return folder, subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)


def cells(folder: Path, table: str, column: str) -> list[str]:
    with (folder / "out" / "tables" / f"{table}.csv").open(newline="") as file:
        return [row[column] for row in csv.DictReader(file)]


def test_the_terminal_gets_nothing_that_moves_its_cursor_or_turns_its_writing(done):
    _, process = done
    said = process.stdout + process.stderr
    assert not set(said) & {"\x1b", "\x07", "\u202e"}
    assert "\\x1b[2J\\x07red" in process.stdout
    assert "b\\x1b[31m\\n.pcap: empty file" in process.stderr


def test_spreadsheets_get_no_formula(done):
    folder, _ = done
    assert cells(folder, "legs", "from_user") == ["'" + EVIL["from"]]
    assert cells(folder, "sip_messages", "user_agent") == ["'" + EVIL["agent"]]
    assert cells(folder, "sip_messages", "src_port") == ["5060"]


def test_programs_get_what_was_on_the_wire(done):
    folder, _ = done
    messages = pd.read_parquet(folder / "out" / "tables" / "sip_messages.parquet")
    assert messages["user_agent"].tolist() == [EVIL["agent"]]
    assert messages["call_id"].tolist() == ["\u202eevil@host"]
    assert messages["capture"].tolist() == ["a\x1b[31m\n.pcap"]
