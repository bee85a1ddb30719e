"""Endless ICE role conflicts: a softphone that ignores error 487, and two sides that switch at once."""

from dataclasses import replace

from pcaps.make.builders.b2bua import RTT, Call
from pcaps.make.builders.lab import Lab
from pcaps.make.builders.plain import PlainCall, answer, begin, ice_session, web_audio
from pcaps.make.builders.product import Files, pcapng, product
from pcaps.make.builders.recording import Recording, UdpPath
from pcaps.make.builders.seed import Seed

WHAT = (
    "ICE role conflicts: a softphone goes on as controlling though each of its checks is answered with 487;"
    " and, at the client, a browser and a server that switch roles at the same moment: each check is refused"
)
CONFLICT = (487, "Role Conflict")
LAB = Lab(
    sip_server=("10.0.50.117", 4905),
    client=("192.168.178.44", 40412),
    client_public=("198.51.100.94", 40412),
    media=("10.0.50.118", 30412),
    media_public=("203.0.113.10", 30412),
)
BROWSER, OUTSIDE, SERVER = ("192.168.1.23", 61204), ("198.51.100.141", 61204), ("203.0.113.77", 17044)


def make() -> Files:
    both_controlling, first = _kept()
    switched, second = _switched()
    return product(
        "ice_role_conflict",
        {
            "ice_role_conflict_kept.pcapng": pcapng(both_controlling),
            "ice_role_conflict_switched.pcapng": pcapng(switched),
        },
        WHAT,
        [first, second | {"call": 2}],
        view="server; client",
    )


def _kept() -> tuple[Recording, dict[str, object]]:
    """Both are controlling; the server's tie-breaker is larger, so its checks succeed (RFC 8445, 7.3.1.1)."""
    recording = Recording("2026-12-06T08:00:00")
    call = Call(recording, "ice_role_conflict_kept", LAB)
    call.ice.agents["server"] = replace(call.ice.agents["server"], controlling=True)
    call.begin(0.1)
    call.ring(0.4)
    call.answer(0.9)
    for nth in range(8):
        call.ice.check(call.media, 0.2 + 1.1 * nth, "client", error=CONFLICT)
        call.ice.check(call.media, 0.5 + 1.1 * nth, "server", answer=RTT)
    call.stream("gateway", 1.0, 9.0)
    call.hang_up(9.1)
    return recording, call.truth()


def _switched() -> tuple[Recording, dict[str, object]]:
    recording = Recording("2026-12-06T09:00:00")
    call = PlainCall(recording, "ice_role_conflict_switched", callee="4711")
    leg = call.leg(
        ("192.168.1.23", 5066),
        ("203.0.113.77", 5060),
        (BROWSER, SERVER),
        ("JsSIP 3.10.1", "Asterisk PBX 21.1.0"),
    )
    ice = ice_session(Seed("ice_role_conflict_switched ice"), BROWSER, SERVER, seen=OUTSIDE)
    begin(leg, 0.2, web_audio("-", BROWSER, leg.session["uac"], ice.agents["client"], setup="actpass"))
    answer(leg, 1.4, web_audio("root", SERVER, leg.session["uas"], ice.agents["server"], setup="active"))
    path = UdpPath(recording, {"client": BROWSER, "server": SERVER})
    for nth in range(9):
        same = {side: replace(agent, controlling=nth % 2 == 0) for side, agent in ice.agents.items()}
        ice.agents.update(same)
        ice.check(path, 1.5 + 0.6 * nth, "client", answer=0.031, error=CONFLICT)
        ice.check(path, 1.52 + 0.6 * nth, "server", answer=0.0005, error=CONFLICT)
    leg.dialog.bye(7.2)
    return recording, call.truth(ice)
