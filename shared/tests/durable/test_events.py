"""Events: none lost, none before its time, each taken once, and in order for whatever they tell of."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from vitrine_kit import events
from vitrine_kit.db import Database
from vitrine_kit.ids import new_id
from vitrine_kit.logs import current_request_id, on_behalf_of
from vitrine_kit.problems import Conflict, Unavailable
from vitrine_kit.testing import Keys, ServiceDatabase, serving
from waiting import until


class Receiver:
    """A neighbour that takes events, or does not."""

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []
        self.asked_by: list[str | None] = []
        self.answer: Callable[[dict[str, Any]], int | Exception] = lambda _event: 204
        self.options: dict[str, Any] = {}

    async def post(self, path: str, **options: Any) -> httpx.Response:
        assert path == "/internal/events"
        self.options = options
        self.asked_by.append(current_request_id())
        await asyncio.sleep(0)
        answer = self.answer(options["json"])
        if isinstance(answer, Exception):
            raise answer
        if answer < 300:
            self.got.append(options["json"])
        return httpx.Response(answer)


@pytest.fixture
def catalog() -> Receiver:
    return Receiver()


async def emit(database: Database, note: str, aggregate: Any = "one", topic: str = "note.added") -> None:
    async with database.transaction() as session:
        await events.emit(session, topic=topic, aggregate_id=aggregate, payload={"note": note})


def relay_of(
    database: Database, routes: dict[str, list[str]] | None = None, **receivers: Receiver
) -> events.Relay:
    routes = routes or {"note.added": list(receivers)}
    return events.Relay(database, receivers, routes, poll_s=30)


async def due_again(database: Database) -> None:
    """As if the wait before the next attempt were over."""
    async with database.transaction() as session:
        await session.execute(text("UPDATE ledger.outbox SET next_attempt_at = now()"))


async def left(database: Database) -> int:
    found: int = await database.fetch_value(text("SELECT count(*) FROM ledger.outbox"))
    return found


@asynccontextmanager
async def running(*relays: events.Relay) -> AsyncIterator[None]:
    stop = asyncio.Event()
    tasks = [asyncio.create_task(relay.run(stop)) for relay in relays]
    try:
        yield
    finally:
        stop.set()
        async with asyncio.timeout(5):
            await asyncio.gather(*tasks)


async def test_an_event_is_delivered_as_it_was_written_and_then_gone(
    database: Database, catalog: Receiver
) -> None:
    person = uuid4()
    async with database.transaction() as session:
        number = await events.emit(
            session, topic="person.deleted", aggregate_id=person, payload={"person_id": person}
        )

    delivered = await relay_of(database, {"person.deleted": ["catalog"]}, catalog=catalog).deliver_batch()

    assert (delivered, await left(database)) == (1, 0)
    [got] = catalog.got
    assert got.pop("occurred_at").endswith("+00:00")
    assert got == {
        "id": str(number), "topic": "person.deleted", "aggregate_id": str(person),
        "payload": {"person_id": str(person)},
    }  # fmt: skip
    assert catalog.options["idempotent"] is False


async def test_an_event_arrives_under_the_request_that_caused_it(
    make_app: Any, database: Database, catalog: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    """A neighbour's client sends the id on, so that the receiver logs under it as well."""
    make_app(log_level="WARNING")  # an app sees to what lines look like
    for name in ("caused-it-1", "caused-it-2"):
        with on_behalf_of(name):
            await emit(database, name, aggregate=name)
    await emit(database, "by itself", aggregate="nobody")
    catalog.answer = lambda event: 503 if event["aggregate_id"] == "caused-it-2" else 204

    await relay_of(database, catalog=catalog).deliver_batch()

    assert current_request_id() is None
    assert catalog.asked_by == ["caused-it-1", "caused-it-2", None]
    [line] = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert (line["event"], line["request_id"]) == ("event_put_off", "caused-it-2")


async def test_an_event_of_a_rolled_back_transaction_never_was(database: Database) -> None:
    with pytest.raises(RuntimeError, match="no"):
        async with database.transaction() as session:
            await events.emit(session, topic="note.added", aggregate_id="one")
            raise RuntimeError("no")
    assert await left(database) == 0


async def test_a_session_that_is_not_a_database_s_is_refused(database: Database) -> None:
    async with AsyncSession(database.write_engine) as session:
        with pytest.raises(AssertionError, match=r"Database\.transaction"):
            await events.emit(session, topic="note.added", aggregate_id="one")


async def test_an_event_for_nobody_is_dropped(database: Database, catalog: Receiver) -> None:
    await emit(database, "a", topic="weather.changed")
    assert await relay_of(database, catalog=catalog).deliver_batch() == 1
    assert (catalog.got, await left(database)) == ([], 0)


@pytest.mark.parametrize(
    "trouble", [500, 422, 404, 301, Unavailable("away"), httpx.ReadError("cut"), OSError("x")]
)
async def test_an_event_waits_until_it_is_acknowledged(
    database: Database, catalog: Receiver, trouble: int | Exception
) -> None:
    relay = relay_of(database, catalog=catalog)
    await emit(database, "a")
    catalog.answer = lambda _event: trouble
    assert await relay.deliver_batch() == 0
    row = await database.fetch_one(
        text(
            "SELECT attempts, last_error, next_attempt_at > occurred_at + interval '0.25 s' AS later"
            " FROM ledger.outbox"
        )
    )
    assert row is not None
    assert (row["attempts"], row["later"]) == (1, True)
    assert row["last_error"].startswith("catalog: ")

    catalog.answer = lambda _event: 204
    await due_again(database)
    assert await relay.deliver_batch() == 1
    assert await left(database) == 0


async def test_waits_grow_and_are_bounded(database: Database, catalog: Receiver) -> None:
    relay = relay_of(database, catalog=catalog)
    await emit(database, "a")
    catalog.answer = lambda _event: 503
    waits = []
    wait = text("SELECT extract(epoch FROM next_attempt_at - clock_timestamp())::float8 FROM ledger.outbox")
    for _ in range(12):
        await due_again(database)
        await relay.deliver_batch()
        waits.append(await database.fetch_value(wait))
    for attempt, found in enumerate(waits):
        bound = min(30, 0.5 * 2**attempt)
        assert bound / 2 - 0.2 <= found <= bound


async def test_an_event_for_two_services_is_not_repeated_to_the_one_that_has_it(database: Database) -> None:
    first, second = Receiver(), Receiver()
    relay = relay_of(database, first=first, second=second)
    await emit(database, "a")
    first.answer = lambda _event: Unavailable("away")
    await relay.deliver_batch()
    assert (len(first.got), len(second.got), await left(database)) == (0, 1, 1)

    first.answer = lambda _event: 204
    await due_again(database)
    await relay.deliver_batch()
    assert (len(first.got), len(second.got), await left(database)) == (1, 1, 0)


async def test_later_events_of_the_same_thing_wait_and_those_of_others_do_not(
    database: Database, catalog: Receiver
) -> None:
    relay = relay_of(database, catalog=catalog)
    for note, aggregate in [("a1", "a"), ("a2", "a"), ("b1", "b")]:
        await emit(database, note, aggregate)
    catalog.answer = lambda event: 503 if event["aggregate_id"] == "a" else 204
    assert [await relay.deliver_batch() for _ in range(3)] == [1, 0, 0]
    catalog.answer = lambda _event: 204
    await due_again(database)
    assert [await relay.deliver_batch() for _ in range(3)] == [1, 1, 0]
    assert [one["payload"]["note"] for one in catalog.got] == ["b1", "a1", "a2"]


async def test_order_is_that_of_the_commits_though_transactions_overlap(
    database: Database, catalog: Receiver
) -> None:
    """A later event must not overtake one whose transaction is still running."""
    relay = relay_of(database, catalog=catalog)
    async with database.transaction() as session:
        await events.emit(session, topic="note.added", aggregate_id="one", payload={"note": "first"})
        second = asyncio.create_task(emit(database, "second"))
        await emit(database, "elsewhere", "another")
        await relay.deliver_batch()
        assert not second.done()
    await second
    while await relay.deliver_batch():
        pass
    assert [one["payload"]["note"] for one in catalog.got] == ["elsewhere", "first", "second"]


async def test_several_relays_keep_the_order_and_lose_and_repeat_nothing(database: Database) -> None:
    catalog = Receiver()
    tries: dict[str, int] = defaultdict(int)

    def sometimes(event: dict[str, Any]) -> int:
        tries[event["id"]] += 1
        return 503 if tries[event["id"]] == 1 and event["payload"]["note"].endswith("3") else 204

    catalog.answer = sometimes
    async with running(*(relay_of(database, catalog=catalog) for _ in range(3))):
        for number in range(10):
            async with database.transaction() as session:
                for aggregate in "abcdef":
                    await events.emit(
                        session, topic="note.added", aggregate_id=aggregate, payload={"note": f"{number}"}
                    )
        await until(lambda: len(catalog.got) >= 60)

    by_aggregate = defaultdict(list)
    for one in catalog.got:
        by_aggregate[one["aggregate_id"]].append(int(one["payload"]["note"]))
    assert dict(by_aggregate) == {aggregate: list(range(10)) for aggregate in "abcdef"}
    assert await left(database) == 0


async def test_a_commit_wakes_the_relay_at_once(database: Database, catalog: Receiver) -> None:
    async with running(relay_of(database, catalog=catalog)):
        await emit(database, "before")
        await until(lambda: len(catalog.got) == 1)
        began = asyncio.get_running_loop().time()
        await emit(database, "after")
        await until(lambda: len(catalog.got) == 2)
        assert asyncio.get_running_loop().time() - began < 2  # the poll alone would take 30 s


async def test_a_relay_whose_connections_die_goes_on(
    database: Database, catalog: Receiver, ledger_database: ServiceDatabase
) -> None:
    async with running(events.Relay(database, {"catalog": catalog}, {"note.added": ["catalog"]}, poll_s=0.1)):
        await emit(database, "before")
        await until(lambda: len(catalog.got) == 1)
        admin = await asyncpg.connect(ledger_database.admin_url)
        try:
            await admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        finally:
            await admin.close()
        async with asyncio.timeout(10):
            while True:
                try:
                    await emit(database, "after")
                    break
                except Exception:  # noqa: BLE001 - whatever a dead pooled connection raises
                    await asyncio.sleep(0.05)
        await until(lambda: "after" in [one["payload"]["note"] for one in catalog.got])


async def test_a_relay_waits_for_a_database_that_is_away(database: Database, catalog: Receiver) -> None:
    away = SecretStr("postgresql://nobody:x@127.0.0.1:1/nothing")
    unreachable = Database(database.settings.model_copy(update={"database_url": away}), database.metadata)
    stop = asyncio.Event()
    relay = events.Relay(unreachable, {"catalog": catalog}, {"note.added": ["catalog"]}, poll_s=0.01)
    task = asyncio.create_task(relay.run(stop))
    done, _ = await asyncio.wait((task,), timeout=0.2)
    assert not done, "it goes on asking"
    stop.set()
    async with asyncio.timeout(5):
        await task


async def test_a_relay_cut_off_in_mid_delivery_delivers_again(database: Database, catalog: Receiver) -> None:
    await emit(database, "a")
    arrived, never = asyncio.Event(), asyncio.Event()

    class Stuck(Receiver):
        async def post(self, path: str, **options: Any) -> httpx.Response:
            arrived.set()
            await never.wait()
            raise AssertionError("not reached")

    cut = asyncio.create_task(relay_of(database, catalog=Stuck()).deliver_batch())
    await arrived.wait()
    assert await relay_of(database, catalog=catalog).deliver_batch() == 0, "the other relay holds it"
    cut.cancel()
    with pytest.raises(asyncio.CancelledError):
        await cut

    assert await relay_of(database, catalog=catalog).deliver_batch() == 1


async def test_routes_to_strangers_are_a_mistake_found_at_once(database: Database) -> None:
    with pytest.raises(ValueError, match="nobody"):
        events.Relay(database, {}, {"note.added": ["nobody"]})


async def test_the_loop_ends_when_it_is_told_to(database: Database, catalog: Receiver) -> None:
    stop = asyncio.Event()
    task = asyncio.create_task(
        events.relay_outbox(database, {"catalog": catalog}, {"note.added": ["catalog"]}, stop)
    )
    await emit(database, "a")
    await until(lambda: len(catalog.got) == 1)
    stop.set()
    async with asyncio.timeout(2):
        await task


async def test_the_lag_is_the_age_of_the_oldest_event(database: Database) -> None:
    assert await events.outbox_lag_s(database) == 0
    await emit(database, "a")
    async with database.transaction() as session:
        await session.execute(text("UPDATE ledger.outbox SET occurred_at = now() - interval '1 hour'"))
    await emit(database, "b")
    assert 3600 <= await events.outbox_lag_s(database) < 3610


# The receiving side


def event(**changes: Any) -> dict[str, Any]:
    return {
        "id": str(new_id()), "topic": "person.deleted", "aggregate_id": "p", "occurred_at": "2026-01-01T00:00:00Z",
        "payload": {"note": "x"}, **changes,
    }  # fmt: skip


class Handlers:
    """What the receiving service does with events."""

    def __init__(self) -> None:
        self.error: Exception | None = None

    async def person_deleted(self, session: Any, got: events.InboundEvent) -> None:
        await session.execute(
            text("INSERT INTO ledger.entry (note) VALUES (:note)"), {"note": got.payload["note"]}
        )
        if self.error is not None:
            raise self.error


@pytest.fixture
def handlers() -> Handlers:
    return Handlers()


@asynccontextmanager
async def inbox(make_app: Any, handlers: Handlers) -> AsyncIterator[httpx.AsyncClient]:
    bp = events.inbox_blueprint({"person.deleted": handlers.person_deleted}, sources=("users",))
    async with serving(make_app(bp)) as client:
        yield client


async def counts(database: Database) -> tuple[int, int]:
    row = await database.fetch_one(
        text("SELECT (SELECT count(*) FROM ledger.entry) AS e, (SELECT count(*) FROM ledger.inbox) AS i")
    )
    assert row is not None
    return row["e"], row["i"]


async def test_an_event_is_taken_once(
    make_app: Any, handlers: Handlers, database: Database, keys: Keys
) -> None:
    headers = keys.service_header("users", "catalog")
    async with inbox(make_app, handlers) as client:
        sent = event(added_later="a newer sender's member")
        answers = await asyncio.gather(
            *(client.post("/internal/events", json=sent, headers=headers) for _ in range(5))
        )
        assert {one.status_code for one in answers} == {204}
        assert await counts(database) == (1, 1)


async def test_what_the_handler_did_and_the_mark_are_one(
    make_app: Any, handlers: Handlers, database: Database, keys: Keys
) -> None:
    headers = keys.service_header("users", "catalog")
    async with inbox(make_app, handlers) as client:
        sent = event()
        for error, status in [(RuntimeError("bug"), 500), (Conflict("later"), 409)]:
            handlers.error = error
            assert (await client.post("/internal/events", json=sent, headers=headers)).status_code == status
            assert await counts(database) == (0, 0)
        handlers.error = None
        assert (await client.post("/internal/events", json=sent, headers=headers)).status_code == 204
        assert await counts(database) == (1, 1)


async def test_a_topic_nobody_handles_is_acknowledged(
    make_app: Any, handlers: Handlers, database: Database, keys: Keys
) -> None:
    async with inbox(make_app, handlers) as client:
        answer = await client.post(
            "/internal/events", json=event(topic="new"), headers=keys.service_header("users", "catalog")
        )
    assert answer.status_code == 204
    assert await counts(database) == (0, 0)


async def test_only_the_named_neighbours_deliver(make_app: Any, handlers: Handlers, keys: Keys) -> None:
    async with inbox(make_app, handlers) as client:
        anonymous = await client.post("/internal/events", json=event())
        user = await client.post("/internal/events", json=event(), headers=keys.bearer("users:write"))
        other = await client.post(
            "/internal/events", json=event(), headers=keys.service_header("gateway", "catalog")
        )
    assert (anonymous.status_code, user.status_code, other.status_code) == (401, 401, 403)


@pytest.mark.parametrize(
    ("content", "field"),
    [
        (b"{", "body"), (b"[]", "body"), (b"\xff", "body"), (b'{"id": 1}', "id"),
        (b'{"id":"01890000-0000-7000-8000-000000000001","topic":"t","aggregate_id":"a","payload":{},'
         b'"occurred_at":"2026-01-01T00:00:00"}', "occurred_at"),
    ],
)  # fmt: skip
async def test_what_is_no_event_is_refused(
    make_app: Any, handlers: Handlers, keys: Keys, content: bytes, field: str
) -> None:
    async with inbox(make_app, handlers) as client:
        answer = await client.post(
            "/internal/events", content=content, headers=keys.service_header("users", "catalog")
        )
    assert answer.status_code == 422
    assert field in [one["field"] for one in answer.json()["errors"]]


async def test_marks_are_kept_for_a_month(database: Database) -> None:
    async with database.transaction() as session:
        for days in (29, 31):
            await session.execute(
                text(
                    "INSERT INTO ledger.inbox (id, source, topic, received_at)"
                    " VALUES (:id, '', '', now() - make_interval(days => :days))"
                ),
                {"id": new_id(), "days": days},
            )
    assert await events.purge_inbox(database) == 1
    assert await counts(database) == (0, 1)
