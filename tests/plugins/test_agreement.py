"""The plug-in says the same as the Python tables, for every capture."""

from itertools import cycle
from pathlib import Path

import pytest
from _pytest.mark.structures import ParameterSet

from postproc.read.records import Record, pieces
from postproc.wire.ip import TCP
from tests.plugins import wiresharks
from tests.plugins.agreement import differences
from tests.plugins.dissected import ROOT
from tests.plugins.wiresharks import SYSTEM, Wireshark
from tests.sample import some

PCAPS = ROOT / "pcaps"
WAY_IN = PCAPS / "way-in"
CASES = PCAPS / "cases"  # of the same kinds on the wire as the others: one Wireshark is enough
QUICK = (
    "good",
    "two_calls",
    "no_binding_success",
    "same_second_ambiguous",
    "turn_channel",
    "double_captured",
)
# How a user has to open the capture: the reader finds out by itself what runs on an odd port.
OPENED_WITH = {"sips_tls_odd_port": ("-d", "tcp.port==15061,tls", "-d", "tls.port==15061,sip")}
UNNAMED = "the plug-in ties a look-up by the address it learnt, which here nobody was told"
IN_HEP = "Wireshark 4.0 to 4.6 has no dissector of HEP: the plug-in does not see what is in it"
# Capture -> why the two may differ.
NO_REFER = "the plug-in does not follow REFER: the leg of a transfer is a call of its own"
ALLOWED = {
    "f_refer": NO_REFER,
    "f_wss_no_binding": "the plug-in joins no leg whose SIP cannot be read: its checks are a call",
    "hep": IN_HEP,
    "hep_tcp": IN_HEP,
    "no_response_gateway": UNNAMED,
    "r_rtp_fragments": "the plug-in does not put UDP together whose IP fragments carry media",
    "session_timer_422_trunk": UNNAMED,
    "sip_first_fragment": "Wireshark shows nothing of a SIP message whose later IP fragments are missing",
    "transfer_attended": NO_REFER,
}


def captures() -> list[Path]:
    """All but those of the way in, which have no call."""
    found = (path for path in PCAPS.rglob("*.pcap*") if path.suffix != ".json")
    return sorted(path for path in found if path.parent != WAY_IN)


def stem(capture: Path) -> str:
    return capture.name.partition(".")[0]


def compare(capture: Path, wireshark: Wireshark = SYSTEM) -> None:
    keys = capture.with_name(f"{stem(capture)}.keys")
    found = differences(
        capture, keys if keys.exists() else None, OPENED_WITH.get(stem(capture), ()), wireshark
    )
    assert stem(capture) in ALLOWED or not found, "\n".join(found[:20])


@pytest.mark.parametrize("capture", [c for c in captures() if stem(c) in QUICK], ids=stem)
def test_plugin_and_tables_agree(capture: Path) -> None:
    compare(capture)


@pytest.mark.slow
@pytest.mark.parametrize("capture", some((c for c in captures() if stem(c) not in QUICK), one_in=3), ids=stem)
def test_plugin_and_tables_agree_on_every_capture(capture: Path) -> None:
    compare(capture)


@pytest.mark.parametrize("name", ["ice_tcp", "turn_tcp"])
def test_segments_without_an_ip_length_are_read(name: str, tmp_path: Path) -> None:
    """As they are captured before the network card cuts them (segmentation offload)."""
    capture = PCAPS / f"made/{name}.pcapng"
    data, at = bytearray(capture.read_bytes()), 0
    with pieces(capture) as parts:
        for piece in parts:
            if isinstance(piece, Record) and piece.data[12:14] == b"\x08\0" and piece.data[23] == TCP:
                at = data.index(piece.data, at)
                data[at + 16 : at + 18] = b"\0\0"
                at += len(piece.data)
    offloaded = tmp_path / capture.name
    offloaded.write_bytes(data)
    assert at and not differences(offloaded)


def in_turns() -> list[ParameterSet]:
    """Each capture in one of the newer Wiresharks: all in all of them take minutes more."""
    newer = wiresharks.newer()
    shown = [capture for capture in captures() if capture.parent != CASES]
    turns = zip(some(shown, one_in=4), cycle(newer), strict=False)
    return [
        pytest.param(capture, *other.values, marks=other.marks, id=f"{stem(capture)}-{other.id}")
        for capture, other in turns
    ]


@pytest.mark.parametrize(("capture", "wireshark"), in_turns())
def test_plugin_and_tables_agree_in_newer_wiresharks(capture: Path, wireshark: Wireshark) -> None:
    compare(capture, wireshark)
