"""What processes that read captures have imported when they start: their server imports it once."""

from postproc import memory

with memory.quick_imports():
    from postproc import batch

__all__ = ["batch"]
