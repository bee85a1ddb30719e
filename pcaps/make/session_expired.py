"""Session timers that run out: nobody refreshes, or the refresh is refused."""

from pcaps.make.builders.phones import PhoneCall
from pcaps.make.builders.product import Files, pcapng, product
from pcaps.make.builders.recording import Recording, TcpConnection

WHAT = (
    "session timers that run out (RFC 4028): a phone that is to refresh within 90 s does not, and the server"
    " says so in its BYE; and an UPDATE to refresh that is answered with 481, after which the server hangs up"
)
MINIMUM = ("Supported: timer", "Session-Expires: 90")


def make() -> Files:
    first, call = _not_refreshed()
    second, other = _refused()
    return product(
        "session_expired",
        {"session_expired_missing.pcapng": pcapng(first), "session_expired_refused.pcapng": pcapng(second)},
        WHAT,
        [call.truth(), other.truth(2)],
        view="server: eth0",
    )


def _not_refreshed() -> tuple[Recording, PhoneCall]:
    recording = Recording("2026-12-05T12:00:00")
    call = PhoneCall(
        recording,
        "session_expired_missing",
        ("198.51.100.51", 5060),
        ("203.0.113.51", 5060),
        ("198.51.100.51", 40000),
        ("203.0.113.51", 20000),
        ("Linphone/5.2.3", "FreeSWITCH-mod_sofia/1.10.12"),
    )
    call.begin(0.1, extra=MINIMUM, answered=("Require: timer", "Session-Expires: 90;refresher=uac"))
    call.talk(1.2, 2.2)
    call.talk(82.2, 83.1)
    call.leg.bye(83.2, "uas", extra=['Reason: SIP;cause=408;text="Session timeout"'])
    return recording, call


def _refused() -> tuple[Recording, PhoneCall]:
    """Over TCP; the caller's proxy was restarted and has forgotten the dialog."""
    recording = Recording("2026-12-05T13:00:00")
    phone, server = ("198.51.100.52", 51234), ("203.0.113.52", 5060)
    path = TcpConnection(recording, {"uac": phone, "uas": server}, opened=0.01)
    call = PhoneCall(
        recording,
        "session_expired_refused",
        phone,
        server,
        ("198.51.100.52", 40100),
        ("203.0.113.52", 11000),
        ("MicroSIP/3.21.3", "Asterisk PBX 20.9.3"),
        path=path,
        transport="TCP",
    )
    call.begin(0.1, extra=("x: 120",), answered=("Require: timer", "x: 120;refresher=uas"))
    call.talk(1.2, 2.2)
    call.leg.exchange(61.1, "UPDATE", "uas", status=481)
    call.talk(118.0, 119.0)
    call.leg.bye(119.4, "uas")
    return recording, call
