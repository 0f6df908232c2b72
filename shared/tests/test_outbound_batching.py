"""Shared calls: one request for many who ask at once, and nobody harmed by those who leave."""

from __future__ import annotations

import asyncio
from contextvars import ContextVar

import pytest
from sqlalchemy.ext.asyncio import AsyncSession
from vitrine_kit.db import ambient_session
from vitrine_kit.deadlines import Deadline, current_deadline, set_deadline
from vitrine_kit.outbound import BatchLoader, Coalescer


class Names:
    """A directory that counts how often it is asked."""

    def __init__(self) -> None:
        self.asked: list[list[int]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.error: Exception | None = None

    async def __call__(self, ids: list[int]) -> dict[int, str]:
        self.asked.append(ids)
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        return {one: f"name {one}" for one in ids if one < 1000}


async def test_ids_asked_for_in_one_turn_go_out_in_one_request() -> None:
    names = Names()
    loader = BatchLoader(names)
    first, second, third = await asyncio.gather(
        loader.load_many([1, 2, 2]), loader.load_many([2, 3]), loader.load_many([])
    )
    assert names.asked == [[1, 2, 3]]
    assert (first, second, third) == ({1: "name 1", 2: "name 2"}, {2: "name 2", 3: "name 3"}, {})


async def test_one_key_is_loaded_with_those_of_others() -> None:
    names = Names()
    loader = BatchLoader(names)
    found = await asyncio.gather(loader.load(1), loader.load(1), loader.load(2), loader.load(5000))
    assert names.asked == [[1, 2, 5000]]
    assert found == ["name 1", "name 1", "name 2", None]


async def test_what_must_be_fresh_is_asked_for_again_while_it_is_being_fetched() -> None:
    names = Names()
    names.gate.clear()
    loader = BatchLoader(names, fresh=True)
    first = asyncio.create_task(loader.load(1))
    while not names.asked:
        await asyncio.sleep(0)
    later = [asyncio.create_task(loader.load(1)) for _ in range(3)]
    while len(names.asked) < 2:
        await asyncio.sleep(0)
    names.gate.set()
    assert await asyncio.gather(first, *later) == ["name 1"] * 4
    assert names.asked == [[1], [1]]


async def test_one_asker_that_leaves_harms_no_other() -> None:
    names = Names()
    names.gate.clear()
    loader = BatchLoader(names)
    leaving, staying = asyncio.create_task(loader.load(1)), asyncio.create_task(loader.load(1))
    while not names.asked:
        await asyncio.sleep(0)
    leaving.cancel()
    await asyncio.wait([leaving])
    names.gate.set()
    assert await staying == "name 1"
    assert leaving.cancelled()


async def test_what_nobody_knows_is_left_out() -> None:
    assert await BatchLoader(Names()).load_many([5, 5000]) == {5: "name 5"}


async def test_long_lists_are_cut() -> None:
    names = Names()
    found = await BatchLoader(names, max_batch=2).load_many(range(5))
    assert names.asked == [[0, 1], [2, 3], [4]]
    assert len(found) == 5


async def test_an_id_being_fetched_is_waited_for_and_fetched_anew_afterwards() -> None:
    names = Names()
    names.gate.clear()
    loader = BatchLoader(names)
    first = asyncio.create_task(loader.load_many([1]))
    while not names.asked:
        await asyncio.sleep(0)
    second = asyncio.create_task(loader.load_many([1, 2]))
    while len(names.asked) < 2:
        await asyncio.sleep(0)
    names.gate.set()

    assert await first == {1: "name 1"}
    assert await second == {1: "name 1", 2: "name 2"}
    assert names.asked == [[1], [2]]
    await loader.load_many([1])
    assert names.asked[2:] == [[1]]


async def test_a_failure_reaches_all_who_asked_and_is_not_kept() -> None:
    names = Names()
    names.error = RuntimeError("away")
    loader = BatchLoader(names)
    outcomes = await asyncio.gather(loader.load_many([1]), loader.load_many([1, 2]), return_exceptions=True)
    assert [str(one) for one in outcomes] == ["away", "away"]
    names.error = None
    assert await loader.load_many([1]) == {1: "name 1"}


async def test_one_who_leaves_does_not_take_the_request_along() -> None:
    names = Names()
    names.gate.clear()
    loader = BatchLoader(names)
    leaving, staying = (asyncio.create_task(loader.load_many([1])) for _ in range(2))
    while not names.asked:
        await asyncio.sleep(0)
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    names.gate.set()
    assert await staying == {1: "name 1"}
    assert len(names.asked) == 1


async def test_a_cancelled_fetch_is_a_cancellation_for_its_askers() -> None:
    names = Names()
    names.gate.clear()
    loader = BatchLoader(names)
    asking = asyncio.create_task(loader.load_many([1]))
    while not names.asked:
        await asyncio.sleep(0)
    [fetching] = loader._tasks
    fetching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking


async def test_identical_calls_in_flight_are_one() -> None:
    calls = 0
    gate = asyncio.Event()

    async def load() -> int:
        nonlocal calls
        calls += 1
        await gate.wait()
        return calls

    shared: Coalescer[str, int] = Coalescer()
    asking = [asyncio.create_task(shared.get("a", load)) for _ in range(5)]
    await asyncio.sleep(0)
    asking[0].cancel()
    gate.set()
    assert await asyncio.gather(*asking[1:]) == [1] * 4
    assert await shared.get("a", load) == 2
    assert await asyncio.gather(shared.get("a", load), shared.get("b", load)) in ([3, 4], [4, 4])


async def test_a_shared_call_has_neither_the_time_nor_the_transaction_of_who_asked_first() -> None:
    seen: list[object] = []
    tag: ContextVar[str] = ContextVar("tag")

    async def look(_keys: list[int] | None = None) -> dict[int, str]:
        seen.append((current_deadline(), ambient_session.get(), tag.get()))
        return {}

    tag.set("the request's id")
    set_deadline(Deadline.after(0.001))
    token = ambient_session.set(AsyncSession())
    try:
        await BatchLoader(look).load_many([1])
        shared: Coalescer[str, dict[int, str]] = Coalescer()
        await shared.get("a", look)
    finally:
        ambient_session.reset(token)
        set_deadline(None)
    assert seen == [(None, None, "the request's id")] * 2


async def test_a_shared_failure_is_raised_for_each() -> None:
    async def load() -> int:
        await asyncio.sleep(0)
        raise RuntimeError("away")

    shared: Coalescer[str, int] = Coalescer()
    outcomes = await asyncio.gather(*(shared.get("a", load) for _ in range(3)), return_exceptions=True)
    assert [str(one) for one in outcomes] == ["away"] * 3
