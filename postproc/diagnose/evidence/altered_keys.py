"""Keys of SRTP in SDP (RFC 4568) that change on the way between the two sides, in sentences of ``srtp-not-decrypted``.

A relay that decrypts and encrypts anew puts its own address into the description. Where the address stays and the key
does not, somebody who never sees the media has changed it: the reader has a key that the author does not use.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from postproc.diagnose.evidence.case import Case, evidence
from postproc.diagnose.evidence.view import truncated
from postproc.model.addresses import endpoint
from postproc.model.findings import Finding, cause, remedy
from postproc.model.rows import SdpMediaRow, SipMessageRow
from postproc.model.statuses import is_success
from postproc.model.text import Text

TITLE = Text(
    "The SRTP key of {source} on leg {number} gets to {reader} changed: what {source} encrypts with it {reader} cannot decrypt.",
    "Der SRTP-Schlüssel von {source} auf Leg {number} kommt bei {reader} verändert an: Was {source} damit verschlüsselt, kann {reader} nicht"
    " entschlüsseln.",
)
WHERE = Text(
    "From {source} to {entered} the description has one key in a=crypto:{tags:3}, from {left} to {reader} another. The media address is"
    " {media} in both, so no relay decrypts in between.",
    "Von {source} zu {entered} steht in der Beschreibung ein Schlüssel in a=crypto:{tags:3}, von {left} zu {reader} ein anderer. Die"
    " Medienadresse ist in beiden {media}, es entschlüsselt also kein Relay dazwischen.",
)
SETTLE = Text(
    "the log of {reader} shows whether SRTP packets fail authentication.",
    "Das Log von {reader} zeigt, ob SRTP-Pakete nicht authentifiziert werden können.",
)
CAUSE = cause(
    "{left} or a device before it rewrites a=crypto without taking part in the media.",
    "{left} oder ein Gerät davor schreibt a=crypto um, ohne an den Medien beteiligt zu sein.",
    tag="altered",
)
REMEDY = remedy(
    "Have {left} pass a=crypto on unchanged, or relay the media as well.",
    "{left} a=crypto unverändert weitergeben oder auch die Medien vermitteln lassen.",
    tag="altered",
)


class Seen(NamedTuple):
    """A description as it stands in one message."""

    message: SipMessageRow
    section: SdpMediaRow

    @property
    def keys(self) -> dict[str, str]:
        """Digests of the keys by their tag."""
        tags, keys = self.section.crypto_tags or "", self.section.crypto_keys or ""
        return dict(zip(tags.split(","), keys.split(","), strict=False))


def altered(rule: str, case: Case) -> Iterator[Finding]:
    """Yield a finding on each side of a leg whose key changes between two hops of one message."""
    told = set()
    for one, other, tags in () if truncated(case) else _changed(case):
        side = one.message.leg, one.message.src_addr
        if side not in told:
            told.add(side)
            yield _finding(rule, one, other, tags)


def _changed(case: Case) -> Iterator[tuple[Seen, Seen, list[str]]]:
    by_description: dict[tuple[object, ...], list[Seen]] = defaultdict(list)
    accepted: dict[tuple[object, ...], set[str]] = defaultdict(set)  # tags that answers take, by INVITE
    messages = {(row.capture, row.frame, row.call_id): row for row in case.sip_messages}
    for section in case.sdp_media:
        message = messages.get((section.capture, section.frame, section.call_id))
        if message is None or not section.crypto_keys or section.fingerprint:
            continue
        exchange = message.call_id, message.cseq, message.cseq_method
        said = message.method, message.status, message.from_tag, message.to_tag
        origin = section.session_id, section.session_version, section.media
        media = section.connection_addr, section.port
        by_description[*exchange, *said, *origin, *media].append(Seen(message, section))
        if is_success(message.status):
            accepted[exchange] |= {*(section.crypto_tags or "").split(",")}
    for seen in by_description.values():
        first = min(seen, key=lambda each: each.message.time)
        taken = accepted[first.message.call_id, first.message.cseq, first.message.cseq_method]
        for each in seen:
            tags = [tag for tag, key in first.keys.items() if each.keys.get(tag, key) != key]
            if _hop(each) != _hop(first) and taken.intersection(tags):
                yield first, each, tags


def _hop(seen: Seen) -> Sequence[str]:
    return seen.message.src_addr, seen.message.dst_addr


def _finding(rule: str, one: Seen, other: Seen, tags: Sequence[str]) -> Finding:
    return Finding(
        rule,
        "suspect",
        0.8,
        evidence(one.message, other.message),
        TITLE,
        (WHERE,),
        {
            "source": one.message.src_addr,
            "entered": one.message.dst_addr,
            "left": other.message.src_addr,
            "reader": other.message.dst_addr,
            "number": one.message.leg,
            "tags": tuple(tags),
            "media": endpoint(one.section.connection_addr, one.section.port),
        },
        SETTLE,
        leg=one.message.leg,
        tags=frozenset({"altered"}),
    )
