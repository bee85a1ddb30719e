"""Counters for Prometheus, by its client library: the extra ``metrics``."""

from collections.abc import Iterator
from contextlib import contextmanager

from postproc.model.errors import SetupError
from postproc.watch.session import Counters

LOOPBACK = "127.0.0.1"  # to expose the counters to other machines, use a proxy


class Metrics:
    """The gauges that Prometheus scrapes."""

    def __init__(self) -> None:
        from prometheus_client import CollectorRegistry, Gauge  # noqa: PLC0415  (an extra)

        self.registry = CollectorRegistry()
        help_texts = {
            "packets_total": "Packets read.",
            "dropped_total": "Packets that the interfaces had no room for.",
            "calls_told_total": "Calls that were told.",
            "calls_open": "Calls that go on.",
            "lag_seconds": "How long the oldest of what is not judged yet may have been there.",
            "judging_seconds": "What the last judgement took.",
        }
        self._gauges = {
            name: Gauge(f"legshark_{name}", about, registry=self.registry)
            for name, about in help_texts.items()
        }

    def show(self, counters: Counters) -> None:
        values = (
            counters.packets,
            counters.dropped,
            counters.told,
            counters.open,
            counters.lag_s,
            counters.judging_s,
        )
        for gauge, value in zip(self._gauges.values(), values, strict=True):
            gauge.set(value)


@contextmanager
def served(port: int) -> Iterator[Metrics]:
    """Serve the counters on a local port until the block is left; SetupError if that is impossible."""
    try:
        from prometheus_client import start_http_server  # noqa: PLC0415  (an extra)
    except ImportError:
        raise SetupError("--metrics needs prometheus_client: pip install 'legshark[metrics]'") from None
    metrics = Metrics()
    try:
        server, thread = start_http_server(port, LOOPBACK, registry=metrics.registry)
    except OSError as error:
        raise SetupError(f"--metrics {port}: {error.strerror}") from error
    try:
        yield metrics
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
