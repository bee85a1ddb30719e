"""One side of a leg encrypts its audio and the other does not, by the length of its packets; sentences of ``srtp-not-decrypted``.

A packet of G.711 or G.722 holds a byte per sample, and whole tens of milliseconds. SRTP adds its authentication tag
(RFC 3711, section 3.1), and no tag is as long as that. Both ways in clear, or both encrypted, prove nothing: a relay
beside the capture point may have changed what SDP says.
"""

from collections.abc import Iterator
from typing import NamedTuple

from postproc.diagnose.evidence import zrtp
from postproc.diagnose.evidence.case import Case, evidence
from postproc.diagnose.evidence.media import audio
from postproc.diagnose.evidence.negotiation import Exchange, by_dtls, exchanges, secured
from postproc.model.addresses import endpoint
from postproc.model.findings import Finding, cause, remedy
from postproc.model.rows import RtpStreamRow
from postproc.model.text import Text

PLAIN = Text(
    "{source} sends its audio on leg {number} unencrypted although SRTP is agreed: each of its {packets} packets is exactly as"
    " long as the {codec} in it ({size} bytes).",
    "{source} sendet sein Audio auf Leg {number} unverschlüsselt, obwohl SRTP vereinbart ist: Jedes seiner {packets} Pakete ist"
    " genau so lang wie das {codec} darin ({size} Bytes).",
)
OTHERS_ENCRYPT = Text(
    "The other way each packet is {tag} bytes longer (authentication tag): there SRTP is sent. Who expects SRTP discards plain RTP.",
    "In der anderen Richtung ist jedes Paket {tag} Bytes länger (Authentication Tag): Dort wird SRTP gesendet. Wer SRTP erwartet, verwirft"
    " einfaches RTP.",
)
UNASKED = Text(
    "{source} sends SRTP on leg {number} although RTP without encryption is agreed: each of its {packets} packets is {tag} bytes longer than"
    " its {codec}.",
    "{source} sendet auf Leg {number} SRTP, obwohl RTP ohne Verschlüsselung vereinbart ist: Jedes seiner {packets} Pakete ist {tag} Bytes"
    " länger als das {codec} darin.",
)
OTHERS_DO_NOT = Text(
    "So long is the authentication tag of SRTP; the other way nothing is added. Who expects plain RTP plays noise.",
    "So lang ist das Authentication Tag von SRTP; in der anderen Richtung kommt nichts dazu. Wer einfaches RTP erwartet, spielt Rauschen"
    " ab.",
)
SETTLE = Text(
    "play the stream from {source} (Wireshark, RTP player): speech is unencrypted, noise encrypted.",
    "Den Stream von {source} abspielen (Wireshark, RTP-Player): Sprache ist unverschlüsselt, Rauschen verschlüsselt.",
)
CAUSES = (
    cause(
        "SRTP is off or optional at {source}, or a relay before it takes the encryption away and leaves it in SDP.",
        "SRTP ist bei {source} abgeschaltet oder optional, oder ein Relay davor nimmt die Verschlüsselung heraus und lässt sie im SDP"
        " stehen.",
        tag="plain",
    ),
    cause(
        "SRTP is mandatory at {source} whatever SDP says, or a relay before it passes encrypted packets on unchanged.",
        "SRTP ist bei {source} Pflicht, was auch immer im SDP steht, oder ein Relay davor reicht verschlüsselte Pakete unverändert weiter.",
        tag="unasked",
    ),
)
REMEDY = remedy(
    "Set encryption alike at both ends of the leg, for {source} and for {target}: mandatory at both, or off at both.",
    "Die Verschlüsselung an beiden Enden des Legs gleich einstellen, bei {source} und bei {target}: bei beiden Pflicht oder bei beiden aus.",
    tag="unlike",
)

BYTE_A_SAMPLE = frozenset({"PCMA", "PCMU", "G722"})  # RFC 3551, sections 4.5.2 and 4.5.14
FRAME = 80  # bytes in 10 ms
RTP_HEADER = 12
TAGS = (4, 10, 16)  # bytes: HMAC_SHA1_32, HMAC_SHA1_80 (RFC 3711, section 4.2.1), AEAD (RFC 7714)
# A header extension lengthens plain packets by multiples of four; this tag, of the usual suite, is none.
USUAL_TAG = 10
# Packets of 3 s, all of one length. With a third, a ring tone or an announcement is judged; with three times, short calls are not.
ENOUGH = 150


class Measured(NamedTuple):
    """A stream with the bytes of each payload, and those beyond whole tens of milliseconds."""

    row: RtpStreamRow
    payload: int
    beyond: int


def unlike(rule: str, case: Case) -> Iterator[Finding]:
    """Yield a finding on each leg of which one side sends SRTP and the other plain RTP, against what is agreed for both."""
    for leg in case.numbers:
        agreed = _agreed(case, leg)
        streams = [each for row in audio(case, leg) if (each := _measured(row)) is not None]
        pairs = ((one, other) for one in streams for other in streams if _opposite(one.row, other.row))
        for one, other in pairs if agreed is not None else ():
            if agreed and not one.beyond and other.beyond in TAGS:
                yield _finding(rule, one, other.beyond, encrypted=False)
                break
            if not agreed and one.beyond == USUAL_TAG and not other.beyond:
                yield _finding(rule, one, one.beyond, encrypted=True)
                break


def _agreed(case: Case, leg: int) -> bool | None:
    """Whether every agreement of the leg is on SRTP; None if they differ, or do not say so clearly."""
    said = {_encrypts(each) for each in exchanges(case, leg) if each.accepted}
    if len(said) != 1 or zrtp.asking(case, leg) is not None:
        return None
    return said.pop()


def _encrypts(exchange: Exchange) -> bool | None:
    sections = exchange.offer.audio, exchange.answer.audio
    if all(map(secured, sections)):
        return True
    keyed = any(each.crypto or by_dtls(each) or secured(each) for each in sections)
    return None if keyed else False


def _measured(row: RtpStreamRow) -> Measured | None:
    packets, size = row.packets or 0, row.bytes or 0
    if row.codec not in BYTE_A_SAMPLE or packets < ENOUGH or size % packets:
        return None
    payload = size // packets - RTP_HEADER
    return Measured(row, payload, payload % FRAME)


def _opposite(one: RtpStreamRow, other: RtpStreamRow) -> bool:
    ends = (one.capture, one.src_addr, one.src_port, one.dst_addr, one.dst_port)
    back = (other.capture, other.dst_addr, other.dst_port, other.src_addr, other.src_port)
    return ends == back and one.first_time < other.last_time and other.first_time < one.last_time


def _finding(rule: str, one: Measured, tag: int, *, encrypted: bool) -> Finding:
    row = one.row
    return Finding(
        rule,
        "suspect",
        0.8,
        evidence(row),
        UNASKED if encrypted else PLAIN,
        (OTHERS_DO_NOT if encrypted else OTHERS_ENCRYPT,),
        {
            "source": endpoint(row.src_addr, row.src_port),
            "target": endpoint(row.dst_addr, row.dst_port),
            "number": row.leg,
            "codec": row.codec,
            "packets": row.packets,
            "size": one.payload,
            "tag": tag,
        },
        SETTLE,
        leg=row.leg,
        tags=frozenset({"unlike", "unasked" if encrypted else "plain"}),
    )
