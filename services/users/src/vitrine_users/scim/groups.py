"""The rules about groups that SCIM clients keep in step: roles, given and taken as elsewhere."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession
from vitrine_kit.db import Database

from vitrine_users.accounts.holders import change_holders
from vitrine_users.audit.log import record
from vitrine_users.roles import custom
from vitrine_users.scim import queries
from vitrine_users.scim.errors import Immutable, InvalidValue, NoSuchResource, Taken, TooMany
from vitrine_users.scim.resources import Group
from vitrine_users.scim.wire import MAX_CHARS

MAX_MEMBERS_AT_ONCE = 500
"""Each writes an entry of the audit log, and a request has five seconds at the most."""
MAX_ROLE_CHARS = 40
_NO_LETTERS = re.compile(r"[^a-z0-9]+")


async def get_group(db: Database, role_id: UUID) -> RowMapping:
    """A role as SCIM shows it.

    Raises:
        NoSuchResource: there is none.
    """
    found = await queries.find_group(db, role_id)
    if found is None:
        raise NoSuchResource
    return found


async def hold_group(session: AsyncSession, role_id: UUID) -> RowMapping:
    """The same, for a change.

    Raises:
        NoSuchResource: there is none.
    """
    await queries.hold_groups(session)
    found = await queries.find_group_in(session, role_id)
    if found is None:
        raise NoSuchResource
    return found


async def create(
    session: AsyncSession, wanted: Group, *, actor: Mapping[Any, Any], address: str
) -> RowMapping:
    """A role of the shop's own that lets nobody do anything yet; its permissions are given in the studio.

    Raises:
        Taken: there is a group of this name.
        InvalidValue: a value is none that can be kept.
    """
    await queries.hold_groups(session)
    display_name = _display_name(wanted)
    if await queries.name_is_taken(session, display_name):
        raise Taken("displayName")
    name = await _role_name(session, display_name)
    await custom.create_role(
        session, name=name, description=display_name[:200], permissions=(), actor=actor, address=address
    )
    role_id = await queries.id_of_role(session, name)
    await queries.keep_group(
        session,
        role_id,
        display_name=None if display_name == name else display_name,
        external_id=wanted.external_id,
    )
    await _set_members(session, name, set(), _member_ids(wanted), actor, address)
    return await hold_group(session, role_id)


async def change(
    session: AsyncSession,
    row: RowMapping,
    after: Group,
    *,
    actor: Mapping[Any, Any],
    address: str,
) -> RowMapping:
    """Makes a held role what a client wants it to be.

    Raises:
        Immutable: a role that every shop has was to be called something else.
        Taken: another group has the name.
        InvalidValue: a value is none that can be kept.
        TooMuchPower: the role gives more than the actor may do.
        AddressUnverified: a new member's address is not known to be theirs.
        LastOwner: nobody would own the shop.
    """
    display_name = _display_name(after)
    if display_name != row["display_name"]:
        if row["built_in"]:
            raise Immutable("This role comes with Vitrine, and keeps its name.")
        if await queries.name_is_taken(session, display_name, but=row["id"]):
            raise Taken("displayName")
    if (display_name, after.external_id) != (row["display_name"], row["external_id"]):
        await queries.keep_group(
            session,
            row["id"],
            display_name=None if display_name == row["name"] else display_name,
            external_id=after.external_id,
        )
    before = {UUID(member) for member in row["members"]}
    await _set_members(session, row["name"], before, _member_ids(after), actor, address)
    return await hold_group(session, row["id"])


async def delete(session: AsyncSession, row: RowMapping, *, actor: Mapping[Any, Any], address: str) -> None:
    """Takes a held role from everybody, and deletes it.

    Raises:
        Immutable: every shop has it.
        TooMuchPower: it gives more than the actor may do.
    """
    if row["built_in"]:
        raise Immutable("This role comes with Vitrine, and cannot be deleted.")
    members = {UUID(member) for member in row["members"]}
    await _set_members(session, row["name"], members, set(), actor, address)
    await custom.delete_role(session, row["name"], actor=actor, address=address)


async def _set_members(
    session: AsyncSession,
    role: str,
    before: Collection[UUID],
    after: Collection[UUID],
    actor: Mapping[Any, Any],
    address: str,
) -> None:
    added, removed = set(after) - set(before), set(before) - set(after)
    if len(added) + len(removed) > MAX_MEMBERS_AT_ONCE:
        raise TooMany(MAX_MEMBERS_AT_ONCE)
    if added - await queries.existing_accounts(session, added):
        raise InvalidValue("members", "One of them is no user of this shop.")
    if not added and not removed:
        return
    changed = await change_holders(session, role, added=added, removed=removed, held=actor["permissions"])
    for account_id, (had, has) in changed.items():
        await record(
            session,
            action="account.roles_changed",
            actor_id=actor["id"],
            subject_id=account_id,
            details={"before": had, "after": has, "by": "scim"},
            address=address,
        )


def _member_ids(group: Group) -> set[UUID]:
    found = set()
    for member in group.members or ():
        if member.type is not None and member.type.lower() != "user":
            raise InvalidValue("members", "Only users are members of groups.")
        try:
            found.add(UUID(member.value or ""))
        except ValueError:
            raise InvalidValue("members", "One of them is no user of this shop.") from None
    return found


def _display_name(group: Group) -> str:
    name = " ".join((group.display_name or "").split())
    if not name:
        raise InvalidValue("displayName", "Give the group a name.")
    if len(name) > MAX_CHARS or len(group.external_id or "") > MAX_CHARS:
        raise InvalidValue("displayName", f"Names may have {MAX_CHARS} characters.")
    return name


async def _role_name(session: AsyncSession, display_name: str) -> str:
    """A name for the role of this group: small letters, digits and hyphens, and nobody else's."""
    plain = unicodedata.normalize("NFKD", display_name.casefold()).encode("ascii", "ignore").decode()
    stem = _NO_LETTERS.sub("-", plain).strip("-")[: MAX_ROLE_CHARS - 6].strip("-")
    if not stem or not stem[0].isalpha() or len(stem) < 2:
        stem = f"group-{stem}".strip("-")
    taken = await queries.role_names_like(session, stem)
    number = 1
    while (name := stem if number == 1 else f"{stem}-{number}") in taken:
        number += 1
    return name
