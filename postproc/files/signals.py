"""What may not be left half done: Ctrl-C and a request to end wait that long."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

ENDING = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name)
)  # Windows has no SIGHUP, only Windows has SIGBREAK


@contextmanager
def undisturbed() -> Iterator[None]:
    """Do the block to its end, however often the user wants the program to end; then obey.

    Meant for what takes milliseconds. Only the main thread is ever interrupted.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    before = {each: signal.getsignal(each) for each in ENDING}
    heeded = {each: how for each, how in before.items() if how not in (signal.SIG_IGN, None)}
    for each in heeded:
        signal.signal(each, lambda number, _: came.append(number))
    try:
        yield
    finally:
        for each, how in heeded.items():
            signal.signal(each, how)
        if came:
            signal.raise_signal(came[0])
