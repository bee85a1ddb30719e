"""The vendor guide's example of "no Binding Success", frame by frame, with the times the guide prints.

Windows with Npcap: leg 1 on the loopback adapter (link type NULL), all else on Ethernet. The pcapng is not in
order of time, as dumpcap reads the adapters in turn. The client, on a telephone's hotspot, offers its private
address first and then a public one; the server tries the first.
"""

from dataclasses import replace

from pcaps.make.builders.b2bua import Call
from pcaps.make.builders.files import Record, pcapng
from pcaps.make.builders.ice import HOST, SERVER_REFLEXIVE, Candidate
from pcaps.make.builders.lab import Lab, tcp_leg
from pcaps.make.builders.links import NULL, Interface
from pcaps.make.builders.product import Files, product
from pcaps.make.builders.recording import Recording

WHAT = "the vendor guide's example: six Binding Requests to a hotspot's private address, none answered"
LOOPBACK, ETHERNET = 0, 1
LAB = Lab(
    sip_server=("127.0.0.1", 4901),
    b2bua=("127.0.0.1", 4900),
    trunk=("192.168.101.12", 5060),
    gateway=("192.168.101.10", 5060),
    media=("192.168.101.12", 30268),
    media_public=("203.0.113.21", 30268),
    client=("172.20.10.2", 55402),
    client_public=("198.51.100.140", 55402),
    trunk_media=("192.168.101.12", 31106),
    gateway_media=("192.168.101.10", 17200),
)
CHECKS = (49.645, 54.665, 57.333, 62.375, 67.378, 69.113)
NO_MEDIA = ['Reason: SIP;cause=487;text="ORIGINATOR_CANCEL"']


def make() -> Files:
    recording = Recording(
        "2025-06-17T09:41:00",
        Interface("\\Device\\NPF_Loopback", NULL, "Adapter for loopback traffic capture"),
        Interface("\\Device\\NPF_{0D1C2B3A-5E6F-4A7B-8C9D-0E1F2A3B4C5D}", description="Ethernet"),
    )
    leg1 = tcp_leg(recording, LAB, at=49.6, on=(LOOPBACK,))
    call = Call(recording, "vendor_no_binding_success", LAB, on=(ETHERNET,), leg1_path=leg1)
    _name_agents(call)
    call.media.ends["client"] = LAB.client
    _signalling(call)
    for at in CHECKS:
        call.ice.check(call.media, at, "server", answer=None)
    call.stream("gateway", 57.345, 58.745)
    call.stream("gateway", 66.905, 69.165)
    records = _as_fetched(recording.records())
    capture = pcapng(recording.interfaces, records, os="64-bit Windows Server 2022")
    truth = call.truth()
    return product(
        "vendor_no_binding_success",
        {"vendor_no_binding_success.pcapng": capture},
        WHAT,
        [truth],
        view="server: loopback + Ethernet",
    )


def _name_agents(call: Call) -> None:
    """The ufrags of the guide; both sides offer a private and a public candidate."""
    client, server = call.ice.agents["client"], call.ice.agents["server"]
    candidates = (
        Candidate("8274310953", HOST, LAB.media, suffix=" generation 0"),
        Candidate(
            "5583920174", SERVER_REFLEXIVE, LAB.media_public, "srflx", LAB.media, suffix=" generation 0"
        ),
    )
    call.ice.agents["client"] = replace(client, ufrag="8b708ebc")
    call.ice.agents["server"] = replace(
        server, ufrag="BUmkOSgeYbP7L5rF", candidates=candidates, check_priority=HOST
    )


def _signalling(call: Call) -> None:
    leg1, leg2 = call.leg1, call.leg2
    leg1.invite(49.610593, call.offer())
    leg1.respond(49.612007, 100)
    leg2.invite(49.620648, call.trunk_offer())
    leg2.respond(49.6226, 100)
    leg1.respond(49.624317, 183, body=call.answer_sdp())
    leg2.respond(49.648, 180)
    leg2.respond(57.331167, 200, body=call.trunk_answer())
    leg2.ack(57.332)
    leg1.respond(57.354160, 200, body=call.answer_sdp())
    leg1.ack(57.355)
    leg1.bye(69.112671, answered=0.021)
    leg2.bye(69.178382, extra=NO_MEDIA)


def _as_fetched(records: list[Record]) -> list[Record]:
    """Return the packets of each adapter in batches of 50 ms, one adapter after the other."""
    return sorted(records, key=lambda record: (record.time_ns // 50_000_000, record.interface))
