"""Joining legs into calls: the evidence that two legs are one call, and the choice among pairs.

See docs/JOINING.md for the method, each weight, and how certain the result is.
"""
