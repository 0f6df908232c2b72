"""The assembled service: its health, its document, its other servers, and the events its worker sends."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
from users_world import GOOD_PASSWORD, World, settings_of
from vitrine_kit import auth, jobs
from vitrine_kit.asgi import Bridge
from vitrine_kit.outbound import Neighbour
from vitrine_users import create_app, create_asgi


async def test_it_is_alive_and_ready(world: World) -> None:
    live, ready = await world.client.get("/livez"), await world.client.get("/readyz")

    assert live.json()["service"] == "users"
    assert ready.status_code == 200, ready.text
    assert ready.json()["schema"] == "0010"


async def test_the_asgi_app_starts_serves_and_stops(environment: dict[str, str]) -> None:
    bridge = create_asgi(create_app(settings_of(environment)))

    assert isinstance(bridge, Bridge)
    async with bridge.running():
        transport = httpx.ASGITransport(bridge)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            assert (await client.get("/api/users/v1/jwks.json")).status_code == 200


async def test_under_a_plain_wsgi_server_the_same_app_answers(environment: dict[str, str]) -> None:
    def ask() -> int:
        app = create_app(settings_of(environment))
        body = {"email": "nobody@example.com", "password": GOOD_PASSWORD}
        return app.test_client().post("/api/users/v1/tokens", json=body).status_code

    assert await asyncio.to_thread(ask) == 401


def test_settings_come_from_the_environment(environment: dict[str, str], monkeypatch: Any) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    app = create_app()

    assert app.extensions["vitrine"].settings.environment == "test"


async def test_the_document_tells_the_rules_of_passwords(world: World) -> None:
    document = (await world.client.get("/api/users/openapi.json")).json()

    password = document["components"]["schemas"]["Registration"]["properties"]["password"]
    assert (password["minLength"], password["maxLength"]) == (15, 128)
    assert password["format"] == "password"


async def test_the_worker_tells_catalog_of_an_erased_person(
    environment: dict[str, str], world: World
) -> None:
    person = await world.person()
    await world.sql.execute("DELETE FROM users.outbox")
    await world.send(person, "DELETE", "/me", json={"password": GOOD_PASSWORD})
    received: asyncio.Queue[httpx.Request] = asyncio.Queue()

    async def catalog(request: httpx.Request) -> httpx.Response:
        await received.put(request)
        return httpx.Response(204)

    app = create_app(settings_of(environment))
    state = app.extensions["vitrine"]
    state.neighbours["catalog"] = Neighbour(
        "catalog",
        "http://catalog",
        state.settings,
        auth.ServiceIdentity.from_settings(state.settings),
        transport=httpx.MockTransport(catalog),
    )
    worker = jobs.Worker(app)
    running = asyncio.create_task(worker.run())
    try:
        async with asyncio.timeout(90):
            request = await received.get()
    finally:
        worker.stop.set()
        assert await running == 0

    event = json.loads(request.content)
    assert request.url.path == "/internal/events"
    assert event["topic"] == "person.deleted"
    assert event["payload"] == {"person_id": str(person.id)}
    assert request.headers["X-Vitrine-Service"]
