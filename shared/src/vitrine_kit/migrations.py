"""What each service's Alembic env.py does: migrate its own schema only, one migration at a time, with short locks."""

from __future__ import annotations

import asyncio
from typing import Any

from alembic import context
from flask import current_app
from sqlalchemy import Connection, MetaData, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from vitrine_kit.db import Database, async_url

UNMANAGED_PREFIXES = ("pgqueuer",)
"""Tables whose definition belongs to a library; the first migration installs them, autogenerate leaves them be."""


def run_env() -> None:
    """Runs the migrations Alembic was asked for; called by `migrations/env.py` of a service.

    The owner role's address (`VITRINE_DATABASE_OWNER_URL`) is used where it is set. A lock derived from the schema's
    name lets two services migrate at once, and two starts of one service take turns. Migrations name the schema of
    whatever they touch.
    """
    database: Database = current_app.extensions["migrate"].db
    options = {
        "target_metadata": database.metadata,
        "version_table_schema": database.schema,
        "include_schemas": True,
        "include_name": _own_schema_only(database.schema),
        "include_object": _managed_only,
        "compare_server_default": True,
        "compare_type": True,
        "transaction_per_migration": True,
        "process_revision_directives": _drop_empty_revision,
    }
    if context.is_offline_mode():
        context.configure(dialect_name="postgresql", literal_binds=True, **options)
        with context.begin_transaction():
            context.run_migrations()
        return
    asyncio.run(_run_online(database, options))


async def _run_online(database: Database, options: dict[str, Any]) -> None:
    owner = database.settings.database_owner_url or database.settings.database_url
    assert owner is not None, "Database() demands a database_url"
    # With the service's schema on the search path, reflection takes it for the default one and reports every
    # table as new.
    connect_args = {
        "server_settings": {
            "search_path": "pg_catalog",
            "application_name": f"vitrine-{database.schema}-migrate",
        }
    }
    engine = create_async_engine(
        async_url(owner.get_secret_value()), poolclass=NullPool, connect_args=connect_args
    )
    try:
        async with engine.connect() as connection:
            await connection.run_sync(_migrate, database.metadata, options)
    finally:
        await engine.dispose()


def _migrate(connection: Connection, metadata: MetaData, options: dict[str, Any]) -> None:
    schema = metadata.schema
    exists = connection.scalar(text("SELECT 1 FROM pg_namespace WHERE nspname = :schema"), {"schema": schema})
    if not exists:
        connection.execute(text(f'CREATE SCHEMA IF NOT EXISTS "{schema}"'))
    connection.execute(text("SELECT pg_advisory_lock(hashtext('alembic:' || :schema))"), {"schema": schema})
    connection.execute(text("SET lock_timeout TO '1s'"))
    connection.commit()
    try:
        context.configure(connection=connection, **options)
        with context.begin_transaction():
            context.run_migrations()
    finally:
        connection.rollback()
        connection.execute(
            text("SELECT pg_advisory_unlock(hashtext('alembic:' || :schema))"), {"schema": schema}
        )
        connection.commit()


def _own_schema_only(schema: str) -> Any:
    def include_name(name: str | None, kind: str, _parents: Any) -> bool:
        return name == schema if kind == "schema" else True

    return include_name


def _managed_only(_object: Any, name: str | None, kind: str, reflected: bool, _compare_to: Any) -> bool:
    return not (kind == "table" and reflected and (name or "").startswith(UNMANAGED_PREFIXES))


def _drop_empty_revision(_context: Any, _revision: Any, directives: list[Any]) -> None:
    # Only `flask db migrate` writes a file; `flask db check` counts on finding its directive.
    asked_to_write = getattr(context.config.cmd_opts, "autogenerate", False)
    if (
        asked_to_write
        and directives
        and directives[0].upgrade_ops is not None
        and directives[0].upgrade_ops.is_empty()
    ):
        directives[:] = []
