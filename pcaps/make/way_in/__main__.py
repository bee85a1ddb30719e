"""Record the named scenarios, or all, and update their truth."""

import json
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from pcaps.make.registry import WAY_IN
from pcaps.make.way_in import ORIGIN
from pcaps.make.way_in.network import PHONE, network, on, recorded
from pcaps.make.way_in.pictures import PICTURES, Lab, Picture

APART = 120  # s between captures: redacted copies lack interface names, and could pass for one ring buffer
TRUTH = WAY_IN / "truth.json"
RULES = (
    "port-closed",
    "port-filtered",
    "certificate-not-trusted",
    "certificate-expired",
    "certificate-name",
    "certificate-chain",
    "tls-version",
    "path-not-published",
    "websocket-blocked",
    "sign-in-refused",
    "backend-unavailable",
    "event-channel-missing",
)


def record(name: str, picture: Picture) -> None:
    """Write ``NAME.pcapng`` and, if wanted, the TLS secrets as ``NAME.keys``."""
    capture, keys = WAY_IN / f"{name}.pcapng", WAY_IN / f"{name}.keys"
    number = list(PICTURES).index(name)
    seen = (f"out{number}",) if picture.at == PHONE else (f"dmz{number}", f"lan{number}")
    with TemporaryDirectory() as folder, network(number), ExitStack() as running:
        lab = Lab(Path(folder), Path(folder) / "keys", running)
        picture.ready(lab)
        raw = Path(folder) / "recorded.pcapng"
        with recorded(picture.at, raw, seen), on(picture.by):
            picture.happens(lab)
        subprocess.run(["editcap", "-t", f"{-APART * number}", raw, capture], check=True)
        if picture.keys:
            keys.write_bytes(_secrets(lab.keys.read_bytes()))


def _secrets(text: bytes) -> bytes:
    """Return a key log (NSS format) without comments and exporter secrets, which decrypt nothing."""
    kept = (line for line in text.splitlines(keepends=True) if not line.startswith((b"#", b"EXPORTER")))
    return b"".join(kept)


def truth(picture: Picture) -> dict[str, object]:
    """Return the scenario's entry in truth.json; pcaps/README.md describes it."""
    blind = picture.blind if picture.keys else picture.expect
    return {
        "what": picture.what,
        "origin": ORIGIN,
        "vantage": picture.at,
        "keys": "beside" if picture.keys else "none",
        "expect": picture.expect,
        "never": [name for name in RULES if name not in (*picture.expect, *picture.may)],
        "may": picture.may,
        "expect_without_keys": blind,
        "never_without_keys": [name for name in RULES if name not in (*blind, *picture.may)],
    }


def main(names: list[str]) -> None:
    for name in names or PICTURES:
        record(name, PICTURES[name])
    truths = json.loads(TRUTH.read_text(encoding="utf-8"))
    truths = {name: each for name, each in truths.items() if each.get("origin") != ORIGIN}
    truths |= {name: truth(picture) for name, picture in PICTURES.items()}
    TRUTH.write_text(json.dumps(truths, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


main(sys.argv[1:])
