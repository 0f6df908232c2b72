"""SQLAlchemy through the bridge: async and plain synchronous sessions over one async engine, concurrently."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio
from bridge_serving import Served, serve
from flask import Flask, g, request
from sqlalchemy import ForeignKey, event, select, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship
from vitrine_kit.asgi import Bridge, iter_async
from waiting import until


class Base(DeclarativeBase):
    pass


class Shelf(Base):
    __tablename__ = "bridge_shelves"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    boxes: Mapped[list[Box]] = relationship(lazy="select", order_by="Box.id")


class Box(Base):
    __tablename__ = "bridge_boxes"
    id: Mapped[int] = mapped_column(primary_key=True)
    shelf_id: Mapped[int] = mapped_column(ForeignKey("bridge_shelves.id"))


@pytest_asyncio.fixture(scope="module")
async def engine(postgres_url: str) -> AsyncIterator[AsyncEngine]:
    url = postgres_url.replace("postgresql://", "postgresql+asyncpg://")
    engine = create_async_engine(url, pool_size=4, max_overflow=0, pool_timeout=5)
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.drop_all)
        await connection.run_sync(Base.metadata.create_all)
        await connection.execute(text("insert into bridge_shelves values (1, 'top'), (2, 'low')"))
        await connection.execute(text("insert into bridge_boxes select n, 1 from generate_series(1, 3) n"))
    yield engine
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.drop_all)
    await engine.dispose()


def build_app(engine: AsyncEngine) -> Flask:
    app = Flask("shelves")

    @app.get("/async/<int:shelf_id>")
    async def async_orm(shelf_id: int) -> dict[str, Any]:
        async with AsyncSession(engine) as session:
            shelf = await session.get_one(Shelf, shelf_id)
            return {"name": shelf.name, "path": request.path}

    @app.get("/sync/<int:shelf_id>")
    def sync_orm(shelf_id: int) -> dict[str, Any]:
        with Session(engine.sync_engine) as session:
            shelf = session.get_one(Shelf, shelf_id)
            # A lazy load, which an async session would refuse, waits on the request's greenlet.
            return {"name": shelf.name, "boxes": [box.id for box in shelf.boxes], "path": request.path}

    @app.get("/sync-from-async/<int:shelf_id>")
    async def sync_from_async(shelf_id: int) -> dict[str, Any]:
        with engine.sync_engine.connect() as connection:
            name = connection.execute(select(Shelf.name).where(Shelf.id == shelf_id)).scalar_one()
        return {"name": name, "path": request.path}

    @app.get("/gather")
    async def gather() -> dict[str, Any]:
        async def name(shelf_id: int) -> str:
            async with AsyncSession(engine) as session:
                return (await session.get_one(Shelf, shelf_id)).name

        return {"names": await asyncio.gather(name(1), name(2))}

    @app.get("/sleep")
    async def sleep() -> str:
        async with engine.connect() as connection:
            await connection.execute(text("select pg_sleep(30)"))
        return "slept"

    @app.get("/stream")
    async def stream() -> Any:
        async def rows() -> AsyncIterator[str]:
            async with engine.connect() as connection:
                result = await connection.stream(text("select n from generate_series(1, 1000000) n"))
                async for row in result:
                    yield f"{row.n}\n"

        return app.response_class(iter_async(rows()))

    return app


@pytest_asyncio.fixture
async def served(engine: AsyncEngine) -> AsyncIterator[Served]:
    async with serve(Bridge(build_app(engine))) as found:
        yield found


async def test_async_and_sync_sessions_serve_concurrent_requests(engine: AsyncEngine, served: Served) -> None:
    paths = [f"/{kind}/{shelf}" for kind in ("async", "sync", "sync-from-async") for shelf in (1, 2)] * 10
    answers = await asyncio.gather(*(served.client.get(path) for path in paths))
    for path, answer in zip(paths, answers, strict=True):
        found = answer.json()
        assert found["path"] == path
        assert found["name"] == ("top" if path.endswith("1") else "low")
        if path == "/sync/1":
            assert found["boxes"] == [1, 2, 3]
    assert engine.pool.checkedout() == 0  # type: ignore[attr-defined]  # a queue pool's own method


async def test_gathered_sessions_work(served: Served) -> None:
    assert (await served.client.get("/gather")).json() == {"names": ["top", "low"]}


async def test_synchronous_statements_keep_the_context_of_the_request(
    engine: AsyncEngine, served: Served
) -> None:
    seen = []

    def note(*_: Any) -> None:
        seen.append((request.path, len(list(g))))

    event.listen(engine.sync_engine, "before_cursor_execute", note)
    try:
        await served.client.get("/sync-from-async/1")
    finally:
        event.remove(engine.sync_engine, "before_cursor_execute", note)
    assert seen == [("/sync-from-async/1", 0)]


async def _sleepers(engine: AsyncEngine) -> int:
    async with engine.connect() as connection:
        statement = text(
            "select count(*) from pg_stat_activity where query like 'select pg_sleep(30)%' and state = 'active'"
        )
        return int((await connection.execute(statement)).scalar_one())


async def test_cancelling_a_request_cancels_its_query_and_returns_its_connection(
    engine: AsyncEngine, served: Served
) -> None:
    asking = asyncio.create_task(served.client.get("/sleep"))
    async with asyncio.timeout(5):
        while not await _sleepers(engine):
            await asyncio.sleep(0.01)
    (task,) = served.server.server_state.tasks
    task.cancel()
    async with asyncio.timeout(5):
        while await _sleepers(engine):
            await asyncio.sleep(0.01)
    await until(lambda: engine.pool.checkedout() == 0)  # type: ignore[attr-defined]  # a queue pool's own method
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)


async def test_a_streamed_result_gives_its_connection_back_when_the_reader_leaves(
    engine: AsyncEngine, served: Served
) -> None:
    connection = await served.connect()
    await connection.get("/stream")
    await connection.head()
    assert await connection.chunk() == b"1\n"
    assert engine.pool.checkedout() == 1  # type: ignore[attr-defined]  # a queue pool's own method
    connection.abort()
    await until(lambda: engine.pool.checkedout() == 0)  # type: ignore[attr-defined]  # a queue pool's own method
