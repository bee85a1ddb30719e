"""Leg 1 over TLS 1.3, its keys in a file beside the capture: without them leg 1 cannot be read."""

import ssl

from pcaps.make.builders.product import Files, pcapng, product
from pcaps.make.builders.recording import Recording
from pcaps.make.sips_tls import LAB, tls_call

WHAT = "a whole call with leg 1 over TLS 1.3 on port 5061, keys in sips_tls_keylog.keys"
MADE_ONCE = True
KEYS = "sips_tls_keylog.keys"


def make() -> Files:
    recording = Recording("2026-12-03T22:00:00")
    call, secrets = tls_call(recording, "sips_tls_keylog", LAB, ssl.TLSVersion.TLSv1_3)
    captures = {"sips_tls_keylog.pcapng": pcapng(recording)}
    files = product("sips_tls_keylog", captures, WHAT, [call.truth()], view="server: eth0", keylog=KEYS)
    return {**files, KEYS: secrets.encode()}
