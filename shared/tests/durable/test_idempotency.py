"""Idempotency keys: one effect and one answer, however often, however concurrently, and whatever dies in between."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import httpx
import pytest
import pytest_asyncio
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from vitrine_kit import idempotency
from vitrine_kit.db import Database, current_database
from vitrine_kit.ids import new_id
from vitrine_kit.openapi import PUBLIC, ApiBlueprint, Schema
from vitrine_kit.problems import Unprocessable
from vitrine_kit.testing import Keys, ServiceDatabase, serving

KEY = {"Idempotency-Key": "6f1c"}


class EntryIn(Schema):
    """A note for the ledger."""

    note: str


class Notes:
    """The routes under test, and the switches that make them fail."""

    def __init__(self) -> None:
        self.runs = 0
        self.gate: asyncio.Event | None = None
        self.bp = ApiBlueprint("entries", __name__)
        self._routes()

    async def add(self, note: str) -> dict[str, Any]:
        self.runs += 1
        if self.gate is not None:
            await self.gate.wait()
        async with current_database().transaction() as session:
            insert = text("INSERT INTO ledger.entry (note) VALUES (:note) RETURNING id")
            number = await session.scalar(insert, {"note": note})
            if note == "refused":
                raise Unprocessable("not that")
            if note == "broken":
                raise RuntimeError("bug")
        return {"id": number, "note": note}

    def _routes(self) -> None:
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
            found = await self.add(body.note)
            return found, 201, {"Location": f"/entries/{found['id']}", "X-Other": "not kept"}

        @self.bp.operation(
            "POST",
            "/others",
            summary="Add",
            permission=PUBLIC,
            body=EntryIn,
            returns={201: EntryIn},
            idempotent=True,
        )
        async def create_other(body: EntryIn) -> Any:
            return await self.add(body.note), 201

        @self.bp.operation(
            "POST",
            "/read-back",
            summary="Write, then read",
            permission=PUBLIC,
            body=EntryIn,
            returns={201: EntryIn},
            idempotent=True,
        )
        async def read_back(body: EntryIn) -> Any:
            added = await self.add(body.note)
            database = current_database()
            find = text("SELECT id, note FROM ledger.entry WHERE id = :id")
            row = await database.fetch_one(find, {"id": added["id"]})
            async with database.read_connection() as connection:
                again = (await connection.execute(find, {"id": added["id"]})).mappings().one_or_none()
            assert again == row
            assert (
                await asyncio.gather(*(database.fetch_one(find, {"id": added["id"]}) for _ in range(5)))
                == [row] * 5
            )
            return (dict(row), 201) if row is not None else ({}, 404)

        @self.bp.operation(
            "POST",
            "/twice",
            summary="Two",
            permission=PUBLIC,
            body=EntryIn,
            returns={201: EntryIn},
            idempotent=True,
        )
        async def twice(body: EntryIn) -> Any:
            first = await self.add(body.note)
            try:
                await self.add(body.note)
            except IntegrityError:
                return first, 201
            raise AssertionError("the note was taken twice")

        @self.bp.operation(
            "POST",
            "/answered",
            summary="503",
            permission=PUBLIC,
            body=EntryIn,
            returns={201: EntryIn},
            idempotent=True,
        )
        async def answered(body: EntryIn) -> Any:
            return await self.add(body.note), int(body.note)


@pytest.fixture
def notes() -> Notes:
    return Notes()


@pytest_asyncio.fixture
async def client(make_app: Any, notes: Notes) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(make_app(notes.bp)) as found:
        yield found


async def count(database: Database) -> int:
    found: int = await database.fetch_value(text("SELECT count(*) FROM ledger.entry"))
    return found


async def test_a_repetition_gets_the_first_answer_and_does_nothing(
    client: httpx.AsyncClient, notes: Notes, database: Database
) -> None:
    first = await client.post("/entries", json={"note": "a"}, headers=KEY)
    again = await client.post("/entries", json={"note": "a"}, headers=KEY)

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert again.headers["Location"] == first.headers["Location"]
    assert again.headers["Content-Type"] == "application/json"
    assert (first.headers.get("Idempotency-Replayed"), again.headers["Idempotency-Replayed"]) == (
        None,
        "true",
    )
    assert "X-Other" not in again.headers
    assert (notes.runs, await count(database)) == (1, 1)


async def test_without_a_key_each_request_counts(client: httpx.AsyncClient, notes: Notes) -> None:
    for note in ("a", "b"):
        assert (await client.post("/entries", json={"note": note})).status_code == 201
    assert notes.runs == 2


async def test_another_body_is_refused(client: httpx.AsyncClient, database: Database) -> None:
    await client.post("/entries", json={"note": "a"}, headers=KEY)
    other = await client.post("/entries", json={"note": "b"}, headers=KEY)

    assert (other.status_code, other.json()["errors"][0]["field"]) == (422, "Idempotency-Key")
    assert await count(database) == 1


async def test_keys_of_two_people_and_of_two_routes_do_not_meet(
    client: httpx.AsyncClient, database: Database, keys: Keys
) -> None:
    ada, bob = keys.bearer(), keys.bearer()
    service = keys.service_header("gateway", "catalog")
    answers = [
        await client.post("/entries", json={"note": "a"}, headers=KEY | ada),
        await client.post("/entries", json={"note": "b"}, headers=KEY | bob),
        await client.post("/entries", json={"note": "c"}, headers=KEY),
        await client.post("/entries", json={"note": "d"}, headers=KEY | {"X-Real-IP": "203.0.113.9"}),
        await client.post("/entries", json={"note": "e"}, headers=KEY | service),
        await client.post("/others", json={"note": "f"}, headers=KEY),
    ]
    assert [one.status_code for one in answers] == [201] * 6
    subjects = await database.fetch_all(text("SELECT subject FROM ledger.idempotency_key ORDER BY 1"))
    assert [row["subject"].partition(":")[0] for row in subjects] == [
        "address", "address", "address", "service", "user", "user",
    ]  # fmt: skip


async def test_while_the_first_is_running_others_are_told_so(
    client: httpx.AsyncClient, notes: Notes, database: Database
) -> None:
    notes.gate = asyncio.Event()
    first = asyncio.create_task(client.post("/entries", json={"note": "a"}, headers=KEY))
    while not notes.runs:
        await asyncio.sleep(0.01)
    meanwhile = await client.post("/entries", json={"note": "a"}, headers=KEY)
    notes.gate.set()

    assert (meanwhile.status_code, meanwhile.headers["Retry-After"]) == (409, "1")
    assert meanwhile.json()["type"] == "/problems/request-in-progress"
    assert (await first).status_code == 201
    assert (await client.post("/entries", json={"note": "a"}, headers=KEY)).json() == (await first).json()
    assert await count(database) == 1


async def test_of_many_at_once_one_has_an_effect(client: httpx.AsyncClient, database: Database) -> None:
    answers = await asyncio.gather(
        *(client.post("/entries", json={"note": "a"}, headers=KEY) for _ in range(20))
    )
    statuses = {one.status_code for one in answers}
    assert 201 in statuses
    assert statuses <= {201, 409}
    assert len({one.content for one in answers if one.status_code == 201}) == 1
    assert await count(database) == 1


@pytest.mark.parametrize(("note", "status"), [("refused", 422), ("broken", 500)])
async def test_a_failed_write_leaves_nothing_and_frees_the_key(
    client: httpx.AsyncClient, notes: Notes, database: Database, note: str, status: int
) -> None:
    for runs in (1, 2):
        answer = await client.post("/entries", json={"note": note}, headers=KEY)
        assert (answer.status_code, notes.runs) == (status, runs)
    assert await count(database) == 0
    assert await database.fetch_value(text("SELECT count(*) FROM ledger.idempotency_key")) == 0


async def test_a_request_whose_connection_dies_leaves_nothing_and_frees_the_key(
    client: httpx.AsyncClient, notes: Notes, database: Database, ledger_database: ServiceDatabase
) -> None:
    notes.gate = asyncio.Event()
    first = asyncio.create_task(client.post("/entries", json={"note": "a"}, headers=KEY))
    while not notes.runs:
        await asyncio.sleep(0.01)
    admin = await asyncpg.connect(ledger_database.admin_url)
    try:
        killed = await admin.fetchval(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE datname = current_database() AND state = 'idle in transaction'"
        )
    finally:
        await admin.close()
    assert killed == 1
    notes.gate.set()

    assert (await first).status_code == 503
    assert await count(database) == 0
    assert (await client.post("/entries", json={"note": "a"}, headers=KEY)).status_code == 201


async def test_the_write_is_seen_only_with_its_answer(client: httpx.AsyncClient, database: Database) -> None:
    """Whoever sees the entry sees the stored answer too, at every moment."""
    seen: set[tuple[int, int]] = set()
    both = text(
        "SELECT (SELECT count(*) FROM ledger.entry) AS entries, (SELECT count(*) FROM ledger.idempotency_key) AS keys"
    )

    async def watch() -> None:
        while True:
            row = await database.fetch_one(both)
            assert row is not None
            seen.add((row["entries"], row["keys"]))

    watching = asyncio.create_task(watch())
    for number in range(20):
        await client.post("/entries", json={"note": f"n{number}"}, headers={"Idempotency-Key": f"k{number}"})
    watching.cancel()
    assert all(entries == stored for entries, stored in seen)
    assert len(seen) > 1


@pytest.mark.parametrize("headers", [KEY, {}])
async def test_the_view_reads_what_it_wrote(client: httpx.AsyncClient, headers: dict[str, str]) -> None:
    answer = await client.post("/read-back", json={"note": "a"}, headers=headers)
    assert (answer.status_code, answer.json()) == (201, {"id": 1, "note": "a"})


async def test_a_part_that_fails_within_the_write_can_be_overcome(
    client: httpx.AsyncClient, database: Database
) -> None:
    answer = await client.post("/twice", json={"note": "a"}, headers=KEY)
    assert answer.status_code == 201
    assert await count(database) == 1


async def test_a_refusal_that_was_answered_is_kept_a_server_error_is_not(
    client: httpx.AsyncClient, notes: Notes
) -> None:
    for status, runs in [("409", 1), ("409", 1), ("503", 2), ("503", 3)]:
        headers = {"Idempotency-Key": f"k{status}"}
        # The note is unique, so the second run of "503" meets the entry that the first one left.
        await client.post("/answered", json={"note": status}, headers=headers)
        assert notes.runs == runs


@pytest.mark.parametrize("key", ["", "x" * 256, "schlüssel".encode("latin-1"), "tab\there"])
async def test_a_malformed_key_is_refused(client: httpx.AsyncClient, notes: Notes, key: str | bytes) -> None:
    answer = await client.post("/entries", json={"note": "a"}, headers={"Idempotency-Key": key})
    assert (answer.status_code, notes.runs) == (400, 0)


async def test_a_key_of_255_characters_is_taken(client: httpx.AsyncClient) -> None:
    answer = await client.post("/entries", json={"note": "a"}, headers={"Idempotency-Key": "x" * 255})
    assert answer.status_code == 201


async def test_keys_are_forgotten_after_a_day(
    client: httpx.AsyncClient, notes: Notes, database: Database
) -> None:
    await client.post("/entries", json={"note": "a"}, headers=KEY)
    async with database.transaction() as session:
        await session.execute(
            text("UPDATE ledger.idempotency_key SET created_at = now() - interval '24 hours 1 s'")
        )

    answer = await client.post("/entries", json={"note": "b"}, headers=KEY)
    assert (answer.status_code, notes.runs) == (201, 2)
    assert (await client.post("/entries", json={"note": "b"}, headers=KEY)).json() == answer.json()
    assert await idempotency.purge_keys(database) == 0
    async with database.transaction() as session:
        await session.execute(
            text("UPDATE ledger.idempotency_key SET created_at = now() - interval '24 hours 1 s'")
        )
    assert await idempotency.purge_keys(database) == 1


async def test_a_person_s_stored_answers_can_be_deleted(
    client: httpx.AsyncClient, database: Database, keys: Keys
) -> None:
    await client.post("/entries", json={"note": "a"}, headers=KEY | keys.bearer())
    await client.post("/entries", json={"note": "b"}, headers=KEY)
    subject = await database.fetch_value(
        text("SELECT subject FROM ledger.idempotency_key WHERE subject LIKE 'user:%'")
    )
    async with database.transaction() as session:
        await idempotency.forget(session, subject)
    left = await database.fetch_all(text("SELECT subject FROM ledger.idempotency_key"))
    assert [row["subject"] for row in left] == ["address:127.0.0.1"]


async def test_bodies_cannot_be_guessed_from_the_table(
    client: httpx.AsyncClient, database: Database, make_app: Any, keys: Keys
) -> None:
    """The same request has another fingerprint under another secret key: it is keyed."""
    await client.post("/entries", json={"note": "a"}, headers=KEY)
    other = make_app(Notes().bp, secret_key=SecretStr("another secret, that is long enough"))
    async with serving(other) as elsewhere:
        assert (await elsewhere.post("/entries", json={"note": "a"}, headers=KEY)).status_code == 422


async def test_a_streamed_body_is_told_by_its_digest(make_app: Any, database: Database) -> None:
    app = make_app()
    for body, expected in [(b"one", None), (b"one", b"stored"), (b"two", Unprocessable)]:
        content_type = (
            f"multipart/form-data; boundary={new_id()}"  # another one each time, as clients make it
        )
        with app.test_request_context("/files", method="POST", headers=KEY, content_type=content_type):
            if expected is Unprocessable:
                with pytest.raises(Unprocessable):
                    async with idempotency.guard(database, body=body):
                        raise AssertionError("not reached")
                continue
            async with idempotency.guard(database, body=body) as guard:
                assert (guard.replay and guard.replay.get_data()) == expected
                if guard.replay is None:
                    guard.store(app.response_class(b"stored"))
