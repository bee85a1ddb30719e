"""Asking: what a web server, a STUN server and a port range do, seen from here, when told to ask them."""
