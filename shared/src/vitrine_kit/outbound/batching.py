"""Many askers, one request: identical calls in flight are shared, and ids asked for together are fetched together."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping
from contextvars import Context, copy_context
from typing import Generic, TypeVar

from vitrine_kit.db import ambient_session
from vitrine_kit.deadlines import set_deadline

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Coalescer(Generic[Key, Value]):
    """Shares a call in flight among all who ask for the same key meanwhile.

    The call must not depend on who is asking, such as by a user's token. It bears the request id of who asked first,
    and neither that one's deadline nor its transaction. Nothing is kept once it has ended.
    """

    def __init__(self) -> None:
        self._running: dict[Key, asyncio.Task[Value]] = {}

    async def get(self, key: Key, load: Callable[[], Awaitable[Value]]) -> Value:
        """What `load` returns or raises, called once for all who ask for `key` while it runs."""
        task = self._running.get(key)
        if task is None:
            task = asyncio.get_running_loop().create_task(_call(load), context=_context_for_all())
            self._running[key] = task
            task.add_done_callback(lambda done: self._forget(key, done))
        # Shielded: one asker that gives up must not fail the others.
        return await asyncio.shield(task)

    def _forget(self, key: Key, task: asyncio.Task[Value]) -> None:
        if self._running.get(key) is task:
            del self._running[key]
        if not task.cancelled():
            task.exception()  # retrieved, though all askers may have left


def _context_for_all() -> Context:
    """This context without what belongs to one request alone: its time, and its open transaction."""
    context = copy_context()
    context.run(set_deadline, None)
    context.run(ambient_session.set, None)
    return context


async def _call(load: Callable[[], Awaitable[Value]]) -> Value:
    return await load()


class BatchLoader(Generic[Key, Value]):
    """Loads values by key: keys asked for in the same turn of the event loop go out in one request.

    A key that is being fetched already is waited for, not fetched again; but with `fresh`, which is for what may have
    changed since that fetch began, such as whether a sign-in has ended. Like a call of `Coalescer`, a fetch is for
    several askers at once and must not depend on any of them.
    """

    def __init__(
        self,
        fetch: Callable[[list[Key]], Awaitable[Mapping[Key, Value]]],
        *,
        max_batch: int = 500,
        fresh: bool = False,
    ) -> None:
        self._fetch = fetch
        self._max_batch = max_batch
        self._fresh = fresh
        self._waiting: dict[Key, asyncio.Future[Value | None]] = {}
        self._running: dict[Key, asyncio.Future[Value | None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def load(self, key: Key) -> Value | None:
        """The value of one key, None where it has none.

        Raises:
            Exception: whatever `fetch` raised for the batch that held it.
        """
        return await asyncio.shield(self._future(key))

    async def load_many(self, keys: Iterable[Key]) -> dict[Key, Value]:
        """The values of those keys that have one.

        Raises:
            Exception: whatever `fetch` raised for a batch that held one of the keys.
        """
        futures = {key: self._future(key) for key in dict.fromkeys(keys)}
        if not futures:
            return {}
        await asyncio.wait(futures.values())
        found: dict[Key, Value] = {}
        for key, future in futures.items():
            value = future.result()
            if value is not None:
                found[key] = value
        return found

    def _future(self, key: Key) -> asyncio.Future[Value | None]:
        known = self._waiting.get(key) or (None if self._fresh else self._running.get(key))
        if known is not None:
            return known
        loop = asyncio.get_running_loop()
        if not self._waiting:
            loop.call_soon(self._send, context=_context_for_all())
        future: asyncio.Future[Value | None] = loop.create_future()
        # Retrieved at once: when all askers have left, a failure is nobody's business.
        future.add_done_callback(lambda done: done.cancelled() or done.exception())
        self._waiting[key] = future
        return future

    def _send(self) -> None:
        waiting, self._waiting = self._waiting, {}
        keys = list(waiting)
        for start in range(0, len(keys), self._max_batch):
            batch = {key: waiting[key] for key in keys[start : start + self._max_batch]}
            if not self._fresh:
                self._running.update(batch)
            task = asyncio.get_running_loop().create_task(self._run(batch))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _run(self, batch: dict[Key, asyncio.Future[Value | None]]) -> None:
        try:
            found = await self._fetch(list(batch))
        except BaseException as error:
            for future in batch.values():
                if not future.done():
                    if isinstance(error, Exception):
                        future.set_exception(error)
                    else:
                        future.cancel()
            if not isinstance(error, Exception):
                raise
        else:
            for key, future in batch.items():
                if not future.done():
                    future.set_result(found.get(key))
        finally:
            for key in batch:
                self._running.pop(key, None)
