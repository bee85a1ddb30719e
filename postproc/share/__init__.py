"""What leaves the house: a call's packets, annotated copies, redacted files, the ticket."""
