"""A signal at any moment: one line and 130, whatever a library makes of the interruption."""

import signal
import subprocess
import sys

import pytest

LINE = "postproc: interrupted\n"
MAIN = """
import os, signal, sys, time, tempfile
from postproc.commands import interrupts
from postproc.commands.options import one_line_errors
def strike(how=signal.SIGINT): os.kill(os.getpid(), how)
class Dies:
    def __del__(self): strike(); time.sleep(5)
def swallowing():
    try: strike(); time.sleep(5)
    except BaseException: raise ImportError("numpy could not be imported")
def twice():
    try: strike(); time.sleep(5)
    finally: strike(); time.sleep(0.1); print("cleared")
interrupts.leave_at_once(lambda: print("cleared", flush=True))
"""


def ran(body: str, **more: object) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", MAIN + body], capture_output=True, text=True, check=False, timeout=60, **more
    )


@pytest.mark.parametrize("how", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_before_and_after_the_work_the_program_leaves_on_the_spot(how):
    done = ran(f"strike(signal.{how}); time.sleep(5)")
    assert (done.returncode, done.stderr, done.stdout) == (130, LINE, "cleared\n")


@pytest.mark.parametrize(
    "body",
    [
        "strike(); time.sleep(5)",
        "strike(signal.SIGTERM); time.sleep(5)",
        "strike(signal.SIGHUP); time.sleep(5)",
        "Dies(); time.sleep(5)",  # Python swallows it there
        "swallowing()",
        "twice()",
    ],
)
def test_at_work_it_is_one_line_whatever_becomes_of_it(body):
    done = ran(f"with one_line_errors(): {body}")
    assert (done.returncode, done.stderr) == (130, LINE)
    assert ("cleared" in done.stdout) == (body == "twice()")


def test_who_asked_not_to_be_disturbed_is_not():
    done = ran(
        "with one_line_errors(): strike(signal.SIGHUP); print(1)",
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN),
    )
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "1\n")


def test_an_error_of_the_system_is_one_line_too():
    done = ran("with one_line_errors(): open('/nowhere/x')")
    assert (done.returncode, done.stderr) == (2, "postproc: /nowhere/x: no such file or directory\n")


def test_what_must_not_be_left_half_done_is_done_first():
    done = ran("""
from postproc.files.signals import undisturbed
with one_line_errors():
    with undisturbed():
        strike(); time.sleep(0.1); print("done")
    print("not reached")
""")
    assert (done.returncode, done.stderr, done.stdout) == (130, LINE, "done\n")
