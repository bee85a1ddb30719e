"""legshark: what happened on every leg of every call in a packet capture."""

__version__ = "0.1.0"
