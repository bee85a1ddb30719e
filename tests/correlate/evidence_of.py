"""What the tests of ties, streams, handshakes and the timeline let be known of calls."""

import pandas as pd

from postproc.correlate.endpoints import Index, index, with_bindings
from tests import builders as b

RECORDINGS = pd.Series({"a.pcapng": 1, "a2.pcapng": 1, "b.pcapng": 2})
OUTSIDE = "203.0.113.10"  # the server's address across its NAT
TO_CLIENT = {"src_addr": b.SERVER, "src_port": 30000, "dst_addr": b.CLIENT, "dst_port": 50000}
TO_SERVER = {"src_addr": b.CLIENT, "src_port": 50000, "dst_addr": b.SERVER, "dst_port": 30000}
CHECK = TO_CLIENT | {
    "purpose": "check",
    "direction": "server_to_client",
    "username": "C:S",
    "call": 1,
    "leg": 1,
    "outcome": "success",
}


def leg(number=1, *, call=1, time=0.0, end=60.0, **columns):
    """A leg of a call; its Call-ID is "leg NUMBER of CALL"."""
    name = f"leg {number} of {call}"
    return {"call": call, "leg": number, "call_id": name, "time": time, "end_time": end} | columns


def at(addr, port, side, number=1, *, call=1, **columns):
    """A media endpoint of a leg."""
    return {"call": call, "leg": number, "side": side, "addr": addr, "port": port} | columns


def known(legs=(), endpoints=(), bindings=(), sip=()) -> Index:
    messages = b.sip_messages(*sip)
    named = index(b.legs(*legs), b.endpoints(*endpoints), b.ice_sessions(), RECORDINGS, messages)
    return with_bindings(named, b.bindings(*bindings))


def ns(seconds):
    return b.at(seconds).value
