"""Active tests, run on request only.

How a web server, a STUN server and a range of ports behave, seen from here.
"""
