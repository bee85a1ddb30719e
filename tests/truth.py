"""Truth files in a common form: what happened according to agents, logs and scripts, not packets.

Those of recorded captures count what each end sent and received, those of generated
ones what the script wrote. ``left_out`` of a comparison is the reason not to make it.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

COUNTS = ("transactions", "requests", "success")
Candidate = tuple[str, int, str, int, str, int, str, str | None, int | None]


@dataclass(frozen=True)
class Count:
    """A count with a tolerance: an agent's counters miss its last packets."""

    least: int
    most: int

    def __contains__(self, number: int) -> bool:
        return self.least <= number <= self.most


@dataclass(frozen=True)
class Way:
    """Checks in one direction: transactions, requests on the wire (None: unknown), successes."""

    transactions: int | None
    requests: int | None
    successes: int


@dataclass(frozen=True)
class View:
    """What one capture shows of a call; capture is None where there is only one."""

    capture: str | None
    ways: dict[str, Way]
    media: dict[int, dict[int, Count]]  # leg -> SSRC -> packets


@dataclass(frozen=True)
class TrueCall:
    call_ids: tuple[str, ...]
    final_status: tuple[int, ...]
    client_candidates: frozenset[Candidate]
    server_candidates: frozenset[Candidate]
    client_ufrags: frozenset[str]
    server_ufrags: frozenset[str]
    dtls_done: bool
    views: tuple[View, ...]


@dataclass(frozen=True)
class Truth:
    name: str
    captures: tuple[Path, ...]
    number_of_calls: int
    calls: tuple[TrueCall, ...]
    sip_visible: bool
    raw: dict[str, Any]


def truths(pcaps: Path) -> list[Truth]:
    """Return the truth of every truth file in the folder and its ``made`` folder, by name."""
    files = sorted(pcaps.glob("*.truth.json")) + sorted((pcaps / "made").glob("*.truth.json"))
    return [_truth(file) for file in files]


def _truth(file: Path) -> Truth:
    raw = json.loads(file.read_text())
    names = raw.get("captures") or [raw["capture"]]
    recorded = "captures" not in raw
    sip_visible = "no SIP is visible" not in raw["view"]
    return Truth(
        name=file.name.removesuffix(".truth.json"),
        captures=tuple(file.parent / name for name in names),
        number_of_calls=raw["number_of_calls"],
        calls=tuple(_recorded(call, raw) if recorded else _made(call) for call in raw["calls"]),
        sip_visible=sip_visible,
        raw=raw,
    )


def _call(call: dict[str, Any], *views: View) -> TrueCall:
    return TrueCall(
        call_ids=tuple(leg["call_id"] for leg in call["legs"]),
        final_status=tuple(leg["final_status"] for leg in call["legs"]),
        client_candidates=frozenset(map(_candidate, call["client_candidates"])),
        server_candidates=frozenset(map(_candidate, call["freeswitch_candidates"])),
        client_ufrags=frozenset(filter(None, [call["client_ufrag"], *_earlier(call, "client")])),
        server_ufrags=frozenset(filter(None, [call["freeswitch_ufrag"], *_earlier(call, "freeswitch")])),
        dtls_done=call["dtls"]["done"],
        views=views,
    )


def _earlier(call: dict[str, Any], side: str) -> list[str]:
    return [pair[f"{side}_ufrag"] for pair in call.get("earlier_ufrags", [])]


def _candidate(text: str) -> Candidate:
    words = text.split()
    rest = dict(zip(words[8::2], words[9::2], strict=False))
    port = rest.get("rport")
    foundation, component, transport, priority, addr, own_port = words[:6]
    numbers = int(component), int(priority), int(own_port)
    return (
        foundation,
        numbers[0],
        transport.lower(),
        numbers[1],
        addr,
        numbers[2],
        words[7],
        rest.get("raddr"),
        int(port) if port else None,
    )


def _recorded(call: dict[str, Any], raw: dict[str, Any]) -> TrueCall:
    """Convert an agent's counts: what it sent and what was answered.

    The requests at the server are known only if each was answered.
    """
    ice, leg1, leg2 = call["ice"], call["media"]["leg1"], call["media"]["leg2"]
    client_view = raw["view"].startswith("client")
    sent, answered = ice["client_requests_sent_to_freeswitch"], ice["client_success_responses_received"]
    reached, replied = ice["freeswitch_requests_that_reached_client"], ice["client_success_responses_sent"]
    all_seen = client_view or sent == answered
    dropped = 0 if client_view else raw.get("loss", {}).get("dropped", 0)
    ways = {
        "client_to_server": Way(sent if all_seen else None, None, answered),
        "server_to_client": Way(reached if client_view else None, None, replied),
    }
    media = {
        1: _counts(
            {
                leg1["client_ssrc"]: (leg1["srtp_sent_by_client"] or 0) - dropped,
                leg1["freeswitch_ssrc"]: leg1["srtp_received_by_client"],
            }
        ),
        2: _counts(
            {
                leg2["gateway_ssrc"]: leg2["rtp_sent_by_gateway"],
                **dict.fromkeys(leg2["freeswitch_ssrcs"] or [], leg2["rtp_received_by_gateway"]),
            }
        ),
    }
    return _call(call, View(None, ways, media))


def _counts(packets: dict[int | None, int | None]) -> dict[int, Count]:
    """Return counts with a tolerance: an agent stops counting up to two packets before the BYE."""
    return {ssrc: Count(n, n + 2) for ssrc, n in packets.items() if ssrc is not None and n}


def _made(call: dict[str, Any]) -> TrueCall:
    views = call.get("by_capture") or {None: call}
    if _in_pieces(call):  # a stream across files is one
        views = {None: call}
    return _call(call, *(_view(capture, seen) for capture, seen in views.items()))


def _in_pieces(call: dict[str, Any]) -> bool:
    """Return whether the files are of one ring buffer: each has other packets of the same streams."""
    files = [view["media"] for view in call.get("by_capture", {}).values()]
    shared = [(leg, ssrc) for leg, ssrcs in call["media"].items() for ssrc in ssrcs]
    return len(files) > 1 and all(
        sum(media.get(leg, {}).get(ssrc, 0) for media in files) == call["media"][leg][ssrc]
        for leg, ssrc in shared
    )


def _view(capture: str | None, seen: dict[str, Any]) -> View:
    relayed = seen.get("relayed_bindings", {})  # inside TURN: checks like any others
    ways = {
        name: Way(*(way[count] + relayed.get(name, {}).get(count, 0) for count in COUNTS))
        for name, way in seen["bindings"].items()
        if name != "discovery"
    }
    media = {
        int(leg.removeprefix("leg")): {int(ssrc): Count(n, n) for ssrc, n in streams.items()}
        for leg, streams in seen["media"].items()
    }
    return View(capture, ways, media)
