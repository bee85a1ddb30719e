"""Checks and candidates of a server and a client, and the pairs made of them."""

import pandas as pd

from postproc.correlate.bindings import bindings
from postproc.correlate.endpoints import index
from postproc.correlate.pairs import pairs
from tests import builders as b

NAT = "203.0.113.10"
TO_CLIENT = {"src_addr": b.SERVER, "src_port": 30000, "dst_addr": b.CLIENT, "dst_port": 50000}
TO_SERVER = {"src_addr": b.CLIENT, "src_port": 50000, "dst_addr": b.SERVER, "dst_port": 30000}
OWN = TO_CLIENT | {"username": "C:S", "priority": 1}
THEIRS = TO_SERVER | {"username": "S:C", "priority": 1}
CLIENT_LINE = {"call": 1, "ufrag": "C", "component": 1, "transport": "udp", "mid": "audio", "time": 0.1}
SERVER_LINE = CLIENT_LINE | {"ufrag": "S", "time": 0.2}
CLIENT_HOST = CLIENT_LINE | {"addr": "192.168.178.34", "port": 50000, "type": "host"}
CLIENT_SRFLX = CLIENT_LINE | {
    "addr": b.CLIENT,
    "port": 50000,
    "type": "srflx",
    "related_addr": "192.168.178.34",
    "related_port": 50000,
}
SERVER_HOST = SERVER_LINE | {"addr": b.SERVER, "port": 30000, "type": "host"}
SERVER_OUTER = SERVER_LINE | {"addr": NAT, "port": 30000, "type": "host"}
OFFERED = (CLIENT_HOST, CLIENT_SRFLX, SERVER_HOST)


def answered(number, request, kind="success", **columns):
    """A request and its response, 20 ms apart; their transaction ID is ``number``."""
    back = {
        "src_addr": request["dst_addr"],
        "src_port": request["dst_port"],
        "dst_addr": request["src_addr"],
        "dst_port": request["src_port"],
    }
    response = {"capture": request.get("capture", "a.pcapng"), "kind": kind, "time": number + 0.02}
    return [asked(number, request), back | response | {"transaction_id": f"{number:02x}"} | columns]


def asked(number, request):
    return {"time": float(number)} | request | {"transaction_id": f"{number:02x}"}


EMPTY = {name: b.rows(name) for name in ("icmp_errors", "sip_messages", "rtp_streams", "dtls_messages")}


def paired(messages=(), candidates=(), sessions=({},), *, end=100.0, dtls=(), rtp_streams=()):
    stun, ice = b.stun_messages(*messages), b.ice_sessions(*sessions)
    known = bindings(
        stun,
        index(b.legs(), b.endpoints(), ice, pd.Series({"a.pcapng": 1, "b.pcapng": 2}), b.sip_messages()),
        captures=pd.DataFrame({"capture": ["a.pcapng", "b.pcapng"], "last_time": b.at(end)}),
        **EMPTY,
    )
    media = {"dtls": b.dtls(*dtls), "rtp_streams": b.rtp_streams(*rtp_streams)}
    return pairs(known, ice, b.candidates(*candidates), stun, **media)


def one(*args, **others):
    found = paired(*args, **others)
    assert len(found) == 1
    return found.iloc[0].to_dict()


def ends(found):
    """Local and remote address and the state of each pair."""
    return list(zip(found["local_addr"], found["remote_addr"], found["state"], strict=True))


def ports(found):
    return sorted(zip(found["local_port"], found["remote_port"], strict=True))
