"""Single frames with all their fields, as pyshark shows them: for people who look closer.

tshark runs with ``-T pdml``, which tells every field of every layer. That is slow
(2 ms a frame), so a display filter should say which frames are meant.
"""

import asyncio
from asyncio import StreamReader
from itertools import islice
from pathlib import Path

from pyshark.packet.packet import Packet
from pyshark.tshark.output_parser.tshark_xml import TsharkXmlParser

from postproc.model.errors import CaptureError
from postproc.read.tshark import INSIDE_TURN, EkCapture, apart, streaming


def packets(capture: Path, show: str, keylog: Path | None = None, limit: int | None = None) -> list[Packet]:
    """The frames that the display filter ``show`` lets through, ``limit`` at most, in file order.

    Works beside a running event loop, as in Jupyter. Raises CaptureError when the
    file is gone or tshark refuses it or the filter; of a file cut short the whole
    frames come.
    """
    if not capture.is_file():
        raise CaptureError(f"{capture}: the capture is not there any more")
    return apart(lambda: _read(capture, show, keylog, limit))


def _read(capture: Path, show: str, keylog: Path | None, limit: int | None) -> list[Packet]:
    options = {"custom_parameters": ["-n", "-Y", show, *INSIDE_TURN]}
    with streaming(PdmlCapture, capture, keylog, **options) as stream:
        found = list(islice(stream, limit))
        if limit is None or len(found) < limit:  # else tshark was stopped by us
            stream.check()
    return found


class PdmlCapture(EkCapture):
    """The same process and the same care, with pyshark's own packets as output."""

    output = "pdml"

    def _setup_tshark_output_parser(self) -> "PdmlPackets":
        return PdmlPackets(deadline=self.deadline())


class PdmlPackets(TsharkXmlParser):  # type: ignore[misc]
    """pyshark's parser, with an end to its patience."""

    def __init__(self, deadline: float) -> None:
        super().__init__()
        self._deadline = deadline

    async def get_packets_from_stream(
        self, stream: StreamReader, existing: bytes, got_first_packet: bool = True
    ) -> tuple[Packet | None, bytes]:
        try:
            async with asyncio.timeout_at(self._deadline):
                read: tuple[Packet | None, bytes] = await super().get_packets_from_stream(
                    stream, existing, got_first_packet
                )
        except TimeoutError:
            raise CaptureError("tshark took too long and was stopped") from None
        return read
