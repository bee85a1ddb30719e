"""A script's output: captures, and their truth with the keys of pcaps/README.md."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pcaps.make.builders import files
from pcaps.make.builders.recording import Recording

Files = dict[str, bytes]


def pcapng(recording: Recording, **options: Any) -> bytes:
    return files.pcapng(recording.interfaces, recording.records(), **options)


def pcap(recording: Recording, **options: Any) -> bytes:
    return files.pcap(recording.interfaces[0], recording.records(), **options)


def product(
    name: str, captures: Mapping[str, bytes], what: str, calls: Sequence[Mapping[str, Any]], **facts: Any
) -> Files:
    """Return the captures and ``NAME.truth.json``; ``facts`` are further keys of the truth."""
    truth = {
        "captures": list(captures),
        "what": what,
        "number_of_calls": len(calls),
        **facts,
        "calls": list(calls),
    }
    text = json.dumps(truth, indent=1, ensure_ascii=False) + "\n"
    return {**captures, f"{name}.truth.json": text.encode()}
