"""What Flask promises of async functions, held through the bridge: views, callbacks, handlers, signals."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import flask.signals
import httpx
import pytest
import pytest_asyncio
from bridge_serving import serve
from flask import Blueprint, Flask, Response, abort, copy_current_request_context, g, request
from flask.views import MethodView, View
from vitrine_kit.asgi import Bridge, NoGreenletError, await_, spawn


class TeapotError(Exception):
    pass


class BlueprintError(Exception):
    pass


class AsyncView(View):
    methods = ("GET", "POST")

    async def dispatch_request(self) -> str:
        await asyncio.sleep(0)
        return request.method


class AsyncMethods(MethodView):
    async def get(self) -> str:
        await asyncio.sleep(0)
        return "got"

    def post(self) -> str:
        return "posted"


def build_app() -> Flask:
    app = Flask("views")
    seen: list[Any] = app.extensions.setdefault("seen", [])

    @app.get("/")
    @app.get("/home")
    async def index() -> str:
        await asyncio.sleep(0.001)
        return "awaited"

    @app.get("/sync")
    def sync() -> dict[str, str]:
        return {"how": "sync"}

    @app.get("/tuple/<int:number>")
    async def several(number: int) -> tuple[dict[str, int], int, dict[str, str]]:
        await asyncio.sleep(0)
        return {"number": number}, 201, {"X-Kind": "tuple"}

    app.add_url_rule("/view", view_func=AsyncView.as_view("view"))
    app.add_url_rule("/methods", view_func=AsyncMethods.as_view("methods"))

    @app.errorhandler(TeapotError)
    async def teapot(_: TeapotError) -> tuple[str, int]:
        await asyncio.sleep(0)
        return "short and stout", 418

    @app.get("/teapot")
    async def raises() -> str:
        await asyncio.sleep(0)
        raise TeapotError

    @app.get("/abort")
    async def aborts() -> str:
        await asyncio.sleep(0)
        abort(403)

    @app.get("/broken")
    async def broken() -> str:
        await asyncio.sleep(0)
        raise ValueError("not handled")

    shop = Blueprint("shop", __name__, url_prefix="/shop")

    @shop.before_request
    async def shop_before() -> None:
        await asyncio.sleep(0)
        g.steps = [*g.get("steps", []), "shop before"]

    @shop.after_request
    async def shop_after(response: Response) -> Response:
        await asyncio.sleep(0)
        response.headers["X-Steps"] = ", ".join([*g.steps, "shop after"])
        return response

    @shop.errorhandler(BlueprintError)
    async def shop_error(_: BlueprintError) -> tuple[str, int]:
        return "shop closed", 409

    @shop.get("/")
    async def shop_index() -> str:
        return "shop"

    @shop.get("/broken")
    async def shop_broken() -> str:
        raise BlueprintError

    @app.before_request
    async def before() -> None:
        await asyncio.sleep(0)
        g.steps = ["before"]

    @app.teardown_request
    async def teardown(error: BaseException | None) -> None:
        await asyncio.sleep(0)
        seen.append(("request", type(error).__name__, request.path))

    @app.teardown_appcontext
    async def teardown_app(error: BaseException | None) -> None:
        await asyncio.sleep(0)
        seen.append(("app", type(error).__name__, g.steps[0]))

    app.register_blueprint(shop)

    @app.get("/nested")
    async def nested() -> dict[str, Any]:
        async def inner(word: str) -> str:
            await asyncio.sleep(0.001)
            return word

        def sync_helper() -> str:
            return await_(inner("waited"))

        deeper = app.ensure_sync(inner)("through ensure_sync")
        return {"helper": sync_helper(), "ensure_sync": deeper}

    @app.get("/before-refuses")
    async def never() -> str:
        raise AssertionError("not reached")

    @app.before_request
    async def refuse() -> tuple[str, int] | None:
        await asyncio.sleep(0)
        return ("refused", 429) if request.path == "/before-refuses" else None

    @app.get("/gather")
    async def gathers() -> dict[str, Any]:
        async def part(name: str) -> str:
            await asyncio.sleep(0.01)
            return f"{name} {request.args['q']} {g.steps[0]}"

        return {"parts": await asyncio.gather(part("a"), part("b"))}

    @app.get("/gather-waits")
    async def gather_waits() -> dict[str, Any]:
        async def child() -> None:
            await_(asyncio.sleep(0))

        found = await asyncio.gather(child(), return_exceptions=True)
        return {"error": type(found[0]).__name__, "message": str(found[0])}

    @app.get("/gather-spawns")
    async def gather_spawns() -> dict[str, Any]:
        def child() -> str:
            return await_(asyncio.sleep(0.001, request.path))

        return {"parts": await asyncio.gather(spawn(child), spawn(child))}

    @app.get("/group")
    async def group() -> dict[str, Any]:
        async def fail() -> None:
            raise TeapotError

        caught = 0
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(fail())
                tasks.create_task(asyncio.sleep(10))
        except* TeapotError as errors:
            caught = len(errors.exceptions)
        return {"caught": caught}

    @app.get("/timeout")
    async def times_out() -> str:
        try:
            async with asyncio.timeout(0.01):
                await asyncio.sleep(10)
        except TimeoutError:
            return "timed out"
        return "slept"

    @app.get("/copied")
    async def copied() -> dict[str, Any]:
        @copy_current_request_context
        async def later() -> str:
            await asyncio.sleep(0)
            return request.path

        @copy_current_request_context
        def later_sync() -> str:
            return request.path

        return {"async": later(), "sync": later_sync(), "task": await asyncio.to_thread(later_sync)}

    @app.get("/background")
    async def background() -> str:
        async def go_on(path: str) -> None:
            await asyncio.sleep(0.02)
            seen.append(("background", path, request.args["q"]))

        tasks = app.extensions.setdefault("tasks", set())
        tasks.add(asyncio.create_task(go_on(request.path)))
        return "begun"

    return app


@pytest.fixture
def app() -> Flask:
    return build_app()


@pytest_asyncio.fixture
async def client(app: Flask) -> AsyncIterator[httpx.AsyncClient]:
    async with serve(Bridge(app)) as served:
        yield served.client


async def test_async_and_sync_views_answer(client: httpx.AsyncClient) -> None:
    assert (await client.get("/")).text == "awaited"
    assert (await client.get("/home")).text == "awaited"
    assert (await client.get("/sync")).json() == {"how": "sync"}
    assert (await client.get("/view")).text == "GET"
    assert (await client.post("/view")).text == "POST"
    assert (await client.get("/methods")).text == "got"
    assert (await client.post("/methods")).text == "posted"


async def test_a_view_returns_body_status_and_headers(client: httpx.AsyncClient) -> None:
    response = await client.get("/tuple/7")
    assert (response.status_code, response.json(), response.headers["X-Kind"]) == (
        201,
        {"number": 7},
        "tuple",
    )


async def test_errors_reach_async_handlers(client: httpx.AsyncClient) -> None:
    response = await client.get("/teapot")
    assert (response.status_code, response.text) == (418, "short and stout")
    assert (await client.get("/abort")).status_code == 403
    assert (await client.get("/nowhere")).status_code == 404
    assert (await client.post("/sync")).status_code == 405


async def test_an_unhandled_error_is_a_logged_500(client: httpx.AsyncClient, caplog: Any) -> None:
    assert (await client.get("/broken")).status_code == 500
    assert "not handled" in caplog.text
    assert (await client.get("/")).status_code == 200


async def test_blueprint_callbacks_and_handlers_are_awaited(client: httpx.AsyncClient) -> None:
    response = await client.get("/shop/")
    assert response.headers["X-Steps"] == "before, shop before, shop after"
    response = await client.get("/shop/broken")
    assert (response.status_code, response.text) == (409, "shop closed")


async def test_an_async_before_request_may_answer(client: httpx.AsyncClient) -> None:
    assert (await client.get("/before-refuses")).status_code == 429


@pytest.mark.parametrize(
    ("path", "error"),
    [("/", "NoneType"), ("/sync", "NoneType"), ("/teapot", "NoneType"), ("/broken", "ValueError")],
)
async def test_teardown_runs_once_and_learns_of_the_error(
    app: Flask, client: httpx.AsyncClient, path: str, error: str
) -> None:
    await client.get(path)
    assert app.extensions["seen"] == [("request", error, path), ("app", error, "before")]


async def test_async_code_called_from_sync_code_called_from_an_async_view(client: httpx.AsyncClient) -> None:
    assert (await client.get("/nested")).json() == {"helper": "waited", "ensure_sync": "through ensure_sync"}


async def test_gathered_children_see_the_request(client: httpx.AsyncClient) -> None:
    assert (await client.get("/gather?q=1")).json() == {"parts": ["a 1 before", "b 1 before"]}


async def test_waiting_from_a_gathered_child_says_what_to_do_instead(client: httpx.AsyncClient) -> None:
    found = (await client.get("/gather-waits")).json()
    assert found["error"] == NoGreenletError.__name__
    assert "await the coroutine" in found["message"]
    assert (await client.get("/gather-spawns")).json() == {"parts": ["/gather-spawns"] * 2}


async def test_task_groups_and_timeouts_work(client: httpx.AsyncClient) -> None:
    assert (await client.get("/group")).json() == {"caught": 1}
    assert (await client.get("/timeout")).text == "timed out"


async def test_a_copied_request_context_works_sync_async_and_in_a_thread(client: httpx.AsyncClient) -> None:
    assert (await client.get("/copied")).json() == dict.fromkeys(("async", "sync", "task"), "/copied")


async def test_a_background_task_outlives_the_request(app: Flask, client: httpx.AsyncClient) -> None:
    assert (await client.get("/background?q=5")).text == "begun"
    await asyncio.gather(*app.extensions["tasks"])
    assert ("background", "/background", "5") in app.extensions["seen"]


async def test_async_signal_receivers_are_awaited(app: Flask, client: httpx.AsyncClient) -> None:
    heard = []

    async def started(sender: Flask, **_: Any) -> None:
        await asyncio.sleep(0)
        heard.append(f"started {sender.name} {request.path}")

    async def torn_down(_: Flask, exc: BaseException | None = None, **__: Any) -> None:
        await asyncio.sleep(0)
        heard.append(f"torn down {exc}")

    with (
        flask.signals.request_started.connected_to(started, app),
        flask.signals.request_tearing_down.connected_to(torn_down, app),
    ):
        await client.get("/sync")
    assert heard == ["started views /sync", "torn down None"]


async def test_many_requests_wait_at_once(app: Flask) -> None:
    running = 0
    most = 0
    everybody = asyncio.Event()

    @app.get("/together")
    async def together() -> str:
        nonlocal running, most
        running += 1
        most = max(most, running)
        if running == 50:
            everybody.set()
        await everybody.wait()
        return "all"

    async with serve(Bridge(app)) as served:
        responses = await asyncio.gather(*(served.client.get("/together") for _ in range(50)))
    assert {response.text for response in responses} == {"all"}
    assert most == 50


def test_the_override_leaves_sync_functions_alone() -> None:
    app = Bridge(Flask("plain")).app

    def plain() -> int:
        return 1

    assert app.ensure_sync(plain) is plain
    assert app.ensure_sync(len) is len
    assert app.ensure_sync(str.upper)("a") == "A"
