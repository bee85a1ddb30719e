"""tshark's frames -> the message tables of one capture."""

from collections.abc import Collection, Iterable, Iterator
from itertools import islice
from typing import Any

import pandas as pd

from postproc.model.tables import BY_NAME, Tables
from postproc.read import copies, dtls, icmp, limits, sdp, segments, sip, stun
from postproc.read.frame import Frame

BATCH = 4000  # rows held as dicts before they become a DataFrame, which is far smaller
MESSAGE_TABLES = (
    "sip_messages", "sip_headers", "sdp_media", "candidates", "stun_messages", "dtls_messages", "icmp_errors",
)  # fmt: skip

Row = tuple[str, dict[str, Any]]


def events(frames: Iterable[Frame], name: str, warnings: list[str]) -> Tables:
    """The message tables of the frames; ``capture`` is ``name``, copies are marked.

    What a limit cuts is added to ``warnings``.
    """
    pending: dict[str, list[dict[str, Any]]] = {table: [] for table in MESSAGE_TABLES}
    done: dict[str, list[pd.DataFrame]] = {table: [] for table in MESSAGE_TABLES}
    sightings: list[copies.Sighting] = []
    guessed: set[int] = set()
    for frame in segments.completed(frames):
        sightings.append(copies.sighting(frame))
        guessed.update([frame.number] * frame.guessed)
        found = rows(frame)
        for table, row in islice(found, limits.ROWS):
            pending[table].append(row)
            if len(pending[table]) == BATCH:
                done[table].append(_frame(table, pending[table]))
                pending[table] = []
        if more := sum(1 for _ in found):
            warnings.append(f"{more} headers, media or candidates of frame {frame.number} left out")
    copy_of = copies.copies(sight for sight in sightings if sight.frame not in guessed)
    return Tables(**{
        table: _finish(table, [*done[table], _frame(table, pending[table])], name, copy_of, guessed)
        for table in MESSAGE_TABLES
    })  # fmt: skip


def rows(frame: Frame) -> Iterator[Row]:
    """The rows of one frame, each with its table's name."""
    if "icmp" in frame.protocols or "icmpv6" in frame.protocols:  # what they quote are no messages
        error = icmp.row(frame)
        yield from [("icmp_errors", error)] if error else []
        return
    for message in frame.messages.get("sip", []):
        yield from _sip(frame, message)
    for row in stun.rows(frame):
        yield "stun_messages", row
    for row in dtls.rows(frame):
        yield "dtls_messages", row


def _sip(frame: Frame, message: bytes) -> Iterator[Row]:
    parsed = sip.parse(message)
    if not parsed:
        return
    text = sip.description(parsed)
    row = sip.message_row(frame, parsed, has_sdp=text is not None)
    yield "sip_messages", row
    yield from (("sip_headers", header) for header in sip.header_rows(frame, parsed))
    if text:
        description = sdp.parse(text)
        key = {name: row[name] for name in ("frame", "time", "call_id")}
        yield from (("sdp_media", key | media) for media in sdp.media_rows(description))
        key["cseq"] = row["cseq"]
        yield from (("candidates", key | line) for line in sdp.candidate_rows(description))


def _frame(table: str, records: list[dict[str, Any]]) -> pd.DataFrame:
    return BY_NAME[table].rows(records)


def _finish(
    table: str, parts: list[pd.DataFrame], name: str, copy_of: dict[int, int], guessed: Collection[int]
) -> pd.DataFrame:
    whole = pd.concat(parts, ignore_index=True) if len(parts) > 1 else parts[0]
    whole["capture"] = name
    if "copy_of" in whole:
        whole["copy_of"] = whole["frame"].map(copy_of)
        whole["time_guessed"] = whole["frame"].isin(guessed)
    return BY_NAME[table].conform(whole)
