"""Files to hand over: a call's packets, annotated copies, redacted files, the support ticket."""
