"""Builders of packets and capture files, from the link layer up to whole calls.

Nothing here reads a clock or a random source: a capture made twice is the same
file. Nothing here knows the analyser: what a builder puts on the wire it also
writes down, and that is the capture's truth.
"""
