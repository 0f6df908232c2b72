"""A request's time and its place: deadlines that shrink, a queue that is short, and health that is never shed."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
import pytest_asyncio
from flask import Flask, Response, jsonify
from pydantic import SecretStr
from vitrine_kit import limits, problems
from vitrine_kit.deadlines import Deadline, current_deadline, deadline_of, set_deadline
from vitrine_kit.limits import LoadShedder
from vitrine_kit.problems import GatewayTimeout, Unavailable
from vitrine_kit.settings import ServiceSettings
from vitrine_kit.testing import serving
from waiting import until

SETTINGS = ServiceSettings(secret_key=SecretStr("0123456789abcdef0123456789abcdef"), request_timeout_ms=4000)


class Busy:
    """An app whose requests wait until they are let go."""

    def __init__(self, running: int, waiting: int) -> None:
        self.inside = 0
        self.gate = asyncio.Event()
        self.app = Flask("busy")
        problems.register(self.app)
        self.shedder = limits.register(self.app, SETTINGS)
        self.shedder.running_limit, self.shedder.waiting_limit = running, waiting

        @self.app.get("/work")
        async def work() -> str:
            self.inside += 1
            await self.gate.wait()
            self.inside -= 1
            return "done"

        @self.app.get("/fail")
        async def fail() -> str:
            raise RuntimeError("bug")

        @self.app.get("/livez")
        def livez() -> str:
            return "ok"

        @self.app.get("/time")
        def time() -> Response:
            deadline = current_deadline()
            assert deadline is not None
            return jsonify(remaining_ms=deadline.remaining_s() * 1000)


@pytest.fixture
def busy() -> Busy:
    return Busy(running=4, waiting=2)


@pytest_asyncio.fixture
async def client(busy: Busy) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(busy.app) as found:
        yield found
        busy.gate.set()


def test_the_limits_are_those_of_the_rules() -> None:
    shedder = LoadShedder()
    assert (shedder.running_limit, shedder.waiting_limit) == (64, 32)


async def test_some_run_some_wait_and_the_rest_is_refused_at_once(
    busy: Busy, client: httpx.AsyncClient
) -> None:
    tasks = [asyncio.create_task(client.get("/work")) for _ in range(6)]
    await until(lambda: busy.shedder.waiting == 2)
    assert busy.inside == 4

    refused = await client.get("/work")
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert (await client.get("/livez")).status_code == 200
    assert busy.shedder.shed == 1

    busy.gate.set()
    assert [one.status_code for one in await asyncio.gather(*tasks)] == [200] * 6
    assert (busy.shedder.running, busy.shedder.waiting) == (0, 0)


async def test_errors_and_unknown_addresses_give_their_place_back(
    busy: Busy, client: httpx.AsyncClient
) -> None:
    for _ in range(10):
        assert (await client.get("/fail")).status_code == 500
        assert (await client.get("/nowhere")).status_code == 404
        assert (await client.post("/work")).status_code == 405
    assert busy.shedder.running == 0


async def test_who_waits_too_long_is_told_so_and_leaves_the_queue(
    busy: Busy, client: httpx.AsyncClient
) -> None:
    tasks = [asyncio.create_task(client.get("/work")) for _ in range(4)]
    await until(lambda: busy.inside == 4)
    late = await client.get("/work", headers={"X-Request-Timeout-Ms": "80"})
    assert late.status_code == 504
    assert busy.shedder.waiting == 0
    busy.gate.set()
    await asyncio.gather(*tasks)
    assert busy.shedder.running == 0


async def test_a_client_that_leaves_the_queue_takes_no_place(busy: Busy, client: httpx.AsyncClient) -> None:
    tasks = [asyncio.create_task(client.get("/work")) for _ in range(5)]
    await until(lambda: busy.shedder.waiting == 1)
    tasks[-1].cancel()
    await asyncio.gather(tasks[-1], return_exceptions=True)
    busy.gate.set()
    assert [one.status_code for one in await asyncio.gather(*tasks[:4])] == [200] * 4
    await until(lambda: busy.shedder.running == 0)


def test_a_place_handed_over_to_one_who_just_left_is_not_lost() -> None:
    shedder = LoadShedder(running_limit=1, waiting_limit=2)
    assert shedder.enter() is None
    first, second = shedder.enter(), shedder.enter()
    assert first is not None
    assert second is not None
    shedder.leave()
    assert first.done()
    shedder.abandon(first)
    assert second.done()
    shedder.abandon(second)
    assert (shedder.running, shedder.waiting) == (0, 0)


def test_under_a_threaded_server_the_limits_hold_too(busy: Busy) -> None:
    statuses: list[int] = []
    entered, release = threading.Semaphore(0), threading.Event()

    @busy.app.get("/blocking")
    def blocking() -> str:
        entered.release()
        release.wait(10)
        return "done"

    with ThreadPoolExecutor(12) as pool:
        work = [pool.submit(lambda: busy.app.test_client().get("/blocking").status_code) for _ in range(4)]
        for _ in range(4):
            assert entered.acquire(timeout=10)
        work += [pool.submit(lambda: busy.app.test_client().get("/blocking").status_code) for _ in range(2)]
        while busy.shedder.waiting < 2:
            pass
        statuses.append(busy.app.test_client().get("/blocking").status_code)
        release.set()
        statuses += [one.result(10) for one in work]
    assert statuses == [503, 200, 200, 200, 200, 200, 200]
    assert busy.shedder.running == 0


@pytest.mark.parametrize(
    ("header", "at_most_ms"),
    [
        (None, 4000),
        ("", 4000),
        ("1500", 1500),
        ("x", 4000),
        ("-5", 4000),
        ("1e3", 4000),
        ("٣٠٠", 4000),
        ("9" * 40, 600_000),
    ],
)
async def test_a_request_has_the_time_it_was_given(
    client: httpx.AsyncClient, header: str | None, at_most_ms: float
) -> None:
    headers = {} if header is None else {"X-Request-Timeout-Ms": header.encode()}
    remaining_ms = (await client.get("/time", headers=headers)).json()["remaining_ms"]
    assert at_most_ms * 0.8 < remaining_ms <= at_most_ms


@pytest.mark.parametrize("header", ["0", "1", "20"])
async def test_with_next_to_no_time_left_nothing_is_begun(client: httpx.AsyncClient, header: str) -> None:
    answer = await client.get("/time", headers={"X-Request-Timeout-Ms": header})
    assert answer.status_code == 504


def test_a_deadline_runs_down_to_zero() -> None:
    assert 0.9 < Deadline.after(1).remaining_s() <= 1
    assert Deadline.after(-1).remaining_s() == 0
    with pytest.raises(GatewayTimeout):
        deadline_of("20", 1000)


async def test_children_of_a_request_have_its_deadline() -> None:
    set_deadline(Deadline.after(5))
    try:
        found = await asyncio.gather(*(asyncio.to_thread(current_deadline) for _ in range(2)))
        assert found == [current_deadline()] * 2
    finally:
        set_deadline(None)
    assert current_deadline() is None


def test_the_visitor_is_whom_nginx_names() -> None:
    app = Flask("x")
    assert limits.client_address() == "local"
    with app.test_request_context(
        environ_base={"REMOTE_ADDR": "10.0.0.1"}, headers={"X-Real-IP": "203.0.113.7"}
    ):
        assert limits.client_address() == "203.0.113.7"
    with app.test_request_context(environ_base={"REMOTE_ADDR": "10.0.0.1"}):
        assert limits.client_address() == "10.0.0.1"
    with app.test_request_context(environ_base={"REMOTE_ADDR": ""}):
        assert limits.client_address() == "local"


def test_the_shedder_of_an_app_can_be_asked_for(busy: Busy) -> None:
    assert limits.shedder_of(busy.app) is busy.shedder
    with busy.app.app_context():
        assert limits.shedder_of() is busy.shedder
    assert limits.shedder_of(Flask("other")) is None
    with pytest.raises(Unavailable):
        LoadShedder(running_limit=0, waiting_limit=0).enter()


def test_a_deadline_ends_with_its_request_under_plain_wsgi(busy: Busy) -> None:
    assert busy.app.test_client().get("/time").status_code == 200
    assert current_deadline() is None
