"""The rules about personal access tokens: no more than their owner may do, shown once, and never for ever."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession
from vitrine_kit.db import Database
from vitrine_kit.logs import get_logger

from vitrine_users.accounts import queries as accounts
from vitrine_users.audit import log as audit
from vitrine_users.factors.notices import tell
from vitrine_users.personal_tokens import queries
from vitrine_users.personal_tokens.errors import NoSuchToken, ScopesTooWide, TokenRefused, TooManyTokens
from vitrine_users.personal_tokens.text import is_token, new_token
from vitrine_users.secrets import digest_of

log = get_logger(__name__)

MAX_TOKENS = 50


async def make(
    session: AsyncSession,
    account_id: UUID,
    *,
    name: str,
    scopes: Collection[str],
    held: Collection[str],
    days: int,
    address: str,
) -> tuple[RowMapping, str]:
    """A new token of somebody who may do `held`, and its text, which is shown this once.

    Raises:
        ScopesTooWide: it was to do more than that; names what.
        TooManyTokens: the person has 50.
    """
    if not set(scopes) <= set(held):
        raise ScopesTooWide(set(scopes) - set(held))
    await accounts.lock_account(session, account_id)
    if await queries.count_tokens(session, account_id) >= MAX_TOKENS:
        raise TooManyTokens(MAX_TOKENS)
    text = new_token()
    row = await queries.add_token(
        session, account_id, digest_of(text), name=name, scopes=sorted(set(scopes)), life=timedelta(days=days)
    )
    await tell(
        session,
        account_id,
        action="token.created",
        template="token-created",
        address=address,
        details={"token_id": row["id"], "scopes": row["scopes"], "expires_at": row["expires_at"]},
        label=name,
        scopes=row["scopes"],
        expires_at=row["expires_at"],
    )
    log.info("token_created", account_id=account_id, token_id=row["id"])
    return row, text


async def withdraw(session: AsyncSession, account_id: UUID, token_id: UUID, *, address: str) -> None:
    """Withdraws a token: its next use is refused.

    Raises:
        NoSuchToken: the account has none such.
    """
    if not await queries.delete_token(session, account_id, token_id):
        raise NoSuchToken
    await audit.record(
        session,
        action="token.revoked",
        actor_id=account_id,
        subject_id=account_id,
        details={"token_id": token_id},
        address=address,
    )
    log.info("token_revoked", account_id=account_id, token_id=token_id)


async def prove(db: Database, text: str, *, address: str) -> RowMapping:
    """The living token of this text, with its owner; notes its use, at most once a minute.

    Raises:
        TokenRefused: there is none.
    """
    found = await queries.find_token(db, digest_of(text)) if is_token(text) else None
    if found is None:
        raise TokenRefused
    if found["long_unused"]:
        await queries.note_use(db, found["id"], address)
    return found


def rights_of(token: RowMapping) -> Sequence[str]:
    """What a token may do now: its scopes, as far as its owner may still do them."""
    return sorted(set(token["scopes"]) & set(token["permissions"]))
