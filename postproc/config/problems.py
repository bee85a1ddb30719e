"""What is wrong with a setting: why, and what to put."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from postproc.config.source import Scalar, Setting
from postproc.model.text import Text

Level = Literal["fault", "hint"]  # a hint is right or wrong by what only the reader knows
MASK = "***"


class Role(StrEnum):
    """Where the program stands that reads the files."""

    SERVER = "iis-on-server"
    DMZ = "iis-in-dmz"
    SATELLITE = "xcc-satellite"


@dataclass(frozen=True)
class Problem:
    """One setting of one file.

    ``new`` is what stands in the file when it is right, quotes included; None where nothing is to be changed
    or nobody but the reader knows to what. ``secret``: the value is shown to nobody.
    """

    setting: Setting
    put: Text
    why: Text
    level: Level = "fault"
    new: str | None = None
    secret: bool = False

    @property
    def value(self) -> Scalar:
        return MASK if self.secret else self.setting.value


def same(text: str) -> Text:
    """A value to put, which is no language's."""
    return Text(text, text)
