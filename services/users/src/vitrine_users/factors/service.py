"""The rules about authenticator apps and recovery codes: each code once, and few wrong ones in a row."""

from __future__ import annotations

import time
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from vitrine_kit.db import Database
from vitrine_kit.logs import get_logger

from vitrine_users.accounts.guessing import Guesses
from vitrine_users.factors import notices, queries, totp
from vitrine_users.factors.codes import digest_of_code, new_codes
from vitrine_users.factors.errors import (
    CodesExhausted,
    CodesNeedFactor,
    FactorPresent,
    NoSuchFactor,
    WrongCode,
)
from vitrine_users.factors.keys import FactorKeys
from vitrine_users.secrets import seal, unseal

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class UsedStep:
    """A right code, to be used up with `use` in the transaction of what it proves."""

    account_id: UUID
    step: int

    async def use(self, session: AsyncSession) -> None:
        """Uses the code up.

        Raises:
            WrongCode: it, or a later one, was used already.
        """
        if not await queries.use_step(session, self.account_id, self.step):
            log.warning("totp_replayed", account_id=self.account_id)
            raise WrongCode


async def begin_totp(session: AsyncSession, keys: FactorKeys, account_id: UUID) -> bytes:
    """A seed for an app, good once its first code has come; an older one that waits is worth nothing.

    Raises:
        FactorPresent: the account has an app already.
    """
    seed = totp.new_seed()
    if not await queries.put_totp(session, account_id, seal(keys.seeds, seed, _label(account_id))):
        raise FactorPresent
    return seed


async def confirm_totp(
    session: AsyncSession, keys: FactorKeys, account_id: UUID, code: str, *, address: str
) -> None:
    """Makes the app good that shows this code.

    Raises:
        NoSuchFactor: no app waits to be confirmed.
        WrongCode: it shows another.
    """
    found = await queries.find_totp_in(session, account_id)
    if found is None or found["confirmed_at"] is not None:
        raise NoSuchFactor
    seed = unseal(keys.seeds, found["sealed_seed"], _label(account_id))
    step = totp.matching_step(seed, code, now_s=time.time())
    if step is None or not await queries.confirm_totp(session, account_id, found["sealed_seed"], step):
        raise WrongCode
    await notices.tell(
        session,
        account_id,
        action="factor.added",
        template="factor-added",
        address=address,
        details={"kind": "totp"},
        kind="totp",
        label="",
    )
    log.info("factor_added", account_id=account_id, kind="totp")


async def remove_totp(session: AsyncSession, account_id: UUID, *, address: str) -> None:
    """Removes the app; recovery codes that stand in for nothing any more go with it.

    Raises:
        NoSuchFactor: there is none.
    """
    if not await queries.delete_totp(session, account_id):
        raise NoSuchFactor
    await notices.tell(
        session,
        account_id,
        action="factor.removed",
        template="factor-removed",
        address=address,
        details={"kind": "totp"},
        kind="totp",
        label="",
    )
    await drop_idle_codes(session, account_id)
    log.info("factor_removed", account_id=account_id, kind="totp")


async def drop_idle_codes(session: AsyncSession, account_id: UUID) -> None:
    """Removes the recovery codes of an account that has no factor left for them to stand in for."""
    left = await queries.overview_in(session, account_id)
    if left is not None and not left["has_totp"] and not left["passkeys"]:
        await queries.delete_codes(session, account_id)


async def check_totp(
    db: Database, keys: FactorKeys, account_id: UUID, code: str, *, exempt: bool = False
) -> UsedStep:
    """The step of a code, which has been counted as a try; the `exempt` need not wait for what others spoiled.

    Raises:
        CodesExhausted: too many wrong ones in a row: wait first.
        WrongCode: it is wrong, or the account has no app that works.
    """
    found = await queries.take_try(db, account_id, exempt=exempt)
    if isinstance(found, float):
        raise CodesExhausted(found)
    step = None
    if found is not None:
        step = totp.matching_step(unseal(keys.seeds, found, _label(account_id)), code, now_s=time.time())
    if step is None:
        log.info("totp_failed", account_id=account_id)
        raise WrongCode
    return UsedStep(account_id, step)


async def issue_codes(
    session: AsyncSession, keys: FactorKeys, account_id: UUID, *, address: str
) -> list[str]:
    """Ten new recovery codes, shown this once; the ones of before are worth nothing from now on.

    Raises:
        CodesNeedFactor: there is no factor they could stand in for.
    """
    held = await queries.overview_in(session, account_id)
    if held is None or not (held["has_totp"] or held["passkeys"]):
        raise CodesNeedFactor
    codes = new_codes()
    await queries.replace_codes(
        session, account_id, [digest_of_code(keys.codes, account_id, code) for code in codes]
    )
    await notices.tell(
        session,
        account_id,
        action="recovery_codes.issued",
        template="recovery-codes-issued",
        address=address,
        count=len(codes),
    )
    log.info("recovery_codes_issued", account_id=account_id)
    return codes


async def count_recovery_try(guesses: Guesses, account_id: UUID, address: str) -> None:
    """Takes one try at the account's recovery codes; they have a count of their own (rules/security, 10).

    Raises:
        TooManyFailures: wait first.
    """
    await guesses.sign_in(f"recovery:{account_id}", address)


async def use_recovery_code(
    session: AsyncSession, keys: FactorKeys, account_id: UUID, code: str, *, address: str
) -> None:
    """Uses a recovery code up, and tells the account's owner.

    Raises:
        WrongCode: it is unknown or used.
    """
    if not await queries.use_code(session, account_id, digest_of_code(keys.codes, account_id, code)):
        log.info("recovery_code_failed", account_id=account_id)
        raise WrongCode
    held = await queries.overview_in(session, account_id)
    left = held["recovery_codes"] if held is not None else 0
    await notices.tell(
        session,
        account_id,
        action="recovery_codes.used",
        template="recovery-code-used",
        address=address,
        details={"left": left},
        left=left,
    )
    log.info("recovery_code_used", account_id=account_id, left=left)


def _label(account_id: UUID) -> str:
    return f"totp:{account_id}"
