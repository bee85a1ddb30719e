"""Builders of packets and capture files, from the link layer up to whole calls.

Nothing here reads a clock or a random source: a capture made twice is the same
file. Of the analyser nothing is used but the codecs of ``postproc.wire``, which say
how bytes are laid out; what a builder puts on the wire it also writes down, and that
is the capture's truth. tests/test_pcaps.py has tshark read every packet.
"""
