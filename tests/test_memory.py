"""Memory is kept during work and released afterwards; without glibc nothing is changed."""

import ctypes
import gc
import os
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from postproc import memory

POOL = "ARROW_DEFAULT_MEMORY_POOL"


def resident():
    """Return this process's resident set size in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


@pytest.fixture(autouse=True)
def _usual_threshold():
    usual = gc.get_threshold()
    yield
    gc.set_threshold(*usual)


def test_what_was_kept_is_given_back():
    memory.keep()
    assert gc.get_threshold()[0] == memory.GARBAGE_THRESHOLD
    arrays = [np.ones(1 << 17) for _ in range(100)]
    guard = np.ones(1 << 17)  # above them, so that the heap cannot shrink by itself
    arrays.clear()
    kept = resident()
    memory.give_back()
    assert resident() < kept - 50 * guard.nbytes


def test_pieces_smaller_than_a_page_are_not_looked_at():
    """No memory could be given back of them."""
    code = """if True:
        from postproc import memory
        asked = []
        memory._glibc = lambda name: lambda *_: asked.append(name)
        large = [bytes(100_000) for _ in range(500)]
        small = [bytes(600) for _ in range(400_000)]  # too large for Python's own allocator
        large.clear()
        memory.give_back()
        del small[::2]
        memory.give_back()
        print(*asked)
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["malloc_trim"]


@pytest.mark.parametrize(("named", "used"), [(None, "system"), ("mimalloc", "mimalloc")])
def test_arrow_has_the_allocator_of_glibc_unless_another_is_named(named, used):
    asked = "import pyarrow as pa; print(pa.default_memory_pool().backend_name)"
    told = f"from postproc.memory import prepare; prepare(); {asked}"
    others = {name: value for name, value in os.environ.items() if name != POOL}
    environment = others | ({POOL: named} if named else {})
    done = subprocess.run([sys.executable, "-c", told], env=environment, capture_output=True, check=True)
    assert done.stdout.decode().split() == [used]


def test_another_c_library_is_left_alone(monkeypatch):
    monkeypatch.setattr(ctypes, "CDLL", lambda _: object())
    memory.keep()
    memory.give_back()
