"""NAT mappings: a base and the address seen for it outside.

Every Binding success carries the requester's address as the responder saw it
(XOR-MAPPED-ADDRESS, RFC 8489, section 14.2): look-ups at a STUN server and
checks tell of the requester's NAT, each towards its own destination (RFC 4787,
section 4.1). A server-reflexive candidate says the same of its related address.
A check seen where its sender's NAT is already behind it tells nothing.
"""

import pandas as pd

from postproc import constants
from postproc.tables import NAT_MAPPINGS

LEARNED_FROM = {"discovery": "stun_server", "check": "check"}
UNSAID = constants.words("addresses.unspecified")  # a related address kept private (RFC 8839, section 5.1)
BINDING = {
    "src_addr": "base_addr",
    "src_port": "base_port",
    "dst_addr": "seen_by_addr",
    "dst_port": "seen_by_port",
}
CANDIDATE = {
    "related_addr": "base_addr",
    "related_port": "base_port",
    "addr": "mapped_addr",
    "port": "mapped_port",
}
TOLD = ["capture", "frame", "time", "call", "leg", "base_addr", "base_port", "mapped_addr", "mapped_port"]


def nat_mappings(bindings: pd.DataFrame, candidates: pd.DataFrame) -> pd.DataFrame:
    """The nat_mappings table by time: each call's distinct mappings where they were first seen."""
    both = pd.concat([_from_bindings(bindings), _from_candidates(candidates)], ignore_index=True)
    ordered = both.sort_values(["time", "capture", "frame"], kind="stable")
    distinct = [name for name in NAT_MAPPINGS.names if name not in ("capture", "frame", "time")]
    return NAT_MAPPINGS.conform(ordered.drop_duplicates(distinct))


def _from_bindings(bindings: pd.DataFrame) -> pd.DataFrame:
    """Mappings that responders told: a check that saw no change is left out."""
    found = bindings.rename(columns=BINDING)[[*TOLD, "seen_by_addr", "seen_by_port", "purpose"]]
    found["learned_from"] = found["purpose"].map(LEARNED_FROM)
    changed = (found["mapped_addr"] != found["base_addr"]) | (found["mapped_port"] != found["base_port"])
    told = found["mapped_addr"].notna() & found["base_addr"].notna() & found["learned_from"].notna()
    looked_up = (found["learned_from"] == "stun_server").fillna(False)
    return _mappings(found[told & (changed.fillna(False) | looked_up)])


def _from_candidates(candidates: pd.DataFrame) -> pd.DataFrame:
    found = candidates.rename(columns=CANDIDATE)[[*TOLD, "type"]]
    reflexive = (found["type"] == "srflx").fillna(False)
    said = found["base_addr"].notna() & ~found["base_addr"].isin(UNSAID) & found["mapped_addr"].notna()
    known = found[reflexive & said]
    return _mappings(known.assign(learned_from="candidate", seen_by_addr=None, seen_by_port=None))


def _mappings(found: pd.DataFrame) -> pd.DataFrame:
    kept = found.assign(port_preserved=found["base_port"] == found["mapped_port"])
    return NAT_MAPPINGS.conform(kept)
