"""Checks that are refused, answered in one direction only or never sent, and a DTLS flight with a gap."""

from dataclasses import replace

from pcaps.make.builders.b2bua import RTT, Call
from pcaps.make.builders.ice import HOST, Candidate
from pcaps.make.builders.lab import SATELLITE
from pcaps.make.builders.product import Files, pcapng, product
from pcaps.make.builders.recording import Recording

WHAT = (
    "checks refused with 401 as the client holds other credentials; the client's checks answered and the"
    " server's never; a client that names only mDNS addresses, so that nobody checks; the same with"
    " addresses, where the client never got the answer; a DTLS flight without the Certificate"
)


def make() -> Files:
    built = {
        "401": _refused(),
        "one_way": _one_way(),
        "mdns": _mdns(),
        "none": _none(),
        "flight": _flight(),
    }
    captures = {f"check_pictures_{name}.pcapng": pcapng(recording) for name, (recording, _) in built.items()}
    truths = [call.truth(number) for number, (_, call) in enumerate(built.values(), 1)]
    return product("check_pictures", captures, WHAT, truths, view="server: eth0")


def _call(nth: int, name: str) -> tuple[Recording, Call]:
    recording = Recording(f"2026-12-07T1{nth}:00:00")
    client, media = ("192.168.178.35", 33500 + nth), ("10.0.50.118", 31970 + nth)
    lab = replace(
        SATELLITE,
        client=client,
        client_public=("198.51.100.79", client[1]),
        media=media,
        media_public=("203.0.113.10", media[1]),
    )
    return recording, Call(recording, f"check_pictures_{name}", lab)


def _answered(call: Call) -> None:
    call.begin(0.1)
    call.ring(0.4)
    call.answer(0.9)


def _refused() -> tuple[Recording, Call]:
    recording, call = _call(1, "401")
    _answered(call)
    for nth in range(6):
        call.ice.check(call.media, 0.2 + 1.0 * nth, "server", answer=RTT, error=(401, "Unauthenticated"))
    call.stream("gateway", 0.95, 5.0)
    call.hang_up(6.4)
    return recording, call


def _one_way() -> tuple[Recording, Call]:
    """A firewall drops packets to the client: neither the server's checks nor its answers arrive."""
    recording, call = _call(2, "one_way")
    _answered(call)
    for nth in range(6):
        call.ice.check(call.media, 0.2 + 1.0 * nth, "client")
        call.ice.check(call.media, 0.22 + 1.0 * nth, "server", answer=None)
    call.stream("gateway", 0.95, 5.0)
    call.hang_up(6.4)
    return recording, call


def _mdns() -> tuple[Recording, Call]:
    recording, call = _call(3, "mdns")
    hidden = Candidate("5501", HOST, ("6e1f3e44-7d1d-4bb2-9f0a-2f1f6f3e9c10.local", 33503))
    call.ice.agents["client"] = replace(call.ice.agents["client"], candidates=(hidden,))
    call.lab = replace(call.lab, client=("0.0.0.0", 9))
    call.leg1.invite(
        0.1,
        call.offer()
        .replace(f" {hidden.endpoint[1]} UDP", " 9 UDP")
        .replace(hidden.endpoint[0], "0.0.0.0", 0),
    )
    call.leg1.respond(0.103, 100)
    call.look_up(0.105)
    call.leg1.respond(0.114, 183, body=call.answer_sdp())
    call.invite_leg2(0.1165)
    call.ring(0.4)
    call.answer(0.9)
    call.stream("gateway", 0.95, 5.0)
    call.hang_up(6.4)
    return recording, call


def _none() -> tuple[Recording, Call]:
    recording, call = _call(4, "none")
    _answered(call)
    call.stream("gateway", 0.95, 5.0)
    call.hang_up(6.4)
    return recording, call


def _flight() -> tuple[Recording, Call]:
    """The client's flight arrives without its Certificate each time it is sent."""
    recording, call = _call(5, "flight")
    _answered(call)
    call.check(0.12)
    for nth in range(4):
        call.dtls.client_hello(0.2 + nth, nth)
        call.dtls.server_flight(0.2 + nth + RTT, lost={1})
    call.keep_checking(1.15, 6.0)
    call.stream("gateway", 0.95, 5.0)
    call.hang_up(6.4)
    return recording, call
