"""What the service counts about itself, in the text format of Prometheus."""

from pathlib import Path

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.exposition import generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

METRICS_TEXT = CONTENT_TYPE_LATEST
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_QUERIES = (1, 2, 4, 8, 16, 32)


class Metrics:
    """Counts, times and sizes of requests.

    Parameters
    ----------
    shared : Path, optional
        Directory in which workers add up their metrics (see `workers.metrics_of_all`). The memory and the time of a
        process are left out then.
    """

    def __init__(self, shared: Path | None = None) -> None:
        disable_created_metrics()  # times of the first request, a second line for each
        self._registry = CollectorRegistry()
        self._shared = shared
        if shared is None:
            ProcessCollector(registry=self._registry)
        self.requests = Counter(
            "vecmill_requests", "Requests, by operation and status.", ["operation", "status"], registry=self._registry
        )
        self.seconds = Histogram(
            "vecmill_request_seconds",
            "Time from the request to the end of the response.",
            ["operation"],
            buckets=_SECONDS,
            registry=self._registry,
        )
        self.in_flight = Gauge(
            "vecmill_requests_in_flight",
            "Requests being answered.",
            registry=self._registry,
            multiprocess_mode="livesum",
        )
        self.queries = Histogram(
            "vecmill_queries_per_pass",
            "Single neighbour queries that shared a pass over the matrix.",
            buckets=_QUERIES,
            registry=self._registry,
        )

    def text(self) -> bytes:
        """Return all metrics."""
        if self._shared is None:
            return generate_latest(self._registry)
        of_all = CollectorRegistry()
        MultiProcessCollector(of_all, str(self._shared))
        return generate_latest(of_all)
