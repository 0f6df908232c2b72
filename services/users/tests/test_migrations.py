"""The schema: made by the migration alone, in step with the code, and out of the run-time role's reach."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest
from users_world import migrate_here
from vitrine_kit.testing import Keys, ServiceDatabase, service_environment


async def test_the_models_and_the_migrations_are_in_step(environment: dict[str, str]) -> None:
    await migrate_here(environment, "check")


async def test_the_schema_can_be_taken_down_and_made_again(make_database: Any, keys: Keys) -> None:
    count = (
        "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE nspname = 'users' AND relkind = 'r' AND relname <> 'alembic_version'"
    )
    async with make_database() as database:
        environment = service_environment("users", keys, database)
        connection = await asyncpg.connect(database.admin_url)
        made = await connection.fetchval(count)
        await migrate_here(environment, "downgrade", "base")
        left = await connection.fetchval(count)
        await migrate_here(environment, "upgrade")
        again = await connection.fetchval(count)
        await connection.close()

    assert left == 0
    assert made == again > 10


async def test_a_webhook_of_before_is_told_all_that_happened_since_it_was_set_up(
    make_database: Any, keys: Keys
) -> None:
    async with make_database() as database:
        environment = service_environment("users", keys, database)
        await migrate_here(environment, "downgrade", "0009")
        connection = await asyncpg.connect(database.admin_url)
        # As the release before writes it, both before the migration and after it.
        insert = (
            "INSERT INTO users.webhook_endpoints"
            " (id, url, description, event_types, include_email, sealed_secret, created_at)"
            " VALUES (gen_random_uuid(), 'https://hooks.example.org/', $1, '{}', false, '', $2)"
        )
        since = datetime(2026, 5, 12, 9, 30, tzinfo=UTC)
        await connection.execute(insert, "before", since)
        await migrate_here(environment, "upgrade")
        await connection.execute(insert, "after", since)
        found = dict(await connection.fetch("SELECT description, listens_since FROM users.webhook_endpoints"))
        await connection.close()

    assert found["before"] == since
    assert found["after"] > since


async def test_the_run_time_role_can_neither_change_the_schema_nor_leave_it(
    users_database: ServiceDatabase,
) -> None:
    connection = await asyncpg.connect(users_database.url)
    try:
        for statement in (
            "CREATE TABLE users.mine (id int)",
            "ALTER TABLE users.accounts ADD COLUMN mine int",
            "DROP TABLE users.accounts",
            "TRUNCATE users.accounts",
            "CREATE TABLE public.mine (id int)",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
    finally:
        await connection.close()


async def test_no_foreign_key_leaves_the_schema_and_keys_are_uuids_or_bigints(
    sql: asyncpg.Connection,
) -> None:
    crossing = await sql.fetch(
        "SELECT conname FROM pg_constraint c JOIN pg_class f ON f.oid = c.confrelid"
        " JOIN pg_namespace n ON n.oid = f.relnamespace WHERE contype = 'f' AND nspname <> 'users'"
    )
    serial = await sql.fetch(
        "SELECT table_name FROM information_schema.columns WHERE table_schema = 'users' AND column_name = 'id'"
        " AND data_type NOT IN ('uuid', 'bigint') AND table_name NOT LIKE 'pgqueuer%'"
    )

    assert crossing == []
    assert serial == []
