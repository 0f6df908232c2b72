"""`flask db …` migrates one service's schema, alone and under concurrency."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest
from vitrine_kit.settings import ServiceSettings
from vitrine_kit.testing import (
    Keys,
    create_service_database,
    drop_service_database,
    migrate,
    service_environment,
)


async def test_two_upgrades_at_once_take_turns(
    postgres_url: str, keys: Keys, notes_environment: dict[str, str]
) -> None:
    database = await create_service_database(postgres_url, "notes")
    try:
        environment = {**notes_environment, **service_environment("catalog", keys, database)}
        await asyncio.gather(*(asyncio.to_thread(migrate, "notes_service", environment) for _ in range(2)))
        owner = await asyncpg.connect(database.owner_url)
        try:
            assert await owner.fetchval("SELECT version_num FROM notes.alembic_version") == "0001"
            assert await owner.fetchval("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == 0
        finally:
            await owner.close()
        migrate("notes_service", environment, "check")
        assert "CREATE TABLE notes.note" in migrate("notes_service", environment, "upgrade", "--sql")
        migrate("notes_service", environment, "downgrade")
        with pytest.raises(AssertionError, match="not up to date"):
            migrate("notes_service", environment, "check")
    finally:
        await drop_service_database(postgres_url, database)


def test_a_difference_between_models_and_schema_shows(
    notes_settings: ServiceSettings, notes_environment: dict[str, str]
) -> None:
    assert notes_settings.database_owner_url is not None
    migrate("notes_service", notes_environment, "check")
