"""Running blocking functions off the event loop, in a bounded thread pool, with the request's context."""

from __future__ import annotations

import asyncio
import functools
import inspect
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context, copy_context
from typing import Any, ParamSpec, TypeVar, cast

from werkzeug.wrappers import Response

from vitrine_kit.greenlets import NoGreenletError, await_, in_request_greenlet, owner_loop

P = ParamSpec("P")
T = TypeVar("T")

POOL_THREADS = 8
"""How many blocking calls run at once in one worker process; the rest wait in order."""

_pool: ThreadPoolExecutor | None = None
_END: Any = object()


def _threads() -> ThreadPoolExecutor:
    global _pool
    if _pool is None:
        _pool = ThreadPoolExecutor(POOL_THREADS, thread_name_prefix="vitrine-blocking")
    return _pool


def _forget_pool() -> None:
    global _pool
    _pool = None


# A forked child inherits the pool object, but none of its threads.
os.register_at_fork(after_in_child=_forget_pool)


async def run_blocking(func: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call `func` in a thread of the bounded pool and return its result without stopping the event loop.

    The function sees a copy of the caller's context variables, so `request`, `g` and `session` work in it.
    Cancelling the caller does not stop a function that has begun.
    """
    return await _in_pool(copy_context(), func, *args, **kwargs)


async def _in_pool(context: Context, func: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    loop = asyncio.get_running_loop()
    context.run(owner_loop.set, loop)
    return await loop.run_in_executor(_threads(), functools.partial(context.run, func, *args, **kwargs))


def blocking(func: Callable[P, T]) -> Callable[P, T]:
    """Mark a synchronous view or function that blocks, so that it runs in the thread pool under the bridge.

    A generator it returns is advanced in the pool as well. Under a plain WSGI server, which has threads of
    its own, the function is simply called.

    Raises:
        TypeError: at decoration, for an async function: what blocks in one goes through `run_blocking`.
        NoGreenletError: when called on a running event loop outside a request's greenlet.
    """
    if inspect.iscoroutinefunction(func):
        raise TypeError(
            f"{func!r} is async; use `await run_blocking(...)` inside it for the part that blocks"
        )

    @functools.wraps(func)
    def offloaded(*args: P.args, **kwargs: P.kwargs) -> T:
        if in_request_greenlet():
            return _advance_in_pool(await_(run_blocking(func, *args, **kwargs)))
        if _on_running_loop():
            raise NoGreenletError(
                f"{func!r} blocks and was called on the event loop; use `await run_blocking(...)`"
            )
        return func(*args, **kwargs)

    return offloaded


def _on_running_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _advance_in_pool(result: T) -> T:
    """Replace the generator in what a view returned by one whose every step runs in the pool."""
    if isinstance(result, Response):
        if result.is_streamed:
            result.response = PooledIterator(iter(result.response))
        return result
    if isinstance(result, tuple) and result and isinstance(result[0], Iterator):
        return cast(T, (PooledIterator(result[0]), *result[1:]))
    if isinstance(result, Iterator):
        return cast(T, PooledIterator(result))
    return result


class PooledIterator(Iterator[Any]):
    """Advances a blocking iterator in the thread pool, always in one and the same context.

    One context, because `stream_with_context` sets Flask's context variables at the first step and resets
    them, by token, at the last.
    """

    def __init__(self, source: Iterator[Any]) -> None:
        self._source = source
        self._context = copy_context()

    def __next__(self) -> Any:
        item = await_(_in_pool(self._context, next, self._source, _END))
        if item is _END:
            raise StopIteration
        return item

    def close(self) -> None:
        """Close the source in the pool, where its `finally` blocks may block as well."""
        close = getattr(self._source, "close", None)
        if close is not None:
            await_(_in_pool(self._context, close))
