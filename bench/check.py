"""Compare the results of ``postproc run`` with the truth about the capture.

    python -m bench.check OUT TRUTH

prints the deviations as a JSON list. It is a separate process, so that pandas does not enlarge the one that
measures.
"""

import json
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

Truth = Mapping[str, Any]
Tables = Mapping[str, pd.DataFrame]
NEEDED = ("captures", "sip_messages", "legs", "bindings", "dtls", "rtp_streams")


def faults(truth: Truth, tables: Tables) -> list[str]:
    """Return one line per kind of deviation from the truth."""
    return [fault for check in CHECKS for fault in check(truth, tables)]


def read_tables(out: Path) -> dict[str, pd.DataFrame]:
    return {name: pd.read_parquet(out / "tables" / f"{name}.parquet") for name in NEEDED}


def _counts(truth: Truth, tables: Tables) -> Iterable[str]:
    measured = {
        "packets": int(tables["captures"]["packets"].sum()),
        "sip_messages": len(tables["sip_messages"]),
        "rtp_packets": int(tables["rtp_streams"]["packets"].sum()),
    }
    return [
        f"{name}: {measured[name]}, truth {truth[name]}" for name in measured if measured[name] != truth[name]
    ]


def _legs(truth: Truth, tables: Tables) -> Iterable[str]:
    """Check that exactly the right legs form each call, and their final statuses."""
    legs = tables["legs"]
    call_of = dict(zip(legs["call_id"], legs["call"], strict=True))
    status_of = dict(zip(legs["call_id"], legs["final_status"], strict=True))
    expected = {leg["call_id"]: leg["final_status"] for call in truth["calls"] for leg in call["legs"]}
    yield from _line("legs missing", len(expected.keys() - call_of.keys()), len(expected))
    yield from _line("legs too many", len(call_of.keys() - expected.keys()), len(expected))
    together = defaultdict(set)
    for call_id, call in call_of.items():
        together[call].add(call_id)
    real = [{leg["call_id"] for leg in call["legs"]} for call in truth["calls"]]
    yield from _line("calls wrongly joined", sum(call not in together.values() for call in real), len(real))
    wrong = sum(call_id in status_of and status_of[call_id] != expected[call_id] for call_id in expected)
    yield from _line("final status wrong", wrong, len(expected))


def _bindings(truth: Truth, tables: Tables) -> Iterable[str]:
    checks = tables["bindings"].query("purpose == 'check'")
    measured = Counter(zip(checks["direction"], checks["outcome"], strict=True))
    expected: Counter[tuple[str, str]] = Counter()
    for call in truth["calls"]:
        for direction, outcomes in call["bindings"].items():
            expected.update({(direction, outcome): number for outcome, number in outcomes.items()})
    for key in sorted(expected.keys() | measured.keys(), key=str):
        if measured[key] != expected[key]:
            yield f"bindings {' '.join(map(str, key))}: {measured[key]}, truth {expected[key]}"


def _dtls(truth: Truth, tables: Tables) -> Iterable[str]:
    complete = int((tables["dtls"]["state"] == "complete").sum())
    expected = sum(call["dtls"] is not None for call in truth["calls"])
    return [f"DTLS complete: {complete}, truth {expected}"] if complete != expected else []


def _streams(truth: Truth, tables: Tables) -> Iterable[str]:
    """Check packets, losses and call of every SSRC."""
    streams, legs = tables["rtp_streams"], tables["legs"]
    call_of = dict(zip(legs["call_id"], legs["call"], strict=True))
    columns = [streams[name] for name in ("ssrc", "packets", "lost", "call")]
    measured = {ssrc: (packets, lost, call) for ssrc, packets, lost, call in zip(*columns, strict=True)}
    expected = {
        stream["ssrc"]: (stream["packets"], stream["lost"], call_of.get(call["legs"][0]["call_id"]))
        for call in truth["calls"]
        for stream in call["streams"]
    }
    pairs = [(measured.get(ssrc, (0, 0, None)), values) for ssrc, values in expected.items()]
    yield from _line("streams missing", len(expected.keys() - measured.keys()), len(expected))
    yield from _line("streams too many", len(measured.keys() - expected.keys()), len(expected))
    for name, place in (("packets", 0), ("loss", 1), ("call", 2)):
        wrong = sum(not _same(have[place], want[place]) for have, want in pairs)
        yield from _line(f"streams with wrong {name}", wrong, len(expected))


def _same(have: object, want: object) -> bool:
    return have is not pd.NA and have == want


def _line(what: str, number: int, of: int) -> list[str]:
    return [f"{what}: {number} of {of}"] if number else []


CHECKS: tuple[Callable[[Truth, Tables], Iterable[str]], ...] = (_counts, _legs, _bindings, _dtls, _streams)


def main() -> None:
    out, truth = Path(sys.argv[1]), json.loads(Path(sys.argv[2]).read_text())
    print(json.dumps(faults(truth, read_tables(out))))


if __name__ == "__main__":
    main()
