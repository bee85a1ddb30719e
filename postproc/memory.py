"""Memory policy of a run: keep memory while a capture is walked, release it between the stages."""

import gc
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

# New objects. Of 2,000 calls a run makes two million, none of which a search frees: with a hundred thousand
# searching took 0.5 of 14.8 s, and the memory was the same.
GARBAGE_THRESHOLD = 1_000_000
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # malloc.h
# The fields of glibc's struct mallinfo2 and the places of these two: free pieces, and the bytes in them.
FIELDS, PIECES, FREE = 10, 1, 8
PAGE = 4096  # bytes, on most systems


def prepare() -> None:
    """Set what counts from the start; to be called before pyarrow is imported.

    With glibc's allocator a run on 2,000 calls takes 60 MB less than with Arrow's own, mimalloc, and no
    more time. An allocator that the environment names stays.
    """
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    seldom_look_for_garbage()


def keep() -> None:
    """Spend memory on time: look for garbage less often, and have glibc keep that of large arrays.

    Rows are dicts and lists by the ten thousand, none of them in a cycle. Memory given
    back would have to be faulted in anew for every window of a capture.
    """
    seldom_look_for_garbage()
    for setting in (M_MMAP_THRESHOLD, M_TRIM_THRESHOLD):
        _glibc("mallopt")(setting, 1 << 30)


def seldom_look_for_garbage() -> None:
    """What imports make stays, and is much."""
    gc.set_threshold(GARBAGE_THRESHOLD)


@contextmanager
def quick_imports() -> Iterator[None]:
    """Import pandas and the like without overhead.

    Objects that imports create live until the program ends, so the garbage collector need not search them,
    now or later. No linear algebra is done here, so numpy need not start threads for it, unless the user has
    set their number.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def give_back() -> None:
    """Return memory kept by glibc and arrow to the system, at the end of a stage."""
    import pyarrow as pa  # noqa: PLC0415  (every command imports this module)

    pa.default_memory_pool().release_unused()
    if _in_pages():
        _glibc("malloc_trim")(0)


def _in_pages() -> bool:
    """Return whether glibc's free pieces are at least a page on average: of smaller ones nothing can go back.

    Two hundred small captures leave 90,000 pieces of 600 bytes; each look at them takes 25 to 80 ms.
    """
    import ctypes  # noqa: PLC0415  (every command imports this module)

    class Mallinfo2(ctypes.Structure):
        _fields_ = (("sizes", ctypes.c_size_t * FIELDS),)

    try:
        asked = ctypes.CDLL(None).mallinfo2  # glibc 2.33
        asked.restype = Mallinfo2
    except (AttributeError, OSError, TypeError):
        return True
    sizes = asked().sizes
    return bool(sizes[FREE] >= sizes[PIECES] * PAGE)


def _glibc(name: str) -> Callable[..., object]:
    import ctypes  # noqa: PLC0415  (every command imports this module)

    try:
        function: Callable[..., object] = getattr(ctypes.CDLL(None), name)
    except (AttributeError, OSError, TypeError):  # another C library
        return lambda *_: None
    return function
