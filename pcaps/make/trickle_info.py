"""Trickle ICE: the offer has the host candidate, an INFO request the server-reflexive one (RFC 8840)."""

from dataclasses import replace

from pcaps.make.builders.b2bua import Call
from pcaps.make.builders.lab import SATELLITE
from pcaps.make.builders.product import Files, pcapng, product
from pcaps.make.builders.recording import Recording

WHAT = "the client's server-reflexive candidate comes in an INFO after its offer"
LAB = replace(SATELLITE, client=("192.168.178.34", 33280), client_public=("198.51.100.77", 33280))
HEADERS = ("Info-Package: trickle-ice", "Content-Type: application/trickle-ice-sdpfrag")


def make() -> Files:
    recording = Recording("2026-12-06T16:00:00")
    call = Call(recording, "trickle_info", LAB, offer_extra=["a=ice-options:trickle"])
    client = call.ice.agents["client"]
    host, reflexive = client.candidates
    call.ice.agents["client"] = replace(client, candidates=(host,))
    call.begin(0.1)
    fragment = [
        f"a=ice-ufrag:{client.ufrag}",
        f"a=ice-pwd:{client.pwd}",
        "m=audio 9 UDP/TLS/RTP/SAVPF 8",
        "a=mid:0",
        f"a=candidate:{reflexive}",
        "a=end-of-candidates",
    ]
    call.leg1.exchange(0.117, "INFO", extra=HEADERS, body="".join(f"{line}\r\n" for line in fragment))
    call.ice.agents["client"] = client
    call.finish(0.12)
    return product(
        "trickle_info", {"trickle_info.pcapng": pcapng(recording)}, WHAT, [call.truth()], view="server"
    )
