"""Session descriptions: offer or answer (RFC 3264), media and number of candidates."""

from typing import Any

import pandas as pd

from postproc.correlate.lanes.events import NORMAL, of_calls, of_rows, places
from postproc.correlate.parties import descriptions, parties
from postproc.correlate.records import records

Key = tuple[Any, ...]  # capture, frame, Call-ID


def events(sip_messages: pd.DataFrame, sdp_media: pd.DataFrame, candidates: pd.DataFrame) -> pd.DataFrame:
    """Return one event per message of a leg that carries a description."""
    known = of_calls(sip_messages)
    with_sdp = known[known["has_sdp"].fillna(False)]
    kinds = _kinds(known, with_sdp)
    media, offered = _media(sdp_media), _candidates(candidates)
    says = [
        _description(media.get(key, {}), len(offered.get(key, ())))
        for key in records(with_sdp, "capture", "frame", "call_id")
    ]
    return of_rows(
        "sdp",
        with_sdp,
        kind=kinds,
        label=[f"{kind} {description}" for kind, description in zip(kinds, says, strict=True)],
        src=places(with_sdp, "src"),
        dst=places(with_sdp, "dst"),
        severity=NORMAL,
    )


def _media(sdp_media: pd.DataFrame) -> dict[Key, dict[str, None]]:
    """Return the media of each description, in order, with what is unusual about them."""
    found: dict[Key, dict[str, None]] = {}
    names = ("capture", "frame", "call_id", "media", "port", "direction")
    for *key, media, port, direction in records(sdp_media, *names):
        unusual = "refused" if port == 0 else direction if direction != "sendrecv" else None
        text = f"{media or '?'} ({unusual})" if unusual else media or "?"
        found.setdefault(tuple(key), {})[text] = None
    return found


def _candidates(candidates: pd.DataFrame) -> dict[Key, set[tuple[Any, ...]]]:
    """Return the distinct candidates of each description."""
    found: dict[Key, set[tuple[Any, ...]]] = {}
    names = ("addr", "port", "type", "transport", "component")
    keys = records(candidates, "capture", "frame", "call_id")
    for key, candidate in zip(keys, records(candidates, *names), strict=True):
        found.setdefault(key, set()).add(candidate)
    return found


def _kinds(known: pd.DataFrame, with_sdp: pd.DataFrame) -> list[str]:
    """Return offer or answer of each description; just that where the request was not seen."""
    told = descriptions(known.assign(party=parties(known)))
    where = records(with_sdp, "capture", "frame", "call_id")
    return [told[place].offer_answer or "description" for place in where]


def _description(media: dict[str, None], candidates: int) -> str:
    count = {0: "no candidates", 1: "1 candidate"}.get(candidates, f"{candidates} candidates")
    return f"{' + '.join(media) or '?'}, {count}"
