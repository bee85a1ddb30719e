"""Decrypted TLS, as tshark shows it: heads of HTTP, certificates, alerts, closing frames of WebSockets."""

from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from postproc.read import streaming
from postproc.read.frame import Frame, from_layers
from postproc.read.option_files import keylog_preference
from postproc.read.tshark import PREFERENCES, executable

SHOWN = (
    "tls && (http || http2.type == 1 || tls.handshake.type == 11 || tls.alert_message "
    "|| websocket.opcode == 8)"
)
PROTOCOL = ":protocol"  # of an extended CONNECT (RFC 8441, section 4), which has no field in tshark
FIELDS = ("method", "path", "authority", "status", "server", "authorization", "www_authenticate", "accept")
WANTED = (
    "frame frame.number frame.time_epoch frame.interface_id frame.protocols tls tls.record tls.handshake "
    "tls.handshake.certificates tls.handshake.certificate tls.alert_message websocket websocket.opcode "
    "http2 http2.stream http2.type http2.streamid http2.headers http2.header http "
    "http2.header.name http2.header.value " + " ".join(f"http2.headers.{name}" for name in FIELDS)
)
HEADERS, CLOSE = "1", "8"  # a type of HTTP/2's frames, an opcode of WebSocket's
ALERT = 2  # bytes


class Http2(NamedTuple):
    """A block of header fields of HTTP/2 (RFC 9113, section 8.3)."""

    stream: int
    fields: Mapping[str, str]


class Decrypted(NamedTuple):
    """Decrypted content of one frame; ``certificates`` are DER, ``alerts`` numbers of their description."""

    frame: Frame
    heads: tuple[bytes, ...]
    http2: tuple[Http2, ...]
    certificates: tuple[bytes, ...]
    alerts: tuple[int, ...]
    closes: bool


def decrypted(capture: Path, keylog: Path | None) -> Iterator[Decrypted]:
    """Yield the frames of a capture with such content, in file order.

    Raises CaptureError if tshark dies, hangs or rejects the file.
    """
    preferences = PREFERENCES | keylog_preference(keylog)
    arguments = ("-n", "-Y", SHOWN, "-j", WANTED)
    with closing(streaming.layers(executable(), capture, preferences, *arguments)) as frames:
        yield from map(_decrypted, frames)


def _decrypted(layers: Mapping[str, Any]) -> Decrypted:
    tls, http2, websocket = (_every(layers.get(name)) for name in ("tls", "http2", "websocket"))
    alerts = [data for data in _bytes(tls, "tls_tls_alert_message_raw") if len(data) == ALERT]
    return Decrypted(
        from_layers(layers),
        tuple(_bytes([layers], "http_raw")),
        tuple(block for each in http2 if (block := _http2(each)) is not None),
        tuple(_bytes(tls, "tls_tls_handshake_certificate_raw")),
        tuple(data[1] for data in alerts),
        any(CLOSE in map(str, _every(each.get("websocket_websocket_opcode"))) for each in websocket),
    )


def _every(value: Any) -> list[Any]:  # noqa: ANN401  (as EK has it: nothing, one, or a list)
    values = value if isinstance(value, list) else [value]
    return [each for each in values if each is not None]


def _bytes(layers: list[Any], name: str) -> Iterator[bytes]:
    for layer in layers:
        for text in _every(layer.get(name)) if isinstance(layer, Mapping) else ():
            if isinstance(text, str):
                yield bytes.fromhex(text)


def _http2(layer: Any) -> Http2 | None:  # noqa: ANN401
    if not isinstance(layer, Mapping) or layer.get("http2_http2_type") != HEADERS:
        return None
    raw_fields = {name: layer.get(f"http2_http2_headers_{name}") for name in FIELDS}
    stream = str(layer.get("http2_http2_streamid", ""))
    if not stream.isdigit():
        return None
    fields = {name: str(_every(value)[0]) for name, value in raw_fields.items() if _every(value)}
    names, values = (_every(layer.get(f"http2_http2_header_{each}")) for each in ("name", "value"))
    if PROTOCOL in names and len(names) == len(values):
        fields["protocol"] = str(values[names.index(PROTOCOL)])
    return Http2(int(stream), fields)
