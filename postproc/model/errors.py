"""What can go wrong outside the packets.

Trouble inside a capture is never an exception: an odd packet becomes NA in a
row, or a finding. Only our machine, one file and our own mistakes are raised.
"""


class PostprocError(Exception):
    """Shown to the user as one line; the traceback only with ``--debug``."""


class SetupError(PostprocError):
    """This machine cannot do the work: the message says what to install."""


class CaptureError(PostprocError):
    """This file cannot be read: the batch goes on without it."""


class SchemaError(PostprocError):
    """A table does not have the columns it declares: our bug."""
