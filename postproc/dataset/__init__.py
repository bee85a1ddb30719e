"""Calls of many runs and sites in one place: a table per folder, partitioned by site, date and hour.

``TABLE/site=NAME/date=YYYY-MM-DD/hour=HH/*.parquet``: what Hive, Spark, DuckDB, Dask and pyarrow read as one
table. Files are added and never written anew. All rows of a call lie in the partition of its start.
"""

from postproc.dataset.append import Appended, append
from postproc.dataset.prune import prune
from postproc.dataset.select import Wanted, calls, is_dataset, load, moment, rows, wanted

__all__ = ["Appended", "Wanted", "append", "calls", "is_dataset", "load", "moment", "prune", "rows", "wanted"]
