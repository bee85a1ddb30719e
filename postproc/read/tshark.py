"""tshark as a stream of frames, by ``postproc.read.streaming``: which of them, and what we make of them.

tshark runs with ``-T ek -x``: its dissectors say where a message begins and
ends (reassembly, decryption, heuristics), and ``NAME_raw`` holds the message's
bytes, one per occurrence, so that two SIP messages in a TCP segment stay two.
Everything else in the stream is filtered out by ``-j``.
"""

from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

from postproc.read import programs, streaming
from postproc.read.frame import Frame, from_layers
from postproc.read.option_files import keylog_preference

Place = tuple[str | None, int | None]

PREFERENCES = {
    "sdp.establish_conversation": "FALSE",  # else Call-IDs pile up on every reused media port
    "udp.try_heuristic_first": "TRUE",  # STUN on ports 30030, 32000, 32512 ...
    "tcp.try_heuristic_first": "TRUE",  # SIP on ports that belong to others
    "tcp.reassemble_out_of_order": "TRUE",
}
RELAYED_MEDIA = "stun.channel && udp.payload[4:2] >= 80:00"  # RTP in ChannelData (RFC 7983)
SIP_IN_SEGMENT = 'tcp.payload contains "SIP/2.0"'  # what tshark takes for a plain segment
# Where HTTPS is, its thousands of connections stay unseen; of TLS only what says how far a handshake came.
CLOSED = "(tcp.flags.fin == 1 || tcp.flags.reset == 1) && !(tcp.port == 443)"
SECURED = (
    "(tls.record.content_type in {20..22} || tls.record.opaque_type == 23 && tls.record.length == 19) "
    "&& !(tcp.port == 443)"
)
HEP = "udp.payload[0:4] == 48:45:50:33"
SIP_IN_FRAGMENT = '(ip.flags.mf == 1 || ipv6.fraghdr.more == 1) && data contains "SIP/2.0"'
SIGNALLING = (
    f"sip || {SIP_IN_SEGMENT} || (stun && !({RELAYED_MEDIA})) || classicstun || dtls "
    f"|| ({SIP_IN_FRAGMENT}) || {HEP} || icmp.type in {{3..5,11,12}} || icmpv6.type < 128 || {CLOSED} "
    f"|| {SECURED}"
)
TLS_DATA = "tls.handshake.type == 1 || tls.record.content_type == 23"
WANTED = (
    "frame frame.number frame.time_epoch frame.interface_id frame.protocols "
    "data dtls dtls.record dtls.handshake dtls.handshake.certificates dtls.handshake.certificate"
)
INSIDE_TURN = ("--enable-heuristic", "dtls_stun", "--enable-heuristic", "stun_turn")


def executable() -> str:
    """Path of the tshark to run; SetupError when there is none."""
    return str(programs.tshark().path)


def frames(
    capture: Path,
    keylog: Path | None = None,
    *,
    show: str = SIGNALLING,
    decode_as: Mapping[str, str] | None = None,
) -> Iterator[Frame]:
    """Yield the frames of a capture that the display filter ``show`` lets through, in file order.

    Raises CaptureError when tshark dies, hangs or refuses the file; the frames
    already yielded are good, and a file cut short is no error.
    """
    preferences = PREFERENCES | keylog_preference(keylog)
    rules = (word for port, protocol in (decode_as or {}).items() for word in ("-d", f"{port},{protocol}"))
    arguments = ("-n", "-Y", show, "-j", WANTED, *INSIDE_TURN, *rules)
    with closing(streaming.layers(executable(), capture, preferences, *arguments)) as told:
        yield from map(from_layers, told)


def sip_over_tls(source: Path, keylog: Path | None) -> dict[str, str]:
    """Decode-as rules for TLS servers whose decrypted data no dissector claims: SIP may be there."""
    servers: dict[frozenset[Place], int | None] = {}
    claimed: set[int | None] = {None}
    unclaimed: set[int | None] = set()
    for frame in frames(source, keylog, show=TLS_DATA):
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
        for frame in frames(source, keylog, show="tls && sip", decode_as=rules)
        if "tls" in frame.protocols and frame.messages.get("sip")
    }
