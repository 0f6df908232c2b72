"""The rules about people's pictures: what is taken, and what changes with one."""

from __future__ import annotations

from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncSession
from vitrine_kit.asgi import run_blocking
from vitrine_kit.pictures import UnusablePicture, one_at_a_time
from vitrine_kit.problems import FieldError, NotFound, Unprocessable

from vitrine_users.accounts import queries as accounts
from vitrine_users.audit.log import record
from vitrine_users.pictures import queries
from vitrine_users.pictures.portraits import portrait_of


async def drawn(data: bytes) -> bytes:
    """The portrait made of what was sent.

    Raises:
        Unprocessable: it is no picture that can be taken; says why.
    """
    try:
        async with one_at_a_time():
            return await run_blocking(portrait_of, data)
    except UnusablePicture as error:
        raise Unprocessable(str(error), errors=[FieldError("body", str(error))]) from None


async def set_picture(session: AsyncSession, account_id: UUID, portrait: bytes, *, address: str) -> None:
    """Makes it the account's picture."""
    await accounts.touch_account(session, account_id)
    await queries.put_picture(session, account_id, uuid4(), portrait)
    await _note(session, account_id, address)


async def remove_picture(session: AsyncSession, account_id: UUID, *, address: str) -> None:
    """Takes the account's picture away.

    Raises:
        NotFound: it has none.
    """
    if not await queries.delete_picture(session, account_id):
        raise NotFound("Your account has no picture.")
    await accounts.touch_account(session, account_id)
    await _note(session, account_id, address)


async def _note(session: AsyncSession, account_id: UUID, address: str) -> None:
    await record(
        session,
        action="account.changed",
        actor_id=account_id,
        subject_id=account_id,
        details={"changed": ["picture"]},
        address=address,
    )
