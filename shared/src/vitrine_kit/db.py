"""The database of one service: an autocommit engine for reads, a transactional one for writes, both on its schema."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar, cast

import orjson
from flask import current_app
from sqlalchemy import URL, Connection, Executable, MetaData, RowMapping, make_url
from sqlalchemy.exc import DBAPIError, NotSupportedError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import (
    AsyncConnection,
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)

from vitrine_kit.deadlines import within_deadline
from vitrine_kit.greenlets import in_request_greenlet
from vitrine_kit.settings import ServiceSettings

NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

ambient_session: ContextVar[AsyncSession | None] = ContextVar("vitrine_ambient_session", default=None)
"""The transaction around the whole request, where there is one (idempotency.guard opens it)."""

Params = Mapping[str, Any] | None
T = TypeVar("T")


def async_url(url: str) -> URL:
    """The address for the asyncpg driver; `postgresql://` and `postgres://` are taken alike."""
    return make_url(url.replace("postgres://", "postgresql://", 1)).set(drivername="postgresql+asyncpg")


def _dumps(value: Any) -> str:
    return orjson.dumps(value, default=str).decode()


class _Gate:
    """Lets in as many as a pool has connections, in the order they came.

    SQLAlchemy's own queue lets newcomers overtake those that wait, and who is overtaken often enough gets none.
    """

    def __init__(self, size: int, wait_s: float) -> None:
        self._free = asyncio.Semaphore(size)
        self._wait_s = wait_s

    async def __aenter__(self) -> None:
        if not self._free.locked():
            await self._free.acquire()
            return
        try:
            async with asyncio.timeout(self._wait_s):
                await self._free.acquire()
        except TimeoutError:
            raise PoolTimeout(f"no database connection came free within {self._wait_s} s") from None

    async def __aexit__(self, *_: object) -> None:
        self._free.release()


class _Session(AsyncSession):
    """A session whose statements run on the request's own greenlet, where they are asked from it."""

    async def execute(self, statement: Any, params: Any = None, **options: Any) -> Any:
        if in_request_greenlet():
            return self.sync_session.execute(statement, params, **options)
        return await super().execute(statement, params, **options)

    async def flush(self, objects: Any = None) -> None:
        if in_request_greenlet():
            self.sync_session.flush(objects)
        else:
            await super().flush(objects)

    @asynccontextmanager
    async def begun(self) -> AsyncIterator[None]:
        """Committed at the end, rolled back on any error, and closed."""
        if in_request_greenlet():
            with self.sync_session as session, session.begin():
                yield
        else:
            async with self, self.begin():
                yield


class Database:
    """One service's two connection pools; both see only its schema.

    Reads run as single autocommit statements, without BEGIN and ROLLBACK around them and without an identity map.
    Inside a request they run SQLAlchemy's synchronous Core on the request's own greenlet, which saves a second
    greenlet for each statement (docs/reference/performance.md).
    """

    def __init__(
        self, settings: ServiceSettings, metadata: MetaData, *, statement_timeout_ms: int | None = None
    ) -> None:
        if settings.database_url is None:
            raise ValueError("VITRINE_DATABASE_URL is not set")
        if metadata.schema is None:
            raise ValueError("the service's MetaData names no schema")
        self.settings = settings
        self.metadata = metadata
        self.schema = str(metadata.schema)  # SQLAlchemy keeps it as a quoted_name, which asyncpg refuses
        timeout_ms = settings.statement_timeout_ms if statement_timeout_ms is None else statement_timeout_ms
        self._connect_args = {
            "timeout": 5,
            "server_settings": {
                "application_name": f"vitrine-{self.schema}",
                "search_path": self.schema,
                "statement_timeout": str(timeout_ms),
                "lock_timeout": str(timeout_ms),
                "idle_in_transaction_session_timeout": "60000" if timeout_ms else "0",
                "jit": "off",
            },
        }
        url = async_url(settings.database_url.get_secret_value())
        self.url = url
        common: dict[str, Any] = {
            "max_overflow": 0,
            "pool_timeout": settings.pool_wait_s,
            "connect_args": self._connect_args,
            "json_serializer": _dumps,
            "json_deserializer": orjson.loads,
            "pool_use_lifo": True,
            "hide_parameters": True,
        }
        self.read_engine: AsyncEngine = create_async_engine(
            url, isolation_level="AUTOCOMMIT", pool_size=settings.pool_read_size, **common
        )
        self.write_engine: AsyncEngine = create_async_engine(
            url, pool_size=settings.pool_write_size, **common
        )
        self._read_gate = _Gate(settings.pool_read_size, settings.pool_wait_s)
        self._write_gate = _Gate(settings.pool_write_size, settings.pool_wait_s)
        self._read_sync = self.read_engine.sync_engine
        self._sessions = async_sessionmaker(self.write_engine, class_=_Session, expire_on_commit=False)

    @property
    def engine(self) -> AsyncEngine:
        """The engine Flask-Migrate asks for."""
        return self.write_engine

    async def connect_ahead(self) -> None:
        """Opens every connection for writes and half of those for reads, so that the first requests wait for none.

        One that cannot be opened now is opened when it is needed.
        """
        wanted = [self.write_engine.connect() for _ in range(self.settings.pool_write_size)]
        wanted += [self.read_engine.connect() for _ in range(-(-self.settings.pool_read_size // 2))]
        opened = await asyncio.gather(*(one.start() for one in wanted), return_exceptions=True)
        for connection in opened:
            if isinstance(connection, AsyncConnection):
                await connection.close()

    async def dispose(self) -> None:
        """Closes every pooled connection."""
        await self.read_engine.dispose()
        await self.write_engine.dispose()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """A session in one transaction: committed at the end, rolled back on any error. One for each request.

        The request's deadline holds for all of it but the commit, which once begun is never cut off.

        Within `idempotency.guard` it is a savepoint of the guard's transaction, so that the stored answer and the
        write are one.
        """
        ambient = self._ambient()
        if ambient is not None:
            async with ambient.begin_nested():
                yield ambient
            return
        session = self._sessions(info={"vitrine_database": self})
        async with self._write_gate, session.begun(), _at_rest(session), within_deadline():
            yield session
            await session.flush()

    @asynccontextmanager
    async def read_connection(self) -> AsyncIterator[AsyncConnection]:
        """An autocommit connection, for several reads in a row; within the block, read through it alone.

        Where there is a transaction around the request it is that one's connection, and `fetch_*` waits for it.
        """
        ambient = self._ambient()
        if ambient is not None:
            async with ambient.info["vitrine_lock"]:
                yield await ambient.connection()
            return
        async with self.separate_connection() as connection:
            yield connection

    @asynccontextmanager
    async def separate_connection(self) -> AsyncIterator[AsyncConnection]:
        """An autocommit connection of its own, also where there is a transaction around the request.

        Raises:
            sqlalchemy.exc.TimeoutError: none came free within `pool_wait_s`.
        """
        async with within_deadline(), self._read_gate, self.read_engine.connect() as connection:
            yield connection

    async def fetch_all(self, statement: Executable, params: Params = None) -> Sequence[RowMapping]:
        """All rows of one read statement."""
        return await self._read(statement, params, lambda result: result.mappings().all())

    async def fetch_one(self, statement: Executable, params: Params = None) -> RowMapping | None:
        """The first row of one read statement, or None."""
        return await self._read(statement, params, lambda result: result.mappings().first())

    async def fetch_value(self, statement: Executable, params: Params = None) -> Any:
        """The first column of the first row of one read statement, or None."""
        return await self._read(statement, params, lambda result: result.scalar())

    async def execute_alone(self, statement: Executable, params: Params = None) -> RowMapping | None:
        """The first row of one statement that is committed by itself, whatever becomes of the request's transaction.

        One whose connection is lost may have been run, and is not run again.

        Raises:
            sqlalchemy.exc.TimeoutError: no connection came free within `pool_wait_s`.
        """

        def collect(result: Any) -> RowMapping | None:
            return cast("RowMapping | None", result.mappings().first()) if result.returns_rows else None

        async with within_deadline():
            try:
                return await self._run(statement, params, collect)
            except NotSupportedError as error:
                if not _stale_plan(error):
                    raise
                return await self._run(statement, params, collect)

    def _ambient(self) -> AsyncSession | None:
        ambient = ambient_session.get()
        return ambient if ambient is not None and ambient.info["vitrine_database"] is self else None

    async def _read(self, statement: Executable, params: Params, collect: Callable[[Any], T]) -> T:
        ambient = self._ambient()
        if ambient is not None:
            # What the request has written is not committed yet: only its own transaction sees it. One statement at
            # a time, for a view may gather its reads.
            async with ambient.info["vitrine_lock"]:
                return collect(await (await ambient.connection()).execute(statement, params))
        async with within_deadline():
            try:
                return await self._run(statement, params, collect)
            except DBAPIError as error:
                # A connection the server closed: a read may simply run again.
                if not (error.connection_invalidated or _stale_plan(error)):
                    raise
                return await self._run(statement, params, collect)

    async def _run(self, statement: Executable, params: Params, collect: Callable[[Any], T]) -> T:
        async with self._read_gate:
            if in_request_greenlet():
                with cast("Any", self._read_sync).connect() as connection:
                    return collect(cast("Connection", connection).execute(statement, params))
            async with self.read_engine.connect() as connection:
                return collect(await connection.execute(statement, params))


def _stale_plan(error: DBAPIError) -> bool:
    """Whether a migration made the statement's plan stale, so that nothing of it was run."""
    return isinstance(error, NotSupportedError) and "cached statement plan" in str(error.orig)


@contextmanager
def around_request(session: AsyncSession) -> Iterator[None]:
    """Makes an open transaction the one around the request: what it reads joins it, and its writes are savepoints.

    Whatever the request reads side by side takes turns on the one connection.
    """
    session.info["vitrine_lock"] = asyncio.Lock()
    token = ambient_session.set(session)
    try:
        yield
    finally:
        ambient_session.reset(token)


@asynccontextmanager
async def _at_rest(session: AsyncSession) -> AsyncIterator[None]:
    """Ends with no read on the session's connection: one that was begun beside others may outlive who gathered it."""
    try:
        yield
    finally:
        lock: asyncio.Lock | None = session.info.get("vitrine_lock")
        if lock is not None:
            async with lock:
                pass


def current_database() -> Database:
    """The database of the current Flask app."""
    database = current_app.extensions["vitrine"].database
    assert isinstance(database, Database), "this service has no database"
    return database
