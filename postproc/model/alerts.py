"""Alerts of TLS (RFC 8446, section 6) and DTLS, whose numbers are the same (RFC 6347, section 4.1.2.6)."""

from postproc.model import constants

ALERTS = {int(code): str(name) for code, name in constants.table("dtls.alerts").items()}
ENCRYPTED = "encrypted"  # in place of the name, where the alert follows ChangeCipherSpec
HARMLESS = frozenset({"close_notify", "user_canceled", "no_renegotiation"})  # these break no handshake
