"""Count what media ports carry beside media: fax (UDPTL, ITU-T T.38, section 9.1) and ZRTP (RFC 6189).

Nothing in a UDPTL packet tells it from other data: it begins with a number that counts from 0, and a length.
So all datagrams that may be some are counted, and those at addresses that SDP names for fax are it. ZRTP
has a magic cookie.
"""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from postproc.read.arrays import Array, structure
from postproc.read.media import address
from postproc.read.packets import Packets, Payloads
from postproc.read.rtp import MAGIC_COOKIE

ZRTP_FIRST, ZRTP_COOKIE = 0x10, int.from_bytes(b"ZRTP")  # RFC 6189, section 5
HEAD = structure("number >u2, length u1, content u1, cookie >u4, rest V8")
# Below the first bytes of DTLS (RFC 7983); a fax page at 30 ms has fewer than 3,000 packets.
NUMBERS = 20 << 8
LEAST = 4  # bytes: number, length, one byte of content
End = tuple[str, int]
Counts = Counter[tuple[int, int, int]]  # by the halves of an address, and a port
CROWD = 50_000  # addresses; bounds memory


@dataclass
class Beside:
    """Datagrams that may be UDPTL, by where they go to and come from; ZRTP by where it comes from."""

    fax_to: Counts = field(default_factory=Counter)
    fax_from: Counts = field(default_factory=Counter)
    zrtp_from: Counts = field(default_factory=Counter)

    def take(self, packets: Packets, udp: Payloads) -> None:
        """Count those of a window."""
        rows = np.flatnonzero(udp.head.view(HEAD)["number"] < NUMBERS)
        head = udp.head[rows].view(HEAD)
        zrtp = (head["number"] >> 8 == ZRTP_FIRST) & (head["cookie"] == ZRTP_COOKIE)
        may_be = (head["length"] > 0) & (udp.seen[rows] >= LEAST) & ~zrtp
        may_be &= (head["cookie"] != MAGIC_COOKIE) & (head["length"] < udp.size[rows])
        sources, targets = np.hsplit(packets.addresses_of(udp.rows[rows]), 2)
        _add(self.zrtp_from, sources[zrtp], udp.source_port[rows[zrtp]])
        _add(self.fax_from, sources[may_be], udp.source_port[rows[may_be]])
        _add(self.fax_to, targets[may_be], udp.destination_port[rows[may_be]])


def _add(counts: Counts, addresses: Array, ports: Array) -> None:
    if not len(ports):
        return
    ends = np.column_stack([addresses, ports.astype(np.uint64)])
    different, packets = np.unique(ends, axis=0, return_counts=True)
    for end, count in zip(map(tuple, different.tolist()), packets.tolist(), strict=True):
        if end in counts or len(counts) < CROWD:
            counts[end] += count


def by_end(counts: Counts) -> dict[End, int]:
    """Return the counts by address and port."""
    return {(address(high, low), port): count for (high, low, port), count in counts.items()}
