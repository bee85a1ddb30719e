"""Count fax packets (UDPTL, ITU-T T.38, section 9.1) by the addresses they are sent to, and sent from.

Nothing in a UDPTL packet tells it from other data: it begins with a number that counts from 0, and a length.
So all datagrams that may be some are counted, and those at addresses that SDP names for fax are it.
"""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from postproc.read.arrays import Array, structure
from postproc.read.media import address
from postproc.read.packets import Packets, Payloads
from postproc.read.rtp import MAGIC_COOKIE

HEAD = structure("number >u2, length u1, content u1, cookie >u4, rest V8")
# Below the first bytes of DTLS (RFC 7983); a fax page at 30 ms has fewer than 3,000 packets.
NUMBERS = 20 << 8
LEAST = 4  # bytes: number, length, one byte of content
End = tuple[str, int]
CROWD = 50_000  # addresses; bounds memory


@dataclass
class Fax:
    """Datagrams that may be UDPTL, by the halves of the address and the port they go to, and come from."""

    counts: Counter[tuple[int, int, int]] = field(default_factory=Counter)
    sent: Counter[tuple[int, int, int]] = field(default_factory=Counter)

    def take(self, packets: Packets, udp: Payloads) -> None:
        """Count those of a window."""
        rows = np.flatnonzero(udp.head.view(HEAD)["number"] < NUMBERS)
        head = udp.head[rows].view(HEAD)
        may_be = (head["length"] > 0) & (udp.seen[rows] >= LEAST)
        may_be &= (head["cookie"] != MAGIC_COOKIE) & (head["length"] < udp.size[rows])
        rows = rows[may_be]
        if not len(rows):
            return
        sources, targets = np.hsplit(packets.addresses_of(udp.rows[rows]), 2)
        _add(self.sent, sources, udp.source_port[rows])
        _add(self.counts, targets, udp.destination_port[rows])

    def by_address(self) -> dict[End, int]:
        return _by_address(self.counts)

    def by_source(self) -> dict[End, int]:
        return _by_address(self.sent)


def _add(counts: Counter[tuple[int, int, int]], addresses: Array, ports: Array) -> None:
    ends = np.column_stack([addresses, ports.astype(np.uint64)])
    different, packets = np.unique(ends, axis=0, return_counts=True)
    for end, count in zip(map(tuple, different.tolist()), packets.tolist(), strict=True):
        if end in counts or len(counts) < CROWD:
            counts[end] += count


def _by_address(counts: Counter[tuple[int, int, int]]) -> dict[End, int]:
    return {(address(high, low), port): count for (high, low, port), count in counts.items()}
