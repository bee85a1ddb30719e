"""Rows of the way in: connections, TLS handshakes and HTTP requests, as short as they can be told."""

CLIENT, SERVER, PROXY = "203.0.113.45", "198.51.100.10", "192.168.60.10"
NAME = "phone.example.com"


def asked(asking, rule, *, connections=(), tls=(), http=(), lasts=60.0, **more):
    """What a rule finds in a capture that lasts so many seconds and holds just this."""
    captures = [{"time": 0.0, "first_time": 0.0, "last_time": lasts, "packets": 1000}]
    return asking(
        rule, sip_messages=[], captures=captures, connections=connections, tls=tls, http=http, **more
    )


def _ends(client, server, port, number):
    return {"client_addr": client, "client_port": 40000 + number, "server_addr": server, "server_port": port}


def connection(outcome="established", *, client=CLIENT, server=SERVER, port=443, number=0, at=1.0, **more):
    base = {
        "frame": 100 * (number + 1),
        "time": at,
        "attempts": 1,
        "outcome": outcome,
        "lasted_s": 1.0,
        "client_bytes": 0,
        "server_bytes": 0,
        "longest_pause_s": 0.5,
        "pause_before_end": False,
        "unheard_client": 0,
        "unheard_server": 0,
        "last_time": at + 1,
    }
    return base | _ends(client, server, port, number) | more


def handshake(outcome="complete", *, client=CLIENT, server=SERVER, port=443, number=0, at=1.0, **more):
    """Of TLS 1.2, with a good certificate for the name asked for."""
    base = {
        "frame": 100 * (number + 1) + 3,
        "time": at,
        "server_name": NAME,
        "oldest_offered": "TLS 1.2",
        "newest_offered": "TLS 1.3",
        "version": "TLS 1.2",
        "answered": True,
        "resumed": False,
        "certificates": 2,
        "subject": NAME,
        "names": NAME,
        "issuer": "Issuing CA",
        "not_before": "1969-01-01T00:00:00Z",
        "not_after": "1971-01-01T00:00:00Z",
        "self_signed": False,
        "ca_issuers": True,
        "chain_breaks": False,
        "fits_name": True,
        "in_date": True,
        "outcome": outcome,
        "requested": outcome == "complete",
    }
    return base | _ends(client, server, port, number) | more


def refused(alert="certificate_unknown", **more):
    """A handshake that the client breaks off with an alert."""
    number = more.get("number", 0)
    return handshake(
        "alert", **{"broken_by": "client", "alert": alert, "alert_frame": 100 * (number + 1) + 8} | more
    )


UNREADABLE = dict.fromkeys(
    (
        "certificates",
        "subject",
        "names",
        "issuer",
        "not_before",
        "not_after",
        "self_signed",
        "ca_issuers",
        "chain_breaks",
        "fits_name",
        "in_date",
    )
)


def request(path, status=200, *, client=CLIENT, server=SERVER, port=443, number=0, at=2.0, **more):
    base = {
        "frame": 100 * (number + 1) + int(at * 10),
        "time": at,
        "secured": True,
        "host": NAME,
        "method": "GET",
        "url_path": path,
        "forwarded": False,
        "status": status,
        "duration_ms": 5.0,
        "response_frame": None if status is None else 100 * (number + 1) + int(at * 10) + 1,
        "software": "nginx",
        "challenge_goes_on": False,
    }
    return base | _ends(client, server, port, number) | more


API = "/XPhoneConnect/webclientapi"
HUB = f"{API}/hub"


def negotiated(status=200, **more):
    return request(f"{HUB}/negotiate", status, **{"method": "POST", "signalr": "negotiate"} | more)


def upgrade(status=101, **more):
    return request(HUB, status, **{"upgrade": "websocket", "signalr": "websocket"} | more)


def poll(**more):
    return request(HUB, 200, **{"signalr": "poll"} | more)
