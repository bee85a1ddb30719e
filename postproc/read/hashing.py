"""A file's SHA-256 on the way: who walks a capture reads every byte of it anyway."""

import hashlib
import os
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

PIECE = 1 << 20


class Hashing(FileIO):
    """A file opened to be read that hashes what goes into buffers, from its beginning on."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._hash = hashlib.sha256()
        self._done = 0
        self._size = os.fstat(self.fileno()).st_size  # what is added later is not of this capture

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        at = self.tell()
        got = super().readinto(memoryview(buffer)[: max(self._size - at, 0)])
        if at == self._done:
            self._hash.update(memoryview(buffer)[:got])
            self._done += got
        return got

    def sha256(self) -> str:
        """Hash of all bytes, in hex; those that nobody has asked for are read now."""
        self.seek(self._done)
        piece = bytearray(PIECE)
        while self.readinto(piece):
            pass
        return self._hash.hexdigest()
