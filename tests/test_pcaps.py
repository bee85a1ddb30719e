"""The captures of pcaps/ are registered, reproducible, well-formed, and agree with their truth files.

They are checked with tshark alone, not with our own reading.
"""

import csv
import gzip
import hashlib
import json
import subprocess
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import pytest
from aioice.stun import Class, Message, Method

from pcaps.make import registry
from pcaps.make.builders import stun
from pcaps.make.builders.packets import fragments, udp
from pcaps.make.builders.seed import Seed
from postproc.wire.ip import checksum

MADE = registry.MADE
NAMES = registry.names()
TRUTHS = {name: json.loads((MADE / f"{name}.truth.json").read_text(encoding="utf-8")) for name in NAMES}
CAPTURES = [capture for truth in TRUTHS.values() for capture in truth["captures"]]
CUT = {"cut_short.pcap"}
LARGEST, ALL_TOGETHER, LARGEST_MADE = 1_500_000, 30_000_000, 150_000
FIELDS = (
    "sip.Call-ID",
    "rtp.ssrc",
    "stun.type",
    "icmp.type",
    "icmpv6.type",
    "dtls.handshake.type",
    "classicstun.type",
    "stun.att.username",
)
BAD, GOOD = "0", "1"
CHECKSUMS = tuple(f"{protocol}.checksum.status" for protocol in ("ip", "udp", "tcp", "icmp", "icmpv6"))
SEALS = (*CHECKSUMS, "stun.att.crc32.status")
TSHARK = ["tshark", "-n", "--enable-heuristic", "rtp_udp"]
for preference in (
    "ip.check_checksum:TRUE",
    "udp.check_checksum:TRUE",
    "tcp.check_checksum:TRUE",
    "udp.try_heuristic_first:TRUE",
    "sdp.establish_conversation:FALSE",
):
    TSHARK += ["-o", preference]
# Options that tshark needs to read the whole capture.
HINTS = {
    "sips_tls_keylog.pcapng": ["-o", f"tls.keylog_file:{MADE / 'sips_tls_keylog.keys'}"],
    "sips_tls_odd_port.pcapng": ["-d", "tls.port==15061,sip"],
}
# Captured twice: to tshark the copies of TCP segments are retransmissions, whose SIP it shows once.
COPIES = {"double_captured"}
# With the framing of RFC 4571, tshark shows only one STUN message per segment.
FRAMED = {"ice_tcp"}
COPIED = {"hep"}  # SIP in HEP, for which tshark has no dissector
IN_PART = {"sip_first_fragment"}  # tshark does not dissect a datagram with missing fragments
# Media in ChannelData, or framed: tshark 4.0 does not dissect it; tests/test_truth.py covers it.
WRAPPED = {"turn_channel", "turn_tcp", *FRAMED}


def tshark(capture: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [*TSHARK, *HINTS.get(capture, []), "-r", str(MADE / capture), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@cache
def dissections() -> dict[str, tuple[int, list[dict[str, list[str]]]]]:
    """tshark's exit status and the fields of every packet, for every generated capture."""
    with ThreadPoolExecutor(2) as pool:
        return dict(zip(CAPTURES, pool.map(_dissect, CAPTURES), strict=True))


def _dissect(capture: str) -> tuple[int, list[dict[str, list[str]]]]:
    columns = (*FIELDS, *SEALS, "_ws.malformed")
    wanted = [argument for field in columns for argument in ("-e", field)]
    done = tshark(capture, "-T", "fields", *wanted)
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    split = [zip(columns, row, strict=True) for row in rows]
    return done.returncode, [{name: text.split(",") if text else [] for name, text in row} for row in split]


def packets(name: str) -> list[dict[str, list[str]]]:
    return [packet for capture in TRUTHS[name]["captures"] for packet in dissections()[capture][1]]


def content(path: Path) -> bytes:
    """Return a capture's content, unpacked: gzip's bytes depend on the zlib version."""
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def test_registry_names_every_capture_with_its_hash() -> None:
    with registry.REGISTRY.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    found = {path.relative_to(registry.PCAPS).as_posix(): path for path in registry.captures()}
    assert {row["name"]: row["sha256"] for row in rows} == {
        name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in found.items()
    }
    assert all(all(row[column] for column in registry.COLUMNS) for row in rows)


def test_registry_is_what_the_truth_files_say() -> None:
    with registry.REGISTRY.open(encoding="utf-8", newline="") as lines:
        assert [tuple(row) for row in csv.reader(lines)][1:] == list(registry.rows())


def test_captures_stay_small() -> None:
    sizes = {path: path.stat().st_size for path in registry.captures()}
    assert max(sizes.values()) < LARGEST
    assert sum(sizes.values()) < ALL_TOGETHER
    assert [path.name for path, size in sizes.items() if path.parent == MADE and size > LARGEST_MADE] == []


def test_every_file_in_made_comes_from_a_script() -> None:
    expected = {f"{name}.truth.json" for name in NAMES} | set(CAPTURES)
    expected |= {truth["keylog"] for truth in TRUTHS.values() if "keylog" in truth}
    logs = {f"{Path(capture).stem}.freeswitch.log" for capture in CAPTURES}
    assert expected <= {path.name for path in MADE.iterdir()} <= expected | logs


@pytest.mark.parametrize("name", [name for name in NAMES if not registry.made_once(name)])
def test_making_again_gives_the_same_bytes(name: str, tmp_path: Path) -> None:
    for file, data in registry.make(name).items():
        (tmp_path / file).write_bytes(data)
        assert content(tmp_path / file) == content(MADE / file), file


def test_calls_of_different_captures_share_no_identifier() -> None:
    calls = [call for truth in TRUTHS.values() for call in truth["calls"]]
    call_ids = Counter(leg["call_id"] for call in calls for leg in call["legs"])
    sides = [call[f"{side}_ufrag"] for call in calls for side in ("client", "freeswitch")]
    ufrags = Counter(ufrag for ufrag in sides if ufrag)
    streams = Counter(ssrc for call in calls for leg in call["media"].values() for ssrc in leg)
    assert [
        name for counts in (call_ids, ufrags, streams) for name, count in counts.items() if count > 1
    ] == []


@pytest.mark.parametrize("capture", CAPTURES)
def test_tshark_reads_the_capture(capture: str) -> None:
    assert dissections()[capture][0] == (2 if capture in CUT else 0)


@pytest.mark.parametrize("capture", CAPTURES)
def test_no_packet_is_malformed_or_has_a_wrong_checksum(capture: str) -> None:
    packets = dissections()[capture][1]
    assert [packet for packet in packets if packet["_ws.malformed"]] == []
    assert [packet for packet in packets if any(BAD in packet[seal] for seal in SEALS)] == []
    assert any(GOOD in packet[f"{name}.checksum.status"] for packet in packets for name in ("udp", "tcp"))
    assert all(GOOD in packet["stun.att.crc32.status"] for packet in packets if _is_check(packet))


def _is_check(packet: dict[str, list[str]]) -> bool:
    """Return whether a STUN message is a check: here, only requests to STUN servers lack FINGERPRINT."""
    return packet["stun.type"] == ["0x0001"] and any(":" in name for name in packet["stun.att.username"])


@pytest.mark.parametrize("name", [name for name in NAMES if name not in COPIED | IN_PART])
def test_sip_messages_are_those_of_the_truth(name: str) -> None:
    seen = Counter(call_id for packet in packets(name) for call_id in packet["sip.Call-ID"])
    legs = [leg for call in TRUTHS[name]["calls"] for leg in call["legs"]]
    twice = {leg["call_id"] for leg in legs if name in COPIES and leg["transport"] == "UDP"}
    of_calls = {leg["call_id"]: leg["messages"] * (2 if leg["call_id"] in twice else 1) for leg in legs}
    assert seen == of_calls | TRUTHS[name].get("beside_calls", {})


@pytest.mark.parametrize("name", [name for name in NAMES if name not in FRAMED])
def test_stun_requests_are_those_of_the_truth(name: str) -> None:
    refusals = [packet for packet in packets(name) if _is_icmp(packet)]
    seen = sum(packet["stun.type"] == ["0x0001"] and not _is_icmp(packet) for packet in packets(name))
    expected = sum(counts["requests"] for call in TRUTHS[name]["calls"] for counts in _bindings(call))
    assert seen == _times_seen(name) * expected
    assert len(refusals) == sum(TRUTHS[name].get("icmp_errors", {}).values())


def _is_icmp(packet: dict[str, list[str]]) -> bool:
    return bool(packet["icmp.type"] or packet["icmpv6.type"])


def _times_seen(name: str) -> int:
    return 2 if name in COPIES else 1


def _bindings(call: dict) -> list[dict]:
    """Return the truth's bindings, per capture if given, else those of the call."""
    views = call.get("by_capture", {"": call}).values()
    return [counts for view in views for counts in view["bindings"].values()]


@pytest.mark.parametrize("name", [name for name in NAMES if name not in WRAPPED])
def test_rtp_packets_are_those_of_the_truth(name: str) -> None:
    sent = [packet["rtp.ssrc"] for packet in packets(name) if not _is_icmp(packet)]
    seen = Counter(int(ssrc[0], 16) for ssrc in sent if ssrc)
    expected: Counter[int] = Counter()
    for call in TRUTHS[name]["calls"]:
        for view in call.get("by_capture", {"": call}).values():
            for leg in view["media"].values():
                expected.update({int(ssrc): count * _times_seen(name) for ssrc, count in leg.items()})
    assert seen == expected


@pytest.mark.parametrize("name", [name for name in NAMES if name not in WRAPPED])
def test_handshakes_are_those_of_the_truth(name: str) -> None:
    certificates = sum(packet["dtls.handshake.type"].count("11") for packet in packets(name))
    views = sum(
        call["dtls"]["done"] * call["dtls"].get("handshakes", 1) * _times_at(call)
        for call in TRUTHS[name]["calls"]
    )
    assert certificates == 2 * views * _times_seen(name)


def _times_at(call: dict) -> int:
    """Return the number of places at which the handshake was captured."""
    views = call.get("by_capture", {"": call}).values()
    return sum(view.get("dtls", call["dtls"])["done"] for view in views)


def test_classic_stun_is_seen_as_such() -> None:
    other = TRUTHS["classic_stun"]["other_discovery"]
    seen = sum(packet["classicstun.type"] == ["0x0001"] for packet in packets("classic_stun"))
    assert seen == other["requests"]


def test_the_vendors_frames_have_the_times_of_the_guide() -> None:
    done = tshark(
        "vendor_no_binding_success.pcapng",
        "-Y",
        "stun || sip.Method == INVITE",
        "-T",
        "fields",
        "-e",
        "frame.time_epoch",
        "-e",
        "frame.interface_id",
        "-e",
        "stun.att.username",
    )
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    times = [f"{float(time) % 60:.6f}" for time, *_ in rows]
    assert times == [
        "49.610593",
        "49.620648",
        "49.645000",
        "54.665000",
        "57.333000",
        "2.375000",
        "7.378000",
        "9.113000",
    ]
    assert [row[1] for row in rows] == ["0"] + ["1"] * 7
    assert {row[2] for row in rows[2:]} == {"8b708ebc:BUmkOSgeYbP7L5rF"}


def test_fragments_carry_the_whole_datagram() -> None:
    whole = udp(("10.0.0.1", 5060), ("10.0.0.2", 5060), Seed("x").data(4000), ident=7)
    parts = fragments(whole, 1500)
    assert [len(part) for part in parts] == [1500, 1500, 1068]
    assert b"".join(part[20:] for part in parts) == whole[20:]
    assert all(checksum(part[:20]) == 0 for part in parts)


def test_a_check_is_sealed_as_another_implementation_seals_it() -> None:
    ours = stun.check(
        b"123456789012", "peer:own", "a password", priority=1, controlling=True, tie_breaker=bytes(8)
    )
    attributes = {"USERNAME": "peer:own", "PRIORITY": 1, "ICE-CONTROLLING": 0}
    theirs = Message(Method.BINDING, Class.REQUEST, b"123456789012", attributes)
    theirs.add_message_integrity(b"a password")
    assert theirs.attributes["MESSAGE-INTEGRITY"] in ours
