"""The calls of many servers, judged by many machines and added to one dataset.

The captures of a folder are a chain of pieces by time, each as many files as fit in memory. What calls that
go on need is handed to the next piece of their chain (``pieces``); chains are worked on side by side, by any
executor (``chains``). ``sources`` finds the files, on disks and wherever fsspec gets at them.
"""

from postproc.fleet.chains import run
from postproc.fleet.pieces import Done, Task
from postproc.fleet.sources import Chain, chains

__all__ = ["Chain", "Done", "Task", "chains", "run"]
