"""Reproducible identifiers: a hash of a name and a counter instead of random numbers."""

import hashlib
import string

ICE_CHARS = string.ascii_letters + string.digits


class Seed:
    """A stream of bytes that depends on the name only, not on the Python version."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._count = 0

    def data(self, length: int) -> bytes:
        out = b""
        while len(out) < length:
            self._count += 1
            out += hashlib.sha256(f"{self.name}/{self._count}".encode()).digest()
        return out[:length]

    def text(self, length: int, alphabet: str = ICE_CHARS) -> str:
        return "".join(alphabet[byte % len(alphabet)] for byte in self.data(length))

    def number(self, low: int, high: int) -> int:
        return low + int.from_bytes(self.data(8), "big") % (high - low + 1)

    def hex(self, length: int) -> str:
        return self.text(length, "0123456789abcdef")

    def uuid(self) -> str:
        """Return a time-based UUID as sofia-sip writes it: the third group begins with 1."""
        return (
            f"{self.hex(8)}-{self.hex(4)}-1{self.hex(3)}-{self.text(1, '89ab')}{self.hex(3)}-{self.hex(12)}"
        )

    def child(self, name: str) -> "Seed":
        return Seed(f"{self.name}/{name}")
