"""Every SQL statement about authenticator apps, recovery codes and sign-ins half done."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import (
    RowMapping,
    bindparam,
    case,
    delete,
    exists,
    func,
    insert,
    lambda_stmt,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession
from vitrine_kit.db import Database
from vitrine_kit.ids import new_id

from vitrine_users.accounts.models import Account
from vitrine_users.connections.models import Connection
from vitrine_users.factors.models import PendingSignIn, RecoveryCode, TotpFactor
from vitrine_users.passkeys.models import Passkey

MAX_CODE_FAILURES = 100
"""So many wrong codes in a row end an authenticator (NIST SP 800-63B-4, section 3.2.2)."""
FREE_CODE_FAILURES = 5
"""So many may be wrong before the next has to wait."""
FIRST_CODE_WAIT_S = 30
LONGEST_CODE_WAIT_S = 3600
MAX_TRIES_OF_SIGN_IN = 5

# A lambda is looked up by its code, not by all that the statement consists of, which is much.
_OVERVIEW = lambda_stmt(
    lambda: select(
        Account.password_hash.is_not(None).label("has_password"),
        exists()
        .where(TotpFactor.account_id == Account.id, TotpFactor.confirmed_at.is_not(None))
        .label("has_totp"),
        exists()
        .where(
            TotpFactor.account_id == Account.id,
            TotpFactor.confirmed_at.is_not(None),
            TotpFactor.disabled_at.is_(None),
        )
        .label("totp_works"),
        select(func.count()).where(Passkey.account_id == Account.id).scalar_subquery().label("passkeys"),
        select(func.count())
        .where(RecoveryCode.account_id == Account.id, RecoveryCode.used_at.is_(None))
        .scalar_subquery()
        .label("recovery_codes"),
        select(func.count())
        .where(Connection.account_id == Account.id)
        .scalar_subquery()
        .label("connections"),
    ).where(Account.id == bindparam("account_id")),
    track_bound_values=False,
)

_TOTP = select(
    TotpFactor.sealed_seed, TotpFactor.confirmed_at, TotpFactor.last_used_at, TotpFactor.disabled_at
).where(TotpFactor.account_id == bindparam("account_id"))

# Counted before the code is looked at, in a statement of its own: guesses made at once are all counted.
_TAKE_TRY = text(
    f"""
    UPDATE users.totp_factors
       SET failures = failures + 1,
           disabled_at = CASE WHEN failures + 1 >= {MAX_CODE_FAILURES} THEN clock_timestamp() END,
           retry_at = CASE WHEN failures + 1 >= {FREE_CODE_FAILURES} THEN clock_timestamp() + make_interval(
               secs => least({LONGEST_CODE_WAIT_S}, {FIRST_CODE_WAIT_S}
                             * power(2, least(failures + 1 - {FREE_CODE_FAILURES}, 30)))) END
     WHERE account_id = :account_id AND confirmed_at IS NOT NULL AND disabled_at IS NULL
       AND (:exempt OR retry_at IS NULL OR retry_at <= clock_timestamp())
    RETURNING sealed_seed, failures
    """  # noqa: S608 - our own constants
)
_WAIT = text(
    "SELECT extract(epoch FROM retry_at - clock_timestamp())::float8 AS wait_s FROM users.totp_factors"
    " WHERE account_id = :account_id AND confirmed_at IS NOT NULL AND disabled_at IS NULL"
)


async def overview(db: Database, account_id: UUID) -> RowMapping | None:
    """`has_password`, `has_totp`, `totp_works`; the counts `passkeys`, unused `recovery_codes` and `connections`."""
    return await db.fetch_one(_OVERVIEW, {"account_id": account_id})


async def overview_in(session: AsyncSession, account_id: UUID) -> RowMapping | None:
    """The same within a transaction, which sees what it has written itself."""
    return (await session.execute(_OVERVIEW, {"account_id": account_id})).mappings().one_or_none()


async def find_totp(db: Database, account_id: UUID) -> RowMapping | None:
    """When the account's app was confirmed, last used, and disabled."""
    return await db.fetch_one(_TOTP, {"account_id": account_id})


async def find_totp_in(session: AsyncSession, account_id: UUID) -> RowMapping | None:
    """The same within a transaction, with the sealed seed."""
    return (await session.execute(_TOTP, {"account_id": account_id})).mappings().one_or_none()


async def put_totp(session: AsyncSession, account_id: UUID, sealed_seed: bytes) -> bool:
    """Stores a seed that waits for its first code; False where a confirmed one is in place."""
    unconfirmed = delete(TotpFactor).where(
        TotpFactor.account_id == account_id, TotpFactor.confirmed_at.is_(None)
    )
    await session.execute(unconfirmed)
    present = select(TotpFactor.account_id).where(TotpFactor.account_id == account_id)
    if (await session.execute(present)).first() is not None:
        return False
    await session.execute(insert(TotpFactor).values(account_id=account_id, sealed_seed=sealed_seed))
    return True


async def confirm_totp(session: AsyncSession, account_id: UUID, sealed_seed: bytes, step: int) -> bool:
    """Makes the waiting seed good, its first code used; of several at once, one wins."""
    statement = (
        update(TotpFactor)
        .where(
            TotpFactor.account_id == account_id,
            TotpFactor.sealed_seed == sealed_seed,
            TotpFactor.confirmed_at.is_(None),
        )
        .values(confirmed_at=func.now(), last_step=step, last_used_at=func.now(), failures=0, retry_at=None)
    )
    return (await session.execute(statement.returning(TotpFactor.account_id))).first() is not None


async def take_try(db: Database, account_id: UUID, *, exempt: bool) -> bytes | float | None:
    """Counts one code as wrong, until `use_step` says otherwise: the sealed seed to check it with.

    The seconds to wait where it is too early (never for the `exempt`, whom others' failures do not hold up); None
    where the account has no app that works.
    """
    row = await db.execute_alone(_TAKE_TRY, {"account_id": account_id, "exempt": exempt})
    if row is not None:
        return bytes(row["sealed_seed"])
    row = await db.execute_alone(_WAIT, {"account_id": account_id})
    return None if row is None or row["wait_s"] is None else max(1.0, row["wait_s"])


async def use_step(session: AsyncSession, account_id: UUID, step: int) -> bool:
    """Uses the code of a step up, and ends the count of failures; False where it was used. Of many, one wins."""
    statement = (
        update(TotpFactor)
        .where(
            TotpFactor.account_id == account_id,
            or_(TotpFactor.last_step.is_(None), TotpFactor.last_step < step),
        )
        .values(last_step=step, last_used_at=func.now(), failures=0, retry_at=None, disabled_at=None)
    )
    return (await session.execute(statement.returning(TotpFactor.account_id))).first() is not None


async def delete_totp(session: AsyncSession, account_id: UUID) -> bool:
    """Removes the app, confirmed or not; False where there was none that counts."""
    confirmed = case((TotpFactor.confirmed_at.is_not(None), True), else_=False)
    statement = delete(TotpFactor).where(TotpFactor.account_id == account_id).returning(confirmed)
    return bool((await session.execute(statement)).scalar_one_or_none())


async def replace_codes(session: AsyncSession, account_id: UUID, digests: Sequence[bytes]) -> None:
    """Makes these the account's recovery codes; the ones of before are worth nothing."""
    await delete_codes(session, account_id)
    rows = [{"id": new_id(), "account_id": account_id, "digest": digest} for digest in digests]
    await session.execute(insert(RecoveryCode), rows)


async def delete_codes(session: AsyncSession, account_id: UUID) -> None:
    """Removes the account's recovery codes."""
    await session.execute(delete(RecoveryCode).where(RecoveryCode.account_id == account_id))


async def use_code(session: AsyncSession, account_id: UUID, digest: bytes) -> bool:
    """Uses a recovery code up; False where it is unknown or used. Of many at once, one wins."""
    statement = (
        update(RecoveryCode)
        .where(
            RecoveryCode.account_id == account_id,
            RecoveryCode.digest == digest,
            RecoveryCode.used_at.is_(None),
        )
        .values(used_at=func.now())
    )
    return (await session.execute(statement.returning(RecoveryCode.id))).first() is not None


async def add_pending(
    session: AsyncSession, account_id: UUID, digest: bytes, *, channel: str, proved: str, ttl_s: int
) -> datetime:
    """Stores a sign-in that waits for its second proof, and drops the account's that have ended."""
    ended = delete(PendingSignIn).where(
        PendingSignIn.account_id == account_id, PendingSignIn.expires_at <= func.now()
    )
    await session.execute(ended)
    statement = insert(PendingSignIn).values(
        id=new_id(),
        account_id=account_id,
        secret_digest=digest,
        channel=channel,
        proved=proved,
        expires_at=func.now() + timedelta(seconds=ttl_s),
    )
    return (await session.execute(statement.returning(PendingSignIn.expires_at))).scalar_one()


_LIVING = (PendingSignIn.expires_at > func.now(), PendingSignIn.tries < MAX_TRIES_OF_SIGN_IN)


async def find_pending(db: Database, digest: bytes, channel: str) -> RowMapping | None:
    """The waiting sign-in of this secret, where it was begun on this channel and has not ended."""
    statement = select(PendingSignIn.id, PendingSignIn.account_id, PendingSignIn.proved).where(
        PendingSignIn.secret_digest == digest, PendingSignIn.channel == channel, *_LIVING
    )
    return await db.fetch_one(statement)


async def take_pending_try(db: Database, pending_id: UUID) -> bool:
    """Counts one try at the second proof, in a statement of its own; False after the fifth."""
    statement = (
        update(PendingSignIn)
        .where(PendingSignIn.id == pending_id, *_LIVING)
        .values(tries=PendingSignIn.tries + 1)
        .returning(PendingSignIn.id)
    )
    return await db.execute_alone(statement) is not None


async def finish_pending(session: AsyncSession, pending_id: UUID) -> bool:
    """Ends a waiting sign-in for good; False where that has happened. Of many at once, one wins."""
    statement = delete(PendingSignIn).where(PendingSignIn.id == pending_id).returning(PendingSignIn.id)
    return (await session.execute(statement)).first() is not None


async def purge_pending(session: AsyncSession) -> None:
    """Drops sign-ins whose second proof never came."""
    await session.execute(delete(PendingSignIn).where(PendingSignIn.expires_at <= func.now()))
