"""Leg 1 over TLS 1.3 on port 5061; the keys are in the capture (Decryption Secrets Block)."""

import ssl
from dataclasses import replace

from pcaps.make.builders.b2bua import Call
from pcaps.make.builders.lab import SATELLITE, Lab, tcp_leg
from pcaps.make.builders.product import Files, pcapng, product
from pcaps.make.builders.recording import Recording
from pcaps.make.builders.tls import TlsPath

WHAT = "a whole call with leg 1 over TLS 1.3 on port 5061, keys in the file"
MADE_ONCE = True
LAB = replace(SATELLITE, sip_server=("10.0.50.117", 50212), b2bua=("10.0.50.118", 5061))


def make() -> Files:
    recording = Recording("2026-12-03T18:00:00")
    call, secrets = tls_call(recording, "sips_tls", LAB, ssl.TLSVersion.TLSv1_3)
    capture = pcapng(recording, secrets=secrets)
    return product("sips_tls", {"sips_tls.pcapng": capture}, WHAT, [call.truth()], view="server: eth0")


def tls_call(recording: Recording, name: str, lab: Lab, version: ssl.TLSVersion) -> tuple[Call, str]:
    """Return a good call and the key log (NSS format) of its leg 1."""
    path = TlsPath(tcp_leg(recording, lab), 0.01, version)
    call = Call(recording, name, lab, leg1_path=path, leg1_transport="TLS")
    call.play()
    return call, path.secrets
