"""Legs joined into calls: what speaks for two legs being one call, and which are taken for one.

See docs/JOINING.md for the method, each weight, and how sure the result is.
"""
