"""Waiting for coroutines from synchronous code: the request greenlet, `await_`, and the background loop.

Coroutines are stepped inside the request greenlet and only the futures they yield go to the parent, so that a
synchronous helper called from an async view may itself wait for async code. Knows neither ASGI nor WSGI.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import threading
import types
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator
from concurrent.futures import Future as ThreadFuture
from contextvars import Context, ContextVar, copy_context
from functools import partial
from typing import Any, ParamSpec, TypeVar, cast

from greenlet import getcurrent, greenlet

P = ParamSpec("P")
T = TypeVar("T")

owner_loop: ContextVar[asyncio.AbstractEventLoop | None] = ContextVar("vitrine_owner_loop", default=None)
"""The loop that sent the present thread its work; set by `vitrine_kit.offload` in the thread's context."""


class NoGreenletError(RuntimeError):
    """Synchronous code asked to wait on a running event loop from where it cannot be suspended."""


class RequestGreenlet(greenlet):
    """A greenlet in which synchronous code may wait for coroutines of the surrounding asyncio task.

    SQLAlchemy recognises the class attribute, and sends what its synchronous methods wait for to
    `parent.switch(awaitable)`; answering that name with ourselves steps those coroutines here as well,
    in the request's own context variables, so that a synchronous `Session` or `Connection` over an
    `AsyncEngine.sync_engine` works directly in a view.
    """

    __sqlalchemy_greenlet_provider__ = True

    def __init__(self) -> None:
        super().__init__()
        self.hub_switch: Callable[..., Any] = _no_hub
        self.job: Callable[[], Any] | None = None
        self.result: Any = None
        self.failure: BaseException | None = None

    def prepare(self, job: Callable[[], Any], context: Context | None) -> None:
        """Set what to do when switched to, for the greenlet that calls this."""
        self.hub_switch = getcurrent().switch
        self.gr_context = context
        self.job = job

    def run(self) -> None:
        """Do one job after another, parked in between; the hub reads the outcome and sets the next job."""
        while True:
            assert self.job is not None
            try:
                self.result = self.job()
            except BaseException as error:  # noqa: BLE001  # `drive` raises it where the job was asked for
                self.failure = error
            self.job = None
            self.hub_switch()

    @property
    def parent(self) -> Any:  # type: ignore[override]  # see the class's docstring
        return _Waiter

    def wait(self, awaitable: Awaitable[T]) -> T:
        """Run `awaitable` to its end, giving the event loop the time in which it is suspended."""
        iterator: Any = awaitable if type(awaitable) is types.CoroutineType else awaitable.__await__()
        hub_switch = self.hub_switch
        send = iterator.send
        try:
            future = send(None)
            while True:
                error: BaseException | None = None
                try:
                    value = hub_switch(future)
                except BaseException as thrown:  # noqa: BLE001  # the coroutine decides what it means
                    error = thrown
                if error is None:
                    future = send(value)
                else:
                    try:
                        future = iterator.throw(error)
                    finally:
                        error = None
        except StopIteration as stop:
            return cast(T, stop.value)


class _Waiter:
    """What a `RequestGreenlet` shows SQLAlchemy as its parent."""

    @staticmethod
    def switch(awaitable: Awaitable[T]) -> T:
        return await_(awaitable)


def _no_hub(*_: Any) -> Any:
    raise AssertionError("a request greenlet is only ever run by `drive`")


class _IdleGreenlets(threading.local):
    """Parked greenlets of this thread; making one anew costs as much as a tenth of a short request."""

    def __init__(self) -> None:
        self.parked: list[RequestGreenlet] = []


_idle = _IdleGreenlets()
MOST_IDLE = 128
"""How many parked greenlets a thread keeps; each holds some 20 KiB of interpreter stack."""


@types.coroutine
def drive(job: Callable[[], T], context: Context | None) -> Generator[Any, Any, T]:
    """Call `job` in a greenlet of the current task, in `context`, and return its result.

    Everything the greenlet hands up is a bare future (or None, for one turn of the loop) and is yielded to
    the task as it is; cancellation and other errors are thrown into the greenlet where it waits.
    """
    parked = _idle.parked
    worker = parked.pop() if parked else RequestGreenlet()
    worker.prepare(job, context)
    handed_up = worker.switch()
    while worker.job is not None:
        try:
            value = yield handed_up
        except BaseException as error:  # noqa: BLE001  # passed on, whatever it is
            handed_up = worker.throw(error)
        else:
            handed_up = worker.switch(value)
    worker.gr_context = None
    result, failure = worker.result, worker.failure
    worker.result = worker.failure = None
    if len(parked) < MOST_IDLE:
        parked.append(worker)
    if failure is not None:
        try:
            raise failure
        finally:
            # The traceback refers to this frame: without this the two would keep each other.
            failure = None
    return cast(T, result)


async def spawn(func: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call synchronous `func` in a greenlet of the current task, so that what it calls may use `await_`.

    A test on a running loop uses it for Flask's own client: `await spawn(client.get, "/")`. Context variables
    are shared with the caller.
    """
    return await drive(partial(func, *args, **kwargs), getcurrent().gr_context)


def in_request_greenlet() -> bool:
    """Whether `await_` can suspend the caller right here."""
    return isinstance(getcurrent(), RequestGreenlet)


def await_(awaitable: Awaitable[T]) -> T:
    """Wait for `awaitable` from synchronous code and return its result.

    Inside a request under the bridge only the request waits, not the event loop. In a thread that
    `run_blocking` started, it runs on the loop that started the thread; under a plain WSGI server, the Flask
    command line and the test client, on one persistent background loop.

    Raises:
        NoGreenletError: on a running loop outside the request's own greenlet, as in a task made by
            `asyncio.gather`: there, the coroutine is awaited directly.
    """
    current = getcurrent()
    if isinstance(current, RequestGreenlet):
        return current.wait(awaitable)
    return _wait_in_thread(awaitable, None)


def _wait_in_thread(awaitable: Awaitable[T], context: Context | None) -> T:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return _run_on_loop(awaitable, context)
    _discard(awaitable)
    raise NoGreenletError(
        "Synchronous code asked to wait for a coroutine on a running event loop, outside the greenlet of a "
        "request. In a task of its own (asyncio.gather, create_task, a task group) await the coroutine, "
        "or call the synchronous function through `await spawn(function, ...)`."
    )


def _run_on_loop(awaitable: Awaitable[T], context: Context | None) -> T:
    loop = owner_loop.get()
    if loop is None or loop.is_closed():
        try:
            loop = background_loop.start()
            background_loop.on_use()
        except BaseException:
            _discard(awaitable)
            raise
    done: ThreadFuture[T] = ThreadFuture()
    task: asyncio.Task[None] | None = None

    async def settle() -> None:
        try:
            # A greenlet here too, so that synchronous code inside the coroutine may wait in its turn.
            done.set_result(await spawn(await_, awaitable))
        except BaseException as error:  # noqa: BLE001  # delivered to the thread that waits
            done.set_exception(error)

    def begin() -> None:
        nonlocal task
        task = loop.create_task(settle(), context=context)

    loop.call_soon_threadsafe(begin)
    try:
        return done.result()
    except BaseException:
        # Ctrl-C in the waiting thread: the work it waited for must not go on unseen.
        if not done.done():
            loop.call_soon_threadsafe(lambda: task is not None and task.cancel())
        raise


def _discard(awaitable: Awaitable[Any]) -> None:
    if asyncio.iscoroutine(awaitable):
        awaitable.close()


class BackgroundLoop:
    """One event loop on a thread of its own, for callers without one: WSGI servers, commands, test clients.

    It lives as long as the process, so that pooled database connections stay usable from call to call.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._exit_stacks: dict[int, tuple[object, contextlib.AsyncExitStack]] = {}
        self.on_use: Callable[[], None] = lambda: None
        """Called in the thread that is about to wait; `vitrine_kit.asgi` starts the app's lifespan here."""

    def start(self) -> asyncio.AbstractEventLoop:
        """The running loop, started on first use (and again in a forked child, which inherits no thread)."""
        with self._lock:
            if self._loop is None or self._thread is None or not self._thread.is_alive():
                self._loop = asyncio.new_event_loop()
                self._exit_stacks = {}
                self._thread = threading.Thread(
                    target=self._loop.run_forever, name="vitrine-loop", daemon=True
                )
                self._thread.start()
                atexit.register(self.stop)
            return self._loop

    def enter_once(self, owner: object, entries: list[contextlib.AbstractAsyncContextManager[Any]]) -> None:
        """Enter `entries` on the loop, once per `owner`; they are left in reverse order at `stop`."""
        loop = self.start()
        with self._lock:
            if id(owner) in self._exit_stacks:
                return
            stack = contextlib.AsyncExitStack()
            self._exit_stacks[id(owner)] = (owner, stack)

        async def enter() -> None:
            for entry in entries:
                await stack.enter_async_context(entry)

        try:
            asyncio.run_coroutine_threadsafe(enter(), loop).result()
        except BaseException:
            del self._exit_stacks[id(owner)]
            asyncio.run_coroutine_threadsafe(stack.aclose(), loop).result()
            raise

    def entered(self, owner: object) -> bool:
        """Whether `enter_once` has been called for `owner` on the loop that runs now."""
        return id(owner) in self._exit_stacks and self._thread is not None and self._thread.is_alive()

    def stop(self) -> None:
        """Leave what was entered, stop the loop and end its thread; a later `start` begins afresh."""
        with self._lock:
            loop, thread = self._loop, self._thread
            stacks, self._exit_stacks = list(self._exit_stacks.values()), {}
            self._loop = self._thread = None
        atexit.unregister(self.stop)
        if loop is None or thread is None or not thread.is_alive():
            return

        async def leave() -> None:
            for _, stack in reversed(stacks):
                await stack.aclose()
            await loop.shutdown_asyncgens()

        try:
            asyncio.run_coroutine_threadsafe(leave(), loop).result(timeout=10)
        finally:
            loop.call_soon_threadsafe(loop.stop)
            thread.join(timeout=10)
            loop.close()


background_loop = BackgroundLoop()


class AsyncIteration(Iterator[T]):
    """A synchronous iterator over an async one; closing it closes the async generator."""

    def __init__(self, source: AsyncIterator[T]) -> None:
        self._source = source
        # An async generator may hold context variables across its yields: outside the bridge each step is a
        # task of its own, and all of them must see one context.
        self._context = None if in_request_greenlet() else copy_context()

    def __next__(self) -> T:
        try:
            return self._wait(self._source.__anext__())
        except StopAsyncIteration:
            raise StopIteration from None

    def close(self) -> None:
        """Close the async generator where it stands, running its `finally` blocks."""
        aclose = getattr(self._source, "aclose", None)
        if aclose is not None:
            self._wait(aclose())

    def _wait(self, awaitable: Awaitable[T]) -> T:
        current = getcurrent()
        if isinstance(current, RequestGreenlet):
            return current.wait(awaitable)
        return _wait_in_thread(awaitable, self._context)


def iter_async(source: AsyncIterator[T]) -> AsyncIteration[T]:
    """Turn an async generator into an iterator that Flask can send as a response body.

    Each item is sent as soon as it is there. When the client leaves, the generator is closed with `aclose`.
    """
    return AsyncIteration(source)
