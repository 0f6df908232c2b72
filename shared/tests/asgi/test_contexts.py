"""Requests never see one another: Flask's contexts and context variables through the bridge."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar, copy_context
from typing import Any

import httpx
import pytest
from bridge_serving import RawConnection, Served, serve
from flask import (
    Flask,
    after_this_request,
    appcontext_popped,
    appcontext_pushed,
    current_app,
    g,
    has_app_context,
    has_request_context,
    request,
    session,
    url_for,
)
from vitrine_kit.asgi import Bridge, await_, bridge_lifespan

WHO: ContextVar[str] = ContextVar("who", default="nobody")


def build_app() -> Flask:
    app = Flask("contexts")
    app.secret_key = "a secret for tests alone"

    @app.before_request
    def remember() -> None:
        found = {"g": sorted(g), "who": WHO.get()}
        g.found = found
        g.user = request.headers.get("X-User")
        WHO.set(g.user or "somebody")

    @app.route("/who", methods=["GET", "POST"])
    async def who() -> dict[str, Any]:
        before = (g.user, request.headers["X-User"], session.get("user"), WHO.get())
        session["user"] = g.user
        body = len(request.get_data())
        await asyncio.sleep(0.002)
        after = (g.user, request.headers["X-User"], session["user"], WHO.get())
        return {"found": g.found, "before": before, "after": after, "body": body}

    return app


async def test_concurrent_requests_keep_their_own_g_request_and_session() -> None:
    async with serve(Bridge(build_app())) as served:
        users = [f"user-{number}" for number in range(60)]
        answers = await asyncio.gather(
            *(served.client.get("/who", headers={"X-User": user}) for user in users)
        )
    for user, answer in zip(users, answers, strict=True):
        found = answer.json()
        assert found["found"] == {"g": [], "who": "nobody"}
        assert found["before"] == [user, user, None, user]
        assert found["after"] == [user, user, user, user]


@pytest.mark.parametrize("loop_server", [{}, {"reset_contextvars": True}], ids=["plain", "reset_contextvars"])
@pytest.mark.parametrize("body", [b"", b"x" * 200_000], ids=["no body", "a body beyond the server's buffer"])
async def test_a_kept_connection_carries_nothing_over(loop_server: dict[str, Any], body: bytes) -> None:
    async with serve(Bridge(build_app()), **loop_server) as served, await served.connect() as connection:
        for user in ("ann", "ben", "cho"):
            found = await _ask(connection, user, body)
            assert found["found"] == {"g": [], "who": "nobody"}, user
            assert found["before"] == [user, user, None, user]
            assert found["body"] == len(body)


async def _ask(connection: RawConnection, user: str, body: bytes) -> Any:
    head = f"POST /who HTTP/1.1\r\nHost: x\r\nX-User: {user}\r\nContent-Length: {len(body)}\r\n\r\n"
    await connection.send(head.encode() + body)
    status, _, answer = await connection.response()
    assert status == 200
    return httpx.Response(200, content=answer).json()


async def test_a_context_active_where_the_bridge_was_made_does_not_get_in() -> None:
    outer, app = Flask("outer"), build_app()

    @app.get("/app")
    async def name() -> dict[str, Any]:
        return {"app": current_app.name, "g": g.user}

    def make() -> Bridge:
        WHO.set("maker")
        with app.app_context(), outer.test_request_context("/outer"):
            g.user = "maker"
            return Bridge(app)

    bridge = copy_context().run(make)
    transport = httpx.ASGITransport(bridge)
    async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
        answer = await client.get("/who", headers={"X-User": "ann"})
        # Context variables that are not Flask's come along, as they do for any task.
        assert answer.json()["found"] == {"g": [], "who": "maker"}
        assert (await client.get("/app")).json() == {"app": "contexts", "g": None}


async def test_requests_see_what_the_lifespan_set() -> None:
    app = build_app()

    @asynccontextmanager
    async def lifespan(_: Flask) -> AsyncIterator[None]:
        WHO.set("the lifespan")
        yield

    bridge_lifespan(app).append(lifespan)
    async with serve(Bridge(app)) as served:
        for _ in range(2):
            answer = await served.client.get("/who", headers={"X-User": "ann"})
            assert answer.json()["found"]["who"] == "the lifespan"


async def test_contexts_are_pushed_and_popped_once_and_nothing_is_left() -> None:
    app = Flask("once")
    events: list[str] = []

    def pushed(_: Flask, **__: Any) -> None:
        events.append("pushed")

    def popped(_: Flask, **__: Any) -> None:
        events.append(f"popped {has_app_context()} {has_request_context()}")

    @app.get("/")
    async def index() -> str:
        assert has_app_context()
        assert has_request_context()

        @after_this_request
        def header(response: Any) -> Any:
            response.headers["X-After"] = url_for("index", _external=True)
            return response

        @after_this_request
        async def async_header(response: Any) -> Any:
            await asyncio.sleep(0)
            response.headers["X-After-Async"] = "yes"
            return response

        return "once"

    with appcontext_pushed.connected_to(pushed, app), appcontext_popped.connected_to(popped, app):
        async with serve(Bridge(app)) as served:
            answer = await served.client.get("/", headers={"Host": "shop.example:8443"})
    assert answer.headers["X-After"] == "http://shop.example:8443/"
    assert answer.headers["X-After-Async"] == "yes"
    assert events == ["pushed", "popped False False"]
    assert not has_app_context()


async def test_a_request_to_another_bridge_from_within_a_request() -> None:
    inner_app = build_app()
    outer_app = build_app()
    transport = httpx.ASGITransport(Bridge(inner_app))

    @outer_app.get("/ask")
    def ask() -> dict[str, Any]:
        async def get() -> httpx.Response:
            async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
                return await client.get("/who", headers={"X-User": "inner"})

        answer = await_(get()).json()
        return {"inner": answer, "user": g.user, "app": current_app.name, "who": WHO.get()}

    async with serve(Bridge(outer_app)) as served:
        found = (await served.client.get("/ask", headers={"X-User": "outer"})).json()
    assert found["inner"]["after"] == ["inner"] * 4
    assert (found["user"], found["who"]) == ("outer", "outer")


async def test_an_error_in_one_request_leaves_the_next_ones_alone() -> None:
    app = build_app()

    @app.get("/fail")
    async def fail() -> str:
        await asyncio.sleep(0)
        raise ValueError

    async def ask(served: Served, number: int) -> None:
        if number % 2:
            assert (await served.client.get("/fail")).status_code == 500
        else:
            answer = await served.client.get("/who", headers={"X-User": f"{number}"})
            # The client keeps the session's cookie, so that one may be another request's.
            assert [*answer.json()["before"][:2], answer.json()["before"][3]] == [f"{number}"] * 3

    async with serve(Bridge(app)) as served:
        for _ in range(3):
            await asyncio.gather(*(ask(served, number) for number in range(20)))


async def test_context_managers_in_the_app_can_be_nested_by_hand() -> None:
    app = build_app()

    @app.get("/manual")
    async def manual() -> dict[str, Any]:
        with app.test_request_context("/within", headers={"X-User": "within"}):
            await asyncio.sleep(0)
            inner = request.path
        with app.app_context():
            g.user = "separate"
        return {"inner": inner, "outer": request.path, "user": g.user}

    async with serve(Bridge(app)) as served:
        answer = await served.client.get("/manual", headers={"X-User": "ann"})
    assert answer.json() == {"inner": "/within", "outer": "/manual", "user": "ann"}
