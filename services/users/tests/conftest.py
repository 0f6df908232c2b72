"""The users service, migrated and running on a real PostgreSQL, and an owner for it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from functools import partial

import asyncpg
import pytest
import pytest_asyncio
from users_world import Person, World, copied_database, living, migrated_database
from vitrine_kit.testing import Keys, ServiceDatabase, service_environment


@pytest_asyncio.fixture(scope="session")
async def empty_database(postgres_url: str, keys: Keys) -> AsyncIterator[ServiceDatabase]:
    """The service's tables with nobody in them; nobody connects to it, so that it can be copied."""
    async with migrated_database(postgres_url, keys) as database:
        yield database


@pytest.fixture(scope="session")
def make_database(
    postgres_url: str, empty_database: ServiceDatabase
) -> Callable[[], AbstractAsyncContextManager[ServiceDatabase]]:
    """A database of a test's own: `async with make_database() as database`."""
    return partial(copied_database, postgres_url, empty_database)


@pytest_asyncio.fixture(scope="session")
async def users_database(
    make_database: Callable[[], AbstractAsyncContextManager[ServiceDatabase]],
) -> AsyncIterator[ServiceDatabase]:
    async with make_database() as database:
        yield database


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
    async with living(environment, sql, keys) as found:
        yield found


@pytest_asyncio.fixture(scope="session")
async def owner(world: World) -> Person:
    """An owner who is never erased nor demoted, so that others can be."""
    return await world.person("owner", name="Olive Owner")


@pytest.fixture
def make_world(
    environment: dict[str, str], sql: asyncpg.Connection, keys: Keys
) -> Callable[..., AbstractAsyncContextManager[World]]:
    """A second instance of the service with other settings: `async with make_world(refresh_grace_s=0) as world`."""
    return partial(living, environment, sql, keys)
