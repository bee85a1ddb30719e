"""Probes: how a web server, a STUN server or a range of UDP ports responds to this machine, on request."""
