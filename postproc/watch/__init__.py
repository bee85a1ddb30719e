"""Report calls as they end, from captures that are still being written.

``growing`` follows files up to their last whole record, ``window`` holds those that open calls need,
``ending`` decides which calls have ended, ``session`` analyses the window repeatedly by the stages of a run,
``capturing`` runs dumpcap with a ring buffer, ``telling`` prints.
"""
