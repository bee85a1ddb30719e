"""Messages between a server and a client, and the bindings made of them."""

import pandas as pd

from postproc.correlate.bindings import bindings
from postproc.correlate.endpoints import index
from tests import builders as b

NAT, STUN_SERVER = "203.0.113.10", "192.0.2.53"
TO_CLIENT = {"src_addr": b.SERVER, "src_port": 30000, "dst_addr": b.CLIENT, "dst_port": 50000}
TO_SERVER = {"src_addr": b.CLIENT, "src_port": 50000, "dst_addr": b.SERVER, "dst_port": 30000}
LOOK_UP = {"src_addr": b.SERVER, "src_port": 30000, "dst_addr": STUN_SERVER, "dst_port": 3478}
LOOKED_UP = {"src_addr": STUN_SERVER, "src_port": 3478, "dst_addr": b.SERVER, "dst_port": 30000}
CHECK = TO_CLIENT | {"username": "C:S", "priority": 1}
ANSWER = TO_SERVER | {"kind": "success", "mapped_addr": NAT, "mapped_port": 40000}
REFUSAL = TO_SERVER | {"kind": "error", "error_code": 401}
UNREACHABLE = TO_CLIENT | {"version": 4, "type": 3, "code": 3, "transport": "udp"}


RECORDINGS = pd.Series({"a.pcapng": 1, "b.pcapng": 2})
EMPTY = {name: b.rows(name) for name in ("icmp_errors", "sip_messages", "rtp_streams", "dtls_messages")}


def bound(*messages, sessions=(), endpoints=(), legs=None, end=100.0, **others):
    """Bindings of these messages in a capture that ends after ``end`` seconds.

    Legs that are not given have their messages in a.pcapng, from ever to ever.
    """
    named = {(row.get("call", 1), row.get("leg", 1)) for row in (*sessions, *endpoints)}
    ever = [{"call": call, "leg": leg, "time": None} for call, leg in named if call and leg]
    tables = {name: b.rows(name, *others[name]) if name in others else EMPTY[name] for name in EMPTY}
    captures = pd.DataFrame({"capture": ["a.pcapng", "b.pcapng"], "last_time": b.at(end)})
    return bindings(
        b.stun_messages(*messages),
        index(
            b.legs(*(ever if legs is None else legs)),
            b.endpoints(*endpoints),
            b.ice_sessions(*sessions),
            RECORDINGS,
            tables["sip_messages"],
        ),
        captures=captures,
        **tables,
    )


def one(*messages, **others):
    found = bound(*messages, **others)
    assert len(found) == 1
    return found.iloc[0].to_dict()
