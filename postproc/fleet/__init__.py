"""Analyse the calls of many servers on many machines, into one dataset.

The captures of a folder form a chain of pieces by time, each as many files as fit in memory. Files that
unfinished calls need are handed to the next piece of their chain (``pieces``); chains run in parallel on any
executor (``chains``). ``sources`` finds the files, on disks and wherever fsspec can read.
"""

from postproc.fleet.chains import run
from postproc.fleet.pieces import Done, Task
from postproc.fleet.sources import Chain, chains

__all__ = ["Chain", "Done", "Task", "chains", "run"]
