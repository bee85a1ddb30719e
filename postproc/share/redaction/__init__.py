"""Replace what identifies people and networks with pseudonyms: in packets, logs and words. Pure.

Data with a known grammar is replaced piece by piece, with the same pseudonym everywhere;
all other data is zeroed. Nothing passes by default.
"""
