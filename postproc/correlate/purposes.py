"""What a Binding transaction is for: check, keepalive or discovery.

A check carries PRIORITY, a role or USE-CANDIDATE (RFC 8445, section 7.1): the
consent checks of a running call included (RFC 7675). USERNAME alone proves
nothing, FreeSWITCH sends one to STUN servers too; nor does port 3478. What is
sent where SIP, RTP, RTCP, checks or DTLS flow keeps that flow's binding alive
(RFC 5626, RFC 6263): the two ports tell, since NAT and a second network card
may change the addresses. The rest asks a STUN server for a mapped address.
"""

import pandas as pd

from postproc.correlate.records import records

PORTS = ("capture", "src_port", "dst_port")

Ports = tuple[str | None, int | None, int | None]  # capture, sender's port, receiver's port


def carries_check(stun_messages: pd.DataFrame) -> "pd.Series[bool]":
    """Which messages carry an attribute that only connectivity checks have."""
    stun = stun_messages
    nominates = stun["use_candidate"].fillna(False).astype(bool)
    return stun["priority"].notna() | stun["role"].notna() | nominates


def flows(
    checks: pd.DataFrame, sip_messages: pd.DataFrame, rtp_streams: pd.DataFrame, dtls_messages: pd.DataFrame
) -> set[Ports]:
    """Port pairs that carry something else, both ways round; relayed rows are left out."""
    rtp = _ports(rtp_streams)
    rtcp = [(capture, src + 1, dst + 1) for capture, src, dst in rtp]  # RFC 3550, section 11
    one_way = {*_ports(checks), *_ports(sip_messages), *_ports(dtls_messages), *rtp, *rtcp}
    return one_way | {(capture, dst, src) for capture, src, dst in one_way}


def purpose(busy: set[Ports], is_check: bool, ports: Ports) -> str:
    """The purpose of a transaction whose requests went from port to port."""
    if is_check:
        return "check"
    return "keepalive" if ports in busy else "discovery"


def _ports(rows: pd.DataFrame) -> list[tuple[str, int, int]]:
    if "relayed" in rows:
        rows = rows[~rows["relayed"].fillna(False).astype(bool)]
    return list(records(rows[list(PORTS)].dropna().drop_duplicates(), *PORTS))
