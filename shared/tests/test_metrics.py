"""Metrics: counted by route template, shown for all workers of a service, and gone with them."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path
from typing import Any

import orjson
import pytest
from flask import Flask
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr
from vitrine_kit import metrics
from vitrine_kit.service import create_service
from vitrine_kit.settings import ServiceSettings
from vitrine_kit.testing import serving

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def make_app() -> Flask:
    settings = ServiceSettings(
        environment="test", secret_key=SecretStr("0123456789abcdef0123456789abcdef"), log_level="ERROR"
    )
    app = create_service(
        "gateway", settings, import_name="vitrine_kit", neighbours={"users": "http://users:8000"}, api=False
    )

    @app.get("/things/<int:number>")
    async def thing(number: int) -> str:
        return str(number)

    return app


@pytest.fixture
def run_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VITRINE_RUN_DIR", str(tmp_path))
    return tmp_path / "metrics"


def samples_of(text: str) -> Samples:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(samples: Samples, name: str, **labels: str) -> float | None:
    wanted = labels.items()
    found = [
        number for (one, given), number in samples.items() if one == name and wanted <= dict(given).items()
    ]
    assert len(found) <= 1, found
    return found[0] if found else None


async def scrape(client: Any) -> Samples:
    answer = await client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain; version=")
    return samples_of(answer.text)


async def test_requests_are_counted_by_template_and_status() -> None:
    async with serving(make_app()) as client:
        for path in ("/things/1", "/things/2", "/nowhere", "/nowhere-else", "/livez"):
            await client.get(path)
        await client.delete("/things/1")
        found = await scrape(client)

    count = "vitrine_request_seconds_count"
    assert value(found, count, route="/things/<int:number>", method="GET", status="200") == 2
    assert value(found, count, route="/things/<int:number>", method="DELETE") is None
    assert value(found, count, route="(none)", method="GET", status="404") == 2
    assert value(found, count, route="(none)", method="DELETE", status="405") == 1
    assert value(found, count, route="/livez") is None
    assert value(found, "vitrine_info", service="gateway") == 1
    assert value(found, "vitrine_breaker_open", neighbour="users") == 0
    assert value(found, "vitrine_requests_shed_total") == 0
    assert value(found, "vitrine_requests_running") == 0


def test_durations_fall_into_cumulative_buckets() -> None:
    counts = metrics.Metrics(Flask("x"), None)
    for seconds in (0.001, 0.005, 0.006, 0.3, 9.0):
        counts.observe("/x", "GET", 200, seconds)
    [[*_, buckets_and_sum]] = [[row] for row in counts.snapshot()["requests"]]
    *buckets, total = buckets_and_sum[3:]
    assert buckets == [2, 1, 0, 0, 0, 0, 1, 0, 0, 0, 1]
    assert total == pytest.approx(9.312)
    assert [count for _, count in metrics._cumulated(buckets)] == [2, 3, 3, 3, 3, 3, 4, 4, 4, 4, 5]


async def test_one_worker_answers_for_all_that_live(run_dir: Path) -> None:
    app = make_app()
    async with serving(app) as client:
        await client.get("/things/1")
        own = app.extensions["vitrine_metrics"].snapshot()
        other = {
            **own,
            "pid": 1,
            "breakers": {"users": "open"},
            "gauges": {"shed": 3, "running": 7, "waiting": 1},
        }
        run_dir.mkdir(exist_ok=True)
        (run_dir / "1.json").write_bytes(orjson.dumps(other))
        (run_dir / "2.json").write_bytes(orjson.dumps({**other, "pid": 2, "at": time.time() - 61}))
        (run_dir / "3.json").write_bytes(b"{")
        found = await scrape(client)

    pid = str(os.getpid())
    counts = {given: number for given, number in found.items() if given[0] == "vitrine_request_seconds_count"}
    assert sum(counts.values()) == 2
    assert value(found, "vitrine_breaker_open", pid="1") == 1
    assert value(found, "vitrine_breaker_open", pid=pid) == 0
    assert value(found, "vitrine_requests_shed_total", pid="1") == 3
    assert value(found, "vitrine_requests_running", pid="2") is None
    assert not (run_dir / "2.json").exists(), "what a dead worker left is removed"


async def test_a_worker_shares_its_counts_and_takes_them_back(run_dir: Path) -> None:
    path = run_dir / f"{os.getpid()}.json"
    async with serving(make_app()):
        async with asyncio.timeout(5):
            while not path.exists():
                await asyncio.sleep(0.01)
        assert orjson.loads(path.read_bytes())["pid"] == os.getpid()
    assert not path.exists()


async def test_a_run_directory_that_cannot_be_written_disturbs_nobody(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "metrics").write_text("a file where a directory should be")
    monkeypatch.setenv("VITRINE_RUN_DIR", str(tmp_path))
    async with serving(make_app()) as client:
        await asyncio.sleep(0)
        assert (await client.get("/things/1")).status_code == 200
        await scrape(client)
