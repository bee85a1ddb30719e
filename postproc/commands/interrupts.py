"""Ctrl-C, SIGTERM and SIGHUP at any moment: one line, exit status 130, nothing left behind.

While a command works, the signal becomes a KeyboardInterrupt, so that code can clean up. Libraries may
swallow it or turn it into another error, so what counts is that the signal came. Before and after that work
there is nothing to clean up, and the program exits at once.
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

INTERRUPTED = 130  # 128 + SIGINT, as shells report it; for the other signals, too: each can be resumed from
# Choices: within PATIENCE s a further Ctrl-C does not disturb the cleanup; AGAIN s after a destructor
# swallowed the interrupt it is raised once more.
PATIENCE = 3
AGAIN = 0.05


def leave_at_once(clear: Callable[[], object]) -> None:
    """From now on, have a signal end the program at once, after calling ``clear``."""

    def leave(_number: int, _frame: FrameType | None) -> None:
        deaf()
        os.write(2, b"postproc: interrupted\n")
        clear()
        os._exit(INTERRUPTED)

    for number in ENDING:
        if _is_heeded(number):
            signal.signal(number, leave)


def deaf() -> None:
    """Ignore all further signals: the program is exiting."""
    for number in ENDING:
        signal.signal(number, signal.SIG_IGN)


class Heeded:
    """A block in which signals raise KeyboardInterrupt; ``came`` tells whether one has come.

    Errors that the interruption causes in threads, event loops and destructors are not printed.
    """

    def __init__(self) -> None:
        self.came = False
        self._raised = 0.0  # time of the last KeyboardInterrupt, by the monotonic clock
        self._before: dict[signal.Signals, Any] = {}
        self._hooks = sys.unraisablehook, threading.excepthook

    def __enter__(self) -> "Heeded":
        if threading.current_thread() is threading.main_thread():
            self._before = {
                number: signal.signal(number, self._raise) for number in ENDING if _is_heeded(number)
            }
            sys.unraisablehook = self._swallowed
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, signal.SIG_IGN if self.came else handler)
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

    def _swallowed(self, unraisable: "sys.UnraisableHookArgs") -> None:
        """Raise the signal again a moment later if it hit code that cannot raise, such as a destructor."""
        if isinstance(unraisable.exc_value, KeyboardInterrupt):
            self._raised = 0.0
            timer = threading.Timer(AGAIN, signal.raise_signal, [signal.SIGINT])
            timer.daemon = True
            timer.start()
        elif not self.came:
            self._hooks[0](unraisable)


def _is_heeded(number: signal.Signals) -> bool:
    """Tell whether the signal may be handled: under nohup, and in a shell's background, it is ignored."""
    return signal.getsignal(number) not in (signal.SIG_IGN, None)
