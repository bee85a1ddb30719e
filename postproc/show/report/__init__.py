"""report.html: everything found out about each call, as one file for people."""
