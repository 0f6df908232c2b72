"""The rules about impersonation: for an hour, only to look, and never as somebody who may do more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from vitrine_kit.logs import get_logger
from vitrine_kit.problems import Forbidden

from vitrine_users.accounts import service as accounts
from vitrine_users.accounts.standing import require_not_suspended
from vitrine_users.audit.log import record
from vitrine_users.roles import service as roles
from vitrine_users.secrets import digest_of, new_opaque
from vitrine_users.sessions import queries as sessions
from vitrine_users.sessions.service import Begun

log = get_logger(__name__)

PERMISSION = "users:impersonate"
LIFE_S = 3600


class NotAllowed(Forbidden):
    """Somebody tried to see the shop as another without the right to, or as themselves, or twice over."""

    def __init__(self) -> None:
        super().__init__("You cannot see the shop as this person.")


async def begin(
    session: AsyncSession,
    account_id: UUID,
    *,
    owner: Mapping[Any, Any],
    user_agent: str,
    address: str,
) -> Begun:
    """A session of the account in which its owner's rights to read are all there is.

    Args:
        session: the transaction.
        account_id: as whom.
        owner: the impersonator's row, as their sign-in may act.
        user_agent: of the impersonator's browser.
        address: the impersonator's.

    Raises:
        NotAllowed: the impersonator may not, is the same person, or is not there themselves.
        NoSuchAccount: there is no such account.
        TooMuchPower: it may do more than the impersonator.
        AccountSuspended: staff has barred the account.
    """
    allowed = PERMISSION in owner["permissions"] and owner["impersonated_by"] is None
    if not allowed or owner["id"] == account_id:
        raise NotAllowed
    account = await accounts.hold_account(session, account_id)
    roles.require_power_over(owner["permissions"], account["permissions"])
    require_not_suspended(account)
    secret = new_opaque()
    session_id, expires_at = await sessions.add_session(
        session,
        account_id,
        digest_of(secret),
        method="impersonation",
        assurance=1,
        ttl_s=LIFE_S,
        user_agent=user_agent,
        address=address,
        impersonated_by=owner["id"],
    )
    await record(
        session,
        action="session.impersonated",
        actor_id=owner["id"],
        subject_id=account_id,
        details={"session_id": session_id},
        address=address,
    )
    log.warning("impersonation_begun", account_id=account_id, actor_id=owner["id"], session_id=session_id)
    return Begun(session_id, secret, expires_at)
