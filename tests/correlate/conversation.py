"""Rows of sip_messages in which caller and called party talk to each other.

``ask`` makes a request, ``reply`` a response to one; times in seconds. Whoever
speaks, From is the requester and the tags follow: f1 is the caller's, t1 the called party's.
"""

from typing import Any

from tests.builders import APP, SERVER

CALLER = {"src_addr": APP, "src_port": 5060, "dst_addr": SERVER, "dst_port": 5060}
CALLEE = {"src_addr": SERVER, "src_port": 5060, "dst_addr": APP, "dst_port": 5060}
TAGS = {"uac": {"from_tag": "f1", "to_tag": "t1"}, "uas": {"from_tag": "t1", "to_tag": "f1"}}


def way(src: str, dst: str) -> dict[str, Any]:
    """From "addr:port" to "addr:port"."""
    (src_addr, src_port), (dst_addr, dst_port) = (end.rsplit(":", 1) for end in (src, dst))
    return {"src_addr": src_addr, "src_port": int(src_port), "dst_addr": dst_addr, "dst_port": int(dst_port)}


def ask(method: str, time: float, by: str = "uac", **fields: Any) -> dict[str, Any]:
    """A request in the dialog; its branch is made of method and CSeq unless given."""
    cseq = fields.get("cseq", 1)
    told = {"method": method, "cseq_method": method, "branch": f"z9hG4bK{by}{method}{cseq}"}
    return {"time": time, **(CALLER if by == "uac" else CALLEE), **TAGS[by], **told, **fields}


def invite(time: float, **fields: Any) -> dict[str, Any]:
    """An initial INVITE: no To tag."""
    return ask("INVITE", time, **{"to_tag": None, **fields})


def reply(status: int, time: float, method: str = "INVITE", to: str = "uac", **fields: Any) -> dict[str, Any]:
    """A response to a request of the party ``to``."""
    cseq = fields.get("cseq", 1)
    told = {"status": status, "cseq_method": method, "branch": f"z9hG4bK{to}{method}{cseq}"}
    tags = TAGS[to] | ({"to_tag": None} if status == 100 else {})
    return {"time": time, **(CALLEE if to == "uac" else CALLER), **tags, **told, **fields}
