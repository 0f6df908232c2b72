"""Whether an account may be used at all: staff can bar one, and its sign-ins count for nothing from then on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import func, update
from sqlalchemy.ext.asyncio import AsyncSession
from vitrine_kit.problems import Forbidden

from vitrine_users.accounts.models import Account

MAY_ACT = (Account.suspended_at.is_(None), Account.erase_after.is_(None))
"""What a statement asks of an account whose sign-ins and tokens count: neither barred, nor on its way out."""


class AccountSuspended(Forbidden):
    """Somebody proved to be the owner of an account that staff has barred."""

    def __init__(self) -> None:
        super().__init__("This account is suspended. Ask the shop.")


def require_not_suspended(account: Mapping[Any, Any]) -> None:
    """Holds that this account may be used by whoever has proved to be its owner.

    Raises:
        AccountSuspended: staff has barred it.
    """
    if account["suspended_at"] is not None:
        raise AccountSuspended


async def set_suspended(session: AsyncSession, account_id: UUID, *, suspended: bool) -> bool:
    """Bars the account or lets it in again; False where it was so already."""
    before = Account.suspended_at.is_(None) if suspended else Account.suspended_at.is_not(None)
    statement = (
        update(Account)
        .where(Account.id == account_id, before)
        .values(
            suspended_at=func.now() if suspended else None,
            version=Account.version + 1,
            updated_at=func.now(),
        )
        .returning(Account.id)
    )
    return (await session.execute(statement)).scalar_one_or_none() is not None
