"""Calls to a neighbour: what they carry, how long they take, when they are tried again, and when not at all."""

from __future__ import annotations

import asyncio
import json
import random
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest
import pytest_asyncio
import uvicorn
from flask import Flask
from pydantic import SecretStr
from vitrine_kit import auth, logs, outbound
from vitrine_kit.deadlines import Deadline, set_deadline
from vitrine_kit.outbound import BreakerState, Neighbour, NeighbourUnavailable, Policy
from vitrine_kit.problems import GatewayTimeout
from vitrine_kit.settings import ServiceSettings
from vitrine_kit.testing import serving

SECRET = SecretStr("0123456789abcdef0123456789abcdef")


class Listener:
    """The neighbour's side: an ASGI app that notes what arrives and answers as told."""

    def __init__(self) -> None:
        self.arrived: list[dict[str, Any]] = []
        self.answers: list[tuple[int, dict[str, str], bytes]] = []
        self.hold: asyncio.Event | None = None
        self.waiting = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.arrived.append(
            {"method": scope["method"], "path": scope["path"], "query": scope["query_string"], "headers": headers,
             "body": body}
        )  # fmt: skip
        if self.hold is not None:
            self.waiting += 1
            await self.hold.wait()
            self.waiting -= 1
        status, sent, content = self.answers.pop(0) if self.answers else (200, {}, b'{"ok":true}')
        raw = [(name.lower().encode(), value.encode()) for name, value in sent.items()]
        await send({"type": "http.response.start", "status": status, "headers": raw})
        await send({"type": "http.response.body", "body": content})


def bound_to(address: tuple[str, int]) -> socket.socket:
    found = socket.socket()
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    found.bind(address)
    return found


@asynccontextmanager
async def listening(app: Any, bound: socket.socket) -> AsyncIterator[None]:
    server = uvicorn.Server(
        uvicorn.Config(app, lifespan="off", log_level="critical", timeout_graceful_shutdown=1)
    )
    running = asyncio.create_task(server.serve(sockets=[bound]))
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        yield
    finally:
        server.should_exit = True
        await running
        bound.close()


@pytest_asyncio.fixture
async def listener() -> AsyncIterator[tuple[Listener, str]]:
    app, bound = Listener(), bound_to(("127.0.0.1", 0))
    async with listening(app, bound):
        yield app, f"http://127.0.0.1:{bound.getsockname()[1]}"
        if app.hold is not None:
            app.hold.set()


Make = Callable[..., Neighbour]


@pytest_asyncio.fixture
async def make() -> AsyncIterator[Make]:
    made: list[Neighbour] = []

    def neighbour(url: str, *, kind: str = "aiohttp", uds: Path | None = None, **options: Any) -> Neighbour:
        settings = ServiceSettings(secret_key=SECRET, outbound_transport=cast(Any, kind), internal_socket=uds)
        made.append(Neighbour("users", url, settings, **options))
        return made[-1]

    yield neighbour
    for one in made:
        await one.aclose()


@pytest.fixture(autouse=True)
def no_deadline() -> Iterator[None]:
    set_deadline(None)
    yield
    set_deadline(None)


class Naps:
    """Sleeping that takes no time and is remembered."""

    def __init__(self) -> None:
        self.taken: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.taken.append(seconds)


def served(
    *answers: int | Exception | httpx.Response, then: int = 200
) -> tuple[httpx.MockTransport, list[httpx.Request]]:
    """A transport that gives these answers in turn, and what was asked."""
    asked: list[httpx.Request] = []
    left = list(answers)

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        answer = left.pop(0) if left else then
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, httpx.Response) else httpx.Response(answer, json={})

    return httpx.MockTransport(handle), asked


@pytest.mark.parametrize("kind", ["aiohttp", "httpx"])
async def test_a_request_arrives_as_it_was_meant(
    listener: tuple[Listener, str], make: Make, kind: str
) -> None:
    app, url = listener
    key = auth.new_signing_key("catalog")
    neighbour = make(url, kind=kind, identity=auth.ServiceIdentity("catalog", key))

    response = await neighbour.post(
        "/internal/people", json={"ids": [1]}, params={"a": "ä b"}, headers={"Authorization": "Bearer t"}
    )

    assert response.json() == {"ok": True}
    [arrived] = app.arrived
    assert (arrived["method"], arrived["path"], arrived["query"]) == (
        "POST",
        "/internal/people",
        b"a=%C3%A4+b",
    )
    assert json.loads(arrived["body"]) == {"ids": [1]}
    headers = arrived["headers"]
    assert headers["content-type"] == "application/json"
    assert headers["authorization"] == "Bearer t"
    verifier = auth.ServiceVerifier(auth.public_jwks([key]), "users")
    assert verifier.verify(headers["x-vitrine-service"]).name == "catalog"
    assert 0 < int(headers["x-request-timeout-ms"]) <= 2000


@pytest.mark.parametrize("kind", ["aiohttp", "httpx"])
async def test_neighbours_are_reached_through_one_socket_by_their_names(
    make: Make, kind: str, tmp_path: Path
) -> None:
    app, bound, path = Listener(), socket.socket(socket.AF_UNIX), tmp_path / "internal.sock"
    bound.bind(str(path))
    async with listening(app, bound):
        await make("http://users:8000", kind=kind, uds=path).get("/x")
    assert app.arrived[0]["headers"]["host"] == "users:8000"


@pytest.mark.parametrize("kind", ["aiohttp", "httpx"])
async def test_cookies_never_go_from_one_answer_into_the_next_request(
    listener: tuple[Listener, str], make: Make, kind: str
) -> None:
    app, url = listener
    app.answers = [(200, {"Set-Cookie": "session=someone; Path=/"}, b"{}")]
    neighbour = make(url, kind=kind)
    await neighbour.get("/x")
    await neighbour.get("/x")
    assert all("cookie" not in arrived["headers"] for arrived in app.arrived)


@pytest.mark.parametrize("kind", ["aiohttp", "httpx"])
async def test_files_are_sent_as_multipart(
    listener: tuple[Listener, str], make: Make, kind: str, tmp_path: Path
) -> None:
    app, url = listener
    (tmp_path / "goods.csv").write_bytes(b"a,b\n" * 50_000)
    with (tmp_path / "goods.csv").open("rb") as file:
        response = await make(url, kind=kind).post(
            "/imports", files={"file": ("goods.csv", file)}, timeout_s=30
        )
    assert response.status_code == 200
    assert app.arrived[0]["headers"]["content-type"].startswith("multipart/form-data; boundary=")
    assert len(app.arrived[0]["body"]) > 200_000


async def test_the_user_s_token_travels_only_when_told(make: Make) -> None:
    transport, asked = served()
    neighbour = make("http://users", transport=transport)
    with Flask("vitrine_kit").test_request_context(headers={"Authorization": "Bearer hers"}):
        await neighbour.get("/me", forward_user=True)
        await neighbour.get("/me")
        await neighbour.get("/me", forward_user=True, headers={"Authorization": "Bearer own"})
    assert [one.headers.get("Authorization") for one in asked] == ["Bearer hers", None, "Bearer own"]


@pytest.mark.parametrize("status", [200, 204, 301, 400, 404, 409, 429, 499])
async def test_answers_below_500_come_back(make: Make, status: int) -> None:
    transport, asked = served(status)
    assert (await make("http://users", transport=transport).get("/x")).status_code == status
    assert len(asked) == 1


@pytest.mark.parametrize(
    "failure", [502, 503, 504, httpx.ConnectError("no"), httpx.ReadError("cut"), OSError("x")]
)
async def test_a_read_is_tried_three_times(make: Make, failure: int | Exception) -> None:
    transport, asked = served(failure, failure)
    naps = Naps()
    neighbour = make("http://users", transport=transport, sleep=naps, rng=random.Random(1))

    assert (await neighbour.get("/x")).status_code == 200

    assert len(asked) == 3
    assert 0 <= naps.taken[0] <= 0.05
    assert 0 <= naps.taken[1] <= 0.1


async def test_after_the_third_failure_it_is_said_who_is_away(make: Make) -> None:
    transport, asked = served(then=503)
    with pytest.raises(NeighbourUnavailable) as caught:
        await make("http://users", transport=transport, sleep=Naps()).get("/x")

    assert len(asked) == 3
    error = caught.value
    assert (error.neighbour, error.answered, error.status) == ("users", 503, 503)
    assert error.document()["service"] == "users"
    assert str(error) == "users: HTTP 503"


async def test_a_500_is_no_accident_of_the_moment(make: Make) -> None:
    transport, asked = served(then=500)
    with pytest.raises(NeighbourUnavailable):
        await make("http://users", transport=transport).get("/x")
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("method", "options", "tries"),
    [
        ("POST", {}, 1), ("PATCH", {}, 1), ("PUT", {}, 3), ("DELETE", {}, 3), ("HEAD", {}, 3),
        ("POST", {"headers": {"idempotency-key": "k"}}, 3), ("POST", {"idempotent": True, "json": {}}, 3),
        ("GET", {"idempotent": False}, 1), ("PUT", {"files": {"f": b"x"}}, 1),
    ],
)  # fmt: skip
async def test_only_what_may_be_repeated_is_tried_again(
    make: Make, method: str, options: dict[str, Any], tries: int
) -> None:
    transport, asked = served(then=503)
    with pytest.raises(NeighbourUnavailable):
        await make("http://users", transport=transport, sleep=Naps()).request(method, "/x", **options)
    assert len(asked) == tries


async def test_the_wait_the_neighbour_asks_for_is_kept_to(make: Make) -> None:
    transport, _ = served(httpx.Response(503, headers={"Retry-After": "1"}))
    naps = Naps()
    await make("http://users", transport=transport, sleep=naps).get("/x")
    assert naps.taken == [1.0]


async def test_a_wait_longer_than_the_call_may_take_ends_it_at_once(make: Make) -> None:
    transport, asked = served(httpx.Response(503, headers={"Retry-After": "30"}))
    naps = Naps()
    with pytest.raises(NeighbourUnavailable) as caught:
        await make("http://users", transport=transport, sleep=naps).get("/x")
    assert (len(asked), naps.taken, caught.value.headers["Retry-After"]) == (1, [], "30")


RUNNING = httpx.Response(409, json={"type": "/problems/request-in-progress"}, headers={"Retry-After": "1"})


async def test_while_the_same_request_runs_there_it_is_waited_for_without_the_retries_budget(
    make: Make,
) -> None:
    transport, asked = served(*[RUNNING] * 5, then=201)
    naps = Naps()
    neighbour = make("http://users", transport=transport, sleep=naps, policy=Policy(retry_reserve=0))

    answer = await neighbour.post("/x", headers={"Idempotency-Key": "k"}, json={})

    assert (answer.status_code, len(asked), len(naps.taken)) == (201, 6, 5)
    assert max(naps.taken) <= 0.2


async def test_waiting_for_the_same_request_ends_with_the_call_s_time(make: Make) -> None:
    now = [1000.0]

    async def nap(seconds: float) -> None:
        now[0] += seconds

    transport, asked = served(*[RUNNING] * 1000)
    neighbour = make("http://users", transport=transport, clock=lambda: now[0], sleep=nap)
    with pytest.raises(NeighbourUnavailable, match="still running"):
        await neighbour.post("/x", headers={"Idempotency-Key": "k"}, json={})
    assert 1001.7 <= now[0] <= 1002
    assert 10 <= len(asked) <= 60


@pytest.mark.parametrize(
    ("answer", "options"),
    [
        (httpx.Response(409, json={"type": "/problems/conflict"}), {"json": {}}),
        (httpx.Response(409, content=b"no JSON"), {"json": {}}),
        (httpx.Response(409, json=["request-in-progress"]), {"json": {}}),
        (RUNNING, {"files": {"f": b"x"}}),
    ],
)
async def test_other_conflicts_and_what_cannot_be_sent_twice_come_back_at_once(
    make: Make, answer: httpx.Response, options: dict[str, Any]
) -> None:
    transport, asked = served(answer)
    found = await make("http://users", transport=transport).post(
        "/x", headers={"Idempotency-Key": "k"}, **options
    )
    assert (found.status_code, len(asked)) == (409, 1)


async def test_retries_are_at_most_a_tenth_of_the_requests(make: Make) -> None:
    transport, asked = served(then=503)
    policy = Policy(retry_reserve=2)
    # The breaker would end the storm as well; here it must be the budget that does.
    neighbour = make("http://users", transport=transport, sleep=Naps(), policy=policy)
    neighbour.breaker = outbound.Breaker(least_calls=10_000)
    for _ in range(100):
        with pytest.raises(NeighbourUnavailable):
            await neighbour.get("/x")
    assert 100 + 10 <= len(asked) <= 100 + 10 + 2


async def test_a_neighbour_that_fails_is_left_alone_for_5_s_and_then_probed(make: Make) -> None:
    now = [1000.0]
    transport, asked = served(*[500] * 20, 500)
    neighbour = make("http://users", transport=transport, clock=lambda: now[0])
    for _ in range(20):
        with pytest.raises(NeighbourUnavailable):
            await neighbour.get("/x")
    assert neighbour.breaker.state is BreakerState.OPEN

    with pytest.raises(NeighbourUnavailable, match="circuit open") as caught:
        await neighbour.get("/x")
    assert (len(asked), caught.value.headers["Retry-After"]) == (20, "5")

    now[0] += 5
    with pytest.raises(NeighbourUnavailable, match="HTTP 500"):
        await neighbour.get("/x")
    assert neighbour.breaker.state is BreakerState.OPEN
    now[0] += 5
    assert (await neighbour.get("/x")).status_code == 200
    assert neighbour.breaker.state is BreakerState.CLOSED


async def test_a_probe_given_up_by_its_caller_lets_the_next_one_through(
    listener: tuple[Listener, str], make: Make
) -> None:
    app, url = listener
    now = [1000.0]
    neighbour = make(url, clock=lambda: now[0])
    for _ in range(20):
        assert neighbour.breaker.allow()
        neighbour.breaker.fail()
    now[0] += 5
    app.hold = asyncio.Event()
    call = asyncio.create_task(neighbour.get("/x", timeout_s=5))
    while not app.waiting:
        await asyncio.sleep(0.01)
    assert not neighbour.breaker.allow()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    app.hold.set()

    assert (await neighbour.get("/x")).status_code == 200


async def test_one_attempt_may_not_use_up_the_whole_call(listener: tuple[Listener, str], make: Make) -> None:
    app, url = listener
    app.hold = asyncio.Event()
    policy = Policy(connect_timeout_s=5, attempt_timeout_s=0.4, total_timeout_s=30, retry_base_s=0.001)
    began = time.monotonic()
    with pytest.raises(NeighbourUnavailable, match="TimeoutError"):
        await make(url, policy=policy).get("/slow")
    assert 1.2 <= time.monotonic() - began < 15
    assert len(app.arrived) == 3


async def test_a_call_may_allow_its_attempts_more_time(listener: tuple[Listener, str], make: Make) -> None:
    app, url = listener
    app.hold = asyncio.Event()
    asyncio.get_running_loop().call_later(0.3, app.hold.set)
    neighbour = make(url, policy=Policy(attempt_timeout_s=0.1))
    assert (await neighbour.get("/slow", attempt_timeout_s=60, timeout_s=90)).status_code == 200
    [arrived] = app.arrived
    assert 50_000 <= int(arrived["headers"]["x-request-timeout-ms"]) <= 60_000


async def test_what_cannot_be_repeated_has_the_whole_time(listener: tuple[Listener, str], make: Make) -> None:
    app, url = listener
    app.hold = asyncio.Event()
    asyncio.get_running_loop().call_later(0.3, app.hold.set)
    neighbour = make(url, policy=Policy(attempt_timeout_s=0.1))
    assert (await neighbour.post("/slow", json={})).status_code == 200


async def test_a_call_never_takes_longer_than_its_request_has_left(
    listener: tuple[Listener, str], make: Make
) -> None:
    app, url = listener
    app.hold = asyncio.Event()
    set_deadline(Deadline.after(0.5))
    began = time.monotonic()
    with pytest.raises(NeighbourUnavailable):
        await make(url).get("/slow", timeout_s=30)
    assert time.monotonic() - began < 15
    assert int(app.arrived[0]["headers"]["x-request-timeout-ms"]) <= 500


async def test_without_time_nothing_is_asked(make: Make) -> None:
    transport, asked = served()
    set_deadline(Deadline.after(0.02))
    with pytest.raises(GatewayTimeout):
        await make("http://users", transport=transport).get("/x")
    assert asked == []


@pytest.mark.parametrize("kind", ["aiohttp", "httpx"])
async def test_nobody_there_is_found_out_quickly(make: Make, kind: str) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{bound.getsockname()[1]}"
        began = time.monotonic()
        with pytest.raises(NeighbourUnavailable):
            await make(url, kind=kind, policy=Policy(connect_timeout_s=20, total_timeout_s=60)).get("/x")
    assert time.monotonic() - began < 10


async def test_more_calls_than_connections_wait_a_moment_and_then_fail(
    listener: tuple[Listener, str], make: Make
) -> None:
    app, url = listener
    app.hold = asyncio.Event()
    neighbour = make(url, policy=Policy(max_connections=2, connection_wait_s=0.5))
    running = [asyncio.create_task(neighbour.post("/x", timeout_s=5)) for _ in range(2)]
    while app.waiting < 2:
        await asyncio.sleep(0.01)

    with pytest.raises(NeighbourUnavailable, match="all connections are in use"):
        await neighbour.get("/x")
    waiting = asyncio.create_task(neighbour.get("/x"))
    await asyncio.sleep(0)
    app.hold.set()

    assert [one.status_code for one in await asyncio.gather(*running, waiting)] == [200, 200, 200]
    assert neighbour.breaker.state is BreakerState.CLOSED


@pytest.mark.parametrize("kind", ["aiohttp", "httpx"])
async def test_256_calls_at_once_all_return(listener: tuple[Listener, str], make: Make, kind: str) -> None:
    _, url = listener
    patient = Policy(connect_timeout_s=90, connection_wait_s=90, attempt_timeout_s=90, total_timeout_s=180)
    neighbour = make(url, kind=kind, policy=patient)
    answers = await asyncio.gather(*(neighbour.get("/x") for _ in range(256)))
    assert {one.status_code for one in answers} == {200}


async def test_a_call_without_time_of_its_own_is_not_begun(make: Make) -> None:
    transport, asked = served()
    with pytest.raises(NeighbourUnavailable, match="no time left"):
        await make("http://users", transport=transport).get("/x", timeout_s=0.01)
    assert asked == []


async def test_the_request_s_id_goes_along(make: Make) -> None:
    transport, asked = served()
    app = Flask("vitrine_kit")
    logs.register(app)
    neighbour = make("http://users", transport=transport)

    @app.get("/page")
    async def page() -> str:
        await neighbour.get("/x")
        return "ok"

    async with serving(app) as client:
        await client.get("/page", headers={"X-Request-Id": "0123456789abcdef"})
    assert asked[0].headers["X-Request-Id"] == "0123456789abcdef"


async def test_a_neighbour_that_comes_back_is_found_again(make: Make) -> None:
    app, bound = Listener(), bound_to(("127.0.0.1", 0))
    address = bound.getsockname()
    neighbour = make(f"http://127.0.0.1:{address[1]}")
    async with listening(app, bound):
        assert (await neighbour.get("/x")).status_code == 200
    with pytest.raises(NeighbourUnavailable):
        await neighbour.get("/x")
    async with listening(app, bound_to(address)):
        assert (await neighbour.get("/x")).status_code == 200


async def test_the_lifespan_closes_the_clients(listener: tuple[Listener, str], make: Make) -> None:
    _, url = listener
    neighbour = make(url)
    app = Flask("vitrine_kit")
    app.extensions["vitrine"] = SimpleNamespace(neighbours={"users": neighbour})
    async with outbound.lifespan(app):
        await neighbour.get("/x")
        client = neighbour._client
        assert client is not None
    assert client.is_closed
    # It opens again when it is needed, as in a command that runs a loop of its own.
    assert (await neighbour.get("/x")).status_code == 200
