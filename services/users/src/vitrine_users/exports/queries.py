"""Every SQL statement of an export: they follow from the schema, so that no table can be forgotten."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Column,
    ColumnElement,
    LargeBinary,
    MetaData,
    RowMapping,
    Select,
    Table,
    Text,
    case,
    func,
    null,
    or_,
    select,
)
from vitrine_kit.db import Database

ACCOUNTS = "accounts"
PERSON_COLUMNS = frozenset({"actor_id", "subject_id"})
"""Columns that name a person without a foreign key: what they tell of outlives the account."""
ADDRESS_COLUMNS = frozenset({"email_key", "recipient"})
"""Columns that name a person by the e-mail address: what was sent before, or without, the account."""
SECRETS = frozenset({"password_hash"})
"""What is a secret and not a byte string; byte strings are digests, sealed values and keys, all of them."""
SOMEBODY_ELSES = {
    "audit_log": ("address",),
    "browser_sessions": ("address", "user_agent"),
}
"""Columns that tell of whoever did something to the person, and not of the person; shown where that is the same."""

LEFT_OUT = {
    "applications": "the programs people sign in to; what the person has let them know is in application_consents",
    "audit_head": "where the audit log ends; it names nobody",
    "challenge_episodes": "networks that were attacked from, while it lasts; whose they are is not known",
    "failed_tries": "counters under digests of what was typed; whose they are cannot be told from them",
    "id_token_keys": "the service's own keys for other applications' tokens",
    "idempotency_key": "copies of answers the person was given, kept for a day, packed as bytes",
    "outbox": "events on their way to other services; the only one tells of an account that is erased already",
    "permissions": "what roles are made of; the same for everybody",
    "rate_limit": "counters under digests of keys; whose they are cannot be told from them",
    "role_permissions": "what roles are made of; the same for everybody",
    "roles": "what the shop's roles are; the person's own are in account_roles",
    "spent_challenges": "digests of used challenges; whose they were cannot be told from them",
    "scim_groups": "what directories call the shop's roles; the person's own roles are in account_roles",
    "signing_keys": "the service's own keys",
    "webhook_attempts": "what an endpoint answered to a delivery; the delivery itself is in the export",
    "webhook_cursor": "how far the audit log was told; it names nobody",
    "worker": "the service's own processes",
}
"""The tables that are no part of an export, and why; a test holds that every other one is."""


@dataclass(frozen=True, slots=True)
class Part:
    """One table's rows about a person."""

    name: str
    statement: Select[*tuple[Any, ...]]


def parts_about(metadata: MetaData, account_id: UUID, email: str = "") -> Iterator[Part]:
    """A query for each table that holds something about the person, by id or by address; secrets are left out."""
    roles = metadata.tables[f"{metadata.schema}.roles"]
    for table in metadata.sorted_tables:
        theirs = [
            *(column == account_id for column in table.columns if names_a_person(table, column)),
            *(func.lower(column) == email.lower() for column in table.columns if _is_an_address(column)),
        ]
        if not theirs or table.name in LEFT_OUT:
            continue
        shown: list[ColumnElement[object]] = [
            _theirs_alone(table, column, account_id) for column in table.columns if not _is_secret(column)
        ]
        if "role_id" in table.columns:
            name = select(roles.c.name).where(roles.c.id == table.columns["role_id"])
            shown.append(name.scalar_subquery().label("role_name"))
        yield Part(table.name, select(*shown).where(or_(*theirs)).order_by(*table.primary_key.columns))


async def rows_of(db: Database, part: Part) -> Sequence[RowMapping]:
    """The rows of one part."""
    return await db.fetch_all(part.statement)


def names_a_person(table: Table, column: Column[object]) -> bool:
    """Whether the column holds accounts' ids."""
    if table.name == ACCOUNTS:
        return column.name == "id"
    points = {key.column.table.name for key in column.foreign_keys if key.column.name == "id"}
    return ACCOUNTS in points or column.name in PERSON_COLUMNS


def _is_an_address(column: Column[object]) -> bool:
    return column.name in ADDRESS_COLUMNS and isinstance(column.type, Text)


def _is_secret(column: Column[object]) -> bool:
    return isinstance(column.type, LargeBinary) or column.name in SECRETS


def _theirs_alone(table: Table, column: Column[object], account_id: UUID) -> ColumnElement[object]:
    if column.name not in SOMEBODY_ELSES.get(table.name, ()):
        return column
    doer = table.columns["actor_id" if table.name == "audit_log" else "impersonated_by"]
    shown = case((or_(doer.is_(None), doer == account_id), column), else_=null())
    return shown.label(column.name)
