"""report.html: what was found out about every call, as one file for people."""
