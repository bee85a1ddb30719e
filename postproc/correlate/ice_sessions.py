"""ICE sessions with the call, leg and sides they belong to: how STUN, DTLS and media find their call."""

from collections.abc import Mapping, Sequence

import pandas as pd

from postproc.correlate.ice import Session
from postproc.correlate.messages import NO_TIME, moments
from postproc.correlate.numbering import Numbered
from postproc.correlate.sides import End, Side
from postproc.deployment import CLIENT, OTHER, SERVER, Markers, marked

OPPOSITE = {SERVER: CLIENT, CLIENT: SERVER}


def ice_sessions(
    sessions: Sequence[Session], numbered: Numbered, known: Mapping[End, Side], markers: Markers
) -> pd.DataFrame:
    """Return ufrag_a, side_a, ufrag_b, side_b, call, leg, start, end; leg is NA without SIP."""
    number = [
        (numbered.without_sip[place], None) if session.call_id is None else numbered.legs[session.call_id]
        for place, session in enumerate(sessions)
    ]
    side = [sides_of(session, known, markers) for session in sessions]
    return pd.DataFrame({
        "ufrag_a": pd.array([session.ufrags[0] for session in sessions], "string"),
        "side_a": pd.array([one for one, _ in side], "string"),
        "ufrag_b": pd.array([session.ufrags[1] for session in sessions], "string"),
        "side_b": pd.array([other for _, other in side], "string"),
        "call": pd.array([call for call, _ in number], "Int64"),
        "leg": pd.array([leg for _, leg in number], "Int64"),
        "start": moments([NO_TIME if s.start is None else s.start for s in sessions]),
        "end": moments([NO_TIME if s.end is None else s.end for s in sessions]),
    })  # fmt: skip


def sides_of(session: Session, known: Mapping[End, Side], markers: Markers) -> tuple[str, str]:
    """Return the sides of a session's two ufrags; without SIP by what the checks say of the software."""
    if session.call_id is not None:
        return known[session.call_id, "uac"][0], known[session.call_id, "uas"][0]
    software = session.checks.software if session.checks else {}
    one, other = (marked(markers.stun_software, software.get(ufrag)) for ufrag in session.ufrags)
    if one == other:
        return OTHER, OTHER
    return one or OPPOSITE.get(other or "", OTHER), other or OPPOSITE.get(one or "", OTHER)
