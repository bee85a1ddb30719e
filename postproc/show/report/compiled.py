"""Cache of compiled templates beside Python's compiled modules.

Compiling them takes as long as showing a call.

Whoever may write there may write the modules themselves. Nothing is cached where no compiled modules are; a
file that cannot be written, or is damaged, is as good as none.
"""

import hashlib
import os
from contextlib import suppress
from pathlib import Path

from jinja2 import BytecodeCache, __version__
from jinja2.bccache import Bucket

from postproc.files.private import replace_file

DIGEST = 32  # bytes of the SHA-256 at the file's start, of everything after it


class Compiled(BytecodeCache):
    """Jinja's bytecode cache in a folder, which may be missing."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load_bytecode(self, bucket: Bucket) -> None:
        """Load the bucket with its cached code, if there is any for just this source."""
        try:
            contents = self._file(bucket).read_bytes()
        except OSError:
            return
        if hashlib.sha256(contents[DIGEST:]).digest() == contents[:DIGEST]:
            bucket.bytecode_from_string(contents[DIGEST:])

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Cache the code, if possible."""
        if not os.access(self._folder, os.W_OK):
            return
        code = bucket.bytecode_to_string()
        with suppress(OSError):
            replace_file(
                self._file(bucket), lambda place: place.write_bytes(hashlib.sha256(code).digest() + code)
            )

    def _file(self, bucket: Bucket) -> Path:
        """Return the file for the template, Jinja's version and options.

        Its contents name the source they are of.
        """
        environment = bucket.environment
        decisive = (
            bucket.key,
            __version__,
            environment.autoescape,
            environment.trim_blocks,
            environment.lstrip_blocks,
        )
        return self._folder / f"{hashlib.sha256(repr(decisive).encode()).hexdigest()[:32]}.template"
