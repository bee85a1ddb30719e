"""Builders of packets and capture files, from the link layer up to whole calls.

They read no clock and no random source: a capture made twice is the same file. Of the analyzer they only use
the codecs of ``postproc.wire``, which define the byte layout. A builder also records what it puts on the
wire, which becomes the capture's truth. tests/test_pcaps.py has tshark read every packet.
"""
