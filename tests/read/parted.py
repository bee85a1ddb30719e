"""The walk of a capture, with its media as pandas has them: tests look at single columns and rows."""

from dataclasses import replace
from typing import Any

from postproc.model import events
from postproc.read import split as walking
from postproc.read.split import Split


def split(*given: Any, **options: Any) -> Split:
    found = walking.split(*given, **options)
    media = {name: events.frame(getattr(found, name)) for name in ("rtp_streams", "rtp_seconds")}
    return replace(found, **media)
