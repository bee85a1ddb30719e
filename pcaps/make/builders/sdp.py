"""Session descriptions (RFC 8866) in the style of the three parties: IceLink, FreeSWITCH, gateway."""

from collections.abc import Iterable
from dataclasses import dataclass

from pcaps.make.builders import certificates
from pcaps.make.builders.ice import Agent
from pcaps.make.builders.packets import Endpoint
from postproc.wire.sdp import written
from postproc.wire.sdp import written_connection as connection


@dataclass(frozen=True)
class Session:
    """The numbers of the o= line; a new version announces a changed description (RFC 8866, section 5.2)."""

    number: int
    version: int = 1


def ice_offer(
    agent: Agent,
    media: Endpoint,
    session: Session,
    ssrc: int,
    *,
    setup: str = "actpass",
    direction: str = "sendrecv",
    extra: Iterable[str] = (),
) -> str:
    """Return the softphone's description, in IceLink's layout."""
    return written(
        "v=0",
        f"o=IceLink-3.14.3.12044 {session.number} {session.version} IN IP4 127.0.0.1",
        "s=Frozen Mountain",
        "t=0 0",
        "a=group:BUNDLE audio",
        f"m=audio {media[1]} UDP/TLS/RTP/SAVPF 111 9 0 8 101",
        f"c={connection(media[0])}",
        f"a=rtcp:{media[1]} {connection(media[0])}",
        "a=mid:audio",
        f"a={direction}",
        "a=rtcp-mux",
        f"a=ice-ufrag:{agent.ufrag}",
        f"a=ice-pwd:{agent.pwd}",
        f"a=fingerprint:{certificates.fingerprint(certificates.CLIENT)}",
        f"a=setup:{setup}",
        *(f"a=candidate:{line}" for line in agent.lines()),
        "a=rtpmap:111 opus/48000/2",
        "a=rtpmap:9 G722/8000",
        "a=rtpmap:0 PCMU/8000",
        "a=rtpmap:8 PCMA/8000",
        "a=rtpmap:101 telephone-event/8000",
        "a=fmtp:101 0-15",
        "a=ptime:20",
        *extra,
        f"a=ssrc:{ssrc} cname:{ssrc:08x}",
    )


def freeswitch_answer(
    agent: Agent,
    media: Endpoint,
    session: Session,
    ssrc: int,
    *,
    setup: str = "active",
    direction: str = "sendrecv",
) -> str:
    """Return FreeSWITCH's description of an ICE leg."""
    return written(
        "v=0",
        f"o=FreeSWITCH {session.number} {session.number + session.version} {connection(media[0])}",
        "s=FreeSWITCH",
        f"c={connection(media[0])}",
        "t=0 0",
        "a=msid-semantic: WMS",
        f"m=audio {media[1]} UDP/TLS/RTP/SAVPF 8 101",
        "a=rtpmap:8 PCMA/8000",
        "a=rtpmap:101 telephone-event/8000",
        "a=ptime:20",
        *([] if direction == "sendrecv" else [f"a={direction}"]),
        f"a=fingerprint:{certificates.fingerprint(certificates.SERVER)}",
        f"a=setup:{setup}",
        "a=rtcp-mux",
        f"a=rtcp:{media[1]} {connection(media[0])}",
        f"a=ice-ufrag:{agent.ufrag}",
        f"a=ice-pwd:{agent.pwd}",
        *(f"a=candidate:{line}" for line in agent.lines()),
        "a=end-of-candidates",
        f"a=ssrc:{ssrc} cname:{ssrc:08x}",
    )


def plain(owner: str, media: Endpoint, session: Session, *, direction: str = "") -> str:
    """Return an RTP/AVP description without ICE, as of FreeSWITCH on the trunk and of the gateway."""
    return written(
        "v=0",
        f"o={owner} {session.number} {session.number + session.version} {connection(media[0])}",
        f"s={owner}",
        f"c={connection(media[0])}",
        "t=0 0",
        f"m=audio {media[1]} RTP/AVP 8 101",
        "a=rtpmap:8 PCMA/8000",
        "a=rtpmap:101 telephone-event/8000",
        "a=fmtp:101 0-15",
        "a=ptime:20",
        *([f"a={direction}"] if direction else []),
    )


CODECS = {0: "PCMU/8000", 8: "PCMA/8000", 9: "G722/8000", 101: "telephone-event/8000", 111: "opus/48000/2"}


def audio(
    owner: str,
    media: Endpoint,
    session: Session,
    *,
    profile: str = "RTP/AVP",
    formats: Iterable[int] = (0, 8, 101),
    attributes: Iterable[str] = (),
) -> str:
    """Return one audio section of any profile; ``attributes`` are further a= lines, without ``a=``."""
    types = list(formats)
    return written(
        "v=0",
        f"o={owner} {session.number} {session.version} {connection(media[0])}",
        "s=-",
        f"c={connection(media[0])}",
        "t=0 0",
        f"m=audio {media[1]} {profile} {' '.join(map(str, types))}",
        *(f"a=rtpmap:{payload_type} {CODECS[payload_type]}" for payload_type in types),
        *(f"a={line}" for line in attributes),
    )


def ice_lines(agent: Agent) -> list[str]:
    """Return the attributes for ICE: credentials and candidates."""
    return [
        f"ice-ufrag:{agent.ufrag}",
        f"ice-pwd:{agent.pwd}",
        *(f"candidate:{line}" for line in agent.lines()),
    ]
