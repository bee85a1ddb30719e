"""Frames as tshark.py hands them out, built by hand."""

from typing import Any

from postproc.read.frame import Frame


def frame(**changes: Any) -> Frame:
    """A UDP frame from 10.0.0.1:5060 to 10.0.0.2:5060 at 1 s, with these changes."""
    usual: dict[str, Any] = {
        "number": 1,
        "time": 1_000_000_000,
        "interface": 0,
        "protocols": ("eth", "ethertype", "ip", "udp"),
        "src_addr": "10.0.0.1",
        "src_port": 5060,
        "dst_addr": "10.0.0.2",
        "dst_port": 5060,
        "transport": "udp",
        "ip": b"",
        "header": b"",
        "packet": b"",
        "messages": {},
    }
    return Frame(**(usual | changes))
