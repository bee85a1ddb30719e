"""SIP over TCP and TLS to a port that is closed, and to one behind a firewall that drops it."""

from pcaps.make.builders import packets
from pcaps.make.builders.packets import Endpoint
from pcaps.make.builders.product import Files, pcapng, product
from pcaps.make.builders.recording import Recording
from postproc.wire.transport import ACK, RST, SYN

WHAT = (
    "no SIP at all: a phone whose connections to port 5061 are refused with RST, three times; and one whose"
    " SYNs to port 5060 nobody answers"
)


def make() -> Files:
    refused, dropped = Recording("2026-12-08T18:00:00"), Recording("2026-12-08T19:00:00")
    for nth, at in enumerate((0.1, 2.1, 6.1)):
        phone, server = ("198.51.100.82", 50500 + nth), ("203.0.113.82", 5061)
        _send(refused, at, phone, server, flags=SYN, seq=1000 * nth)
        _send(refused, at + 0.021, server, phone, flags=RST | ACK, seq=0, ack=1000 * nth + 1)
    for at in (0.1, 1.1, 3.1, 7.1, 15.1):  # RFC 6298, section 5.5
        _send(dropped, at, ("198.51.100.83", 50510), ("203.0.113.83", 5060), flags=SYN, seq=77)
    return product(
        "sip_port_unreachable",
        {
            "sip_port_unreachable_closed.pcapng": pcapng(refused),
            "sip_port_unreachable_dropped.pcapng": pcapng(dropped),
        },
        WHAT,
        [],
        view="client: eth0",
    )


def _send(
    recording: Recording, at: float, source: Endpoint, target: Endpoint, *, flags: int, seq: int, ack: int = 0
) -> None:
    ident = recording.ident(source[0])
    recording.packet(at, packets.tcp(source, target, seq=seq, ack=ack, flags=flags, payload=b"", ident=ident))
