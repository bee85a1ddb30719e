"""The rows of each call, as plain objects: loops over them are quick."""

from collections import defaultdict
from types import SimpleNamespace

import pandas as pd

from postproc.model.tables import Tables
from postproc.show.pictures.records import column

Row = SimpleNamespace  # has the columns of NEEDED as attributes; NA is None, times are ns since 1970
Rows = list[Row]

ENDS = "src_addr src_port dst_addr dst_port"
NEEDED = {
    name: tuple(columns.split())
    for name, columns in {
        "calls": "capture call legs from_user to_user cause joined_by confidence ambiguous start answer end "
        "final_status verdict headline media_ok",
        "legs": "capture frame call leg call_id uac_addr uac_port uas_addr uas_port from_user to_user "
        "uac_agent uas_agent role invite_time ringing_time answer_time end_time final_status final_reason "
        "ended_by state",
        "candidates": "time capture frame call leg side sdp_owner mid component transport priority addr port "
        "type related_addr related_port ufrag addr_class acl_verdict",
        "bindings": f"time capture frame call leg purpose direction {ENDS} requests outcome error_code "
        "rtt_ms response_frame mapped_addr mapped_port icmp",
        "pairs": "time capture frame call leg local_addr local_port local_type remote_addr remote_port "
        "remote_type sent answered errors first_time last_time nominated dtls media_packets state",
        "dtls": "time capture frame call leg client_addr client_port server_addr server_port state "
        "client_hellos alert started completed duration_ms fingerprint_matches",
        "rtp_streams": f"capture frame call leg {ENDS} direction codec secured packets lost expected "
        "jitter_ms max_gap_ms first_time last_time",
    }.items()
}  # fmt: skip
CallRows = dict[str, Rows]  # by table


def rows(name: str, table: pd.DataFrame) -> Rows:
    """The rows of a table with the columns needed."""
    names = NEEDED[name]
    values = zip(*(column(table[each]) for each in names), strict=True)
    return [Row(**dict(zip(names, row, strict=True))) for row in values]


def by_call(tables: Tables) -> dict[int, CallRows]:
    """call -> its rows in the order of each table; every table of NEEDED is there."""
    found: dict[int, CallRows] = defaultdict(lambda: {name: [] for name in NEEDED})
    for name in NEEDED:
        for row in rows(name, getattr(tables, name)):
            if row.call is not None:
                found[row.call][name].append(row)
    return {call: held for call, held in sorted(found.items()) if held["calls"]}
