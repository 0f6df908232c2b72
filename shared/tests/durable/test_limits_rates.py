"""Rate limits in PostgreSQL: exact under parallel use, patient, and forgetful only when told."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest
from sqlalchemy import MetaData, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateTable
from vitrine_kit import limits
from vitrine_kit.db import NAMING_CONVENTION, Database
from vitrine_kit.limits.rates import spending, spending_values
from vitrine_kit.problems import TooManyRequests
from vitrine_kit.testing import ServiceDatabase


@pytest.fixture
def limiter(database: Database) -> limits.RateLimiter:
    return limits.RateLimiter(database)


async def test_a_burst_is_allowed_and_then_no_more(limiter: limits.RateLimiter) -> None:
    waits = [await limiter.spend("a", per_s=1 / 60, burst=3) for _ in range(5)]

    assert waits[:3] == [0, 0, 0]
    assert all(55 < wait <= 60 for wait in waits[3:])


async def test_keys_do_not_meet(limiter: limits.RateLimiter) -> None:
    assert await limiter.spend("a", per_s=0.01, burst=1) == 0
    assert await limiter.spend("b", per_s=0.01, burst=1) == 0
    assert await limiter.spend("a", per_s=0.01, burst=1) > 0


async def test_of_50_at_once_exactly_the_burst_passes(limiter: limits.RateLimiter) -> None:
    waits = await asyncio.gather(*(limiter.spend("a", per_s=0.001, burst=7) for _ in range(50)))
    assert waits.count(0) == 7


async def test_what_was_used_comes_back_with_time(limiter: limits.RateLimiter) -> None:
    assert await limiter.spend("a", per_s=20, burst=1) == 0
    wait_s = await limiter.spend("a", per_s=20, burst=1)
    assert 0 < wait_s <= 0.05
    async with asyncio.timeout(5):
        while await limiter.spend("a", per_s=20, burst=1):
            await asyncio.sleep(wait_s)


async def test_refused_attempts_do_not_lengthen_the_wait(limiter: limits.RateLimiter) -> None:
    await limiter.spend("a", per_s=0.1, burst=1)
    waits = [await limiter.spend("a", per_s=0.1, burst=1) for _ in range(20)]
    assert waits[-1] <= waits[0]


async def test_who_was_refused_while_another_worker_forgot_the_key_waits_for_a_moment(
    limiter: limits.RateLimiter, ledger_database: ServiceDatabase
) -> None:
    """A trigger refuses what is new, so that the row is missing when it is asked how long to wait."""
    admin = await asyncpg.connect(ledger_database.admin_url)
    try:
        await admin.execute(
            "CREATE FUNCTION ledger.refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';"
            " CREATE TRIGGER refuse BEFORE INSERT ON ledger.rate_limit FOR EACH ROW EXECUTE FUNCTION ledger.refuse()"
        )
        assert await limiter.spend("a", per_s=0.001, burst=1) == 0.001
    finally:
        await admin.execute("DROP FUNCTION IF EXISTS ledger.refuse CASCADE")
        await admin.close()
    assert await limiter.spend("a", per_s=0.001, burst=1) == 0


async def test_one_use_may_cost_more(limiter: limits.RateLimiter) -> None:
    assert await limiter.spend("a", per_s=0.1, burst=10, cost=7) == 0
    assert 35 < await limiter.spend("a", per_s=0.1, burst=10, cost=7) <= 40
    assert await limiter.spend("a", per_s=0.1, burst=10, cost=3) == 0
    for wrong in (
        {"per_s": 0, "burst": 1},
        {"per_s": 1, "burst": 1, "cost": 2},
        {"per_s": 1, "burst": 1, "cost": 0},
    ):
        with pytest.raises(
            ValueError, match=r"^a rate is above 0, and one use costs between 1 and the burst$"
        ):
            await limiter.spend("a", **wrong)


def test_one_use_costs_one_unless_told_otherwise() -> None:
    assert spending_values("a", per_s=0.5, burst=3) == {"key": "a", "cost_s": 2, "burst_s": 6}
    assert spending_values("a", per_s=0.5, burst=3, cost=3) == {"key": "a", "cost_s": 6, "burst_s": 6}


@pytest.mark.parametrize(("condition", "used"), [("true", True), ("false", False), ("NULL::boolean", False)])
async def test_where_a_condition_does_not_hold_nothing_is_used(
    limiter: limits.RateLimiter, database: Database, condition: str, used: bool
) -> None:
    values = spending_values("a", per_s=0.001, burst=1)
    row = await database.execute_alone(text(spending("ledger.rate_limit", only_if=condition)), values)

    assert (row is not None) is used
    assert (await limiter.spend("a", per_s=0.001, burst=1) > 0) is used


async def test_a_refusal_says_how_long_to_wait(limiter: limits.RateLimiter) -> None:
    await limiter.take("a", per_s=0.1, burst=1)
    with pytest.raises(TooManyRequests) as caught:
        await limiter.take("a", per_s=0.1, burst=1)
    assert int(caught.value.headers["Retry-After"]) in (10, 11)
    assert caught.value.detail == "Too many attempts. Try again later."


async def test_a_short_wait_is_refused_too_and_rounded_up_to_a_second(limiter: limits.RateLimiter) -> None:
    await limiter.take("a", per_s=2, burst=1)
    with pytest.raises(TooManyRequests) as caught:
        await limiter.take("a", per_s=2, burst=1)
    assert caught.value.headers["Retry-After"] == "1"


async def test_a_refusal_comes_at_the_cost_that_was_asked(limiter: limits.RateLimiter) -> None:
    await limiter.take("a", per_s=0.001, burst=3, cost=2)
    with pytest.raises(TooManyRequests):
        await limiter.take("a", per_s=0.001, burst=3, cost=2)
    await limiter.take("a", per_s=0.001, burst=3, cost=1)


async def test_a_forgotten_key_is_even(limiter: limits.RateLimiter) -> None:
    await limiter.take("a", per_s=0.001, burst=1)
    await limiter.forget("a")
    await limiter.take("a", per_s=0.001, burst=1)


async def test_a_rolled_back_request_has_used_its_attempt(
    limiter: limits.RateLimiter, database: Database
) -> None:
    with pytest.raises(RuntimeError, match="rolled back"):
        async with database.transaction():
            await limiter.take("a", per_s=0.001, burst=1)
            raise RuntimeError("rolled back")
    with pytest.raises(TooManyRequests):
        await limiter.take("a", per_s=0.001, burst=1)


async def test_keys_are_stored_as_hashes_and_purged_when_even(
    limiter: limits.RateLimiter, database: Database
) -> None:
    await limiter.spend("ada@example.com", per_s=0.001, burst=1)
    await limiter.spend("ä", per_s=1000, burst=1)
    rows = await database.fetch_all(text("SELECT key, even_at FROM ledger.rate_limit"))
    assert b"ada" not in b"".join(row["key"] for row in rows)

    async with asyncio.timeout(5):
        while await limits.purge_rates(database) == 0:
            await asyncio.sleep(0.001)
    assert await database.fetch_value(text("SELECT count(*) FROM ledger.rate_limit")) == 1


def test_a_service_keeps_one_row_for_a_key_and_finds_those_that_are_even() -> None:
    table = limits.rate_limit_table(MetaData(schema="shop", naming_convention=NAMING_CONVENTION))

    made = " ".join(str(CreateTable(table).compile(dialect=postgresql.dialect())).split())  # type: ignore[no-untyped-call]
    assert made == (
        "CREATE TABLE shop.rate_limit ( key BYTEA NOT NULL, even_at TIMESTAMP WITH TIME ZONE NOT NULL,"
        " CONSTRAINT pk_rate_limit PRIMARY KEY (key) )"
    )
    assert [[column.name for column in index.columns] for index in table.indexes] == [["even_at"]]
    assert [index.name for index in table.indexes] == ["ix_rate_limit_even_at"]
    assert (
        table.comment == "Rate limits: when each key is even again. Rows in the past say nothing and may go."
    )
    assert table.c.key.comment == "SHA-256 of the key"
    assert table.c.even_at.nullable is False
