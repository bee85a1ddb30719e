"""Generate a capture and its truth.

    python -m bench.generate rtp calls.pcapng --packets 100000 --foreign 100000
    python -m bench.generate sip many.pcapng --calls 2000 --single-port
    python -m bench.generate folder small/ --captures 200

``rtp``: calls of about a minute through a back-to-back user agent; 99 % of the
packets are RTP. ``sip``: many calls without media, four new ones per second. ``folder``: a
folder of small captures of one short call each. The same
arguments give the same bytes. The truth is written to NAME.truth.json.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from bench import foreign, pcapng
from bench.calls import play
from bench.captures import truth_path
from bench.certificate import certificate
from bench.plan import B2BUA, MEDIA_PORTS, PBX, Plan, Script
from bench.wire import Connection

BEGIN = 1_760_000_000.0
PACKETS_OF_SETUP = 28  # per call: SIP, first checks, DTLS, less 0.12 s without media
PACKETS_PER_SECOND = 201.6  # per call: four streams, consent checks, RTCP
TALK = 60.0  # seconds
SPREAD = 30.0  # seconds within which the calls with media begin
CALLS_PER_SECOND = 4
COUNTED = ("packets", "rtp_packets", "foreign_packets", "sip_messages")  # keys of a truth
SHORT = 6.0  # seconds of a call in its own capture: some 1,200 packets, and time for a check to go unanswered
POOL = 200  # media ports of the B2BUA in ``sip``


def rtp(packets: int, seed: int) -> Script:
    """Return calls with media: about ``packets`` packets (2 % less if many are lost)."""
    rng = np.random.default_rng([seed, 0])
    number_of_calls = max(1, round(packets / (PACKETS_OF_SETUP + PACKETS_PER_SECOND * TALK)))
    talk = max(1.0, (packets / number_of_calls - PACKETS_OF_SETUP) / PACKETS_PER_SECOND)
    starts = BEGIN + rng.random(number_of_calls) * min(SPREAD, number_of_calls / 2)
    return stage([rtp_plan(number, start, talk) for number, start in enumerate(starts.tolist())], seed)


def sip(number_of_calls: int, single_port: bool, checks: int, seed: int) -> Script:
    """Return calls without media, with two legs each; one in twenty is busy, one cancelled."""
    rng = np.random.default_rng([seed, 0])
    starts = BEGIN + (np.arange(number_of_calls) + rng.random(number_of_calls)) / CALLS_PER_SECOND
    talks = rng.uniform(5, 20, number_of_calls)
    plans = [
        Plan(
            number=number,
            start=start,
            talk=talk,
            ports=(MEDIA_PORTS, MEDIA_PORTS) if single_port else _from_pool(number),
            outcome={7: "busy", 13: "cancelled"}.get(number % 20, "answered"),
            at_home=number % 2 == 0,
            checks=checks,
            **_segmentation(number),
        )
        for number, (start, talk) in enumerate(zip(starts.tolist(), talks.tolist(), strict=True))
    ]
    return stage(plans, seed)


def write(
    path: Path, script: Script, foreign_packets: int, seed: int, links: tuple[int, int] = pcapng.NPCAP
) -> None:
    """Write the capture, and its truth beside it."""
    others = foreign.batches(foreign_packets, *_span(script), seed)
    packets = pcapng.write(path, script.wire.packets, [*script.batches, *others], links)
    truth = {
        "packets": packets,
        "rtp_packets": sum(batch.times.size for batch in script.batches),
        "foreign_packets": foreign_packets,
        "sip_messages": sum(call["sip_messages"] for call in script.truth),
        "calls": script.truth,
    }
    truth_path(path).write_text(json.dumps(truth, indent=1) + "\n")


def folder(path: Path, captures: int, seed: int) -> None:
    """Write consecutive captures of one short call each, and one truth about all of them."""
    path.mkdir(parents=True, exist_ok=True)
    truths = []
    for number in range(captures):
        capture = path / f"{number:04}.pcapng"
        write(capture, stage([rtp_plan(number, BEGIN + number * SPREAD, SHORT)], seed + number), 0, seed)
        truths.append(json.loads(truth_path(capture).read_text()))
        truth_path(capture).unlink()
    whole = {name: sum(each[name] for each in truths) for name in COUNTED}
    whole["calls"] = [call for each in truths for call in each["calls"]]
    truth_path(path).write_text(json.dumps(whole, indent=1) + "\n")


def rtp_plan(number: int, start: float, talk: float) -> Plan:
    ports = MEDIA_PORTS + 4 * (number % 4096)
    return Plan(
        number=number,
        start=start,
        talk=talk,
        ports=(ports, ports + 2),
        at_home=number % 2 == 0,
        checks=4 + number % 3,
        media=True,
        **_segmentation(number),
    )


def _segmentation(number: int) -> dict[str, Any]:
    """Return TCP segmentation of a call's SIP, and whether leg 2 carries a header of leg 1."""
    segments = 3 if number % 11 == 3 else 2 if number % 5 == 0 else 1
    return {"segments": segments, "coalesced": number % 7 == 0, "marked": number % 2 == 1}


def _from_pool(number: int) -> tuple[int, int]:
    ports = [MEDIA_PORTS + 2 * (place % POOL) for place in (2 * number, 2 * number + 1)]
    return ports[0], ports[1]


def stage(plans: list[Plan], seed: int) -> Script:
    """Play all calls; all first legs share one TCP connection."""
    script = Script()
    server_certificate = certificate("b2bua", np.random.default_rng([seed, 2]).bytes)
    for plan in plans:
        play(script, plan, seed, server_certificate)
    connection = Connection(script.wire, PBX, B2BUA)
    connection.open(BEGIN - 1)
    for write_ in sorted(script.writes, key=lambda each: each.time):
        connection.write(write_)
    return script


def _span(script: Script) -> tuple[float, float]:
    times = list(_times(script))
    return min(times), max(times)


def _times(script: Script) -> Iterator[float]:
    yield from (packet.time for packet in script.wire.packets)
    for batch in script.batches:
        yield from (float(batch.times[0]), float(batch.times[-1]))


def _arguments() -> argparse.Namespace:
    as_written = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=as_written)
    scenarios = parser.add_subparsers(dest="scenario", required=True)
    with_media = scenarios.add_parser("rtp", help="calls with media")
    with_media.add_argument("--packets", type=int, default=100_000)
    many = scenarios.add_parser("sip", help="many calls without media")
    many.add_argument("--calls", type=int, default=2000)
    many.add_argument("--single-port", action="store_true", help="one media port for all calls")
    many.add_argument("--checks", type=int, default=0, help="ICE checks per side and call")
    small = scenarios.add_parser("folder", help="a folder of small captures, a short call in each")
    small.add_argument("folder", type=Path)
    small.add_argument("--captures", type=int, default=200)
    small.add_argument("--seed", type=int, default=1)
    for scenario in (with_media, many):
        scenario.add_argument("capture", type=Path)
        scenario.add_argument("--foreign", type=int, default=0, help="packets of foreign TCP mixed in")
        scenario.add_argument(
            "--one-link-type", action="store_true", help="loopback as Ethernet, as on Linux"
        )
        scenario.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def main() -> None:
    given = _arguments()
    if given.scenario == "folder":
        folder(given.folder, given.captures, given.seed)
        return
    if given.scenario == "rtp":
        script = rtp(given.packets, given.seed)
    else:
        script = sip(given.calls, given.single_port, given.checks, given.seed)
    links = pcapng.LINUX if given.one_link_type else pcapng.NPCAP
    write(given.capture, script, given.foreign, given.seed, links)


if __name__ == "__main__":
    main()
