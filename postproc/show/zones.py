"""Time zones of what is shown: tables and files stay UTC."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pandas as pd

from postproc.model.errors import SetupError
from postproc.show.calls import Line

QUARTER_MS = 15 * 60 * 1000  # all zones in use are whole quarters of an hour from UTC
LOCAL = "local"
LOG = "log"


@dataclass(frozen=True)
class Zone:
    """A zone; None is the one of this machine, which changes with the season."""

    tz: tzinfo | None

    def of(self, time: pd.Timestamp) -> datetime:
        """The time, given with its zone, in this one."""
        return time.to_pydatetime(warn=False).astimezone(self.tz)

    def label(self, times: Iterable[pd.Timestamp | None]) -> str:
        """What stands above the times: ``UTC``, ``CET``, or both names of a year that has summer time."""
        names = dict.fromkeys(self.of(time).tzname() or "" for time in times if time is not None)
        return "/".join(names) or "UTC"


AS_TABLES = Zone(UTC)


def zone(word: str, logs: pd.DataFrame | None = None) -> Zone:
    """The zone of ``UTC``, ``log``, ``local`` or an IANA name; SetupError for another.

    ``log`` is the zone in which the first of the logs used was written, UTC where none is known.
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
    """The IANA name that the word is; "" for the other words of ``zone``."""
    return "" if word.lower() in ("utc", LOCAL, LOG) else word


def log_minutes(logs: pd.DataFrame | None) -> int | None:
    """By how many minutes the first log that is used is ahead of UTC; None without one.

    ``logs`` is the table of that name, or ``log_events``.
    """
    known = logs["offset_ms"].dropna() if logs is not None else pd.Series(dtype="float64")
    return round(float(known.iloc[0]) / QUARTER_MS) * 15 if len(known) else None


def shifted(lines: Sequence[Line], shown: Zone) -> list[Line]:
    """The lines with their starts in the zone."""
    return [
        replace(line, start=pd.Timestamp(shown.of(line.start))) if line.start is not None else line
        for line in lines
    ]
