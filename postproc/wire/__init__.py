"""Protocols as they are on the wire: a module each, bytes -> objects and objects -> bytes.

Frozen dataclasses hold every field that was sent, so that what is packed again is what
was parsed. Nothing here reads a file, knows a table or needs another package; reading,
redaction, the makers of captures and the benchmark speak through it.
"""


class MalformedError(ValueError):
    """Bytes that no sender of this protocol writes: too short, or contradicting themselves."""
