"""Rate limits kept in PostgreSQL, so that all workers share them and a restart forgives nothing.

The generic cell rate algorithm: one row for each key holds the moment at which the key would be even again. It needs
one atomic statement, no history and no clean-up to be right.
"""

from __future__ import annotations

from typing import cast

from sqlalchemy import TIMESTAMP, Column, Index, LargeBinary, MetaData, Table, text
from sqlalchemy.engine import CursorResult

from vitrine_kit.db import Database
from vitrine_kit.problems import TooManyRequests

TABLE = "rate_limit"


def rate_limit_table(metadata: MetaData) -> Table:
    """Adds the table of rate limits to a service's tables."""
    return Table(
        TABLE,
        metadata,
        Column("key", LargeBinary, primary_key=True, comment="SHA-256 of the key"),
        Column("even_at", TIMESTAMP(timezone=True), nullable=False),
        Index(None, "even_at"),
        comment="Rate limits: when each key is even again. Rows in the past say nothing and may go.",
    )


def spending(table: str, *, only_if: str = "true") -> str:
    """The statement that uses a key's allowance and returns a row if it could; its values are `spending_values`.

    Args:
        table: its name with its schema; a constant.
        only_if: SQL of a condition without which nothing is used.
    """
    # clock_timestamp(), not now(): it must not stand still within a transaction.
    return (
        f"INSERT INTO {table} AS r (key, even_at)"
        " SELECT sha256(convert_to(:key, 'UTF8')), clock_timestamp() + make_interval(secs => :cost_s)"
        f" WHERE {only_if}"
        " ON CONFLICT (key) DO UPDATE"
        " SET even_at = greatest(r.even_at, clock_timestamp()) + make_interval(secs => :cost_s)"
        " WHERE greatest(r.even_at, clock_timestamp()) + make_interval(secs => :cost_s)"
        " <= clock_timestamp() + make_interval(secs => :burst_s)"
        " RETURNING 0"
    )


def spending_values(key: str, *, per_s: float, burst: int, cost: int = 1) -> dict[str, object]:
    """What `spending` needs to know; see `RateLimiter.spend`."""
    if per_s <= 0 or not 1 <= cost <= burst:
        raise ValueError("a rate is above 0, and one use costs between 1 and the burst")
    return {"key": key, "cost_s": cost / per_s, "burst_s": burst / per_s}


class RateLimiter:
    """Limits how often something may happen for a key, such as sign-ins for one address.

    Each call is a statement of its own on an autocommit connection, never part of a transaction: what a request has
    used stays used though all else it did is rolled back.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        table = f'"{database.schema}".{TABLE}'
        self._spend = text(spending(table))
        self._wait = text(
            "SELECT extract(epoch FROM even_at + make_interval(secs => :cost_s)"  # noqa: S608 - as above
            f" - make_interval(secs => :burst_s) - clock_timestamp())::float8 AS wait_s FROM {table}"
            " WHERE key = sha256(convert_to(:key, 'UTF8'))"
        )
        self._forget = text(f"DELETE FROM {table} WHERE key = sha256(convert_to(:key, 'UTF8'))")  # noqa: S608

    async def spend(self, key: str, *, per_s: float, burst: int, cost: int = 1) -> float:
        """Uses `cost` of the key's allowance, or says how long to wait.

        Args:
            key: what is limited, such as "sign-in:203.0.113.7"; only its hash is stored.
            per_s: how many may happen in a second in the long run; 5 / 60 is five a minute.
            burst: how many may happen at once.
            cost: how much this one counts, at most `burst`.

        Returns:
            0 when it was used; else the seconds after which it can be.
        """
        parameters = spending_values(key, per_s=per_s, burst=burst, cost=cost)
        if await self._database.execute_alone(self._spend, parameters) is not None:
            return 0.0
        row = await self._database.execute_alone(self._wait, parameters)
        # Another worker may have forgotten the key, or time gone by, between the two statements.
        return 0.001 if row is None else max(0.001, row["wait_s"])

    async def take(self, key: str, *, per_s: float, burst: int, cost: int = 1) -> None:
        """Like `spend`, but refuses.

        Raises:
            TooManyRequests: the allowance is used up; Retry-After says for how long.
        """
        wait_s = await self.spend(key, per_s=per_s, burst=burst, cost=cost)
        if wait_s > 0:
            raise TooManyRequests("Too many attempts. Try again later.", retry_after_s=wait_s + 0.5)

    async def forget(self, key: str) -> None:
        """Makes the key even at once, for instance after a successful sign-in."""
        await self._database.execute_alone(self._forget, {"key": key})


async def purge_rates(database: Database) -> int:
    """Deletes the rows that say nothing any more; returns how many."""
    statement = text(f'DELETE FROM "{database.schema}".{TABLE} WHERE even_at < clock_timestamp()')  # noqa: S608
    async with database.read_connection() as connection:
        done = cast("CursorResult[None]", await connection.execute(statement))
    return done.rowcount
