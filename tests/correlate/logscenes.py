"""A FreeSWITCH log and the packets it is about, as small tables: channel A comes in, B goes out, one call."""

import pandas as pd

from tests import builders as b

A, B, C, D = (f"{letter * 8}-{letter * 4}-{letter * 4}-{letter * 4}-{letter * 12}" for letter in "abcd")
LOG = "fs.log"


def invite(uuid, call_id, **more):
    text = f"sofia/x/1 receiving invite from {b.APP}:5060 version: 1.10.12 call-id: {call_id}"
    return {"uuid": uuid, "call_id": call_id, "kind": "invite", "text": text} | more


def sent(uuid, call_id=None, **more):
    text = f"sofia/t/2 sending invite call-id: {call_id or '(null)'}"
    return {"uuid": uuid, "call_id": call_id, "kind": "invite", "text": text} | more


def sdp(uuid, owner, session, port, **more):
    text = f"Local SDP: o={owner} {session} 1 IN IP4 {b.SERVER}; m=audio {port} RTP/AVP 8"
    return {"uuid": uuid, "kind": "sdp", "text": text} | more


def peer(uuid, other, **more):
    text = f"Originate Resulted in Success: [sofia/t/2] Peer UUID: {other}"
    return {"uuid": uuid, "kind": "peer", "text": text} | more


def hangup(uuid, **more):
    text = "Hangup sofia/x/1 [CS_EXECUTE] [NORMAL_CLEARING]"
    return {"uuid": uuid, "kind": "hangup", "text": text, "level": "NOTICE"} | more


def log_events(*lines) -> pd.DataFrame:
    return b.rows("log_events", *({"capture": LOG} | line for line in lines))


def logs(*names, **more) -> pd.DataFrame:
    row = {"lines": 9, "first_time": 0.0, "last_time": 9.0}
    return b.rows("logs", *({"capture": name, "path": f"/{name}"} | row | more for name in names))
