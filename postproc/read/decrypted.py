"""What tshark decrypts of TLS, where the keys are in the capture or in a keylog."""

from collections.abc import Mapping
from pathlib import Path

from postproc.read import tshark

TLS_DATA = "tls.handshake.type == 1 || tls.record.content_type == 23"

Place = tuple[str | None, int | None]


def sip_over_tls(source: Path, keylog: Path | None) -> dict[str, str]:
    """Decode-as rules for TLS servers whose decrypted data no dissector claims: SIP may be there."""
    servers: dict[frozenset[Place], int | None] = {}
    claimed: set[int | None] = {None}
    unclaimed: set[int | None] = set()
    for frame in tshark.frames(source, keylog, show=TLS_DATA):
        ends = frozenset([(frame.src_addr, frame.src_port), (frame.dst_addr, frame.dst_port)])
        port = servers.setdefault(ends, frame.dst_port)  # the first record is the client's
        (unclaimed if frame.protocols[-1] in ("tls", "data") else claimed).add(port)
    return {f"tls.port=={port}": "sip" for port in unclaimed - claimed}


def sip_messages(source: Path, keylog: Path | None = None) -> Mapping[int, tuple[bytes, ...]]:
    """The SIP messages in TLS, whole, by the number of the frame in which each ends.

    Raises CaptureError when tshark cannot read the capture.
    """
    rules = sip_over_tls(source, keylog)
    return {
        frame.number: tuple(frame.messages["sip"])
        for frame in tshark.frames(source, keylog, show="tls && sip", decode_as=rules)
        if "tls" in frame.protocols and frame.messages.get("sip")
    }
