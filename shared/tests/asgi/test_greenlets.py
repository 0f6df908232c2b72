"""Waiting from synchronous code: in greenlets, in threads, and on the background loop."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar, copy_context
from typing import Any

import greenback
import pytest
from flask import Flask
from vitrine_kit import greenlets
from vitrine_kit.asgi import (
    NoGreenletError,
    await_,
    bridge_lifespan,
    in_request_greenlet,
    install,
    iter_async,
    spawn,
)
from vitrine_kit.greenlets import BackgroundLoop, background_loop

WORD: ContextVar[str] = ContextVar("word", default="unset")


class Payload:
    """Something a weak reference can point to."""


async def test_spawned_functions_wait_and_return() -> None:
    def work(number: int, *, add: int) -> int:
        assert in_request_greenlet()
        return await_(asyncio.sleep(0.001, number)) + add

    assert not in_request_greenlet()
    assert await spawn(work, 1, add=2) == 3
    assert await asyncio.gather(*(spawn(work, number, add=0) for number in range(300))) == list(range(300))


async def test_no_more_greenlets_are_kept_than_said() -> None:
    await asyncio.gather(*(spawn(await_, asyncio.sleep(0.001)) for _ in range(greenlets.MOST_IDLE + 50)))
    assert len(greenlets._idle.parked) == greenlets.MOST_IDLE


async def test_a_parked_greenlet_keeps_nothing_of_its_last_job() -> None:
    references = []

    def succeed() -> Payload:
        payload = Payload()
        WORD.set("kept")
        references.append(weakref.ref(payload))
        return payload

    def fail() -> None:
        payload = Payload()
        references.append(weakref.ref(payload))
        raise ValueError(payload)

    await spawn(succeed)
    with pytest.raises(ValueError, match="Payload"):
        await spawn(fail)
    gc.collect()
    assert [reference() for reference in references] == [None, None]


async def test_errors_cancellation_and_closing_pass_through() -> None:
    log = []

    def work() -> str:
        try:
            await_(asyncio.sleep(30))
        except BaseException as error:
            log.append(type(error).__name__)
            raise
        return "never"

    task = asyncio.create_task(spawn(work))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    async def fails() -> None:
        await asyncio.sleep(0)
        raise KeyError("async")

    with pytest.raises(KeyError, match="async"):
        await spawn(await_, fails())
    coroutine = spawn(work)
    coroutine.send(None)
    coroutine.close()
    assert log == ["CancelledError", "GeneratorExit"]
    assert await spawn(await_, asyncio.sleep(0, "still works")) == "still works"


async def test_any_awaitable_will_do() -> None:
    loop = asyncio.get_running_loop()

    class Custom:
        def __await__(self) -> Any:
            yield from asyncio.sleep(0.001).__await__()
            return "custom"

    def work() -> list[Any]:
        future: asyncio.Future[str] = loop.create_future()
        loop.call_later(0.001, future.set_result, "future")
        task = loop.create_task(asyncio.sleep(0.001, "task"))
        return [await_(future), await_(task), await_(Custom()), await_(asyncio.sleep(0, "turn"))]

    assert await spawn(work) == ["future", "task", "custom", "turn"]


async def test_it_agrees_with_greenback() -> None:
    """The same nest of sync and async calls, by us and by a library made for just this."""

    async def leaf(trail: list[str], name: str) -> str:
        trail.append(f"enter {name}")
        try:
            await asyncio.sleep(0.001)
            if name == "bad":
                raise ValueError(name)
            return name
        finally:
            trail.append(f"leave {name}")

    def nest(wait: Any, trail: list[str], depth: int) -> str:
        async def middle() -> str:
            inner = nest(wait, trail, depth - 1) if depth else wait(leaf(trail, "leaf"))
            try:
                wait(leaf(trail, "bad"))
            except ValueError as error:
                trail.append(f"caught {error}")
            return inner + await leaf(trail, f"level {depth}")

        return str(wait(middle()))

    ours: list[str] = []
    theirs: list[str] = []
    our_result = await spawn(nest, await_, ours, 3)
    await greenback.ensure_portal()
    their_result = nest(greenback.await_, theirs, 3)
    assert (our_result, ours) == (their_result, theirs)


async def test_context_variables_are_shared_with_the_caller() -> None:
    WORD.set("outer")

    def work() -> str:
        before = WORD.get()
        WORD.set("inner")
        await_(asyncio.sleep(0))
        return before

    assert await spawn(work) == "outer"
    assert WORD.get() == "inner"


async def test_on_a_running_loop_waiting_is_refused_and_the_coroutine_closed() -> None:
    with pytest.raises(NoGreenletError, match="running event loop"):
        await_(asyncio.sleep(0))
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    with pytest.raises(NoGreenletError):
        await_(future)


def in_thread(function: Any, *arguments: Any) -> Any:
    result: list[Any] = []

    def run() -> None:
        result.append(function(*arguments))

    thread = threading.Thread(target=copy_context().run, args=(run,))
    thread.start()
    thread.join()
    return result[0]


def test_without_a_loop_all_calls_share_one_in_the_background() -> None:
    async def where() -> tuple[int, str]:
        return id(asyncio.get_running_loop()), threading.current_thread().name

    first, second = await_(where()), in_thread(lambda: await_(where()))
    assert first == second
    assert first[1] == "vitrine-loop"


def test_in_the_background_too_sync_code_may_wait_inside_async_code() -> None:
    async def outer() -> str:
        def helper() -> str:
            return await_(asyncio.sleep(0.001, WORD.get()))

        return helper()

    WORD.set("of the caller")
    assert await_(outer()) == "of the caller"


def test_errors_in_the_background_reach_the_caller() -> None:
    async def fails() -> None:
        raise KeyError("background")

    with pytest.raises(KeyError, match="background"):
        await_(fails())


def test_an_async_generator_is_an_iterator_with_one_context() -> None:
    log = []

    async def numbers() -> AsyncIterator[int]:
        token = WORD.set("in the generator")
        try:
            for number in range(10):
                await asyncio.sleep(0)
                yield number
        finally:
            log.append(WORD.get())
            WORD.reset(token)

    assert list(iter_async(numbers())) == list(range(10))
    partly = iter_async(numbers())
    assert next(partly) == 0
    partly.close()
    assert log == ["in the generator"] * 2


def test_an_async_iterator_without_aclose_can_be_closed() -> None:
    class Once:
        def __aiter__(self) -> Once:
            return self

        async def __anext__(self) -> str:
            raise StopAsyncIteration

    iterator = iter_async(Once())
    assert list(iterator) == []
    iterator.close()


def build_app(events: list[str]) -> Flask:
    app = install(Flask("background"))

    @asynccontextmanager
    async def lifespan(_: Flask) -> AsyncIterator[None]:
        events.append("enter")
        yield
        events.append("leave")

    bridge_lifespan(app).append(lifespan)

    @app.get("/")
    async def index() -> str:
        events.append("request")
        return "ok"

    @app.get("/waits")
    def waits() -> str:
        return await_(asyncio.sleep(0.001, "waited"))

    @app.get("/stream")
    def stream() -> Any:
        async def pieces() -> AsyncIterator[str]:
            for piece in "abc":
                await asyncio.sleep(0)
                yield piece

        return app.response_class(iter_async(pieces()))

    return app


def test_the_test_client_uses_the_background_loop_and_the_lifespan_once() -> None:
    events: list[str] = []
    client = build_app(events).test_client()
    for _ in range(2):
        assert client.get("/").text == "ok"
        assert client.get("/waits").text == "waited"
        assert client.get("/stream").text == "abc"
    assert events == ["enter", "request", "request"]
    background_loop.stop()
    assert events[-1] == "leave"
    assert client.get("/").text == "ok"
    assert events[-2:] == ["enter", "request"]


def test_commands_use_it_as_well() -> None:
    events: list[str] = []
    app = build_app(events)

    @app.cli.command("do")
    def do() -> None:
        print(await_(asyncio.sleep(0.001, "done")))

    result = app.test_cli_runner().invoke(args=["do"])
    assert result.output == "done\n"
    assert events == ["enter"]


def test_a_lifespan_that_fails_in_the_background_fails_the_call_and_is_tried_again() -> None:
    app = build_app([])
    attempts = []

    @asynccontextmanager
    async def fail(_: Flask) -> AsyncIterator[None]:
        attempts.append(True)
        raise ConnectionError("no database")
        yield

    bridge_lifespan(app).append(fail)
    client = app.test_client()
    for _ in range(2):
        assert client.get("/").status_code == 500
    assert len(attempts) == 2


def test_stopping_a_background_loop_that_never_ran_does_nothing() -> None:
    BackgroundLoop().stop()


def test_entering_twice_for_one_owner_enters_once() -> None:
    loop = BackgroundLoop()
    entered = []

    @asynccontextmanager
    async def entry() -> AsyncIterator[None]:
        entered.append(True)
        yield

    owner = object()
    loop.enter_once(owner, [entry()])
    loop.enter_once(owner, [])
    assert loop.entered(owner)
    loop.stop()
    assert entered == [True]
    assert not loop.entered(owner)


def test_an_interrupted_wait_cancels_what_it_waited_for(monkeypatch: Any) -> None:
    cancelled = threading.Event()
    begun = threading.Event()

    async def work() -> None:
        begun.set()
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    class Interrupted(greenlets.ThreadFuture[Any]):  # type: ignore[misc]  # a future that Ctrl-C arrives at
        def result(self, timeout: float | None = None) -> Any:
            begun.wait(5)
            raise KeyboardInterrupt

    monkeypatch.setattr(greenlets, "ThreadFuture", Interrupted)
    with pytest.raises(KeyboardInterrupt):
        await_(work())
    assert cancelled.wait(5)
