"""Datasets: calls of many runs and sites, a folder per table, partitioned by site, date and hour.

``TABLE/site=NAME/date=YYYY-MM-DD/hour=HH/*.parquet``, which Hive, Spark, DuckDB, Dask and pyarrow read as one
table. Files are added and never rewritten. All rows of a call are in the partition of its start.
"""

from postproc.dataset.append import Appended, append
from postproc.dataset.prune import prune
from postproc.dataset.select import Wanted, calls, is_dataset, load, moment, rows, wanted

__all__ = ["Appended", "Wanted", "append", "calls", "is_dataset", "load", "moment", "prune", "rows", "wanted"]
