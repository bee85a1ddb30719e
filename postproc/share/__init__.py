"""Files to pass on: a call's packets, annotated copies, redacted files, tickets."""
