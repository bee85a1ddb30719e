"""Tables for tests, given only the columns that matter; the others have neutral defaults.

Each builder takes one dict per row: ``sip_messages({"method": "INVITE"}, {"status": 200})``.
Seconds given as ``time=1.5`` count from EPOCH; ``frame`` counts up by itself.
"""

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from postproc.correlate.attribution import attributed as with_calls
from postproc.correlate.endpoints import index, with_bindings
from postproc.model import tables
from postproc.model.tables import BY_NAME, Table, Tables

EPOCH = pd.Timestamp("2026-01-01T12:00:00Z")
CLIENT, SERVER, GATEWAY, APP = "198.51.100.77", "10.0.50.118", "10.0.50.20", "10.0.50.5"

DEFAULTS: dict[str, dict[str, Any]] = {
    "captures": {"interfaces": "eth0", "link_types": "ETHERNET", "cut_short": False},
    "sip_messages": {
        "call_id": "a@x",
        "src_addr": APP,
        "src_port": 5060,
        "dst_addr": SERVER,
        "dst_port": 5060,
        "transport": "udp",
        "cseq": 1,
        "cseq_method": "INVITE",
        "branch": "z9hG4bK1",
        "from_uri": "sip:721@example.org",
        "from_tag": "f1",
        "to_uri": "sip:+498984079810@example.org",
        "has_sdp": False,
        "authorized": False,
    },
    "stun_messages": {
        "src_addr": SERVER,
        "src_port": 30000,
        "dst_addr": CLIENT,
        "dst_port": 50000,
        "method": "binding",
        "kind": "request",
        "transaction_id": "00" * 12,
        "use_candidate": False,
        "relayed": False,
    },
    "dtls_messages": {
        "src_addr": SERVER,
        "src_port": 30000,
        "dst_addr": CLIENT,
        "dst_port": 50000,
        "content": "handshake",
        "epoch": 0,
        "relayed": False,
    },
    "rtp_streams": {
        "src_addr": SERVER,
        "src_port": 30000,
        "dst_addr": CLIENT,
        "dst_port": 50000,
        "ssrc": 1,
        "payload_type": 8,
        "packets": 100,
        "expected": 100,
        "lost": 0,
        "duplicates": 0,
        "reordered": 0,
        "relayed": False,
    },
}


def at(seconds: float) -> pd.Timestamp:
    return EPOCH + pd.to_timedelta(round(seconds * 1e9), unit="ns")


def _timed(row: Mapping[str, Any], table: Table) -> dict[str, Any]:
    times = [c.name for c in table.columns if c.dtype == tables.TIME]
    return {k: at(v) if k in times and isinstance(v, int | float) else v for k, v in row.items()}


def rows(name: str, *records: Mapping[str, Any]) -> pd.DataFrame:
    """Return the table ``name`` with these rows, completed by its defaults."""
    table = BY_NAME[name]
    base = DEFAULTS.get(name, {})
    return table.rows(
        _timed({"capture": "a.pcapng", "frame": number, "time": float(number)} | base | dict(record), table)
        for number, record in enumerate(records, 1)
    )


def _builder(name: str) -> Callable[..., pd.DataFrame]:
    return lambda *records: rows(name, *records)


captures = _builder("captures")
sip_messages = _builder("sip_messages")
sip_headers = _builder("sip_headers")
sdp_media = _builder("sdp_media")
candidates = _builder("candidates")
stun_messages = _builder("stun_messages")
bindings = _builder("bindings")
pairs = _builder("pairs")
dtls_messages = _builder("dtls_messages")
dtls = _builder("dtls")
icmp_errors = _builder("icmp_errors")
rtp_streams = _builder("rtp_streams")
rtp_seconds = _builder("rtp_seconds")
transactions = _builder("transactions")
legs = _builder("legs")
calls = _builder("calls")
joins = _builder("joins")
nat_mappings = _builder("nat_mappings")


def ice_sessions(*records: Mapping[str, Any]) -> pd.DataFrame:
    """Return ICE sessions as in correlation; default: "C" and "S" in call 1, leg 1, unbounded in time."""
    base = {"ufrag_a": "C", "side_a": "client", "ufrag_b": "S", "side_b": "server", "call": 1, "leg": 1}
    return _internal(tuple(base), base, records)


def endpoints(*records: Mapping[str, Any]) -> pd.DataFrame:
    """Return media endpoints as in correlation; default: call 1, leg 1, unbounded in time."""
    return _internal(("call", "leg", "side", "addr", "port"), {"call": 1, "leg": 1}, records)


def _internal(
    names: tuple[str, ...], base: Mapping[str, Any], records: tuple[Mapping[str, Any], ...]
) -> pd.DataFrame:
    spans = ({name: at(record[name]) for name in ("start", "end") if name in record} for record in records)
    held = [base | dict(record) | span for record, span in zip(records, spans, strict=True)]
    types = {"call": "Int64", "leg": "Int64", "start": tables.TIME, "end": tables.TIME}
    return pd.DataFrame(held, columns=[*names, "start", "end"], dtype=object).astype(types)


def attributed(held: Tables, places: pd.DataFrame | None = None) -> Tables:
    """Return the tables with call and leg of every message, as correlation attributes them."""
    recordings = pd.Series({name: n for n, name in enumerate(held.captures["capture"])}, dtype="int64")
    named = index(
        held.legs, endpoints() if places is None else places, ice_sessions(), recordings, held.sip_messages
    )
    return with_calls(held, with_bindings(named, held.bindings))
