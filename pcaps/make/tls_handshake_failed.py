"""Failed TLS on SIP ports: a certificate that the phone does not trust, and no common version."""

import ssl
import tempfile
from contextlib import suppress
from pathlib import Path

from pcaps.make.builders.product import Files, pcapng, product
from pcaps.make.builders.recording import Recording, TcpConnection
from pcaps.make.builders.tls import self_signed

WHAT = (
    "TLS handshakes that fail, and no SIP at all: a phone over TLS 1.3 that does not trust a self-signed"
    " certificate (port 5061, three attempts), and one of TLS 1.2 whose server wants 1.3 (WSS, port 7443)"
)
MADE_ONCE = True


def make() -> Files:
    trust, version = Recording("2026-12-05T18:00:00"), Recording("2026-12-05T19:00:00")
    for nth in range(3):
        _fail(trust, 0.1 + 5 * nth, 5061, 50300 + nth, ssl.TLSVersion.TLSv1_3)
    _fail(version, 0.1, 7443, 50400, ssl.TLSVersion.TLSv1_2, server=ssl.TLSVersion.TLSv1_3)
    return product(
        "tls_handshake_failed",
        {
            "tls_handshake_failed_trust.pcapng": pcapng(trust),
            "tls_handshake_failed_version.pcapng": pcapng(version),
        },
        WHAT,
        [],
        view="server: eth0",
    )


def _fail(
    recording: Recording,
    at: float,
    port: int,
    own: int,
    client: ssl.TLSVersion,
    *,
    server: ssl.TLSVersion | None = None,
) -> None:
    """Run a handshake by the ssl module, flight by flight; both ends close after the alert."""
    ends = {"uac": ("198.51.100.81", own), "uas": ("203.0.113.81", port)}
    connection = TcpConnection(recording, ends, opened=at)
    inward, outward = ({end: ssl.MemoryBIO() for end in ends} for _ in range(2))
    asking = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    asking.check_hostname = False
    asking.minimum_version = asking.maximum_version = client
    answering = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if server is not None:
        answering.minimum_version = server
    with tempfile.TemporaryDirectory() as folder:
        answering.load_cert_chain(*self_signed(Path(folder)))
    sides = {
        "uac": asking.wrap_bio(inward["uac"], outward["uac"]),
        "uas": answering.wrap_bio(inward["uas"], outward["uas"], server_side=True),
    }
    for nth, (sender, receiver) in enumerate([("uac", "uas"), ("uas", "uac")] * 2):
        with suppress(ssl.SSLError):
            sides[sender].do_handshake()
        if data := outward[sender].read():
            connection.send(at + 0.01 + 0.012 * nth, sender, data)
            inward[receiver].write(data)
    connection.close(at + 0.08)
