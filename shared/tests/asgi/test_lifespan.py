"""The app's lifespan under a server, in tests and on the background loop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from bridge_serving import serve
from flask import Flask
from vitrine_kit.asgi import LOOP_WATCH_VARIABLE, Bridge, bridge_lifespan, warm_ups


def build_app(events: list[str]) -> Flask:
    app = Flask("alive")

    def entry(name: str) -> Any:
        @asynccontextmanager
        async def manage(given: Flask) -> AsyncIterator[None]:
            await asyncio.sleep(0)
            events.append(f"enter {name} of {given.name}")
            try:
                yield
            finally:
                await asyncio.sleep(0)
                events.append(f"leave {name}")

        return manage

    bridge_lifespan(app).append(entry("first"))
    bridge_lifespan(app).append(entry("second"))

    @app.get("/")
    async def index() -> str:
        events.append("request")
        return "alive"

    return app


async def test_it_is_entered_in_order_and_left_in_reverse() -> None:
    events: list[str] = []
    async with serve(Bridge(build_app(events))) as served:
        assert (await served.client.get("/")).text == "alive"
    assert events == [
        "enter first of alive",
        "enter second of alive",
        "request",
        "leave second",
        "leave first",
    ]


async def test_a_block_can_run_it_without_a_server() -> None:
    events: list[str] = []
    async with Bridge(build_app(events)).running() as bridge:
        assert events[-1] == "enter second of alive"
        assert "alive" in repr(bridge)
    assert events[-1] == "leave first"


async def _exchange(bridge: Bridge, incoming: list[str]) -> list[dict[str, Any]]:
    sent: list[dict[str, Any]] = []

    async def receive() -> Any:
        return {"type": incoming.pop(0)}

    async def send(message: Any) -> None:
        sent.append(message)

    await bridge({"type": "lifespan"}, receive, send)
    return sent


async def test_a_failing_start_is_reported_and_what_was_entered_is_left(caplog: Any) -> None:
    events: list[str] = []
    app = build_app(events)

    @asynccontextmanager
    async def fail(_: Flask) -> AsyncIterator[None]:
        raise ConnectionError("no database")
        yield

    bridge_lifespan(app).append(fail)
    with caplog.at_level(logging.ERROR):
        sent = await _exchange(Bridge(app), ["lifespan.startup"])
    assert sent == [{"type": "lifespan.startup.failed", "message": "ConnectionError: no database"}]
    assert events[-2:] == ["leave second", "leave first"]
    assert "no database" in caplog.text


async def test_a_server_warms_up_before_it_is_ready_and_nothing_else_does() -> None:
    events: list[str] = []
    app = build_app(events)

    async def warm_up() -> None:
        events.append("warm up")

    warm_ups(app).append(warm_up)
    bridge = Bridge(app)
    async with bridge.running():
        pass
    assert "warm up" not in events
    events.clear()
    sent = await _exchange(bridge, ["lifespan.startup", "lifespan.shutdown"])
    assert [message["type"] for message in sent] == [
        "lifespan.startup.complete",
        "lifespan.shutdown.complete",
    ]
    assert events[1:3] == ["enter second of alive", "warm up"]


async def test_a_warm_up_that_fails_fails_the_start() -> None:
    events: list[str] = []
    app = build_app(events)

    async def fail() -> None:
        raise ConnectionError("too cold")

    warm_ups(app).append(fail)
    sent = await _exchange(Bridge(app), ["lifespan.startup"])
    assert sent == [{"type": "lifespan.startup.failed", "message": "ConnectionError: too cold"}]
    assert events[-1] == "leave first"


async def test_a_failing_stop_is_reported_and_the_rest_is_left(caplog: Any) -> None:
    events: list[str] = []
    app = build_app(events)

    @asynccontextmanager
    async def fail(_: Flask) -> AsyncIterator[None]:
        yield
        raise ConnectionError("would not close")

    bridge_lifespan(app).append(fail)
    sent = await _exchange(Bridge(app), ["lifespan.startup", "lifespan.shutdown"])
    assert [message["type"] for message in sent] == ["lifespan.startup.complete", "lifespan.shutdown.failed"]
    assert events[-1] == "leave first"


@pytest.mark.parametrize(
    ("variable", "debug", "watched"),
    [("", False, False), ("50", False, True), ("", True, True), ("0", True, False)],
)
async def test_the_loop_is_watched_where_asked(
    monkeypatch: Any, caplog: Any, variable: str, debug: bool, watched: bool
) -> None:
    monkeypatch.setenv(LOOP_WATCH_VARIABLE, variable)
    app = Flask("watched")
    app.debug = debug

    @app.get("/")
    def blocks() -> str:
        import time

        time.sleep(0.35)
        return "blocked"

    async with serve(Bridge(app)) as served:
        await served.client.get("/")
    stalls = [record.getMessage() for record in caplog.records if record.name == "vitrine.loopwatch"]
    assert any("in blocks" in stall for stall in stalls) == watched
    assert watched or not stalls
