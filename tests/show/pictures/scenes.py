"""Calls that are hard to draw, as captures: one of 500 SIP messages, one of four legs with a log."""

from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

import postproc
from pcaps.make.builders import rtp, sdp
from pcaps.make.builders.b2bua import Call
from pcaps.make.builders.lab import SATELLITE
from pcaps.make.builders.product import pcapng
from pcaps.make.builders.recording import Recording, UdpPath
from pcaps.make.builders.sdp import Session
from pcaps.make.builders.sip import GATEWAY_AGENT, Dialog
from postproc.pipeline import Run
from tests import builders as b
from tests.conftest import PCAPS

BORDER_AGENT, CARRIER_AGENT = "BorderController/4.2", "CarrierSwitch 9"
BORDER, CARRIER, PHONE = ("10.0.60.1", 5060), ("10.0.70.9", 5060), ("10.0.80.80", 5060)


@lru_cache
def run_of(*names: str) -> Run:
    """The run of captures that lie in pcaps/."""
    return postproc.analyze([PCAPS / name for name in names])


@lru_cache
def long_call() -> Run:
    """Over 500 SIP messages in 7 minutes: INFO, re-INVITEs, a hold of a minute, checks each second."""
    recording = Recording("2026-12-05T08:00:00")
    call = Call(recording, "long_call")
    call.begin(0.1)
    call.check(0.12)
    call.secure(0.146)
    call.ring(0.4)
    call.answer(0.7)
    call.keep_checking(1.1, 400.0)
    call.talk(0.72, 20.0)
    for nth in range(115):
        call.leg1.exchange(2.0 + nth * 1.7, "INFO", answered=0.02)
        call.leg2.exchange(2.3 + nth * 1.7, "INFO", answered=0.02)
    for nth in range(8):
        _reinvite(call, 200.0 + nth * 25.0)
    call.hang_up(420.0)
    return _analyzed(recording)


def _reinvite(call: Call, at: float) -> None:
    call.leg1.invite(at, call.offer())
    call.leg1.respond(at + 0.003, 100)
    call.leg2.invite(at + 0.005, call.trunk_offer())
    call.leg2.respond(at + 0.008, 200, body=call.trunk_answer())
    call.leg2.ack(at + 0.009)
    call.leg1.respond(at + 0.012, 200, body=call.answer_sdp())
    call.leg1.ack(at + 0.014)


@lru_cache
def four_legs() -> Run:
    """A chain of three B2BUAs: server, border controller, carrier; media on every leg."""
    recording = Recording("2026-12-05T10:00:00")
    lab = replace(SATELLITE, gateway=("10.0.50.40", 5060), gateway_media=("10.0.50.40", 22308))
    header = ["X-XPhone-Call-ID: {6f1c2d84-90ab-4cde-8123-77aa55ee4411}"]
    call = Call(recording, "four_legs", lab, invite1_extra=header, invite2_extra=header)
    call.leg2.agents = (call.leg2.agents[0], BORDER_AGENT)
    third = _leg(call, "leg 3", BORDER, CARRIER, (BORDER_AGENT, CARRIER_AGENT))
    fourth = _leg(call, "leg 4", CARRIER, PHONE, (CARRIER_AGENT, GATEWAY_AGENT))
    call.begin(0.1)
    call.check(0.12)
    call.secure(0.146)
    further = ((third, BORDER, CARRIER), (fourth, CARRIER, PHONE))
    for nth, (leg, offering, _) in enumerate(further):
        leg.invite(0.124 + nth * 0.006, sdp.plain("sw", (offering[0], 22310 + nth), Session(4711 + nth)))
        leg.respond(0.127 + nth * 0.006, 100)
    for nth, (leg, _, answering) in reversed(list(enumerate(further))):
        leg.respond(0.403 - nth * 0.003, 180)
        leg.respond(0.703 - nth * 0.003, 200, body=sdp.plain("sw", (answering[0], 17844 + nth), Session(815)))
        leg.ack(0.704 - nth * 0.003)
    call.ring(0.405)
    call.answer(0.706)
    call.talk(0.74, 1.54)
    for nth, (_, offering, answering) in enumerate(further):
        ends = {"a": (offering[0], 22310 + nth), "b": (answering[0], 17844 + nth)}
        path = UdpPath(recording, ends)
        for who in ends:
            seed = call.seed.child(f"{who}{nth}")
            rtp.stream(path, seed, who, 0.747, until=1.547, ssrc=seed.number(2**24, 2**32 - 1))
    call.hang_up(1.6)
    third.bye(1.644)
    fourth.bye(1.648)
    return _analyzed(recording)


def _leg(
    call: Call, name: str, uac: tuple[str, int], uas: tuple[str, int], agents: tuple[str, str]
) -> Dialog:
    ends = {"uac": uac, "uas": uas}
    seed = call.seed.child(name)
    who = {"caller": call.caller, "callee": call.callee, "name": call.caller_name}
    call_id = f"{seed.hex(24)}@{uac[0]}"
    return Dialog(UdpPath(call.recording, ends), ends, seed, call_id, agents=agents, **who)


def _analyzed(recording: Recording) -> Run:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "call.pcapng"
        path.write_bytes(pcapng(recording))
        return postproc.analyze(path)


def timeline(*events: dict[str, object]) -> pd.DataFrame:
    """Events of call 1, leg 1: SIP requests at 1, 2, ... s unless said otherwise."""
    base = {"call": 1, "leg": 1, "lane": "sip", "kind": "request", "label": "INFO", "severity": "normal"}
    return b.rows("timeline", *(base | event for event in events))
