"""Every SQL statement about what SCIM clients see: accounts as users, roles as groups."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    RowMapping,
    Select,
    Text,
    bindparam,
    cast,
    exists,
    func,
    literal,
    or_,
    select,
    text,
    true,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import JSONB, aggregate_order_by
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.elements import SQLCoreOperations
from vitrine_kit.db import Database

from vitrine_users.accounts.addresses import key_of
from vitrine_users.accounts.models import Account
from vitrine_users.accounts.queries import SHOWN
from vitrine_users.roles.models import CUSTOMER, AccountRole, Role
from vitrine_users.scim.filters import Attribute, Columns, Condition, Entries
from vitrine_users.scim.models import ScimGroup, ScimUser

IS_GROUP = Role.name != CUSTOMER
"""Everybody is a customer: that is no group."""

SHOWN_NAME = func.coalesce(ScimGroup.display_name, Role.name)
_NONE: ColumnElement[Any] = cast(literal("[]"), JSONB)


def _of_account(name: str, part: str | None = None) -> ColumnElement[Any]:
    given = ScimUser.attributes[name]
    found: ColumnElement[Any] = (given if part is None else given[part]).astext
    return found


def _groups_of(account_id: SQLCoreOperations[UUID]) -> ColumnElement[Any]:
    found = (
        select(
            func.jsonb_agg(
                aggregate_order_by(
                    func.jsonb_build_object("value", Role.id, "display", SHOWN_NAME), Role.position, Role.name
                )
            )
        )
        .select_from(AccountRole)
        .join(Role, Role.id == AccountRole.role_id)
        .outerjoin(ScimGroup, ScimGroup.role_id == Role.id)
        .where(AccountRole.account_id == account_id, IS_GROUP)
        .scalar_subquery()
    )
    return func.coalesce(found, _NONE)


def _in_a_group(condition: Condition) -> Condition:
    return exists(
        select(AccountRole.role_id)
        .join(Role, Role.id == AccountRole.role_id)
        .outerjoin(ScimGroup, ScimGroup.role_id == Role.id)
        .where(AccountRole.account_id == Account.id, IS_GROUP, condition)
    )


def _has_a_member(condition: Condition) -> Condition:
    return exists(
        select(AccountRole.account_id).where(AccountRole.role_id == Role.id, condition).correlate(Role)
    )


USER_COLUMNS = Columns(
    single={
        "id": Attribute(cast(Account.id, Text), exact=True),
        "external_id": Attribute(ScimUser.external_id, exact=True),
        "user_name": Attribute(Account.email, equals=lambda text: Account.email_key == (key_of(text) or "")),
        "display_name": Attribute(Account.name),
        "name.formatted": Attribute(func.coalesce(_of_account("name", "formatted"), Account.name)),
        "name.family_name": Attribute(_of_account("name", "familyName")),
        "name.given_name": Attribute(_of_account("name", "givenName")),
        "preferred_language": Attribute(func.coalesce(_of_account("preferredLanguage"), Account.locale)),
        "timezone": Attribute(func.coalesce(_of_account("timezone"), Account.time_zone)),
        "active": Attribute(Account.suspended_at.is_(None), text=False),
        "meta.resource_type": Attribute(literal("User"), exact=True),
        "meta.created": Attribute(Account.created_at, text=False),
        "meta.last_modified": Attribute(Account.updated_at, text=False),
    },
    many={
        "emails": Entries(
            {
                "value": Attribute(Account.email),
                "type": Attribute(literal("work")),
                "primary": Attribute(true(), text=False),
            },
            lambda condition: condition,
        ),
        "groups": Entries(
            {"value": Attribute(cast(Role.id, Text), exact=True), "display": Attribute(SHOWN_NAME)},
            _in_a_group,
        ),
    },
)
"""Where filters and orders of users find what they name."""

GROUP_COLUMNS = Columns(
    single={
        "id": Attribute(cast(Role.id, Text), exact=True),
        "external_id": Attribute(ScimGroup.external_id, exact=True),
        "display_name": Attribute(SHOWN_NAME),
        "meta.resource_type": Attribute(literal("Group"), exact=True),
        "meta.created": Attribute(ScimGroup.created_at, text=False),
    },
    many={
        "members": Entries(
            {
                "value": Attribute(cast(AccountRole.account_id, Text), exact=True),
                "type": Attribute(literal("User")),
            },
            _has_a_member,
        )
    },
)
"""Where filters and orders of groups find what they name."""

_USERS = select(
    *SHOWN,
    ScimUser.external_id,
    ScimUser.attributes,
    _groups_of(Account.id).label("groups"),
).outerjoin(ScimUser, ScimUser.account_id == Account.id)

_MEMBERS = (
    select(func.jsonb_agg(aggregate_order_by(AccountRole.account_id, AccountRole.account_id)))
    .where(AccountRole.role_id == Role.id)
    .correlate(Role)
    .scalar_subquery()
)


def _groups(*, members: bool) -> Select[Any]:
    return (
        select(
            Role.id,
            Role.name,
            Role.built_in,
            SHOWN_NAME.label("display_name"),
            ScimGroup.external_id,
            ScimGroup.created_at,
            (func.coalesce(_MEMBERS, _NONE) if members else _NONE).label("members"),
        )
        .select_from(Role)
        .outerjoin(ScimGroup, ScimGroup.role_id == Role.id)
        .where(IS_GROUP)
    )


_USER = _USERS.where(Account.id == bindparam("account_id"))
_GROUP = _groups(members=True).where(Role.id == bindparam("role_id"))


async def find_user(db: Database, account_id: UUID) -> RowMapping | None:
    """An account as SCIM shows it."""
    return await db.fetch_one(_USER, {"account_id": account_id})


async def find_user_in(session: AsyncSession, account_id: UUID) -> RowMapping | None:
    """The same within a transaction, which sees what it has written itself."""
    return (await session.execute(_USER, {"account_id": account_id})).mappings().one_or_none()


async def list_users(
    db: Database,
    *,
    condition: Condition,
    order: Sequence[ColumnElement[Any]],
    offset: int,
    limit: int,
) -> tuple[int, Sequence[RowMapping]]:
    """How many accounts fit, and at most `limit` of them."""
    counted = select(func.count()).select_from(Account).outerjoin(ScimUser, ScimUser.account_id == Account.id)
    total: int = await db.fetch_value(counted.where(condition))
    if not limit or offset >= total:
        return total, []
    found = _USERS.where(condition).order_by(*order).offset(offset).limit(limit)
    return total, await db.fetch_all(found)


async def keep_user(
    session: AsyncSession, account_id: UUID, *, external_id: str | None, attributes: dict[str, Any]
) -> None:
    """Stores what a client says of an account."""
    values = {"external_id": external_id, "attributes": attributes}
    statement = postgresql.insert(ScimUser).values(account_id=account_id, **values)
    await session.execute(statement.on_conflict_do_update(index_elements=[ScimUser.account_id], set_=values))


async def find_group(db: Database, role_id: UUID) -> RowMapping | None:
    """A role as SCIM shows it, with the ids of its members."""
    return await db.fetch_one(_GROUP, {"role_id": role_id})


async def find_group_in(session: AsyncSession, role_id: UUID) -> RowMapping | None:
    """The same within a transaction, which sees what it has written itself."""
    found: RowMapping | None = (await session.execute(_GROUP, {"role_id": role_id})).mappings().one_or_none()
    return found


async def hold_groups(session: AsyncSession) -> None:
    """Makes changes to groups take turns until the transaction ends: names stay the only ones of their kind."""
    await session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('users.scim_groups', 0))"))


async def list_groups(
    db: Database,
    *,
    condition: Condition,
    order: Sequence[ColumnElement[Any]],
    offset: int,
    limit: int,
    members: bool,
) -> tuple[int, Sequence[RowMapping]]:
    """How many roles fit, and at most `limit` of them; without their members where nobody wants to see them."""
    counted = select(func.count()).select_from(Role).outerjoin(ScimGroup, ScimGroup.role_id == Role.id)
    total: int = await db.fetch_value(counted.where(IS_GROUP, condition))
    if not limit or offset >= total:
        return total, []
    found = _groups(members=members).where(condition).order_by(*order).offset(offset).limit(limit)
    return total, await db.fetch_all(found)


async def name_is_taken(session: AsyncSession, display_name: str, *, but: UUID | None = None) -> bool:
    """Whether another role goes by this name, here or among clients; case does not count."""
    wanted = display_name.lower()
    statement = (
        select(Role.id)
        .outerjoin(ScimGroup, ScimGroup.role_id == Role.id)
        .where(or_(func.lower(Role.name) == wanted, func.lower(ScimGroup.display_name) == wanted))
    )
    if but is not None:
        statement = statement.where(Role.id != but)
    return (await session.execute(statement.limit(1))).scalar_one_or_none() is not None


async def role_names_like(session: AsyncSession, beginning: str) -> set[str]:
    """The names of roles that begin so."""
    statement = select(Role.name).where(Role.name.startswith(beginning, autoescape=True))
    return set((await session.execute(statement)).scalars())


async def id_of_role(session: AsyncSession, name: str) -> UUID:
    """The id of the role of this name."""
    return (await session.execute(select(Role.id).where(Role.name == name))).scalar_one()


async def keep_group(
    session: AsyncSession, role_id: UUID, *, display_name: str | None, external_id: str | None
) -> None:
    """Stores what a client says of a role."""
    values = {"display_name": display_name, "external_id": external_id}
    statement = postgresql.insert(ScimGroup).values(role_id=role_id, **values)
    await session.execute(statement.on_conflict_do_update(index_elements=[ScimGroup.role_id], set_=values))


async def existing_accounts(session: AsyncSession, ids: Collection[UUID]) -> set[UUID]:
    """Which of these accounts there are."""
    return set((await session.execute(select(Account.id).where(Account.id.in_(ids)))).scalars())
