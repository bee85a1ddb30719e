"""tshark as a stream of frames (by ``postproc.read.streaming``): its display filters, options and output.

tshark runs with ``-T ek -x``: its dissectors delimit messages (reassembly, decryption, heuristics), and
``NAME_raw`` has each message's bytes, so that two SIP messages in a TCP segment stay two. ``-j`` filters
everything else out of the output.
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
SIP_IN_SEGMENT = 'tcp.payload contains "SIP/2.0"'  # SIP that tshark does not recognise in a segment
# Not on 443, where HTTPS may have thousands of connections; of TLS only the progress of handshakes.
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
    "frame frame.number frame.time_epoch frame.interface_id frame.protocols frame.len frame.cap_len "
    "data dtls dtls.record dtls.handshake dtls.handshake.certificates dtls.handshake.certificate"
)
INSIDE_TURN = ("--enable-heuristic", "dtls_stun", "--enable-heuristic", "stun_turn")


def executable() -> str:
    """Return the path of the tshark to run; SetupError if there is none."""
    return str(programs.tshark().path)


def frames(
    capture: Path,
    keylog: Path | None = None,
    *,
    show: str = SIGNALLING,
    decode_as: Mapping[str, str] | None = None,
) -> Iterator[Frame]:
    """Yield the frames of a capture that match the display filter ``show``, in file order.

    Raises CaptureError if tshark dies, hangs or rejects the file; frames already yielded are valid, and a
    truncated file is no error.
    """
    preferences = PREFERENCES | keylog_preference(keylog)
    rules = (word for port, protocol in (decode_as or {}).items() for word in ("-d", f"{port},{protocol}"))
    arguments = ("-n", "-Y", show, "-j", WANTED, *INSIDE_TURN, *rules)
    with closing(streaming.layers(executable(), capture, preferences, *arguments)) as layers:
        yield from map(from_layers, layers)


def sip_over_tls(source: Path, keylog: Path | None) -> dict[str, str]:
    """Return decode-as rules for TLS servers whose decrypted data no dissector recognises: it may be SIP."""
    servers: dict[frozenset[Place], int | None] = {}
    claimed: set[int | None] = {None}
    unclaimed: set[int | None] = set()
    for frame in frames(source, keylog, show=TLS_DATA):
        ends = frozenset([(frame.src_addr, frame.src_port), (frame.dst_addr, frame.dst_port)])
        port = servers.setdefault(ends, frame.dst_port)  # the first record is the client's
        (unclaimed if frame.protocols[-1] in ("tls", "data") else claimed).add(port)
    return {f"tls.port=={port}": "sip" for port in unclaimed - claimed}


def sip_messages(source: Path, keylog: Path | None = None) -> Mapping[int, tuple[bytes, ...]]:
    """Return the complete SIP messages in TLS, by the number of the frame in which each ends.

    Raises CaptureError if tshark cannot read the capture.
    """
    rules = sip_over_tls(source, keylog)
    return {
        frame.number: tuple(frame.messages["sip"])
        for frame in frames(source, keylog, show="tls && sip", decode_as=rules)
        if "tls" in frame.protocols and frame.messages.get("sip")
    }
