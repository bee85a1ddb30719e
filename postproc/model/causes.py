"""The chain of dependencies that audio needs; it determines which finding explains which.

A rule names in ``breaks`` the link that is broken where it matches. This module alone defines
the links each link needs, the step of the network analysis chart that fails with it, and the
gaps in captures that make it look broken.

Needs are transitive: without a mapping there is no path, without a path no handshake. Gaps are
not: a capture of one direction makes the STUN server look silent, but it does not explain a 480
in the capture.
"""

from collections.abc import Mapping
from functools import cache
from typing import Literal, NamedTuple

Link = Literal[
    "capture_end",
    "capture_start",
    "capture_directions",
    "first_leg",
    "second_leg",
    "admission",
    "stun_server",
    "media_port",
    "negotiation",
    "public_candidate",
    "local_candidate",
    "acl",
    "codec",
    "call",
    "large_messages",
    "sip_transit",
    "unaltered_sip",
    "registration",
    "next_hop",
    "session_timer",
    "confirmation",
    "secure_transport",
    "signalling",
    "session",
    "transfer",
    "connection_address",
    "ice",
    "encryption",
    "answer",
    "dtls_roles",
    "address_family",
    "uplink",
    "nat_type",
    "mapped_port",
    "mapped_address",
    "delivery",
    "credentials",
    "ice_roles",
    "stun_transit",
    "requests",
    "relay",
    "path",
    "pair",
    "consent",
    "certificate",
    "large_datagrams",
    "dtls_transit",
    "flight",
    "handshake_end",
    "handshake_start",
    "handshake",
    "decryption",
    "current_address",
    "rtp_transit",
    "media_path",
    "media",
    "both_directions",
    "start_of_media",
    "continuity",
    "quality",
]
StepName = Literal[
    "trace", "legs", "client_candidates", "server_candidates", "requests", "answers", "dtls", "media"
]


class Place(NamedTuple):
    """A link's place in the chain.

    ``step``: of the chart; "candidates" are the client's or the server's, by the finding's tag.
    ``needs``: links that must work first. ``gaps``: flaws of captures that hide it.
    ``near``: links it needs without what those need: the server's STUN server does not matter for
    the client's candidates.
    """

    step: StepName | Literal["candidates"] | None = None
    needs: tuple[Link, ...] = ()
    gaps: tuple[Link, ...] = ()
    near: tuple[Link, ...] = ()


# Every need and every gap is defined above what it explains, so causes never form a cycle; a test checks it.
# Needed for a request to reach the right address and be answered.
REACHING: tuple[Link, ...] = (
    "local_candidate",
    "address_family",
    "ice",
    "stun_transit",
    "delivery",
    "credentials",
    "ice_roles",
    "relay",
)
CHAIN: Mapping[Link, Place] = {
    # captures
    "capture_end": Place("trace"),
    "capture_start": Place("trace"),
    "capture_directions": Place("trace"),
    "first_leg": Place("legs", gaps=("capture_start",)),
    "second_leg": Place("legs", gaps=("capture_end", "capture_start", "capture_directions")),
    # signaling and session descriptions
    "admission": Place("legs"),
    "stun_server": Place("server_candidates", gaps=("capture_directions",)),
    "media_port": Place("server_candidates"),
    "negotiation": Place(None, needs=("stun_server",)),
    "public_candidate": Place("candidates", needs=("stun_server",), gaps=("first_leg",)),
    "local_candidate": Place("candidates", gaps=("first_leg",)),
    "acl": Place("client_candidates", needs=("local_candidate",), near=("public_candidate",)),
    "address_family": Place(None),
    # between two places: packets that leave one and do not reach the next
    "large_messages": Place("legs"),
    "sip_transit": Place("legs", needs=("large_messages",)),
    "unaltered_sip": Place("media"),
    "codec": Place("legs"),
    "encryption": Place("legs"),
    "answer": Place("dtls"),
    "ice": Place("answers", needs=("unaltered_sip",)),
    "registration": Place("legs"),
    "next_hop": Place("legs", needs=("sip_transit",)),
    "session_timer": Place("legs"),
    "call": Place(
        "legs",
        needs=(
            "admission",
            "acl",
            "codec",
            "address_family",
            "encryption",
            "answer",
            "registration",
            "next_hop",
            "session_timer",
            "stun_server",
            "media_port",
        ),
    ),
    "secure_transport": Place(None),
    "signalling": Place("legs", needs=("secure_transport", "sip_transit")),
    "confirmation": Place(None, needs=("signalling",), gaps=("capture_directions",)),
    "session": Place(None, needs=("signalling",), gaps=("capture_directions",)),
    "transfer": Place(None),
    "connection_address": Place("media", needs=("unaltered_sip",), gaps=("capture_directions",)),
    # NAT
    "uplink": Place(None, gaps=("first_leg",)),
    "nat_type": Place(None, gaps=("first_leg",)),
    "mapped_port": Place(None, needs=("nat_type", "uplink"), gaps=("first_leg",)),
    "mapped_address": Place(None, needs=("uplink",), gaps=("first_leg",)),
    # connectivity checks
    "stun_transit": Place("answers", needs=("public_candidate", "mapped_port", "mapped_address")),
    "requests": Place(
        "requests",
        needs=("local_candidate", "address_family", "stun_transit"),
        gaps=("capture_end", "capture_start", "capture_directions", "first_leg"),
    ),
    "delivery": Place(
        "answers", needs=("public_candidate", "mapped_port", "mapped_address"), gaps=("first_leg",)
    ),
    "credentials": Place("answers", gaps=("first_leg",)),
    "ice_roles": Place("answers", gaps=("first_leg",)),
    # Relays often forbid private peers: a side without public candidate explains the refusal.
    "relay": Place(None, near=("public_candidate",), gaps=("first_leg",)),
    "path": Place(
        "answers",
        needs=REACHING,
        gaps=("capture_directions", "first_leg"),
    ),
    # Not the path itself: a request to the wrong address does not follow from having no answer.
    "pair": Place(None, needs=REACHING, gaps=("capture_directions", "first_leg")),
    "consent": Place("media", needs=("stun_transit",), gaps=("capture_directions",)),
    # DTLS
    "certificate": Place("dtls"),
    "dtls_roles": Place("dtls"),
    "large_datagrams": Place("dtls"),
    "dtls_transit": Place("dtls", needs=("large_datagrams",)),
    "flight": Place("dtls", needs=("dtls_transit",), gaps=("capture_directions",)),
    "handshake_end": Place("dtls", needs=("certificate", "dtls_roles", "flight")),
    "handshake_start": Place(
        "dtls",
        needs=("call", "dtls_roles", "path", "dtls_transit"),
        gaps=("capture_start", "capture_directions", "first_leg"),
    ),
    "handshake": Place(
        "dtls", needs=("path", "handshake_end"), gaps=("capture_end", "capture_directions", "first_leg")
    ),
    # media
    "decryption": Place("media", needs=("certificate", "handshake_end")),
    "current_address": Place("media", gaps=("capture_directions",)),
    "rtp_transit": Place("media", needs=("connection_address", "current_address", "mapped_address")),
    "media_path": Place(
        "media",
        needs=("nat_type", "mapped_address"),
        gaps=("capture_start", "capture_directions", "first_leg"),
    ),
    "media": Place(
        "media",
        needs=(
            "call",
            "answer",
            "connection_address",
            "address_family",
            "requests",
            "path",
            "consent",
            "handshake_start",
            "handshake",
            "rtp_transit",
        ),
        gaps=("capture_end", "capture_start", "capture_directions", "first_leg", "second_leg"),
    ),
    "both_directions": Place(
        "media",
        needs=("media", "current_address", "rtp_transit", "media_path", "decryption"),
        # not second_leg: a server that accepts a leg and sends nothing on it is at fault in any case
        gaps=("capture_end", "capture_start", "capture_directions", "first_leg"),
    ),
    "start_of_media": Place(None, needs=("negotiation",)),
    "continuity": Place(
        "media",
        # credentials and roles: after an ICE restart they have to fit again
        needs=(
            "current_address",
            "rtp_transit",
            "consent",
            "credentials",
            "ice_roles",
            "handshake_end",
            "decryption",
            "transfer",
        ),
        gaps=("capture_end", "capture_directions"),
    ),
    "quality": Place(None, needs=("consent", "rtp_transit"), gaps=("capture_directions",)),
}


@cache
def explaining(broken: Link) -> frozenset[Link]:
    """Return the links whose failure explains that this one is broken."""
    return frozenset({*_needed(broken), *CHAIN[broken].gaps})


@cache
def _needed(link: Link) -> frozenset[Link]:
    """Return everything a link needs, directly and transitively."""
    place = CHAIN[link]
    return frozenset({*place.needs, *place.near, *(each for need in place.needs for each in _needed(need))})


def step(link: Link | None, tags: frozenset[str] = frozenset()) -> str | None:
    """Return the chart step that a finding with these tags makes fail; None if there is none."""
    place = CHAIN[link] if link is not None else None
    if place is None or place.step != "candidates":
        return place.step if place is not None else None
    return next((f"{side}_candidates" for side in ("client", "server") if side in tags), None)
