"""Checks configuration files of the way in, read-only: what is wrong, why, and what to put."""
