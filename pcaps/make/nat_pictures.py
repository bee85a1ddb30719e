"""NAT changes a server's or a client's media address, so that no check arrives: one capture each."""

from dataclasses import replace

from pcaps.make.builders import stun
from pcaps.make.builders.b2bua import Call
from pcaps.make.builders.ice import HOST, Candidate
from pcaps.make.builders.lab import SATELLITE, Lab
from pcaps.make.builders.packets import Endpoint
from pcaps.make.builders.product import Files, pcapng, product
from pcaps.make.builders.recording import Recording, UdpPath

WHAT = (
    "a server's NAT: another port for each STUN server (symmetric), an uplink for each (two addresses), an"
    " address other than the candidate says, a media port out of the product's range; and both sides behind"
    " one NAT that offer only its outside address. No check is answered in any of them"
)
STUN_SERVERS = (("192.0.2.53", 3478), ("192.0.2.54", 3478))
OUTSIDE = "203.0.113.10"


def make() -> Files:
    built = [
        _looked_up(1, "symmetric", ((OUTSIDE, 41001), (OUTSIDE, 41777))),
        _looked_up(2, "uplinks", ((OUTSIDE, 31872), ("203.0.113.130", 31872))),
        _looked_up(3, "address", (("203.0.113.200", 31873),)),
        _out_of_range(),
        _one_nat(),
    ]
    names = ("symmetric", "uplinks", "address", "port_range", "hairpin")
    captures = {
        f"nat_pictures_{name}.pcapng": pcapng(recording)
        for name, (recording, _) in zip(names, built, strict=True)
    }
    truths = [call.truth(number) for number, (_, call) in enumerate(built, 1)]
    return product("nat_pictures", captures, WHAT, truths, view="server: eth0")


def _lab(nth: int, media: Endpoint, public: Endpoint) -> Lab:
    client = ("192.168.178.34", 33400 + nth)
    return replace(
        SATELLITE, media=media, media_public=public, client=client, client_public=("198.51.100.77", client[1])
    )


def _looked_up(nth: int, name: str, mapped: tuple[Endpoint, ...]) -> tuple[Recording, Call]:
    """The server asks STUN servers for its media port's address; each returns the next of ``mapped``."""
    recording = Recording(f"2026-12-07T0{nth}:00:00")
    media = ("10.0.50.118", 31870 + nth)
    call = Call(recording, f"nat_pictures_{name}", _lab(nth, media, (OUTSIDE, media[1])))
    call.media.ends["server"] = media
    for number, (server, mapped_address) in enumerate(zip(STUN_SERVERS, mapped, strict=False)):
        path = UdpPath(recording, {"server": media, "stun": server})
        transaction = call.seed.text(12).encode()
        path.send(0.105 + number * 0.004, "server", stun.look_up(transaction, call.seed.text(32)))
        path.send(0.1072 + number * 0.004, "stun", stun.look_up_answer(transaction, mapped_address, server))
        for key in ("transactions", "requests", "success"):
            call.discovery[key] += 1
    _in_vain(call)
    return recording, call


def _out_of_range() -> tuple[Recording, Call]:
    recording = Recording("2026-12-07T04:00:00")
    media = ("10.0.50.118", 41874)
    call = Call(recording, "nat_pictures_port_range", _lab(4, media, (OUTSIDE, 41874)))
    call.media.ends["server"] = media
    _in_vain(call)
    return recording, call


def _one_nat() -> tuple[Recording, Call]:
    """Server and client at one site, whose NAT does not support hairpinning (RFC 4787, section 6)."""
    recording = Recording("2026-12-07T05:00:00")
    lab = replace(_lab(5, ("10.0.50.118", 31875), (OUTSIDE, 31875)), client_public=(OUTSIDE, 33405))
    call = Call(recording, "nat_pictures_hairpin", lab)
    client = call.ice.agents["client"]
    call.ice.agents["client"] = replace(client, candidates=(Candidate("77001", HOST, lab.client_public),))
    call.media.ends["server"] = lab.media
    _in_vain(call)
    return recording, call


def _in_vain(call: Call) -> None:
    """The call is answered, the server's checks are not; only the gateway sends media."""
    call.begin(0.1, look_up=False)
    call.ring(0.4)
    call.answer(0.9)
    for nth in range(7):
        call.ice.check(call.media, 0.2 + 1.0 * nth, "server", answer=None)
    call.stream("gateway", 0.95, 5.9)
    call.hang_up(7.1)
