"""Growing waits by themselves: how many failures are free, how the waits grow, and what forgets them."""

from __future__ import annotations

import asyncio
import secrets
from datetime import timedelta

import pytest
from users_world import World
from vitrine_users.accounts.waits import GrowingWaits, Patience

THREE_FREE = Patience(free=3, wait_s=10, max_wait_s=35)


@pytest.fixture
def waits(world: World) -> GrowingWaits:
    return GrowingWaits(world.app.extensions["vitrine"].database)


@pytest.fixture
def key() -> bytes:
    return secrets.token_bytes(32)


async def let_wait_pass(world: World, key: bytes) -> None:
    await world.sql.execute("UPDATE users.failed_tries SET retry_at = clock_timestamp() WHERE key = $1", key)


async def test_waits_begin_with_the_last_free_failure_and_double_up_to_the_longest(
    world: World, waits: GrowingWaits, key: bytes
) -> None:
    found = []
    for _ in range(6):
        assert await waits.take((key, THREE_FREE)) == 0
        found.append(await world.sql.fetchval(
            "SELECT extract(epoch FROM retry_at - clock_timestamp())::float8 FROM users.failed_tries WHERE key = $1",
            key,
        ))  # fmt: skip
        await let_wait_pass(world, key)

    for wait_s, longest in zip(found, (0, 0, 10, 20, 35, 35), strict=True):
        assert longest - 5 < wait_s <= longest


async def test_a_try_that_has_to_wait_is_told_how_long_and_counts_nothing(
    world: World, waits: GrowingWaits, key: bytes
) -> None:
    impatient = Patience(free=1, wait_s=30, max_wait_s=60)
    assert await waits.take((key, impatient)) == 0
    for _ in range(5):
        assert 25 < await waits.take((key, impatient)) <= 30

    assert await world.sql.fetchval("SELECT failures FROM users.failed_tries WHERE key = $1", key) == 1


async def test_a_wait_of_less_than_a_second_is_told_as_what_it_is(waits: GrowingWaits, key: bytes) -> None:
    brief = Patience(free=1, wait_s=0.9, max_wait_s=0.9)

    assert await waits.take((key, brief)) == 0
    assert 0 < await waits.take((key, brief)) <= 0.9


async def test_where_somebody_succeeded_meanwhile_the_wait_is_a_moment(
    waits: GrowingWaits, key: bytes
) -> None:
    assert await waits.take((key, Patience(free=1, wait_s=30, max_wait_s=60))) == 0
    assert 25 < await waits.left(key) <= 30

    await waits.forget(key)

    assert await waits.left(key) == 0.001


@pytest.mark.parametrize("free", [0, 1])
async def test_where_none_is_free_the_first_failure_waits_already(
    waits: GrowingWaits, key: bytes, free: int
) -> None:
    patience = Patience(free=free, wait_s=30, max_wait_s=60)

    assert await waits.take((key, patience)) == 0
    assert await waits.take((key, patience)) > 25


async def test_where_two_are_free_the_first_failure_waits_for_nothing(
    waits: GrowingWaits, key: bytes
) -> None:
    patience = Patience(free=2, wait_s=30, max_wait_s=60)

    assert [await waits.take((key, patience)) for _ in range(2)] == [0, 0]
    assert 25 < await waits.take((key, patience)) <= 30


async def test_failures_are_kept_for_a_day_after_the_longest_wait(
    world: World, waits: GrowingWaits, key: bytes
) -> None:
    day = timedelta(days=1)
    for free, first, later in ((3, day, day + timedelta(seconds=35)), (1, day + timedelta(seconds=10), None)):
        await waits.forget(key)
        for expected in (first, later):
            if expected is None:
                continue
            await waits.take((key, Patience(free=free, wait_s=10, max_wait_s=35)))
            left = await world.sql.fetchval(
                "SELECT forget_at - clock_timestamp() FROM users.failed_tries WHERE key = $1", key
            )
            assert expected - timedelta(seconds=5) < left <= expected


async def test_keys_are_counted_in_turn_up_to_the_first_that_has_to_wait(
    world: World, waits: GrowingWaits
) -> None:
    first, second, third = (secrets.token_bytes(32) for _ in range(3))
    assert await waits.take((second, Patience(free=1, wait_s=30, max_wait_s=60))) == 0

    wait_s = await waits.take((first, THREE_FREE), (second, THREE_FREE), (third, THREE_FREE))

    assert 25 < wait_s <= 30
    rows = await world.sql.fetch(
        "SELECT key, failures FROM users.failed_tries WHERE key = ANY($1::bytea[])", [first, second, third]
    )
    assert {row["key"]: row["failures"] for row in rows} == {first: 1, second: 1}


async def test_of_fifty_at_once_as_many_pass_as_are_free(waits: GrowingWaits, key: bytes) -> None:
    answers = await asyncio.gather(*(waits.take((key, THREE_FREE)) for _ in range(50)))

    assert sum(answer == 0 for answer in answers) == 3


async def test_forgetting_makes_the_next_failure_the_first(waits: GrowingWaits) -> None:
    keys = [secrets.token_bytes(32) for _ in range(3)]
    for key in keys:
        for _ in range(3):
            await waits.take((key, THREE_FREE))

    await waits.forget(*keys[:2])

    assert [await waits.take((key, THREE_FREE)) > 0 for key in keys] == [False, False, True]
    assert [await waits.take((key, THREE_FREE)) > 0 for key in keys] == [False, False, True]
