"""Captures of the way in, recorded: nginx, a web application with a hub of SignalR, and apps that ask for it.

``python -m pcaps.make.way_in [NAME ...]`` records them anew (as root; ``nginx``, ``dumpcap``, ``ip``, and
``node`` for HTTP/2), with their keys, into ``pcaps/way-in`` and its ``truth.json``.
"""

ORIGIN = "recorded: nginx 1.22, a hub of SignalR in Python; http.client and websockets on OpenSSL 3.0, Node"
