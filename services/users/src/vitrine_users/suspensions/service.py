"""The rules about suspending people: nobody bars who may do more, nor the shop's last owner."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from vitrine_kit.logs import get_logger

from vitrine_users.accounts import service as accounts
from vitrine_users.accounts.standing import set_suspended
from vitrine_users.audit.log import record
from vitrine_users.roles import service as roles
from vitrine_users.roles.models import OWNER
from vitrine_users.sessions import queries as sessions
from vitrine_users.tokens import queries as tokens

log = get_logger(__name__)


async def suspend(
    session: AsyncSession, account_id: UUID, *, actor: Mapping[Any, Any], reason: str, address: str
) -> None:
    """Bars the account: every sign-in of it ends, and its personal tokens sleep until it is let in again.

    Raises:
        NoSuchAccount: there is none.
        TooMuchPower: the account may do more than the actor.
        LastOwner: nobody could own the shop.
    """
    account = await accounts.hold_account(session, account_id)
    roles.require_power_over(actor["permissions"], account["permissions"])
    if OWNER in account["roles"]:
        await roles.require_another_owner(session, account_id)
    changed = await set_suspended(session, account_id, suspended=True)
    await _end_sign_ins(session, account_id)
    if changed:
        await _note(session, "account.suspended", account_id, actor, {"reason": reason}, address)


async def unsuspend(
    session: AsyncSession, account_id: UUID, *, actor: Mapping[Any, Any], address: str
) -> None:
    """Lets the account in again; sign-ins that ended stay ended.

    Raises:
        NoSuchAccount: there is none.
        TooMuchPower: the account may do more than the actor.
    """
    account = await accounts.hold_account(session, account_id)
    roles.require_power_over(actor["permissions"], account["permissions"])
    # A sign-in that was being proved while the account was barred may have begun a moment later.
    await _end_sign_ins(session, account_id)
    if await set_suspended(session, account_id, suspended=False):
        await _note(session, "account.unsuspended", account_id, actor, {}, address)


async def _end_sign_ins(session: AsyncSession, account_id: UUID) -> None:
    await sessions.delete_sessions_of(session, account_id)
    await tokens.delete_families_of(session, account_id)


async def _note(
    session: AsyncSession,
    action: str,
    account_id: UUID,
    actor: Mapping[Any, Any],
    details: Mapping[str, Any],
    address: str,
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
