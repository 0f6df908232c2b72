"""The rules about leaving: the account ends at once everywhere, and is erased when its time of grace is over."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from vitrine_kit.db import Database
from vitrine_kit.logs import get_logger

from vitrine_users.accounts import queries
from vitrine_users.accounts import service as accounts
from vitrine_users.audit.log import record
from vitrine_users.links import queries as link_queries
from vitrine_users.links import service as links
from vitrine_users.links.service import Purpose
from vitrine_users.mail import outbox
from vitrine_users.mail.outbox import settings_of
from vitrine_users.roles import service as roles
from vitrine_users.roles.errors import LastOwner
from vitrine_users.roles.models import OWNER
from vitrine_users.sessions import queries as sessions
from vitrine_users.tokens import queries as tokens

log = get_logger(__name__)

DAY_S = 86400


async def leave(session: AsyncSession, account_id: UUID, *, from_address: str) -> datetime | None:
    """Ends every sign-in of the account and has it erased after the time of grace, or at once without one.

    Returns:
        When it will be erased; None where it has been.

    Raises:
        LastOwner: nobody would own the shop.
    """
    account = await accounts.hold_account(session, account_id)
    grace_s = settings_of(session).deletion_grace_days * DAY_S
    if grace_s == 0:
        await accounts.erase(session, account)
        await record(
            session,
            action="account.erased",
            actor_id=account_id,
            subject_id=account_id,
            details={"by": "themselves"},
            address=from_address,
        )
        return None
    if OWNER in account["roles"]:
        await roles.require_another_owner(session, account_id)
    erase_after = await queries.schedule_erasure(session, account_id, grace_s=grace_s)
    await sessions.delete_sessions_of(session, account_id)
    await tokens.delete_families_of(session, account_id)
    await link_queries.delete_links_of(session, account_id)
    # No link lives longer than a day; whoever comes later signs in.
    ttl_s = min(grace_s, DAY_S)
    link = await links.make(session, Purpose.CANCEL_DELETION, person_id=account_id, ttl_s=ttl_s)
    await outbox.send(
        session,
        template="deletion-scheduled",
        to=account["email"],
        locale=account["locale"],
        person_id=account_id,
        context={
            "name": account["name"],
            "time_zone": account["time_zone"],
            "erase_at": erase_after,
            "link": link.url,
            "valid_s": ttl_s,
        },
    )
    await record(
        session,
        action="account.deletion_scheduled",
        actor_id=account_id,
        subject_id=account_id,
        details={"grace_s": grace_s},
        address=from_address,
    )
    log.info("deletion_scheduled", account_id=account_id)
    return erase_after


async def stay(session: AsyncSession, secret: str, *, from_address: str) -> None:
    """Calls a deletion off by the link of its mail; signs nobody in.

    Raises:
        LinkSpent: the link is worth nothing.
    """
    held = await links.redeem(session, Purpose.CANCEL_DELETION, secret)
    assert held.person_id is not None, "a link to nobody is never alive"
    await queries.call_off_erasure(session, held.person_id)
    await record(
        session,
        action="account.deletion_called_off",
        actor_id=held.person_id,
        subject_id=held.person_id,
        details={},
        address=from_address,
    )
    log.info("deletion_called_off", account_id=held.person_id)


async def erase_one_due(database: Database) -> bool:
    """Erases one account whose time of grace is over; False where there is none."""
    async with database.transaction() as session:
        account_id = await queries.lock_due_for_erasure(session)
        if account_id is None:
            return False
        account = await accounts.get_account_in(session, account_id)
        try:
            async with session.begin_nested():
                await accounts.erase(session, account)
        except LastOwner:
            # The others who owned the shop left meanwhile. It keeps this one, who can sign in and hand it on.
            await queries.call_off_erasure(session, account_id)
            log.warning("deletion_impossible", account_id=account_id)
            return True
        await record(
            session,
            action="account.erased",
            actor_id=None,
            subject_id=account_id,
            details={"by": "grace"},
            address=None,
        )
    return True
