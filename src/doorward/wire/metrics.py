"""`/metrics`: how the server fares, in the form of Prometheus. Numbers alone, nothing personal.

Labels take values from closed lists only, whatever is asked for: routes of the table, known verbs,
documented errors. A scrape asks no database.
"""

import platform
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    GCCollector,
    Histogram,
    Info,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from doorward.wire.auth import authenticate_scope, is_local
from doorward.wire.authenticator import Authenticator
from doorward.wire.catalogue import ERRORS
from doorward.wire.exchange import VERBS, Exchange
from doorward.wire.reply import Reply

# From the fastest call there is to the longest deadline that makes sense, in seconds.
_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
# Of the forms that prometheus_client writes.
_VERSIONS: Final = frozenset({"0.0.1", "0.0.4", "1.0.0"})
_VERSION: Final = re.compile(r"version=([^;]*)")
# The label of whatever is in no list.
_OTHER: Final = "other"


@dataclass(frozen=True, slots=True)
class Vitals:
    """What the parts of a server say of themselves at a scrape.

    in_flight: calls that are being answered. is_database_up: whether PostgreSQL answered when last
    asked. writes_waiting: changes that wait for the writer. controllers: how many this server has,
    by state. revision_lag: by how many revisions the controller furthest behind is. events_spooled:
    what happened at doors and is not handed in yet. log_lines_lost: since the start.
    """

    in_flight: int
    is_database_up: bool
    writes_waiting: int
    controllers: Mapping[str, int]
    revision_lag: int
    events_spooled: int
    log_lines_lost: int


class Metrics:
    """Counts exchanges, and shows the counts.

    vitals: asked at each scrape; it must neither wait nor raise.
    """

    def __init__(self, vitals: Callable[[], Vitals]) -> None:
        # They would double the series of every counter, and tell what the rate tells.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        # One of our own: what a library registers with the global one is none of an operator's.
        self._registry = registry = CollectorRegistry()
        self._requests = Counter(
            "doorward_requests",
            "Requests, by route, verb and status; none: the client hung up before the answer",
            ("route", "verb", "status"),
            registry=registry,
        )
        self._seconds = Histogram(
            "doorward_request_duration_seconds",
            "From a request's head to the end of its answer",
            ("route",),
            registry=registry,
            buckets=_BUCKETS,
        )
        self._errors = Counter(
            "doorward_errors",
            "Answers that were no success, by the type of the error",
            ("type",),
            registry=registry,
        )
        build = Info("doorward_build", "What is running", registry=registry)
        build.info({"version": version("doorward"), "python": platform.python_version()})
        registry.register(_VitalsCollector(vitals))
        ProcessCollector(registry=registry)
        GCCollector(registry)
        # What `labels` would look up and check anew at every request.
        self._by_labels: dict[tuple[str, str, int], Counter] = {}
        self._by_route: dict[str, Histogram] = {}

    def observe(self, exchange: Exchange) -> None:
        """An Observer."""
        route = exchange.path or _OTHER
        verb = exchange.verb if exchange.verb in VERBS else _OTHER
        self._counter(route, verb, exchange.status).inc()
        self._histogram(route).observe(time.monotonic() - exchange.started)
        self._count_error(exchange.error)

    def show(self, accept: str) -> Reply:
        """Everything, in the newest form that an Accept header takes."""
        encode, content_type = choose_encoder(_known_forms(accept))
        return Reply(200, encode(self._registry), content_type=content_type.encode())

    def _counter(self, route: str, verb: str, status: int) -> Counter:
        key = (route, verb, status)
        counter = self._by_labels.get(key)
        if counter is None:
            counter = self._requests.labels(route, verb, str(status) if status else "none")
            self._by_labels[key] = counter
        return counter

    def _histogram(self, route: str) -> Histogram:
        histogram = self._by_route.get(route)
        if histogram is None:
            histogram = self._by_route[route] = self._seconds.labels(route)
        return histogram

    def _count_error(self, error: str | None) -> None:
        if error is not None:
            self._errors.labels(error if error in ERRORS else _OTHER).inc()


class MetricsPage:
    """Who may read the metrics.

    is_open: the server listens on the loopback alone, and no proxy is in front of it; then anybody
    may who calls it by a name of this machine. Everybody else needs a token with the scope.
    """

    def __init__(self, metrics: Metrics, authenticator: Authenticator, *, is_open: bool) -> None:
        self._metrics = metrics
        self._authenticator = authenticator
        self._is_open = is_open

    async def __call__(self, exchange: Exchange) -> Reply:
        """The page. Raises ApiError 401 and 403, and Unavailable for a token not seen before."""
        headers = exchange.headers
        if not (self._is_open and is_local(headers)):
            await authenticate_scope(self._authenticator, headers, "metrics")
        return self._metrics.show(headers.get(b"accept", b"").decode("latin-1"))


def _known_forms(accept: str) -> str:
    """An Accept header without versions that nobody has released: the library would choke on them,
    or claim to write them.
    """
    forms = accept.split(",")
    return ",".join(form for form in forms if set(_VERSION.findall(form)) <= _VERSIONS)


class _VitalsCollector(Collector):
    """The vitals as metrics."""

    def __init__(self, vitals: Callable[[], Vitals]) -> None:
        self._vitals = vitals

    def describe(self) -> list[Metric]:
        """Nothing, so that nobody is asked before the server runs."""
        return []

    def collect(self) -> Iterator[Metric]:
        """As they are now."""
        vitals = self._vitals()
        for name, meaning, value in _gauges(vitals):
            yield GaugeMetricFamily(f"doorward_{name}", meaning, value)
        controllers = GaugeMetricFamily(
            "doorward_controllers",
            "Controllers of this server by state; standby: another server runs them",
            labels=["state"],
        )
        for state, count in vitals.controllers.items():
            controllers.add_metric([state], count)
        yield controllers
        yield CounterMetricFamily(
            "doorward_log_lines_lost",
            "Lines that nobody read fast enough from the standard error",
            vitals.log_lines_lost,
        )


def _gauges(vitals: Vitals) -> Iterator[tuple[str, str, float]]:
    yield "requests_in_flight", "Calls that are being answered", vitals.in_flight
    yield "database_up", "Whether PostgreSQL answered when last asked", vitals.is_database_up
    yield "writes_waiting", "Changes that wait for the writer", vitals.writes_waiting
    yield (
        "policy_revision_lag",
        "Revisions that the controller furthest behind has not confirmed",
        vitals.revision_lag,
    )
    yield (
        "events_spooled",
        "What happened at doors and is not handed in to the database yet",
        vitals.events_spooled,
    )
