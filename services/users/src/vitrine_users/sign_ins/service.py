"""The rules about ending sign-ins, one's own and others'."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from vitrine_kit.logs import get_logger

from vitrine_users.audit.log import record
from vitrine_users.sign_ins import queries
from vitrine_users.sign_ins.errors import NoSuchSignIn

log = get_logger(__name__)


async def end_one(
    session: AsyncSession, account_id: UUID, sign_in_id: UUID, *, actor_id: UUID, address: str
) -> None:
    """Ends a sign-in of the account: its next request is refused.

    Raises:
        NoSuchSignIn: the account has none such.
    """
    if not await queries.delete_sign_in(session, account_id, sign_in_id):
        raise NoSuchSignIn
    await record(
        session,
        action="session.ended",
        actor_id=actor_id,
        subject_id=account_id,
        details={"session_id": sign_in_id, "by": "list"},
        address=address,
    )
    log.info("signed_out", account_id=account_id, session_id=sign_in_id, by="list")
