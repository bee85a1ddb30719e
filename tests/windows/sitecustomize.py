"""Loaded by Python at its start (PYTHONPATH): this machine has what Windows has, and forbids what it forbids.

Modules, functions and ways to start workers that Windows lacks are gone; a file that any process has
open, or mapped, can be neither renamed, replaced nor removed, and no folder that holds one. What remains
Linux: paths, the names of programs, tshark itself.
"""

import errno
import multiprocessing
import os
import select
import shutil
import signal
import sys
from contextlib import suppress
from pathlib import Path

import filelock  # noqa: F401  (it has a way of its own on Windows, which it chooses when it is imported)

LACKING = ("fcntl", "resource", "pwd", "grp", "termios")
REFUSED = os.environ.get("REFUSED_FILES", "")  # where to note each refusal


def _held() -> set[str]:
    """The files that some process of this user has open or mapped."""
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it is gone, or another user's
            for each in (process / "fd").iterdir():
                with suppress(OSError):
                    found.add(str(each.readlink()))
            maps = (process / "maps").read_text(errors="replace").splitlines()
            found |= {line.split(maxsplit=5)[5] for line in maps if line.count("/") > 1}
    return found


def _refusing(function):
    def refuse(path, *arguments, **named):
        at = os.path.realpath(path) if not isinstance(path, int) else ""
        targets = [
            at,
            *(os.path.realpath(each) for each in arguments[:1] if isinstance(each, str | os.PathLike)),
        ]
        held = _held()
        for target in targets:
            if any(each == target or each.startswith(f"{target}/") for each in held):
                if REFUSED:
                    with Path(REFUSED).open("a", encoding="utf-8") as notes:
                        notes.write(f"{function.__name__} {target}\n")
                second = [None, *arguments[:1]] if arguments else []
                raise PermissionError(errno.EACCES, "in use by another process", os.fspath(path), *second)
        return function(path, *arguments, **named)

    return refuse


if os.environ.get("AS_ON_WINDOWS"):
    for name in LACKING:
        sys.modules[name] = None
    for module, names in (
        (signal, ("pthread_sigmask", "SIGHUP", "SIGALRM", "setitimer")),
        (select, ("poll", "epoll")),
        (os, ("sched_getaffinity", "fork", "killpg", "setsid", "mkfifo")),
    ):
        for name in names:
            if hasattr(module, name):
                delattr(module, name)
    multiprocessing.get_all_start_methods = lambda: ["spawn"]
    shutil._use_fd_functions = False
    for name in ("rename", "replace", "unlink", "remove", "rmdir"):
        setattr(os, name, _refusing(getattr(os, name)))
