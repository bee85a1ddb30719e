"""Calls told as they end, from captures that are still being written.

``growing`` follows files as far as they are whole, ``window`` holds those that open calls need, ``ending``
says which calls have ended, ``session`` judges the window again and again by the stages of a run,
``capturing`` has dumpcap fill a ring buffer, ``telling`` prints.
"""
