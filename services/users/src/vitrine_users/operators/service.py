"""The operator's deeds: factors taken off, waits forgotten; each is in the audit log with no actor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from vitrine_kit.db import Database

from vitrine_users.accounts import queries as accounts
from vitrine_users.accounts.guessing import Guesses
from vitrine_users.accounts.models import Account
from vitrine_users.audit.log import record
from vitrine_users.audit.models import AuditEntry
from vitrine_users.devices.models import RememberedDevice
from vitrine_users.factors.models import RecoveryCode, TotpFactor
from vitrine_users.mail import outbox
from vitrine_users.passkeys.models import Passkey
from vitrine_users.roles.models import AccountRole, Role
from vitrine_users.roles.queries import role_names_of
from vitrine_users.sessions import queries as sessions
from vitrine_users.tokens import queries as tokens

REMEMBERED_FOR = timedelta(days=2)
"""Longer than failures are counted."""


@dataclass(frozen=True, slots=True)
class Reset:
    """What was taken off an account."""

    account_id: str
    passkeys: int
    authenticator_app: bool
    recovery_codes: int
    remembered_devices: int


async def reset_factors(session: AsyncSession, account: Mapping[Any, Any]) -> Reset:
    """Takes every factor but the password off an account, ends its sign-ins, and tells its owner by mail."""
    account_id: UUID = account["id"]
    await accounts.lock_account(session, account_id)
    counts = {}
    for table in (Passkey, TotpFactor, RecoveryCode, RememberedDevice):
        statement = delete(table).where(table.account_id == account_id).returning(table.account_id)
        counts[table] = len((await session.execute(statement)).all())
    await sessions.delete_sessions_of(session, account_id)
    await tokens.delete_families_of(session, account_id)
    found = Reset(
        str(account_id),
        counts[Passkey],
        bool(counts[TotpFactor]),
        counts[RecoveryCode],
        counts[RememberedDevice],
    )
    if counts[Passkey] or counts[TotpFactor]:
        facts = select(Account.name, Account.email, Account.locale, Account.time_zone, func.now().label("at"))
        row = (await session.execute(facts.where(Account.id == account_id))).mappings().one()
        await outbox.send(
            session,
            template="factor-removed",
            to=row["email"],
            locale=row["locale"],
            person_id=account_id,
            context={**row, "kind": "every", "label": ""},
        )
    await record(
        session,
        action="factor.reset",
        actor_id=None,
        subject_id=account_id,
        details={"passkeys": found.passkeys, "authenticator_app": found.authenticator_app, "by": "operator"},
        address=None,
    )
    return found


async def unlock(db: Database, guesses: Guesses, account: Mapping[Any, Any], email_key: str) -> int:
    """Forgets the failures at an account, so that nobody who tries it has to wait; returns from how many addresses.

    Counters bear no names. So the addresses are those that the audit log tells of.
    """
    account_id: UUID = account["id"]
    refused = (
        select(AuditEntry.address)
        .distinct()
        .where(
            AuditEntry.subject_id == account_id,
            AuditEntry.outcome == "refused",
            AuditEntry.address.is_not(None),
            AuditEntry.occurred_at > func.now() - REMEMBERED_FOR,
        )
    )
    addresses = [row["address"] for row in await db.fetch_all(refused)]
    held = select(RememberedDevice.id).where(RememberedDevice.account_id == account_id)
    devices = [row["id"] for row in await db.fetch_all(held)]
    for subject in (email_key, str(account_id), f"recovery:{account_id}"):
        for address in addresses or ["unknown"]:
            await guesses.succeeded(subject, address)
        for device_id in devices:
            await guesses.succeeded(subject, "unknown", device_id=device_id)
    async with db.transaction() as session:
        statement = update(TotpFactor).where(TotpFactor.account_id == account_id)
        await session.execute(statement.values(failures=0, retry_at=None, disabled_at=None))
        await record(
            session,
            action="account.unlocked",
            actor_id=None,
            subject_id=account_id,
            details={"addresses": len(addresses), "by": "operator"},
            address=None,
        )
    return len(addresses)


async def list_people(db: Database, *, role: str | None, limit: int) -> Sequence[RowMapping]:
    """At most `limit` accounts, the oldest first, with what an operator asks about them."""
    statement = (
        select(
            Account.id,
            Account.email,
            Account.name,
            role_names_of(Account.id).label("roles"),
            Account.created_at,
            Account.last_signed_in_at,
            Account.suspended_at,
            Account.email_verified_at,
        )
        .order_by(Account.id)
        .limit(limit)
    )
    if role is not None:
        held = (
            select(AccountRole.account_id).join(Role, Role.id == AccountRole.role_id).where(Role.name == role)
        )
        statement = statement.where(Account.id.in_(held))
    return await db.fetch_all(statement)
