"""The relay: sends what is in the outbox to the services it is for, again and again until each has acknowledged it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import asyncpg
import httpx
from sqlalchemy import RowMapping, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from vitrine_kit.db import Database
from vitrine_kit.events.outbox import TABLE, channel_of
from vitrine_kit.logs import get_logger, on_behalf_of
from vitrine_kit.problems import Problem

log = get_logger(__name__)

POLL_S = 5.0
"""How often the outbox is looked at though no notification came: one may be lost with its connection."""
BATCH = 20
BACKOFF_BASE_S = 0.5
BACKOFF_CAP_S = 30.0
DELIVERY_TIMEOUT_S = 5.0


class Receiver(Protocol):
    """What the relay needs of a neighbour."""

    async def post(self, path: str, **options: Any) -> httpx.Response:
        """Sends a POST; see `outbound.Neighbour.post`."""


class Relay:
    """Delivers one service's outbox.

    Several may run at once. Each takes only the oldest event of an aggregate and holds its row until it is delivered
    or put off, so that the events of one aggregate arrive in order; those of different aggregates go side by side.
    """

    def __init__(
        self,
        database: Database,
        receivers: Mapping[str, Receiver],
        routes: Mapping[str, Sequence[str]],
        *,
        poll_s: float = POLL_S,
        rng: random.Random | None = None,
    ) -> None:
        unknown = {name for names in routes.values() for name in names} - receivers.keys()
        if unknown:
            raise ValueError(
                f"events are routed to services that are no neighbours: {', '.join(sorted(unknown))}"
            )
        self._database = database
        self._receivers = receivers
        self._routes = routes
        self._poll_s = poll_s
        self._rng = rng or random.Random()  # noqa: S311 - jitter is no secret
        self._wake = asyncio.Event()
        table = f'"{database.schema}".{TABLE}'
        self._claim = text(
            "SELECT position, id, topic, aggregate_id, payload, occurred_at, delivered_to, attempts,"  # noqa: S608
            f" request_id FROM {table} o WHERE next_attempt_at <= clock_timestamp() AND NOT EXISTS"
            f" (SELECT FROM {table} p WHERE p.aggregate_id = o.aggregate_id AND p.position < o.position)"
            " ORDER BY position LIMIT :batch FOR UPDATE OF o SKIP LOCKED"
        )
        self._done = text(f"DELETE FROM {table} WHERE position = ANY(:positions)")  # noqa: S608 - a constant
        self._put_off = text(
            f"UPDATE {table} SET attempts = attempts + 1, delivered_to = :delivered, last_error = :error,"  # noqa: S608
            " next_attempt_at = clock_timestamp() + make_interval(secs => :wait_s) WHERE position = :position"
        )
        self._due = text(
            "SELECT extract(epoch FROM min(next_attempt_at) - clock_timestamp())::float8"  # noqa: S608
            f" FROM {table} o WHERE NOT EXISTS"
            f" (SELECT FROM {table} p WHERE p.aggregate_id = o.aggregate_id AND p.position < o.position)"
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Delivers until `stop` is set; a database or a neighbour that is away is waited for."""
        listening = asyncio.create_task(self._listen(stop))
        stopping = asyncio.create_task(self._wake_at(stop))
        try:
            while not stop.is_set():
                self._wake.clear()
                try:
                    while not stop.is_set() and await self.deliver_batch():
                        pass
                    wait_s = await self._next_due_s()
                except (SQLAlchemyError, OSError, TimeoutError) as error:
                    log.warning("outbox_not_read", reason=type(error).__name__)
                    wait_s = self._poll_s
                try:
                    async with asyncio.timeout(wait_s):
                        await self._wake.wait()
                except TimeoutError:
                    continue
        finally:
            for task in (listening, stopping):
                task.cancel()
            await asyncio.gather(listening, stopping, return_exceptions=True)

    async def deliver_batch(self) -> int:
        """Sends the oldest due event of up to 20 aggregates; returns how many were delivered to all they are for."""
        async with self._database.transaction() as session:
            rows = (await session.execute(self._claim, {"batch": BATCH})).mappings().all()
            outcomes = await asyncio.gather(*(self._deliver(row) for row in rows))
            delivered = [
                row["position"] for row, (_, error) in zip(rows, outcomes, strict=True) if error is None
            ]
            if delivered:
                await session.execute(self._done, {"positions": delivered})
            for row, (reached, error) in zip(rows, outcomes, strict=True):
                if error is not None:
                    await self._postpone(session, row, reached, error)
        return len(delivered)

    async def _postpone(self, session: AsyncSession, row: RowMapping, reached: list[str], error: str) -> None:
        # Half of the wait is fixed: an event of a service that is away must not be tried in a tight loop.
        bound = min(BACKOFF_CAP_S, BACKOFF_BASE_S * 2 ** min(row["attempts"], 10))
        wait_s = bound / 2 + self._rng.uniform(0, bound / 2)
        parameters = {
            "delivered": reached,
            "error": error[:500],
            "wait_s": wait_s,
            "position": row["position"],
        }
        await session.execute(self._put_off, parameters)
        level = log.error if row["attempts"] >= 10 else log.warning
        with on_behalf_of(row["request_id"]):
            level(
                "event_put_off",
                event_id=str(row["id"]),
                topic=row["topic"],
                attempts=row["attempts"] + 1,
                reason=error,
            )

    async def _deliver(self, row: RowMapping) -> tuple[list[str], str | None]:
        """Sends an event to the services that have not got it; who has it now, and the first failure."""
        reached = list(row["delivered_to"])
        failure = None
        body = {
            "id": str(row["id"]),
            "topic": row["topic"],
            "aggregate_id": row["aggregate_id"],
            "occurred_at": row["occurred_at"].isoformat(),
            "payload": row["payload"],
        }
        for name in self._routes.get(row["topic"], ()):
            if name in reached:
                continue
            try:
                # Tried once, with all the time for it: trying again is the relay's own work.
                with on_behalf_of(row["request_id"]):
                    response = await self._receivers[name].post(
                        "/internal/events", json=body, idempotent=False, timeout_s=DELIVERY_TIMEOUT_S
                    )
            except (Problem, httpx.HTTPError, OSError) as error:
                failure = failure or f"{name}: {error}"
                continue
            if response.is_success:
                reached.append(name)
            else:
                failure = failure or f"{name}: HTTP {response.status_code}"
        return reached, failure

    async def _next_due_s(self) -> float:
        due_s: float | None = await self._database.fetch_value(self._due)
        return self._poll_s if due_s is None else min(self._poll_s, max(0.05, due_s))

    async def _wake_at(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._wake.set()

    async def _listen(self, stop: asyncio.Event) -> None:
        """Wakes the relay when an event is committed; without a connection the poll goes on alone."""
        url = self._database.url.set(drivername="postgresql").render_as_string(hide_password=False)
        while not stop.is_set():
            connection = None
            gone = asyncio.Event()
            try:
                connection = await asyncpg.connect(url, timeout=5)
                connection.add_termination_listener(lambda _connection, gone=gone: gone.set())
                await connection.add_listener(channel_of(self._database.schema), lambda *_: self._wake.set())
                # What was committed while nobody listened.
                self._wake.set()
                await gone.wait()
            except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
                log.warning("outbox_not_listened_to", reason=type(error).__name__)
                await asyncio.sleep(self._poll_s)
            finally:
                if connection is not None:
                    connection.terminate()


async def relay_outbox(
    database: Database,
    neighbours: Mapping[str, Receiver],
    routes: Mapping[str, Sequence[str]],
    stop: asyncio.Event | None = None,
) -> None:
    """Delivers a service's events until `stop` is set, or for ever.

    Args:
        database: the database with the outbox.
        neighbours: the services by name.
        routes: the names of the services each topic is for, such as {"person.deleted": ["catalog"]}. An event whose
            topic is for nobody is dropped.
        stop: ends the delivery once what is being sent has been answered.
    """
    await Relay(database, neighbours, routes).run(stop or asyncio.Event())
