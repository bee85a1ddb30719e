"""Compiled templates, kept beside compiled modules as Python keeps these: to compile them takes as long as
to show a call.

Whoever may write there may write our modules. Nothing is kept where no compiled modules are, and what
cannot be written, or is damaged, is compiled as if there were nothing.
"""

import hashlib
import os
from contextlib import suppress
from pathlib import Path

from jinja2 import BytecodeCache, __version__
from jinja2.bccache import Bucket

from postproc.files.private import replace_file

DIGEST = 32  # bytes of the SHA-256 that a file begins with: of all behind it


class Compiled(BytecodeCache):
    """Templates as Python's code, in files of a folder that may be missing."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load_bytecode(self, bucket: Bucket) -> None:
        """Have the bucket hold the code of just this source, if it is kept."""
        try:
            held = self._file(bucket).read_bytes()
        except OSError:
            return
        if hashlib.sha256(held[DIGEST:]).digest() == held[:DIGEST]:
            bucket.bytecode_from_string(held[DIGEST:])

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep the code, if that is possible."""
        if not os.access(self._folder, os.W_OK):
            return
        code = bucket.bytecode_to_string()
        with suppress(OSError):
            replace_file(
                self._file(bucket), lambda place: place.write_bytes(hashlib.sha256(code).digest() + code)
            )

    def _file(self, bucket: Bucket) -> Path:
        """One for each template, Jinja and set of options; it says of what source it is."""
        asked = bucket.environment
        decisive = (bucket.key, __version__, asked.autoescape, asked.trim_blocks, asked.lstrip_blocks)
        return self._folder / f"{hashlib.sha256(repr(decisive).encode()).hexdigest()[:32]}.template"
