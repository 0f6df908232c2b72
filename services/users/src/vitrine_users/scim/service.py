"""The rules about users that SCIM clients keep in step: the same as elsewhere, and nobody goes beyond their rights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from vitrine_kit.db import Database
from vitrine_kit.logs import get_logger

from vitrine_users.accounts import queries as account_queries
from vitrine_users.accounts import service as accounts
from vitrine_users.accounts.addresses import EmailAddress, NotAnAddress, parse_address
from vitrine_users.accounts.errors import AddressTaken
from vitrine_users.accounts.schemas import time_zones
from vitrine_users.audit.log import record
from vitrine_users.links import queries as link_queries
from vitrine_users.mail import outbox
from vitrine_users.mail.rendering import LOCALES
from vitrine_users.roles import service as roles
from vitrine_users.roles.models import CUSTOMER
from vitrine_users.scim import queries
from vitrine_users.scim.errors import InvalidValue, NoSuchResource
from vitrine_users.scim.resources import User
from vitrine_users.scim.wire import attributes_of, name_of
from vitrine_users.sessions import queries as sessions
from vitrine_users.suspensions import service as suspensions

log = get_logger(__name__)

MAX_ADDRESS_CHARS = 320


async def get_user(db: Database, account_id: UUID) -> RowMapping:
    """An account as SCIM shows it.

    Raises:
        NoSuchResource: there is none.
    """
    found = await queries.find_user(db, account_id)
    if found is None:
        raise NoSuchResource
    return found


async def hold_user(session: AsyncSession, account_id: UUID, *, held: Any) -> RowMapping:
    """The same, for a change by somebody who may do `held`.

    Raises:
        NoSuchResource: there is none.
        TooMuchPower: the account may do more.
    """
    await account_queries.lock_account(session, account_id)
    found = await queries.find_user_in(session, account_id)
    if found is None:
        raise NoSuchResource
    roles.require_power_over(held, found["permissions"])
    return found


async def create(
    session: AsyncSession, wanted: User, *, actor: Mapping[Any, Any], address: str
) -> RowMapping:
    """An account without a password, whose address counts as confirmed: the directory vouches for it.

    Raises:
        AddressTaken: another account has the address.
        InvalidValue: a value is none that can be kept.
    """
    email = _address(wanted)
    account = await accounts.create_account(session, email, name_of(wanted, email.text), None, [CUSTOMER])
    account_id: UUID = account["id"]
    await account_queries.confirm_address(session, account_id, email.key)
    await queries.keep_user(
        session, account_id, external_id=wanted.external_id, attributes=attributes_of(wanted)
    )
    if preferences := _preferences(wanted):
        await account_queries.touch_account(session, account_id, **preferences)
    await _note(session, "account.provisioned", account_id, actor, address, verified=True)
    if wanted.active is False:
        await suspensions.suspend(session, account_id, actor=actor, reason="scim", address=address)
    return await _seen(session, account_id)


async def change(
    session: AsyncSession,
    row: RowMapping,
    before: User,
    after: User,
    *,
    actor: Mapping[Any, Any],
    address: str,
) -> RowMapping:
    """Makes a held account what a client wants it to be.

    Raises:
        AddressTaken: another account has the address.
        InvalidValue: a value is none that can be kept.
        LastOwner: nobody could own the shop.
    """
    account_id: UUID = row["id"]
    email = _address(after)
    if email.text != row["email"]:
        await _change_address(session, row, email, actor, address)
    changes = {"name": name_of(after, email.text), **_preferences(after)}
    shown = {name: value for name, value in changes.items() if value != row[name]}
    kept = attributes_of(after)
    if shown or after.external_id != before.external_id or kept != attributes_of(before):
        await queries.keep_user(session, account_id, external_id=after.external_id, attributes=kept)
        await account_queries.touch_account(session, account_id, **shown)
    if shown:
        await _note(session, "account.changed", account_id, actor, address, changed=sorted(shown))
    if after.active is False and before.active:
        await suspensions.suspend(session, account_id, actor=actor, reason="scim", address=address)
    elif after.active and not before.active:
        await suspensions.unsuspend(session, account_id, actor=actor, address=address)
    return await _seen(session, account_id)


async def delete(session: AsyncSession, row: RowMapping, *, actor: Mapping[Any, Any], address: str) -> None:
    """Erases a held account, as staff does.

    Raises:
        LastOwner: nobody would own the shop.
    """
    await accounts.erase(session, row)
    await _note(session, "account.erased", row["id"], actor, address, by="scim")


def _address(user: User) -> EmailAddress:
    text = user.user_name or ""
    if len(text) > MAX_ADDRESS_CHARS:
        raise InvalidValue("userName", "This is too long for an e-mail address.")
    try:
        return parse_address(text)
    except NotAnAddress as error:
        raise InvalidValue("userName", f"This is no e-mail address. {error}") from None


def _preferences(user: User) -> dict[str, str]:
    """The language and the time zone, where they are such as accounts can have."""
    found = {}
    language = (user.preferred_language or "").replace("_", "-").split(",")[0].split("-")[0].strip().lower()
    if language in LOCALES:
        found["locale"] = language
    if user.timezone in time_zones():
        found["time_zone"] = user.timezone or ""
    return found


async def _change_address(
    session: AsyncSession,
    row: RowMapping,
    new: EmailAddress,
    actor: Mapping[Any, Any],
    address: str,
) -> None:
    """Gives the account another address; both are told, and every link that was mailed is dead."""
    account_id: UUID = row["id"]
    try:
        async with session.begin_nested():
            await account_queries.replace_address(session, account_id, new.text, new.key)
    except IntegrityError as error:
        raise AddressTaken from error
    await link_queries.delete_links_of(session, account_id)
    await sessions.delete_sign_in_links_of(session, account_id)
    for to in (row["email"], new.text):
        await outbox.send(
            session,
            template="address-changed",
            to=to,
            locale=row["locale"],
            person_id=account_id,
            context={"name": row["name"], "old_address": row["email"], "new_address": new.text},
        )
    await _note(session, "account.address_changed", account_id, actor, address, by="scim")


async def _seen(session: AsyncSession, account_id: UUID) -> RowMapping:
    found = await queries.find_user_in(session, account_id)
    assert found is not None, "it was written in this transaction"
    return found


async def _note(
    session: AsyncSession,
    action: str,
    account_id: UUID,
    actor: Mapping[Any, Any],
    address: str,
    **details: Any,
) -> None:
    await record(
        session,
        action=action,
        actor_id=actor["id"],
        subject_id=account_id,
        details=details,
        address=address,
    )
    log.info(action.replace(".", "_"), account_id=account_id, actor_id=actor["id"])
