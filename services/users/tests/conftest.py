"""The users service, migrated and running on a real PostgreSQL, and an owner for it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from users_world import Person, World, settings_of
from vitrine_kit.testing import (
    Keys,
    ServiceDatabase,
    create_service_database,
    drop_service_database,
    migrate,
    service_environment,
    serving,
)
from vitrine_users import create_app


@pytest_asyncio.fixture(scope="session")
async def users_database(postgres_url: str, keys: Keys) -> AsyncIterator[ServiceDatabase]:
    database = await create_service_database(postgres_url, "users")
    migrate("vitrine_users", service_environment("users", keys, database))
    yield database
    await drop_service_database(postgres_url, database)


@pytest.fixture(scope="session")
def environment(keys: Keys, users_database: ServiceDatabase) -> dict[str, str]:
    return service_environment("users", keys, users_database)


@pytest_asyncio.fixture(scope="session")
async def sql(users_database: ServiceDatabase) -> AsyncIterator[asyncpg.Connection]:
    """The administrator's connection, to look behind the service and to make time pass."""
    connection = await asyncpg.connect(users_database.admin_url)
    yield connection
    await connection.close()


@pytest_asyncio.fixture(scope="session")
async def world(environment: dict[str, str], sql: asyncpg.Connection, keys: Keys) -> AsyncIterator[World]:
    app = create_app(settings_of(environment))
    async with serving(app) as client:
        yield World(app, client, sql, keys)


@pytest_asyncio.fixture(scope="session")
async def owner(world: World) -> Person:
    """An owner who is never erased nor demoted, so that others can be."""
    return await world.person("owner", name="Olive Owner")


@pytest.fixture
def make_world(
    environment: dict[str, str], sql: asyncpg.Connection, keys: Keys
) -> Callable[..., AbstractAsyncContextManager[World]]:
    """A second instance of the service with other settings: `async with make_world(refresh_grace_s=0) as world`."""

    @asynccontextmanager
    async def make(**changes: Any) -> AsyncIterator[World]:
        app = create_app(settings_of(environment, **changes))
        async with serving(app) as client:
            yield World(app, client, sql, keys)

    return make
