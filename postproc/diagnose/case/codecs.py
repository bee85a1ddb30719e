"""The audio codecs of a call, leg by leg: offered and answered (RFC 3264)."""

from typing import NamedTuple

from postproc.diagnose.case.case import Case
from postproc.model.rows import SdpMediaRow, SipMessageRow

# Not audio of its own: tones, comfort noise, redundancy, error correction.
BESIDE = frozenset({"telephone-event", "cn", "red", "ulpfec", "flexfec", "rtx"})
COMMON = frozenset({"pcma", "pcmu", "g722", "opus"})  # every softphone server of today knows one of them


class Negotiated(NamedTuple):
    """The audio sections of a leg's first offer and of the answer to it."""

    offer: SdpMediaRow
    answer: SdpMediaRow


def codecs(section: SdpMediaRow) -> frozenset[str] | None:
    """Names of a section's audio codecs in lower case, as ``opus/48000``; None where one is not known."""
    named = dict(part.partition("=")[::2] for part in (section.codecs or "").split(",") if part)
    formats = [each for each in (section.formats or "").split(",") if each]
    if not formats or any(each not in named for each in formats):
        return None
    names = {named[each].lower() for each in formats}
    return frozenset(name for name in names if name.partition("/")[0] not in BESIDE)


def shown(section: SdpMediaRow) -> list[str]:
    """Names of a section's audio codecs as written, those not known by their number."""
    named = dict(part.partition("=")[::2] for part in (section.codecs or "").split(",") if part)
    names = [named.get(each, each) for each in (section.formats or "").split(",") if each]
    return [name for name in names if name.partition("/")[0].lower() not in BESIDE]


def disjoint(one: SdpMediaRow, other: SdpMediaRow) -> bool:
    """Both sections are known whole and have no codec in common."""
    first, second = codecs(one), codecs(other)
    return bool(first and second and not first & second)


def well_known(section: SdpMediaRow) -> bool:
    """One of the codecs that servers know is in it."""
    return any(name.partition("/")[0].lower() in COMMON for name in shown(section))


def negotiated(case: Case, call_id: str) -> Negotiated | None:
    """A leg's first audio offer that was answered, and the answer; a response's offer is answered by ACK."""
    offer: tuple[SdpMediaRow, bool] | None = None
    for section, in_request in _descriptions(case, call_id):
        if offer is not None and in_request != offer[1]:
            return Negotiated(offer[0], section)
        offer = section, in_request
    return None


def offered_audio(case: Case, message: SipMessageRow) -> SdpMediaRow | None:
    """The audio section of the description in a message."""
    place = (message.capture, message.frame, message.call_id)
    here = (row for row in case.sdp if (row.capture, row.frame, row.call_id) == place)
    return next((row for row in here if row.media == "audio"), None)


def _descriptions(case: Case, call_id: str) -> list[tuple[SdpMediaRow, bool]]:
    """First audio section of each message of a leg, and whether the message is a request."""
    kinds = {
        (row.capture, row.frame): row.method is not None
        for row in case.messages
        if row.call_id == call_id and row.has_sdp
    }
    first: dict[tuple[str, int | None], SdpMediaRow] = {}
    for row in case.sdp:
        if row.call_id == call_id and row.media == "audio":
            first.setdefault((row.capture, row.frame), row)
    return [(row, kinds[place]) for place, row in first.items() if place in kinds]
