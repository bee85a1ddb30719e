"""The timeline: every event of a call in time order, lane by lane.

Messages appear as they were on the wire; second captures of a packet are left out.
"""

from itertools import chain

import pandas as pd

from postproc.correlate.parties import Authors
from postproc.correlate.timeline.events import table
from postproc.correlate.timeline.media import dtls_events, icmp_events, media_events, stun_events
from postproc.correlate.timeline.signalling import log_lines, sdp_events, sip_events
from postproc.model.tables import Tables


def timeline(tables: Tables, authors: Authors) -> pd.DataFrame:
    """Return TIMELINE: the events of all calls by call and time; at one time in the order of the lanes.

    ``tables`` are correlated: every row has its call. ``authors``: who wrote each session description.
    """
    messages = tables.sip_messages
    lanes = (
        sip_events(messages),
        sdp_events(messages, tables.sdp_media, tables.candidates, authors),
        stun_events(tables.bindings, tables.stun_messages),
        dtls_events(tables.dtls, tables.dtls_messages),
        media_events(tables.rtp_streams, tables.rtp_seconds),
        icmp_events(tables.icmp_errors, tables.legs),
        log_lines(tables.log_events),
    )
    return table(chain.from_iterable(lanes))
