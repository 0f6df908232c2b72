"""What a person is told, and the audit log keeps, of changes to how they sign in."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from vitrine_users.accounts.models import Account
from vitrine_users.audit.log import record
from vitrine_users.mail.outbox import send


async def tell(
    session: AsyncSession,
    account_id: UUID,
    *,
    action: str,
    template: str,
    address: str | None,
    details: dict[str, Any] | None = None,
    **facts: Any,
) -> None:
    """Writes the mail and the audit entry within the transaction of the change itself."""
    statement = select(Account.name, Account.email, Account.locale, Account.time_zone)
    row = (await session.execute(statement.where(Account.id == account_id))).mappings().one()
    await send(
        session,
        template=template,
        to=row["email"],
        locale=row["locale"],
        person_id=account_id,
        context={
            "name": row["name"],
            "time_zone": row["time_zone"],
            "at": datetime.now(UTC),
            "address": address or "",
            **facts,
        },
    )
    await note(session, account_id, action=action, address=address, details=details)


async def note(
    session: AsyncSession,
    account_id: UUID,
    *,
    action: str,
    address: str | None,
    details: dict[str, Any] | None = None,
) -> None:
    """Writes an audit entry of somebody who did this to their own account."""
    await record(
        session,
        action=action,
        actor_id=account_id,
        subject_id=account_id,
        details=details or {},
        address=address,
    )


async def note_refusal(
    session: AsyncSession, account_id: UUID, *, action: str, method: str, address: str | None
) -> None:
    """Writes an audit entry of a wrong proof by nobody knows whom."""
    await record(
        session,
        action=action,
        actor_id=None,
        subject_id=account_id,
        outcome="refused",
        details={"method": method},
        address=address,
    )
