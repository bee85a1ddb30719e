"""REGISTER that never succeeds: a wrong password against a PBX, and a registrar that is silent."""

from pcaps.make.builders.packets import Endpoint
from pcaps.make.builders.product import Files, pcapng, product
from pcaps.make.builders.recording import Recording, UdpPath
from pcaps.make.builders.seed import Seed
from pcaps.make.builders.sip import Dialog

WHAT = (
    "registrations that fail, and no call: a phone with a wrong password, challenged anew each time; and a"
    " softphone whose REGISTER nobody answers"
)
CHALLENGE = 'WWW-Authenticate: Digest realm="asterisk", nonce="{}", qop="auth"'
CREDENTIALS = (
    'Authorization: Digest username="{}", realm="asterisk", nonce="{}", uri="sip:pbx", response="{}"'
)


def make() -> Files:
    first, second = Recording("2026-12-05T16:00:00"), Recording("2026-12-05T17:00:00")
    password, silent = _wrong_password(first), _silent(second)
    return product(
        "registration_failed",
        {
            "registration_failed_password.pcapng": pcapng(first),
            "registration_failed_silent.pcapng": pcapng(second),
        },
        WHAT,
        [],
        view="server: eth0",
        beside_calls={dialog.call_id: dialog.messages for dialog in (password, silent)},
    )


def _phone(recording: Recording, name: str, phone: Endpoint, server: Endpoint) -> Dialog:
    seed = Seed(name)
    path = UdpPath(recording, {"uac": phone, "uas": server})
    return Dialog(
        path,
        path.ends,
        seed,
        seed.hex(20),
        caller="2001",
        callee="2001",
        agents=("Yealink SIP-T46S", "Asterisk PBX 20.9.3"),
    )


def _wrong_password(recording: Recording) -> Dialog:
    """Asterisk answers a wrong password with another 401, not with 403."""
    phone = _phone(recording, "registration_failed_password", ("198.51.100.71", 5062), ("203.0.113.71", 5060))
    for nth in range(3):
        at, nonce = 0.1 + 30 * nth, phone.seed.hex(8)
        challenge = (CHALLENGE.format(nonce),)
        phone.exchange(at, "REGISTER", status=401, answered=0.002, answer_extra=challenge)
        credentials = (CREDENTIALS.format("2001", nonce, phone.seed.hex(32)),)
        phone.exchange(
            at + 0.01, "REGISTER", status=401, answered=0.002, extra=credentials, answer_extra=challenge
        )
    return phone


def _silent(recording: Recording) -> Dialog:
    phone = _phone(recording, "registration_failed_silent", ("198.51.100.72", 5060), ("203.0.113.72", 5060))
    sent = phone.request(0.1, "REGISTER", cseq=1, branch="z9hG4bKregistration", tag="")
    for after in (0.5, 1.5, 3.5, 7.5, 11.5):
        phone.again(0.1 + after, "uac", sent)
    return phone
