"""Wireshark's own files: the bundle in a user's folders, and a profile for one capture."""
