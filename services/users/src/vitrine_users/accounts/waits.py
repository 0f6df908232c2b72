"""Waits that grow with each failure in a row, kept in PostgreSQL: shared by all workers, surviving restarts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from sqlalchemy import ARRAY, LargeBinary, TextClause, any_, bindparam, delete, func, select, text
from vitrine_kit.db import Database

from vitrine_users.accounts.models import FailedTries

FORGET_AFTER_S = 86400
"""After a day without a try, and without a wait, failures are forgotten."""

_TAKE = """
    {name} AS (
        INSERT INTO users.failed_tries AS f (key, failures, retry_at, forget_at)
        SELECT CAST(:key_{n} AS bytea), 1, clock_timestamp() + make_interval(secs => :first_wait_s_{n}),
               clock_timestamp() + make_interval(secs => :first_wait_s_{n} + :forget_s)
        WHERE {before}
        ON CONFLICT (key) DO UPDATE SET
            failures = CASE WHEN f.forget_at <= clock_timestamp() THEN 1 ELSE f.failures + 1 END,
            retry_at = clock_timestamp() + make_interval(secs => CASE
                WHEN f.forget_at <= clock_timestamp() THEN :first_wait_s_{n}
                WHEN f.failures + 1 < :free_{n} THEN 0
                ELSE least(:max_wait_s_{n}, :wait_s_{n} * power(2, least(f.failures + 1 - :free_{n}, 30))) END),
            forget_at = clock_timestamp() + make_interval(secs => :max_wait_s_{n} + :forget_s)
        WHERE f.retry_at <= clock_timestamp()
        RETURNING f.failures
    )"""


@dataclass(frozen=True, slots=True)
class Patience:
    """So many failures without a wait; then `wait_s` seconds, doubled by each further one up to `max_wait_s`."""

    free: int
    wait_s: float
    max_wait_s: float


@cache
def counting(count: int) -> tuple[str, str, str]:
    """SQL that counts that many tries and sets their waits, each only if the one before was counted.

    What stands behind WITH, how many were counted, and whether all were. One statement, before anything is looked
    at: fifty at once are counted fifty times. Its values are `counting_values`.
    """
    names = [f"try_{n}" for n in range(count)]
    befores = ["true", *(f"EXISTS (SELECT FROM {name})" for name in names)]
    parts = [_TAKE.format(n=n, name=name, before=befores[n]) for n, name in enumerate(names)]
    counted = " + ".join(f"(SELECT count(*) FROM {name})" for name in names)  # noqa: S608 - names made above
    return ",".join(parts), counted, befores[-1]


def counting_values(tries: Sequence[tuple[bytes, Patience]]) -> dict[str, object]:
    """What `counting` needs to know of these tries."""
    values: dict[str, object] = {"forget_s": float(FORGET_AFTER_S)}
    for n, (key, patience) in enumerate(tries):
        values |= {
            f"key_{n}": key,
            f"free_{n}": patience.free,
            f"wait_s_{n}": float(patience.wait_s),
            f"max_wait_s_{n}": float(patience.max_wait_s),
            f"first_wait_s_{n}": float(patience.wait_s) if patience.free <= 1 else 0.0,
        }
    return values


@cache
def _take(count: int) -> TextClause:
    parts, counted, _ = counting(count)
    return text(f"WITH {parts} SELECT {counted} AS counted")


_WAIT = text(
    "SELECT extract(epoch FROM retry_at - clock_timestamp())::float8 AS wait_s FROM users.failed_tries WHERE key = :key"
)
_KEYS = bindparam("forgotten", type_=ARRAY(LargeBinary))
FORGET = delete(FailedTries).where(
    FailedTries.key.in_(
        select(FailedTries.key)
        .where(FailedTries.key == any_(_KEYS))
        .order_by(func.array_position(_KEYS, FailedTries.key))
        .with_for_update()
    )
)
"""Makes the next failure of the keys `forgotten` the first; locks them in turn, as they are counted."""


class GrowingWaits:
    """Counts tries as failures until one is said to have succeeded."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def take(self, *tries: tuple[bytes, Patience]) -> float:
        """Counts one try for each key; returns 0 where it may be made now, else the seconds to wait.

        In turn: where one key has to wait, it and those after it count nothing. Each call is a statement of its own:
        what was counted stays so though the request is rolled back.
        """
        row = await self._database.execute_alone(_take(len(tries)), counting_values(tries))
        assert row is not None, "it counts"
        return 0.0 if row["counted"] == len(tries) else await self.left(tries[row["counted"]][0])

    async def left(self, key: bytes) -> float:
        """The seconds until this key, which had to wait just now, may be tried."""
        row = await self._database.execute_alone(_WAIT, {"key": key})
        # Somebody may have succeeded since.
        return 0.001 if row is None else max(0.001, row["wait_s"])

    async def forget(self, *keys: bytes) -> None:
        """Makes the next failure of these keys, in the order in which they are taken, the first."""
        await self._database.execute_alone(FORGET, {"forgotten": list(keys)})
