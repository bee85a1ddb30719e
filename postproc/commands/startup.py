"""What a command does so that its imports, most of a short run, take less time."""

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quick_imports() -> Iterator[None]:
    """Import the heavy packages without what they would do for nobody.

    What they make stays until the end, so no garbage is looked for in it, now
    or later. No linear algebra is done here, so numpy need not start threads for
    it; who has set their number keeps it.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
