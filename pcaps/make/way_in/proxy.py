"""nginx as reverse proxy, with or without the headers for a WebSocket upgrade."""

import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

UPGRADE = 'proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade";'
TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


def forwarding(upstream: str, path: str = "/XPhoneConnect/", more: str = UPGRADE) -> str:
    """Return a location block that forwards ``path`` to ``upstream`` (host:port)."""
    return f"location {path} {{ proxy_pass http://{upstream}; proxy_http_version 1.1; {more} }}"


@contextmanager
def nginx(
    folder: Path,
    certificate: Path,
    listen: str,
    *locations: str,
    within: Sequence[str] = (),
    versions: str = "TLSv1.2 TLSv1.3",
) -> Iterator[None]:
    """Run nginx with TLS on ``listen`` (address:port) until the context ends.

    ``within`` is the prefix of its command, ``certificate`` a PEM file with key and chain. If nginx does not
    start, raises RuntimeError with its error log.
    """
    temporary = " ".join(f"{each}_temp_path {folder}/{each};" for each in TEMPORARY)
    (folder / "nginx.conf").write_text(
        f"daemon off; pid {folder}/pid; error_log {folder}/error; worker_processes 1; events {{}}\n"
        f"http {{ access_log off; {temporary} server {{ listen {listen} ssl;\n"
        f"ssl_certificate {certificate}; ssl_certificate_key {certificate}; ssl_protocols {versions};\n"
        f"{' '.join(locations)} }} }}"
    )
    command = [*within, "nginx", "-p", folder, "-e", folder / "error", "-c", folder / "nginx.conf"]
    address, port = listen.rsplit(":", 1)
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            for _ in range(200):
                with suppress(subprocess.TimeoutExpired):
                    process.wait(0.05)
                    raise RuntimeError((folder / "error").read_text())
                with suppress(OSError):
                    socket.create_connection((address, int(port)), 1).close()
                    break
            yield
        finally:
            process.terminate()
