"""Pseudonyms for data that identifies persons and networks: in packets, logs and words. Pure.

Data whose grammar is known is replaced piece by piece, consistently everywhere; everything else is zeroed.
Nothing is kept only because no rule mentions it.
"""
