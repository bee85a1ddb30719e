"""Classic pcap: a file header of 24 bytes, then records of 16 bytes and a packet.

Either byte order, micro- or nanoseconds
(https://www.ietf.org/archive/id/draft-ietf-opsawg-pcap-04.html).
"""

import struct

import numpy as np

from postproc.read.arrays import Array, count_until, gather
from postproc.read.container import LARGEST_PACKET, Container, Interface, Layout, NotWalkable, Window

HEADER, RECORD = 24, 16
MAGIC = {  # byte order, digits behind the second
    b"\xd4\xc3\xb2\xa1": ("<", 6),
    b"\x4d\x3c\xb2\xa1": ("<", 9),
    b"\xa1\xb2\xc3\xd4": (">", 6),
    b"\xa1\xb2\x3c\x4d": (">", 9),
}


def container(head: bytes) -> Container:
    """Read the file header, 24 bytes. Raises NotWalkable for a dialect of pcap."""
    if head[:4] not in MAGIC:
        raise NotWalkable("a dialect of pcap")
    order, digits = MAGIC[head[:4]]
    major, minor, link_type = struct.unpack(order + "4xHH12xI", head)
    if (major, minor) != (2, 4):
        raise NotWalkable(f"pcap version {major}.{minor}")
    return Container(
        format="pcap",
        layout=Layout(struct.Struct(order + "I"), 8, RECORD, RECORD, RECORD + LARGEST_PACKET),
        header=HEADER,
        records=records,
        interfaces=[Interface(link_type & 0xFFFF, resolution=digits)],
    )


def records(container: Container, data: Array, base: int, starts: Array, sizes: Array) -> tuple[Window, bool]:
    """Slice the records, each a packet; False when one is absurdly long: none from there on counts."""
    count = len(starts)
    whole = count_until(sizes > container.layout.largest)
    starts, sizes = starts[:whole], sizes[:whole]
    order = container.layout.length.format[0]
    stamps = gather(data, starts, np.dtype([("second", order + "u4"), ("fraction", order + "u4")]))
    second, fraction = stamps["second"].astype(np.int64), stamps["fraction"].astype(np.int64)
    window = Window(
        data=data,
        start=starts + RECORD,
        captured=sizes - RECORD,
        time=second * 10**9 + fraction * 10 ** (9 - container.interfaces[0].resolution),
        interface=np.zeros(len(starts), np.int64),
        record_at=starts + base,
        record_size=sizes,
        others=[] if base else [(0, HEADER)],
    )
    return window, whole == count
