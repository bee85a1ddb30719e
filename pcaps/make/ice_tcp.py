"""ICE over TCP (RFC 6544): the client connects to the server; checks, DTLS and SRTP use the connection.

Each packet is preceded by its length in two bytes (RFC 4571); packets share segments and span two.
"""

from dataclasses import replace

from pcaps.make.builders.b2bua import Call
from pcaps.make.builders.ice import Candidate
from pcaps.make.builders.lab import SATELLITE
from pcaps.make.builders.product import Files, pcapng, product
from pcaps.make.builders.recording import FramedPath, Recording, TcpConnection
from postproc.wire.framing import Framing

WHAT = "ICE over TCP: checks, DTLS and SRTP framed by RFC 4571 on the connection that the client opened"
PRIORITY, DISCARD = 1015021823, 9  # RFC 6544, section 4.2; the port of an active candidate (section 4.5)
LAB = replace(SATELLITE, client=("192.168.178.34", 33270), client_public=("198.51.100.77", 33270))


def make() -> Files:
    recording = Recording("2026-12-06T12:00:00")
    ends = {"client": LAB.client_public, "server": LAB.media}
    path = FramedPath(TcpConnection(recording, ends, opened=0.105), Framing.RFC4571)
    call = Call(recording, "ice_tcp", LAB, media_path=path)
    agents = call.ice.agents
    active, passive = (LAB.client[0], DISCARD), LAB.media_public
    for side, endpoint, kind in (("client", active, "active"), ("server", passive, "passive")):
        foundation = call.seed.text(8, "0123456789")
        candidate = Candidate(foundation, PRIORITY, endpoint, suffix=f" tcptype {kind}", transport="tcp")
        agents[side] = replace(agents[side], candidates=(candidate,))
    call.play()
    return product("ice_tcp", {"ice_tcp.pcapng": pcapng(recording)}, WHAT, [call.truth()], view="server")
