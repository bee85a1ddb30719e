"""Record captures of the way in: an app, nginx as reverse proxy, and a web application with a SignalR hub.

``python -m pcaps.make.way_in [NAME ...]`` writes captures and key logs to ``pcaps/way-in``, and updates its
``truth.json``. It needs root, ``nginx``, ``dumpcap``, ``editcap``, ``ip``, and ``node`` for HTTP/2.
"""

ORIGIN = "recorded: nginx 1.22, a hub of SignalR in Python; http.client and websockets on OpenSSL 3.0, Node"
