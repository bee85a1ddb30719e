"""Time zones for displayed times; tables and files stay in UTC."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pandas as pd

from postproc.model.errors import SetupError
from postproc.show.calls import Line

QUARTER_MS = 15 * 60 * 1000  # all zones in use are multiples of a quarter of an hour from UTC
LOCAL = "local"
LOG = "log"


class Zone(NamedTuple):
    """A time zone; None is that of this machine, which changes with the season."""

    tz: tzinfo | None

    def of(self, time: pd.Timestamp) -> datetime:
        """Return ``time``, which has a zone, in this one."""
        return time.to_pydatetime(warn=False).astimezone(self.tz)

    def label(self, times: Iterable[pd.Timestamp | None]) -> str:
        """Return the heading of the times: ``UTC``, ``CET``, or ``CET/CEST`` where they are in both."""
        names = dict.fromkeys(self.of(time).tzname() or "" for time in times if time is not None)
        return "/".join(names) or "UTC"


AS_TABLES = Zone(UTC)


def zone(word: str, logs: pd.DataFrame | None = None) -> Zone:
    """Return the zone of ``UTC``, ``log``, ``local`` or an IANA name; raises SetupError for anything else.

    ``log`` is the zone in which the first used log was written, UTC where it is unknown.
    """
    lower = word.lower()
    if lower in ("utc", LOCAL):
        return Zone(UTC if lower == "utc" else None)
    if lower == LOG:
        return Zone(timezone(timedelta(minutes=log_minutes(logs) or 0)) if log_minutes(logs) else UTC)
    try:
        return Zone(ZoneInfo(word))
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise SetupError(f"{word}: no time zone: UTC, log, local, or a name like Europe/Berlin") from error


def by_name(word: str) -> str:
    """Return ``word`` if it is an IANA name; "" for the other words that ``zone`` accepts."""
    return "" if word.lower() in ("utc", LOCAL, LOG) else word


def log_minutes(logs: pd.DataFrame | None) -> int | None:
    """Return by how many minutes the first used log is ahead of UTC; None without one.

    ``logs`` is the table of that name, or ``log_events``.
    """
    offsets = logs["offset_ms"].dropna() if logs is not None else pd.Series(dtype="float64")
    return round(float(offsets.iloc[0]) / QUARTER_MS) * 15 if len(offsets) else None


def shifted(lines: Sequence[Line], shown: Zone) -> list[Line]:
    """Return the lines with their start times in the zone."""
    return [
        line._replace(start=pd.Timestamp(shown.of(line.start))) if line.start is not None else line
        for line in lines
    ]
