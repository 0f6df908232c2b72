"""A small service, `ledger`, with all of the kit's own tables, for the tests of what is kept in PostgreSQL."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from flask import Flask
from pydantic import SecretStr
from sqlalchemy import Column, Integer, MetaData, Table, Text
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable
from vitrine_kit import events, idempotency, jobs, limits
from vitrine_kit.db import NAMING_CONVENTION, Database
from vitrine_kit.jobs import queue as queue_module
from vitrine_kit.service import create_service
from vitrine_kit.settings import ServiceSettings
from vitrine_kit.testing import (
    PUBLIC_URL,
    Keys,
    ServiceDatabase,
    create_service_database,
    drop_service_database,
)

METADATA = MetaData(schema="ledger", naming_convention=NAMING_CONVENTION)
ENTRY = Table(
    "entry",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("note", Text, nullable=False, unique=True),
)
events.outbox_table(METADATA)
events.inbox_table(METADATA)
idempotency.idempotency_table(METADATA)
limits.rate_limit_table(METADATA)
jobs.worker_table(METADATA)


def ddl() -> list[str]:
    """The statements a first migration of the service would run."""
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it untyped
    found = []
    for table in METADATA.sorted_tables:
        found.append(str(CreateTable(table).compile(dialect=dialect)))
        found += [str(CreateIndex(index).compile(dialect=dialect)) for index in table.indexes]
    return [*found, *jobs.install_statements("ledger")]


@pytest_asyncio.fixture(scope="session")
async def ledger_database(postgres_url: str) -> AsyncIterator[ServiceDatabase]:
    """The service's database with its tables, made by the owner role, which alone may make tables."""
    database = await create_service_database(postgres_url, "ledger")
    connection = await asyncpg.connect(database.owner_url)
    try:
        for statement in ddl():
            await connection.execute(statement)
    finally:
        await connection.close()
    yield database
    await drop_service_database(postgres_url, database)


@pytest.fixture(scope="session")
def ledger_settings(ledger_database: ServiceDatabase, keys: Keys) -> ServiceSettings:
    return ServiceSettings(
        environment="test",
        secret_key=SecretStr("0123456789abcdef0123456789abcdef"),
        public_url=PUBLIC_URL,
        database_url=SecretStr(ledger_database.url),
        service_key=SecretStr(json.dumps(keys.services["catalog"].as_dict(private=True))),
        neighbour_keys=keys.neighbour_keys(),
        pool_read_size=4,
        pool_write_size=6,
        pool_wait_s=20,
        instance="ledger-test",
        log_level="ERROR",
    )


@pytest_asyncio.fixture
async def database(
    ledger_settings: ServiceSettings, ledger_database: ServiceDatabase
) -> AsyncIterator[Database]:
    """The run-time role's database, with empty tables."""
    connection = await asyncpg.connect(ledger_database.owner_url)
    try:
        names = [f'ledger."{table.name}"' for table in METADATA.sorted_tables]
        names += [f"ledger.{name}" for name in ("pgqueuer", "pgqueuer_log", "pgqueuer_statistics")]
        await connection.execute(f"TRUNCATE {', '.join(names)} RESTART IDENTITY")
    finally:
        await connection.close()
    found = Database(ledger_settings, METADATA)
    yield found
    await found.dispose()


@pytest.fixture
def make_app(ledger_settings: ServiceSettings, database: Database, keys: Keys) -> Any:
    """Makes the service's app, with the blueprints given."""

    def make(*blueprints: Any, **changes: Any) -> Flask:
        async def jwks() -> dict[str, Any]:
            return keys.jwks()

        settings = ledger_settings.model_copy(update=changes)
        app = create_service("catalog", settings, import_name=__name__, blueprints=blueprints, jwks=jwks)
        # Set here and not above, for this service has no migrations: its tables are made by the fixture.
        app.extensions["vitrine"].database = database
        return app

    return make


@pytest.fixture
def own_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    """The test declares its own tasks."""
    monkeypatch.setattr(queue_module, "_tasks", {})
