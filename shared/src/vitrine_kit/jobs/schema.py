"""PgQueuer's objects in a service's schema: their names, and the statements a migration makes them with."""

from __future__ import annotations

import functools

from pgqueuer.adapters.persistence import schema_ddl
from pgqueuer.adapters.persistence.qb import QueryBuilderEnvironment, QueryQueueBuilder, QuerySchedulerBuilder
from pgqueuer.adapters.persistence.queries import Queries
from pgqueuer.domain.schema.declaration import target
from pgqueuer.domain.settings import DBSettings
from pgqueuer.ports.driver import Driver

_NAMES = {
    "channel": "ch_pgqueuer",
    "function": "fn_pgqueuer_changed",
    "statistics_table": "pgqueuer_statistics",
    "queue_status_type": "pgqueuer_status",
    "queue_table": "pgqueuer",
    "queue_table_log": "pgqueuer_log",
    "trigger": "tg_pgqueuer_changed",
    "schedules_table": "pgqueuer_schedules",
}


@functools.cache
def queue_settings(schema: str) -> DBSettings:
    """PgQueuer's settings for a service, fixed here so that no PGQUEUER_* variable can move its tables.

    The channel bears the schema's name, for channels are shared by a whole database.
    """
    names = {**_NAMES, "channel": f"{schema}_jobs"}
    fixed = {f"pgqueuer_{name}": value for name, value in names.items()}
    return DBSettings.model_validate(
        {
            **fixed,
            "prefix": "",
            "db_schema": schema,
            "pgqueuer_durability": "durable",
            "pgqueuer_widen_id": True,
        }
    )


def queries_of(schema: str, driver: Driver) -> Queries:
    """PgQueuer's queries on a service's tables."""
    settings = queue_settings(schema)
    return Queries(
        driver,
        qbe=QueryBuilderEnvironment(settings),
        qbq=QueryQueueBuilder(settings),
        qbs=QuerySchedulerBuilder(settings),
    )


def install_statements(schema: str) -> list[str]:
    """The statements that make PgQueuer's tables in a schema, for a migration to execute one by one."""
    settings = queue_settings(schema)
    wanted = target(settings)
    return [
        *(schema_ddl.render_enum(entry, settings) for entry in wanted.enums),
        *(schema_ddl.render_table(entry, settings) for entry in wanted.tables),
        *(schema_ddl.render_index(entry, settings) for entry in wanted.indexes),
        *(schema_ddl.render_function(entry, settings) for entry in wanted.functions),
        *(schema_ddl.render_trigger(entry, settings) for entry in wanted.triggers),
    ]


def uninstall_statements(schema: str) -> list[str]:
    """The statements that remove what `install_statements` made, with all jobs."""
    settings = queue_settings(schema)
    wanted = target(settings)
    return [
        *(f"DROP TRIGGER IF EXISTS {e.name} ON {settings.qualify(e.table)}" for e in wanted.triggers),
        *(f"DROP FUNCTION IF EXISTS {settings.qualify(e.name)}" for e in wanted.functions),
        *(f"DROP TABLE IF EXISTS {settings.qualify(e.name)}" for e in wanted.tables),
        *(f"DROP TYPE IF EXISTS {settings.qualify(e.name)}" for e in wanted.enums),
    ]
