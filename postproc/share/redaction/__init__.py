"""Pseudonyms for what tells persons and networks: in packets, logs and words. Pure.

What is known by its grammar is replaced piece by piece, consistently everywhere;
what is not known is zeroed. Nothing passes because nobody thought of it.
"""
