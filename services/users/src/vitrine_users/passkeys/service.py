"""The rules about passkeys: one challenge for each ceremony, good once, for one purpose and one account."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession
from vitrine_kit.db import Database
from vitrine_kit.logs import get_logger

from vitrine_users.factors import notices
from vitrine_users.factors import service as factors
from vitrine_users.passkeys import queries
from vitrine_users.passkeys.ceremony import (
    CHALLENGE_LIFE_S,
    BadAnswer,
    KnownKey,
    NewPasskey,
    RelyingParty,
    Signed,
    challenge_in,
    credential_id_in,
    names_another,
    new_challenge,
)
from vitrine_users.passkeys.errors import (
    NoSuchPasskey,
    PasskeyNotMade,
    PasskeyRefused,
    PasskeysUnavailable,
    PasskeyTaken,
    TooManyPasskeys,
)

log = get_logger(__name__)

MAX_PASSKEYS = 20
Purpose = Literal["sign-in", "second-step", "confirm"]


@dataclass(frozen=True, slots=True)
class UsedPasskey:
    """A right answer, to be noted with `use` in the transaction of what it proves."""

    passkey_id: UUID
    account_id: UUID
    has_password: bool
    signed: Signed

    async def use(self, session: AsyncSession) -> None:
        """Notes the use.

        Raises:
            PasskeyRefused: the device's count did not rise: the key may have been copied.
        """
        used = await queries.use_passkey(
            session, self.passkey_id, sign_count=self.signed.sign_count, backed_up=self.signed.backed_up
        )
        if not used:
            log.warning("passkey_count_stale", account_id=self.account_id, passkey_id=self.passkey_id)
            raise PasskeyRefused


async def registration_options(db: Database, party: RelyingParty, account: Any) -> dict[str, Any]:
    """What the browser of this account's owner is asked for, with a fresh challenge.

    Raises:
        PasskeysUnavailable: browsers make none for the shop's address.
    """
    if not party.works:
        raise PasskeysUnavailable
    known = await _known_keys(db, account["id"])
    challenge = await _new_challenge(db, "register", account["id"])
    return party.registration_options(
        challenge, user_id=account["id"], email=account["email"], name=account["name"], known=known
    )


async def authentication_options(
    db: Database, party: RelyingParty, purpose: Purpose, account_id: UUID | None = None
) -> dict[str, Any]:
    """What a browser is asked for, with a fresh challenge; of nobody in particular, any key of the shop."""
    known = [] if account_id is None else await _known_keys(db, account_id)
    challenge = await _new_challenge(db, purpose, account_id)
    return party.authentication_options(challenge, known=known)


async def verify_new(
    db: Database, party: RelyingParty, account_id: UUID, credential: dict[str, Any]
) -> NewPasskey:
    """The passkey that was made for this account.

    Raises:
        PasskeyNotMade: the answer does not hold, or its challenge is used or too old.
    """
    try:
        challenge = challenge_in(credential)
        if not await queries.use_challenge(db, challenge, purpose="register", account_id=account_id):
            raise BadAnswer("the challenge is unknown, used, or too old")
        return await party.registered(credential, challenge)
    except BadAnswer as error:
        log.warning("passkey_not_made", account_id=account_id, reason=str(error))
        raise PasskeyNotMade from error


async def add(
    session: AsyncSession, account_id: UUID, made: NewPasskey, name: str, *, address: str
) -> RowMapping:
    """Stores a passkey that was verified, and tells the account's owner.

    Raises:
        PasskeyTaken: it is on an account already.
        TooManyPasskeys: the account has twenty.
    """
    if await queries.lock_passkeys(session, account_id) >= MAX_PASSKEYS:
        raise TooManyPasskeys
    row = await queries.add_passkey(
        session,
        account_id,
        credential_id=made.credential_id,
        public_key=made.public_key,
        sign_count=made.sign_count,
        name=name,
        transports=made.transports,
        backed_up=made.backed_up,
    )
    if row is None:
        raise PasskeyTaken
    await notices.tell(
        session,
        account_id,
        action="factor.added",
        template="factor-added",
        address=address,
        details={"kind": "passkey", "passkey_id": str(row["id"])},
        kind="passkey",
        label=name,
    )
    log.info("factor_added", account_id=account_id, kind="passkey")
    return row


async def rename(session: AsyncSession, account_id: UUID, passkey_id: UUID, name: str) -> RowMapping:
    """Gives a passkey another name.

    Raises:
        NoSuchPasskey: the account has no such passkey.
    """
    row = await queries.rename_passkey(session, account_id, passkey_id, name)
    if row is None:
        raise NoSuchPasskey
    return row


async def remove(session: AsyncSession, account_id: UUID, passkey_id: UUID, *, address: str) -> None:
    """Removes a passkey, and tells the account's owner.

    Raises:
        NoSuchPasskey: the account has no such passkey.
    """
    name = await queries.delete_passkey(session, account_id, passkey_id)
    if name is None:
        raise NoSuchPasskey
    await notices.tell(
        session,
        account_id,
        action="factor.removed",
        template="factor-removed",
        address=address,
        details={"kind": "passkey", "passkey_id": str(passkey_id)},
        kind="passkey",
        label=name,
    )
    await factors.drop_idle_codes(session, account_id)
    log.info("factor_removed", account_id=account_id, kind="passkey")


async def verify(
    db: Database,
    party: RelyingParty,
    credential: dict[str, Any],
    purpose: Purpose,
    account_id: UUID | None = None,
) -> UsedPasskey:
    """The passkey that signed a challenge of this purpose, which is used up whatever comes of it.

    Raises:
        PasskeyRefused: the key is unknown or another account's, or its answer does not hold.
    """
    try:
        challenge = challenge_in(credential)
        if not await queries.use_challenge(db, challenge, purpose=purpose, account_id=account_id):
            raise BadAnswer("the challenge is unknown, used, or too old")
        key = await queries.find_key(db, credential_id_in(credential))
        if (
            key is None
            or account_id not in {None, key["account_id"]}
            or names_another(credential, key["account_id"])
        ):
            raise BadAnswer("the key is not known here")
        signed = await party.signed(
            credential, challenge, public_key=key["public_key"], sign_count=key["sign_count"]
        )
    except BadAnswer as error:
        log.info("passkey_failed", account_id=account_id, reason=str(error))
        raise PasskeyRefused from error
    return UsedPasskey(key["id"], key["account_id"], key["has_password"], signed)


async def _known_keys(db: Database, account_id: UUID) -> list[KnownKey]:
    rows = await queries.list_passkeys(db, account_id)
    return [KnownKey(row["credential_id"], row["transports"]) for row in rows]


async def _new_challenge(db: Database, purpose: str, account_id: UUID | None) -> bytes:
    challenge = new_challenge()
    async with db.transaction() as session:
        await queries.add_challenge(
            session, challenge, purpose=purpose, account_id=account_id, ttl_s=CHALLENGE_LIFE_S
        )
    return challenge
