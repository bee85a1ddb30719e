"""Follow a capture that is being written, and copy its whole records.

The copy grows with the file record by record, so that no reader sees part of a packet, and remains when a
ring buffer removes the file.
"""

import os
import struct
import time
from dataclasses import dataclass, field
from io import FileIO
from pathlib import Path
from typing import BinaryIO

from postproc.files.private import FILE
from postproc.files.signals import undisturbed
from postproc.model.errors import CaptureError
from postproc.read.inputs import GZIP, PACKED
from postproc.read.limits import OUTSIDE
from postproc.read.walk import capture_format, open_container, windows
from postproc.wire import pcapng

# s without a change after which a file counts as finished. dumpcap flushes at least every second while
# packets arrive; 5 allows for slow disks. Longer delays finished files, shorter copies them needlessly.
FINISHED = 5.0
CHUNK = 1 << 22  # bytes read at a time
HEAD = 24
# Most bytes of a record: a larger one is no record, and would be awaited in memory. The largest packet is
# 256 kB (Wireshark's limit); a block of TLS keys or names may have a few megabytes.
LONGEST = 1 << 24
SIP = b"SIP/2.0"  # in every SIP message (RFC 3261, section 7)
IF_DROP = 5  # isb_ifdrop: packets dropped by the interface (draft-ietf-opsawg-pcapng, 4.6)


@dataclass
class Framing:
    """How the records of a file follow each other."""

    order: str
    pcapng: bool

    def size(self, data: bytes, at: int) -> int | None:
        """Return the size of the record at ``at``, None if its length is not written yet; or ValueError."""
        need = 8 if self.pcapng else pcapng.PCAP_RECORD
        if len(data) - at < need:
            return None
        length: int = struct.unpack_from(f"{self.order}I", data, at + (4 if self.pcapng else 8))[0]
        if not (12 if self.pcapng else 0) <= length <= LONGEST:
            raise ValueError(f"a record of {length} bytes")
        return length if self.pcapng else pcapng.PCAP_RECORD + length

    @classmethod
    def of(cls, head: bytes) -> "Framing | None":
        """Return the framing by the file's first bytes; None if it is neither pcap nor pcapng."""
        if head[:4] in pcapng.PCAP_MAGIC:
            return cls(pcapng.PCAP_MAGIC[head[:4]][0], pcapng=False)
        if head[:4] == bytes.fromhex("0a0d0d0a") and len(head) >= 12:
            return cls("<" if head[8:12] == pcapng.LITTLE_ENDIAN else ">", pcapng=True)
        return None


@dataclass
class Growing:
    """A file being followed. ``path`` is what is read: the copy, or the file itself if it was finished."""

    source: Path
    name: str
    path: Path
    whole: int = 0  # bytes of whole records
    changed: float = 0.0  # when ``whole`` last grew, by the monotonic clock
    dropped: dict[int, int] = field(default_factory=dict)  # by interface, from the file's statistics
    signalled: bool = False  # SIP has arrived since this was last set to False
    first_ns: int = 0
    _framing: Framing | None = None
    _rest: bytes = field(default=b"", repr=False)
    _read: int = 0

    @classmethod
    def seen(cls, source: Path, name: str, copy: Path) -> "Growing | None":
        """Start following a file; None if its format cannot be recognised yet."""
        about = source.stat()
        finished = time.time() - about.st_mtime > FINISHED
        with source.open("rb") as file:
            head = file.read(HEAD)
        framing = Framing.of(head)
        if capture_format(head) is None:
            return None
        if finished or head[:2] == GZIP or head[:4] in PACKED.values():
            if not finished:
                return None
            following = cls(source, name, source, about.st_size, -FINISHED, signalled=True)
            following.first_ns = first_time(source, about.st_mtime_ns)
            return following
        if framing is None:
            return None
        following = cls(source, name, copy, _framing=framing)
        os.close(os.open(copy, os.O_CREAT | os.O_EXCL | os.O_WRONLY, FILE))
        following.first_ns = about.st_mtime_ns
        return following

    def grow(self) -> bool:
        """Copy new whole records; return whether there were any. FileNotFoundError if the file is gone."""
        if self._framing is None:
            return False
        before = self.whole
        with self.source.open("rb") as file, self.path.open("ab") as copy:
            file.seek(self._read)
            more = True
            while more and self._framing is not None:
                with undisturbed():  # an interrupt here would lose what was read
                    data = file.read(CHUNK)
                    self._read += len(data)
                    self._take(data, copy)
                more = bool(data)
        if self.whole == before:
            return False
        if before == 0:
            self.first_ns = first_time(self.path, self.first_ns)
        self.changed = time.monotonic()
        return True

    def _take(self, new: bytes, copy: BinaryIO) -> None:
        data, at = self._rest + new, 0
        framing = self._framing
        assert framing is not None
        if self.whole == 0 and not framing.pcapng:
            if len(data) < pcapng.PCAP_HEADER:
                self._rest = data
                return
            at = pcapng.PCAP_HEADER
        try:
            while (size := framing.size(data, at)) is not None and at + size <= len(data):
                if framing.pcapng:
                    kind, _, interface = struct.unpack_from(f"{framing.order}III", data, at)
                    if kind == pcapng.STATISTICS and size >= 24:  # with a time
                        self.dropped[interface] = _dropped(data[at : at + size], framing.order)
                at += size
        except ValueError:  # no valid record: the file ends here
            self._framing = None
        self.signalled |= SIP in data[:at]
        copy.write(data[:at])
        self.whole += at
        self._rest = data[at:]


def _dropped(block: bytes, order: str) -> int:
    """Return the packets dropped by an interface, from its statistics block."""
    at = 20
    while at + 4 <= len(block) - 4:
        code, length = struct.unpack_from(f"{order}HH", block, at)
        if code == IF_DROP and length == 8:
            return int(struct.unpack_from(f"{order}Q", block, at + 4)[0])
        if code == 0:
            break
        at += 4 + -(-length // 4) * 4
    return 0


def first_time(path: Path, otherwise: int) -> int:
    """Return the time of a capture's first packet (ns since 1970), ``otherwise`` if it has none."""
    try:
        with FileIO(path) as file:
            window = next(iter(windows(file, open_container(file), 1 << 16)), None)
    except (CaptureError, OSError):
        return otherwise
    believed = window.time[window.time != OUTSIDE] if window is not None else []
    return int(believed[0]) if len(believed) else otherwise
