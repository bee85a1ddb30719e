"""Two self-signed certificates (EC, P-256) for the captures; their private keys were not kept."""

import base64
import hashlib

SERVER = base64.b64decode(
    "MIIBfzCCASWgAwIBAgIUK9Q3RtNsYT1UC+GrRlk6zONL0B4wCgYIKoZIzj0EAwIwFTETMBEGA1UEAwwKRnJlZVNXSVRDSDAe"
    "Fw0yNjExMjMwMTM2MjRaFw0zNjExMjAwMTM2MjRaMBUxEzARBgNVBAMMCkZyZWVTV0lUQ0gwWTATBgcqhkjOPQIBBggqhkjO"
    "PQMBBwNCAASl47wOLb8Ff7JzN5CTcsY7U9+Tjc9RcB8NDhSE53KeZGIZhbG19mour2yQy0OzaGsUQXk8b4ZT9JbEJGfXketa"
    "o1MwUTAdBgNVHQ4EFgQUbtfxL/7VMhkyA2IJoGfdi+0nK4MwHwYDVR0jBBgwFoAUbtfxL/7VMhkyA2IJoGfdi+0nK4MwDwYD"
    "VR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNIADBFAiACrrMgot4xcqVq6O9H54BHmGOJAZ1iI+GWTy5RqXgBKwIhAJTf++x2"
    "zCRghUsMqLW2QSAnNCP/g8PWsW0QyHBbLEjD"
)
CLIENT = base64.b64decode(
    "MIIBejCCAR+gAwIBAgIUQzFqgu8PE2PQ/DzcJ8lO8t2HvVcwCgYIKoZIzj0EAwIwEjEQMA4GA1UEAwwHSWNlTGluazAeFw0y"
    "NjExMjMwMTM2MjRaFw0zNjExMjAwMTM2MjRaMBIxEDAOBgNVBAMMB0ljZUxpbmswWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC"
    "AATGhCSDrQXPZHBi6s9mo6odY/P/2DB1GtV8SPIaxFM8JWSBv624BAXXc0cBWPF1PIr6Dw3NHrGg28sg39JzgwUOo1MwUTAd"
    "BgNVHQ4EFgQUhV82vFsB+xLsp/k2uBAJ1YCTvWIwHwYDVR0jBBgwFoAUhV82vFsB+xLsp/k2uBAJ1YCTvWIwDwYDVR0TAQH/"
    "BAUwAwEB/zAKBggqhkjOPQQDAgNJADBGAiEAkaW8xA2oSkKCq8ddSIq4F7p2QzxFHc2vhJ4lLeD0WvwCIQDx+QalEzxhRvbH"
    "fwcI6Uk21c3PJi/eM7IeAU1ZO+KRkA=="
)


def fingerprint(certificate: bytes) -> str:
    """Return the value of a=fingerprint (RFC 8122, section 5)."""
    digest = hashlib.sha256(certificate).hexdigest().upper()
    return "sha-256 " + ":".join(digest[i : i + 2] for i in range(0, len(digest), 2))
