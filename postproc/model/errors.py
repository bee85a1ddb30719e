"""The exceptions of postproc.

Anomalies inside a capture never raise: a malformed packet becomes NA in a row, or a
finding. Only the machine, an unreadable file and our own bugs do.
"""


class PostprocError(Exception):
    """Shown to the user as one line; the traceback only with ``--debug``."""


class SetupError(PostprocError):
    """The machine lacks something: the message says what to install."""


class CaptureError(PostprocError):
    """One file cannot be read: the batch continues without it."""


class SchemaError(PostprocError):
    """A table does not match its declaration: a bug in postproc."""
