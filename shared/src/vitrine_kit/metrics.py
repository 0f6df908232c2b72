"""What a service counts, in the text format of Prometheus at `/metrics`; Nginx never routes to it.

A request costs one look-up and a few additions in plain Python. Worker processes of one service share their counts
through small files in the run directory, so that whichever of them is asked answers for all, each by its `pid`.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from bisect import bisect_left
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
from flask import Flask, Response, current_app, request
from flask.globals import request_ctx
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from sqlalchemy.exc import SQLAlchemyError

from vitrine_kit.events import outbox_lag_s
from vitrine_kit.limits import EXEMPT_PATHS, shedder_of
from vitrine_kit.logs import get_logger
from vitrine_kit.settings import ServiceSettings

log = get_logger(__name__)

EXTENSION = "vitrine_metrics"
_BEGAN = "vitrine.began_s"
BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
SHARED_EVERY_S = 5.0
STALE_AFTER_S = 60.0
_LABELS = ("pid", "route", "method", "status")


class Metrics:
    """The counts of this worker process, and where it leaves them for the others."""

    def __init__(self, app: Flask, directory: Path | None) -> None:
        self._app = app
        self._directory = directory
        # route, method, status -> [buckets…, beyond the last, seconds in all]
        self._requests: dict[tuple[str, str, int], list[float]] = {}

    def observe(self, route: str, method: str, status: int, seconds: float) -> None:
        """Counts one request."""
        cells = self._requests.get((route, method, status))
        if cells is None:
            cells = self._requests[(route, method, status)] = [0.0] * (len(BUCKETS_S) + 2)
        cells[bisect_left(BUCKETS_S, seconds)] += 1
        cells[-1] += seconds

    def snapshot(self) -> dict[str, Any]:
        """This process's counts as JSON."""
        shedder = shedder_of(self._app)
        gauges: dict[str, float] = {}
        if shedder is not None:
            gauges = {"running": shedder.running, "waiting": shedder.waiting, "shed": shedder.shed}
        state = self._app.extensions.get("vitrine")
        database = getattr(state, "database", None)
        pools = {}
        if database is not None:
            pools = {
                "read": database.read_engine.pool.checkedout(),
                "write": database.write_engine.pool.checkedout(),
            }
        breakers = {
            name: neighbour.breaker.state.value
            for name, neighbour in getattr(state, "neighbours", {}).items()
        }
        return {
            "pid": os.getpid(),
            "at": time.time(),
            "requests": [[*key, *cells] for key, cells in self._requests.items()],
            "gauges": gauges,
            "pools": pools,
            "breakers": breakers,
        }

    def share(self) -> None:
        """Leaves this process's counts for the other workers of the service."""
        if self._directory is None:
            return
        self._directory.mkdir(parents=True, exist_ok=True)
        path = self._directory / f"{os.getpid()}.json"
        draft = path.with_suffix(".draft")
        draft.write_bytes(orjson.dumps(self.snapshot()))
        draft.replace(path)

    def withdraw(self) -> None:
        """Takes this process's counts back, as it ends."""
        if self._directory is not None:
            # Where it cannot be removed it is passed over after a minute.
            with contextlib.suppress(OSError):
                (self._directory / f"{os.getpid()}.json").unlink()

    def all_snapshots(self) -> list[dict[str, Any]]:
        """The counts of this process and of every other worker that has shared its own lately."""
        found = [self.snapshot()]
        if self._directory is None or not self._directory.is_dir():
            return found
        for path in sorted(self._directory.glob("*.json")):
            if path.stem == str(os.getpid()):
                continue
            try:
                other = orjson.loads(path.read_bytes())
            except (OSError, ValueError):
                continue  # its owner ends at this moment
            if time.time() - other["at"] < STALE_AFTER_S:
                found.append(other)
            else:
                path.unlink(missing_ok=True)
        return found


class _Families:
    """A collector over snapshots; prometheus_client renders it."""

    def __init__(
        self, service: str, version: str, snapshots: list[dict[str, Any]], lag_s: float | None
    ) -> None:
        self._service = service
        self._version = version
        self._snapshots = snapshots
        self._lag_s = lag_s

    def collect(self) -> Iterator[Metric]:
        """The metric families."""
        info = GaugeMetricFamily("vitrine_info", "The release that runs.", labels=["service", "version"])
        info.add_metric([self._service, self._version], 1)
        yield info
        requests = HistogramMetricFamily(
            "vitrine_request_seconds", "Requests by route template and status.", labels=list(_LABELS)
        )
        for snapshot in self._snapshots:
            for route, method, status, *cells in snapshot["requests"]:
                labels = [str(snapshot["pid"]), route, method, str(status)]
                requests.add_metric(labels, _cumulated(cells[:-1]), sum_value=cells[-1])
        yield requests
        yield from self._gauges()
        if self._lag_s is not None:
            yield GaugeMetricFamily(
                "vitrine_outbox_lag_seconds",
                "Age of the oldest event still to be delivered.",
                value=self._lag_s,
            )

    def _gauges(self) -> Iterable[Metric]:
        texts = {"running": "Requests running.", "waiting": "Requests waiting for a place."}
        for name, help_text in texts.items():
            family = GaugeMetricFamily(f"vitrine_requests_{name}", help_text, labels=["pid"])
            for snapshot in self._snapshots:
                family.add_metric([str(snapshot["pid"])], snapshot["gauges"].get(name, 0))
            yield family
        shed = CounterMetricFamily("vitrine_requests_shed", "Requests refused for load.", labels=["pid"])
        pools = GaugeMetricFamily(
            "vitrine_pool_checked_out", "Database connections in use.", labels=["pid", "pool"]
        )
        breakers = GaugeMetricFamily(
            "vitrine_breaker_open",
            "1 while calls are refused, 0.5 while probing.",
            labels=["pid", "neighbour"],
        )
        values = {"closed": 0.0, "half-open": 0.5, "open": 1.0}
        for snapshot in self._snapshots:
            pid = str(snapshot["pid"])
            shed.add_metric([pid], snapshot["gauges"].get("shed", 0))
            for name, count in snapshot["pools"].items():
                pools.add_metric([pid, name], count)
            for name, state in snapshot["breakers"].items():
                breakers.add_metric([pid, name], values[state])
        yield from (shed, pools, breakers)


def _cumulated(counts: list[float]) -> list[tuple[str, float]]:
    total = 0.0
    found = []
    for bound, count in zip([*map(str, BUCKETS_S), "+Inf"], counts, strict=True):
        total += count
        found.append((bound, total))
    return found


def register(app: Flask, settings: ServiceSettings) -> Metrics:
    """Counts the app's requests and adds `GET /metrics`; `settings` says what the service is."""
    run_dir = os.environ.get("VITRINE_RUN_DIR")
    metrics = Metrics(app, Path(run_dir) / "metrics" if run_dir else None)
    app.extensions[EXTENSION] = metrics

    def begin() -> None:
        request.environ[_BEGAN] = time.perf_counter()

    def count(response: Response) -> Response:
        # Looked up once: this runs for every request, and the proxies are not free.
        asked = request_ctx.request
        environ = asked.environ
        if environ["PATH_INFO"] not in EXEMPT_PATHS:
            now_s = time.perf_counter()
            rule = asked.url_rule
            metrics.observe(
                "(none)" if rule is None else rule.rule,
                environ["REQUEST_METHOD"],
                response.status_code,
                now_s - environ.get(_BEGAN, now_s),
            )
        return response

    async def show() -> Response:
        state = current_app.extensions["vitrine"]
        lag_s = None
        if state.database is not None and f"{state.database.schema}.outbox" in state.database.metadata.tables:
            try:
                lag_s = await outbox_lag_s(state.database)
            except (SQLAlchemyError, OSError):
                log.warning("outbox_lag_unknown")
        registry = CollectorRegistry(auto_describe=False)
        registry.register(_Families(state.name, state.version, metrics.all_snapshots(), lag_s))
        return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)

    app.before_request(begin)
    app.after_request(count)
    app.add_url_rule("/metrics", "vitrine_metrics", show, methods=["GET"])
    return metrics


@asynccontextmanager
async def lifespan(app: Flask) -> AsyncIterator[None]:
    """Shares this worker's counts every 5 s while it lives, and takes them back as it ends."""
    metrics: Metrics = app.extensions[EXTENSION]

    async def share_for_ever() -> None:
        while True:
            try:
                metrics.share()
            except OSError as error:
                log.warning("metrics_not_shared", reason=str(error))
            await asyncio.sleep(SHARED_EVERY_S)

    sharing = asyncio.create_task(share_for_ever())
    try:
        yield
    finally:
        sharing.cancel()
        await asyncio.gather(sharing, return_exceptions=True)
        metrics.withdraw()
