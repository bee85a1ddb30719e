"""Leg 1 over TLS 1.2 on port 15061, which is not a SIP port; the keys are in the capture."""

import ssl
from dataclasses import replace

from pcaps.make.builders.product import Files, pcapng, product
from pcaps.make.builders.recording import Recording
from pcaps.make.sips_tls import LAB, tls_call

WHAT = "a whole call with leg 1 over TLS 1.2 on port 15061, keys in the file"
MADE_ONCE = True


def make() -> Files:
    recording = Recording("2026-12-03T20:00:00")
    lab = replace(LAB, b2bua=("10.0.50.118", 15061))
    call, secrets = tls_call(recording, "sips_tls_odd_port", lab, ssl.TLSVersion.TLSv1_2)
    capture = pcapng(recording, secrets=secrets)
    return product(
        "sips_tls_odd_port", {"sips_tls_odd_port.pcapng": capture}, WHAT, [call.truth()], view="server: eth0"
    )
