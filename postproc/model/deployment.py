"""Prior knowledge of the systems whose calls are analyzed.

Anything specific to a product is data here, never a condition in the code. The deployment
files are read by ``postproc.read.deployment``; docs/DEPLOYMENT.md explains their keys.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

import regex

from postproc.model.acl import AccessList, Network, address_of
from postproc.model.errors import SetupError

CLIENT: Final = "client"
SERVER: Final = "server"
OTHER: Final = "other"
SIDES = (CLIENT, SERVER)

Patterns = Mapping[str, tuple[str, ...]]  # regular expressions by side, or by product

# A sane pattern takes microseconds on a name of some hundred characters; one like (x+)+! runs practically
# forever. Below 0.1 s a busy machine would reject sane ones; above 10 s users press Ctrl-C.
PATTERN_SECONDS = 2.0


@dataclass(frozen=True)
class Markers:
    """How a deployment's ends name themselves: regular expressions by side, used with search."""

    sdp_owner: Patterns = field(default_factory=dict)
    user_agent: Patterns = field(default_factory=dict)
    stun_software: Patterns = field(default_factory=dict)


def _threshold(default: float, doc: str) -> float:
    value: float = field(default=default, metadata={"doc": doc})
    return value


@dataclass(frozen=True)
class Thresholds:
    """Limits above which something is noted or is a fault; each has its unit in its name."""

    slow_negotiation_ms: float = _threshold(
        500,
        "INVITE to the first answer with SDP: longer is slow. Vendor's guide, on long access lists.",
    )
    at_once_ms: float = _threshold(
        50, "A final response this fast was decided by the server itself, without asking anybody."
    )
    late_media_note_ms: float = _threshold(
        500, "200 OK to the first media packet each way: longer is noted. Listeners miss the first word."
    )
    late_media_ms: float = _threshold(
        2000, "200 OK to the first media packet each way: longer is a fault. Callers speak and are not heard."
    )
    loss_note_percent: float = _threshold(
        1, "Lost RTP packets of a stream: more is noted. ITU-T G.113 appendix I: audible without concealment."
    )
    loss_percent: float = _threshold(
        20,
        "Lost RTP packets of a stream: more is a doubt about the call. G.711 then rates below R = 50"
        " even with concealment (ITU-T G.107), which ITU-T G.109 does not recommend.",
    )
    one_way_share: float = _threshold(
        0.05, "A direction with less than this share of the other's packets is missing."
    )
    one_way_packets: float = _threshold(5, "A direction with fewer packets than this is missing.")
    one_way_seconds: float = _threshold(3, "For how long both ends must have had the chance to send.")
    stopped_seconds: float = _threshold(
        5,
        "Media that is due and stops for longer than this before its phase ends has stopped. Whoever hangs up"
        " first is silent for a second or two before; comfort noise (RFC 3389) comes more often.",
    )
    dead_requests: float = _threshold(
        3, "So many Binding Requests without one answer make a direction dead (RFC 8445: checks repeat)."
    )
    dead_seconds: float = _threshold(5, "Or all Binding Requests of so many seconds.")
    too_short_seconds: float = _threshold(
        3, "A capture that ends sooner after the first check cannot tell what became of it."
    )
    capture_loss_percent: float = _threshold(
        5, "Packets missing from the capture itself: with more, losses are not blamed on the network."
    )


@dataclass(frozen=True)
class Deployment:
    """A deployment's properties; an empty one is unknown.

    ``media_ports`` are the port ranges by side; ``products`` maps names to regular
    expressions searched for in User-Agents, SDP owners and STUN SOFTWARE of a call.
    ``candidate_acl`` and ``signalling_acl`` name the lists applied, in order;
    ``lists`` holds those that are not built into FreeSWITCH. ``region`` (ISO
    3166) is used to parse national phone numbers; if empty, last digits are compared.
    """

    name: str
    markers: Markers = Markers()
    products: Patterns = field(default_factory=dict)
    media_ports: Mapping[str, tuple[range, ...]] = field(default_factory=dict)
    public_addresses: tuple[Network, ...] = ()
    region: str = ""
    lists: Mapping[str, AccessList] = field(default_factory=dict)
    candidate_acl: tuple[str, ...] = ()
    signalling_acl: tuple[str, ...] = ()
    thresholds: Thresholds = Thresholds()

    def products_in(self, names: Iterable[str | None]) -> frozenset[str]:
        """Return the products named in these User-Agents, SDP owners and STUN SOFTWARE values."""
        texts = {name for name in names if isinstance(name, str)}
        return frozenset(
            product
            for product, patterns in self.products.items()
            if any(matches(pattern, name) for pattern in patterns for name in texts)
        )

    def is_media_port(self, side: str, port: int) -> bool | None:
        """Whether a port is in a side's ranges; None if no ranges are known."""
        ranges = self.media_ports.get(side, ())
        return any(port in each for each in ranges) if ranges else None

    def is_own_public(self, address: str | None) -> bool | None:
        """Whether an address is one of the deployment's public ones; None if none are known."""
        parsed = address_of(address)
        if not self.public_addresses or parsed is None:
            return None
        return any(parsed in network for network in self.public_addresses)


@lru_cache(maxsize=256)  # the same few names are in most calls
def matches(pattern: str, name: str) -> bool:
    """Whether a deployment file's pattern matches in a name; SetupError if that takes too long."""
    try:
        return regex.search(pattern, name, timeout=PATTERN_SECONDS) is not None
    except TimeoutError:
        short_name = f"{name[:40]}..." if len(name) > 40 else name
        raise SetupError(
            f"the deployment file's pattern {pattern!r} takes more than {PATTERN_SECONDS:.0f} s"
            f" on the name {short_name!r}: simplify it"
        ) from None


def marked(patterns: Patterns, name: str | None) -> str | None:
    """Return the only side whose patterns match in a name; None if none does, or several do."""
    fitting = [
        side
        for side, expressions in patterns.items()
        if name and any(matches(each, name) for each in expressions)
    ]
    return fitting[0] if len(fitting) == 1 else None


GENERIC = Deployment("generic")
