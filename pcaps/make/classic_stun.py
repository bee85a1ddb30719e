"""Classic STUN (RFC 3489, no magic cookie) beside a call: another telephone asks for its mapped address."""

from pcaps.make.builders import stun
from pcaps.make.builders.b2bua import Call
from pcaps.make.builders.product import Files, pcapng, product
from pcaps.make.builders.recording import Recording, UdpPath
from pcaps.make.builders.seed import Seed

WHAT = "a whole call, and beside it three look-ups in classic STUN, the last of them never answered"
TELEPHONE, PUBLIC, SERVER, SPARE = (
    ("10.0.50.61", 5062),
    ("203.0.113.10", 61062),
    ("192.0.2.53", 3478),
    ("192.0.2.54", 3479),
)


def make() -> Files:
    recording = Recording("2026-12-02T04:00:00")
    call = Call(recording, "classic_stun")
    call.play()
    _look_ups(recording)
    facts = {
        "view": "server: eth0",
        "other_discovery": {"transactions": 3, "requests": 5, "success": 2, "errors": 0},
    }
    return product("classic_stun", {"classic_stun.pcapng": pcapng(recording)}, WHAT, [call.truth()], **facts)


def _look_ups(recording: Recording) -> None:
    seed = Seed("classic_stun look-ups")
    path = UdpPath(recording, {"telephone": TELEPHONE, "server": SERVER})
    for at in (0.05, 0.85):
        transaction = seed.data(16)
        path.send(at, "telephone", stun.classic_request(transaction))
        path.send(at + 0.02, "server", stun.classic_response(transaction, PUBLIC, SERVER, SPARE))
    lost = stun.classic_request(seed.data(16))
    for at in (1.2, 1.3, 1.5):
        path.send(at, "telephone", lost)
