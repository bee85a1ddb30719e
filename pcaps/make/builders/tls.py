"""TLS over a TCP connection, run in memory by the ssl module; the bytes differ each time."""

import ssl
import subprocess
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from pcaps.make.builders.recording import TcpConnection, other

SUBJECT = "/CN=xcc.lab.example"


def self_signed(folder: Path) -> tuple[Path, Path]:
    """Create a certificate and its key, with the openssl command."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3650", "-subj", SUBJECT]
    subprocess.run([*command, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
    return certificate, key


class TlsPath:
    """A path whose payloads travel as TLS records; ``secrets`` is the key log in NSS's format."""

    def __init__(
        self, below: TcpConnection, at: float, version: ssl.TLSVersion, *, client: str = "uac"
    ) -> None:
        self.below, self._client = below, client
        self._incoming = {end: ssl.MemoryBIO() for end in below.ends}
        self._outgoing = {end: ssl.MemoryBIO() for end in below.ends}
        with tempfile.TemporaryDirectory() as folder:
            self._ends = self._contexts(Path(folder), version)
            self._shake_hands(at)
            self.secrets = (Path(folder) / "keys").read_text(encoding="ascii")

    def send(self, at: float, sender: str, payload: bytes) -> None:
        self._ends[sender].write(payload)
        self._deliver(at, sender)
        self._ends[other(self.below.ends, sender)].read(len(payload))

    def _contexts(self, folder: Path, version: ssl.TLSVersion) -> Mapping[str, ssl.SSLObject]:
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.load_cert_chain(*self_signed(folder))
        client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
        client.keylog_filename = str(folder / "keys")
        client.minimum_version = client.maximum_version = version
        contexts = {end: client if end == self._client else server for end in self.below.ends}
        return {
            end: context.wrap_bio(self._incoming[end], self._outgoing[end], server_side=end != self._client)
            for end, context in contexts.items()
        }

    def _shake_hands(self, at: float) -> None:
        """Run the handshake flight by flight, client first, until both ends are done."""
        peer = other(self.below.ends, self._client)
        for nth in range(4):
            for step, end in enumerate((self._client, peer)):
                with suppress(ssl.SSLWantReadError):
                    self._ends[end].do_handshake()
                self._deliver(at + 0.002 * nth + 0.001 * step, end)

    def _deliver(self, at: float, sender: str) -> None:
        data = self._outgoing[sender].read()
        if data:
            self.below.send(at, sender, data)
            self._incoming[other(self.below.ends, sender)].write(data)
