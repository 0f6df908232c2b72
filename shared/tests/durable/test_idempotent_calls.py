"""Calls to a service with an Idempotency-Key: the caller gets the first answer, never that it still runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
from pydantic import SecretStr
from sqlalchemy import text
from vitrine_kit.asgi import Bridge
from vitrine_kit.db import Database, current_database
from vitrine_kit.openapi import PUBLIC, ApiBlueprint, Schema
from vitrine_kit.outbound import Neighbour, NeighbourUnavailable, Policy
from vitrine_kit.settings import ServiceSettings

KEY = {"Idempotency-Key": "6f1c"}
BODY = {"note": "a"}


class EntryIn(Schema):
    """A note for the ledger."""

    note: str


class Entries:
    """A route that writes an entry once its gate is open."""

    def __init__(self) -> None:
        self.runs = 0
        self.gate = asyncio.Event()
        self.bp = ApiBlueprint("entries", __name__)

        @self.bp.operation(
            "POST",
            "/entries",
            summary="Add",
            permission=PUBLIC,
            body=EntryIn,
            returns={201: EntryIn},
            idempotent=True,
        )
        async def create(body: EntryIn) -> Any:
            self.runs += 1
            async with current_database().transaction() as session:
                insert = text("INSERT INTO ledger.entry (note) VALUES (:note) RETURNING id")
                number = await session.scalar(insert, {"note": body.note})
                await self.gate.wait()
            return {"id": number, "note": body.note}, 201


class Wire(httpx.AsyncBaseTransport):
    """The way to the service in this process; notes each answer, and may lose one after it was given."""

    def __init__(self, bridge: Bridge) -> None:
        self._inner = httpx.ASGITransport(bridge, raise_app_exceptions=False)
        self.answered: list[int] = []
        self.lose_next = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self._inner.handle_async_request(request)
        self.answered.append(response.status_code)
        if self.lose_next:
            self.lose_next = False
            raise httpx.ReadError("cut")
        return response

    async def until(self, status: int) -> None:
        """Waits until the service has answered so."""
        async with asyncio.timeout(20):
            while status not in self.answered:
                await asyncio.sleep(0.01)


@pytest.fixture
def entries() -> Entries:
    return Entries()


@pytest_asyncio.fixture
async def wire(make_app: Any, entries: Entries) -> AsyncIterator[Wire]:
    async with Bridge(make_app(entries.bp)).running() as bridge:
        yield Wire(bridge)


@pytest.fixture
def neighbour(wire: Wire) -> Neighbour:
    settings = ServiceSettings(secret_key=SecretStr("0123456789abcdef0123456789abcdef"))
    patient = Policy(attempt_timeout_s=60, total_timeout_s=60)
    return Neighbour("ledger", "http://ledger", settings, transport=wire, policy=patient)


async def send_once(wire: Wire) -> httpx.Response:
    """One request as a neighbour's attempt is, without its retries and its patience."""
    async with httpx.AsyncClient(transport=wire, base_url="http://ledger") as client:
        return await client.post("/entries", json=BODY, headers=KEY)


async def count(database: Database) -> int:
    found: int = await database.fetch_value(text("SELECT count(*) FROM ledger.entry"))
    return found


async def test_many_at_once_and_late_ones_all_get_the_one_answer(
    neighbour: Neighbour, wire: Wire, entries: Entries, database: Database
) -> None:
    calls = [asyncio.create_task(neighbour.post("/entries", json=BODY, headers=KEY)) for _ in range(8)]
    await wire.until(409)
    entries.gate.set()
    answers = [*(await asyncio.gather(*calls)), await neighbour.post("/entries", json=BODY, headers=KEY)]

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert (entries.runs, await count(database)) == (1, 1)


async def test_a_retry_that_meets_its_own_first_attempt_waits_for_it(
    wire: Wire, neighbour: Neighbour, entries: Entries, database: Database
) -> None:
    """The caller has given its first attempt up, and the service has not noticed."""
    first = asyncio.create_task(send_once(wire))
    async with asyncio.timeout(20):
        while not entries.runs:
            await asyncio.sleep(0.01)
    retry = asyncio.create_task(neighbour.post("/entries", json=BODY, headers=KEY))
    await wire.until(409)
    entries.gate.set()

    answer = await retry
    assert answer.status_code == 201
    assert answer.content == (await first).content
    assert (entries.runs, await count(database)) == (1, 1)


async def test_an_answer_that_was_lost_is_given_again(
    wire: Wire, neighbour: Neighbour, entries: Entries, database: Database
) -> None:
    entries.gate.set()
    wire.lose_next = True

    answer = await neighbour.post("/entries", json=BODY, headers=KEY)

    assert (answer.status_code, answer.headers["Idempotency-Replayed"]) == (201, "true")
    assert (entries.runs, await count(database)) == (1, 1)


async def test_who_has_no_time_to_wait_longer_is_told_to_come_again(
    wire: Wire, neighbour: Neighbour, entries: Entries
) -> None:
    first = asyncio.create_task(send_once(wire))
    async with asyncio.timeout(20):
        while not entries.runs:
            await asyncio.sleep(0.01)

    with pytest.raises(NeighbourUnavailable, match="still running") as caught:
        await neighbour.post("/entries", json=BODY, headers=KEY, timeout_s=0.5)
    entries.gate.set()

    assert caught.value.headers["Retry-After"] == "1"
    assert (await first).status_code == 201
