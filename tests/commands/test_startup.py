"""Imports of a command: quick, and nothing left changed that matters later."""

import gc
import os

import pytest

from postproc.commands.options import quick_imports

THREADS = "OPENBLAS_NUM_THREADS"


def test_garbage_is_not_looked_for_inside_but_afterwards(monkeypatch):
    monkeypatch.delenv(THREADS, raising=False)
    with quick_imports():
        assert not gc.isenabled()
    assert gc.isenabled()
    assert gc.get_freeze_count() > 0
    gc.unfreeze()


def test_garbage_is_looked_for_again_after_an_error(monkeypatch):
    monkeypatch.delenv(THREADS, raising=False)
    with pytest.raises(ImportError), quick_imports():
        raise ImportError
    assert gc.isenabled()
    gc.unfreeze()


@pytest.mark.parametrize(("before", "inside"), [(None, "1"), ("8", "8")])
def test_who_has_set_the_number_of_threads_keeps_it(monkeypatch, before, inside):
    monkeypatch.setenv(THREADS, before or "")
    if before is None:
        monkeypatch.delenv(THREADS)
    with quick_imports():
        assert os.environ[THREADS] == inside
    gc.unfreeze()
