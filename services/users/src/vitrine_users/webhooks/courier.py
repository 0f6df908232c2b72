"""Takes what is due to its receivers, side by side, so that a slow one holds nobody up but itself."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from contextlib import suppress
from datetime import timedelta
from uuid import UUID

import orjson
from cryptography.exceptions import InvalidTag
from flask import Flask
from sqlalchemy import RowMapping, func
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession
from vitrine_kit.db import Database
from vitrine_kit.logs import get_logger
from vitrine_kit.service import ServiceState
from vitrine_kit.webhooks import Message, Outcome, Sender, delay_s

from vitrine_users.settings import UsersSettings
from vitrine_users.webhooks import notices, queries
from vitrine_users.webhooks.secrets import EndpointSecrets
from vitrine_users.webhooks.telling import tell_new

log = get_logger(__name__)

POLL_S = 1.0
LEASE_S = 60.0
"""Longer than an attempt can take; after it another worker tries what a dead one was sending."""
PER_ENDPOINT = 4
"""How many are on their way to one endpoint at once. There are at most fifty endpoints, so none waits for another."""
DRAIN_S = 16.0
PATIENCE = timedelta(days=5)
"""For how long an endpoint may fail before it is switched off."""


async def run_webhooks(app: Flask, stop: asyncio.Event) -> None:
    """Tells receivers of events until `stop` is set; for the worker."""
    service: ServiceState = app.extensions["vitrine"]
    assert service.database is not None, "users has a database"
    settings = service.database.settings
    assert isinstance(settings, UsersSettings), "this is the users service"
    courier = Courier(service.database, Sender(private=settings.webhook_private_addresses))
    await courier.run(stop)


class Courier:
    """Makes events of the audit log's new entries, and sends what is due; several may work side by side."""

    def __init__(
        self,
        database: Database,
        sender: Sender,
        *,
        poll_s: float = POLL_S,
        lease_s: float = LEASE_S,
        rng: random.Random | None = None,
    ) -> None:
        settings = database.settings
        assert isinstance(settings, UsersSettings), "this is the users service"
        self._database = database
        self._sender = sender
        self._secrets = EndpointSecrets(settings.secret_key)
        self._poll_s = poll_s
        self._lease_s = lease_s
        self._rng = rng or random.Random()  # noqa: S311 - jitter is no secret
        self._on_the_way: Counter[UUID] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        # Attempts wait for receivers without a connection to the database; what they then write takes turns.
        self._writing = asyncio.Semaphore(2)

    async def run(self, stop: asyncio.Event) -> None:
        """Works until `stop` is set; what is on its way then has 16 s, and is tried again otherwise."""
        stopping = asyncio.create_task(self._wake_at(stop))
        try:
            while not stop.is_set():
                self._wake.clear()
                try:
                    while await tell_new(self._database):
                        pass
                    while not stop.is_set() and await self._set_off():
                        pass
                except (SQLAlchemyError, OSError, TimeoutError) as error:
                    log.warning("webhooks_not_read", reason=type(error).__name__)
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._poll_s):
                        await self._wake.wait()
        finally:
            stopping.cancel()
            await self._drain()

    async def deliver_due(self) -> None:
        """Sends all that is due now, and waits for the answers."""
        while True:
            while await self._set_off():
                pass
            if not self._tasks:
                return
            await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)

    async def _wake_at(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._wake.set()

    async def _drain(self) -> None:
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=DRAIN_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _set_off(self) -> int:
        """Starts an attempt for each endpoint that something is due to; returns how many."""
        full = [endpoint for endpoint, number in self._on_the_way.items() if number >= PER_ENDPOINT]
        async with self._database.transaction() as session:
            rows = await queries.claim_due(session, full=full, lease_s=self._lease_s)
        for row in rows:
            self._on_the_way[row["endpoint_id"]] += 1
            task = asyncio.create_task(self._deliver(row))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return len(rows)

    async def _deliver(self, row: RowMapping) -> None:
        try:
            endpoint = await queries.find_for_sending(self._database, row["endpoint_id"])
            if endpoint is None:
                return
            outcome = await self._attempt(endpoint, row)
            async with self._writing, self._database.transaction() as session:
                await self._note(session, row, outcome)
            log.info(
                "webhook_attempted",
                endpoint_id=row["endpoint_id"],
                event_id=row["event_id"],
                attempt=row["attempts"],
                status=outcome.status,
                error=outcome.error,
                duration_ms=outcome.duration_ms,
            )
        except Exception:
            # Its lease ends, and it is tried again.
            log.exception("webhook_attempt_failed", event_id=row["event_id"])
        finally:
            self._on_the_way[row["endpoint_id"]] -= 1
            self._wake.set()

    async def _attempt(self, endpoint: RowMapping, row: RowMapping) -> Outcome:
        try:
            secrets = [
                self._secrets.unseal(endpoint["id"], bytes(sealed))
                for sealed in (endpoint["sealed_secret"], endpoint["sealed_previous_secret"])
                if sealed is not None
            ]
        except InvalidTag:
            return Outcome(None, "secret-unreadable", 0)
        payload = row["payload"]
        if endpoint["include_email"] and row["subject_id"] is not None:
            # Looked up as it is sent: no copy of an address is kept here, and none is sent of somebody erased.
            email = await queries.find_email(self._database, row["subject_id"])
            payload = {**payload, "data": {**payload["data"], "email": email}}
        message = Message(str(row["event_id"]), orjson.dumps(payload))
        return await self._sender.send(endpoint["url"], message, secrets)

    async def _note(self, session: AsyncSession, row: RowMapping, outcome: Outcome) -> None:
        delivery_id, endpoint_id = row["id"], row["endpoint_id"]
        # The endpoint before its deliveries, as whoever changes or deletes it: nobody waits in a circle.
        if await queries.hold_endpoint(session, endpoint_id) is None:
            return
        await queries.add_attempt(
            session,
            delivery_id,
            status=outcome.status,
            error=outcome.error,
            duration_ms=outcome.duration_ms,
        )
        seen = {
            "last_status": outcome.status,
            "last_error": outcome.error,
            "last_duration_ms": outcome.duration_ms,
        }
        if outcome.delivered:
            await queries.note_outcome(
                session,
                delivery_id,
                **seen,
                state=queries.DELIVERED,
                delivered_at=func.now(),
                next_attempt_at=None,
            )
            await queries.note_success(session, endpoint_id)
            return
        wait_s = delay_s(row["attempts"], self._rng, asked_s=outcome.retry_after_s)
        if wait_s is None or outcome.gone:
            await queries.note_outcome(
                session, delivery_id, **seen, state=queries.FAILED, next_attempt_at=None
            )
        else:
            due = func.now() + timedelta(seconds=wait_s)
            await queries.note_outcome(session, delivery_id, **seen, next_attempt_at=due)
        worn_out = await queries.note_failure(session, endpoint_id, patience=PATIENCE)
        if outcome.gone or worn_out:
            await notices.switch_off(session, endpoint_id, "gone" if outcome.gone else "failing")
