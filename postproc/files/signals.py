"""Delay Ctrl-C and termination signals during a step that must not be interrupted."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

ENDING = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name)
)  # Windows has no SIGHUP, only Windows has SIGBREAK


@contextmanager
def undisturbed() -> Iterator[None]:
    """Delay signals to the end of the block, then deliver the first one.

    Meant for steps of milliseconds. It does nothing in other threads than the main one, which get no signals.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    received: list[int] = []
    before = {each: signal.getsignal(each) for each in ENDING}
    heeded = {each: how for each, how in before.items() if how not in (signal.SIG_IGN, None)}
    for each in heeded:
        signal.signal(each, lambda number, _: received.append(number))
    try:
        yield
    finally:
        for each, how in heeded.items():
            signal.signal(each, how)
        if received:
            signal.raise_signal(received[0])
