"""A problem with a setting: why it is one, and what to put."""

from enum import StrEnum
from typing import Literal, NamedTuple

from postproc.config.source import Scalar, Setting
from postproc.model.text import Text

Level = Literal["fault", "hint"]  # whether a hint applies depends on facts that only the reader knows
MASK = "***"


class Role(StrEnum):
    """Where the program runs that reads the files."""

    SERVER = "iis-on-server"
    DMZ = "iis-in-dmz"
    SATELLITE = "xcc-satellite"


class Problem(NamedTuple):
    """A problem with one setting of one file.

    ``new`` is the right text in the file, quotes included; None where nothing has to change or only the
    reader knows to what. With ``secret`` the value is masked in all output.
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
    """Return a value to put that is the same in both languages."""
    return Text(text, text)
