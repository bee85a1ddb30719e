"""Ctrl-C, SIGTERM and SIGHUP at any moment: one line, exit status 130, nothing left behind.

While a command works the signal becomes a KeyboardInterrupt, so that whoever has
something to clear away does so. Libraries may swallow it, or turn it into an
error of their own: what counts is that the signal came. Before and after that
work there is nothing to clear away, and the program leaves at once.
"""

import logging
import os
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any

from postproc.files.signals import ENDING

INTERRUPTED = 130  # 128 + SIGINT, as a shell has it; the same for all of them: who stops a batch may go on
PATIENCE = 3  # s in which a further Ctrl-C does not disturb the clearing up
AGAIN = 0.05  # s until a signal that was swallowed comes anew


def leave_at_once(clear: Callable[[], object]) -> None:
    """From now on a signal ends the program on the spot, after ``clear``."""

    def leave(_number: int, _frame: FrameType | None) -> None:
        deaf()
        os.write(2, b"postproc: interrupted\n")
        clear()
        os._exit(INTERRUPTED)

    for each in ENDING:
        if _heard(each):
            signal.signal(each, leave)


def deaf() -> None:
    """From now on no signal disturbs: the program is leaving."""
    for each in ENDING:
        signal.signal(each, signal.SIG_IGN)


class Heeded:
    """A block in which signals raise KeyboardInterrupt; ``came`` says whether one has come.

    Nothing is printed of what an interruption breaks in threads, event loops and destructors.
    """

    def __init__(self) -> None:
        self.came = False
        self._raised = 0.0  # when, by the monotonic clock
        self._before: dict[signal.Signals, Any] = {}
        self._hooks = sys.unraisablehook, threading.excepthook

    def __enter__(self) -> "Heeded":
        if threading.current_thread() is threading.main_thread():
            self._before = {each: signal.signal(each, self._raise) for each in ENDING if _heard(each)}
            sys.unraisablehook = self._swallowed
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        for each, how in self._before.items():
            signal.signal(each, signal.SIG_IGN if self.came else how)
        sys.unraisablehook, threading.excepthook = self._hooks

    def _raise(self, _number: int, _frame: FrameType | None) -> None:
        now = time.monotonic()
        if self.came and now - self._raised < PATIENCE:
            return
        self.came, self._raised = True, now
        logging.disable()
        warnings.simplefilter("ignore")
        threading.excepthook = lambda _: None
        raise KeyboardInterrupt

    def _swallowed(self, what: "sys.UnraisableHookArgs") -> None:
        """Something that may not raise was interrupted: have the signal come again a moment later."""
        if isinstance(what.exc_value, KeyboardInterrupt):
            self._raised = 0.0
            again = threading.Timer(AGAIN, signal.raise_signal, [signal.SIGINT])
            again.daemon = True
            again.start()
        elif not self.came:
            self._hooks[0](what)


def _heard(number: signal.Signals) -> bool:
    """Whether we may be told of it: nohup, and a shell for its background, ask not to be disturbed."""
    return signal.getsignal(number) not in (signal.SIG_IGN, None)
