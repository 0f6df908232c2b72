"""The ways to prove who one is, told apart by what they are worth; each is used up with what it proves."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from vitrine_kit.db import Database

from vitrine_users.accounts import service as accounts
from vitrine_users.accounts.guessing import Guesses
from vitrine_users.accounts.passwords import PasswordHasher
from vitrine_users.devices import service as devices
from vitrine_users.factors import notices, service
from vitrine_users.factors.errors import WrongCode
from vitrine_users.factors.keys import FactorKeys
from vitrine_users.passkeys import service as passkeys
from vitrine_users.passkeys.ceremony import RelyingParty
from vitrine_users.passkeys.errors import PasskeyRefused

Method = Literal["password", "totp", "recovery_code", "passkey"]
Use = Callable[[AsyncSession], Awaitable[None]]

_KNOWLEDGE, _POSSESSION = "knowledge", "possession"
KINDS = {
    "password": _KNOWLEDGE,
    "provider": _KNOWLEDGE,
    "totp": _POSSESSION,
    "recovery_code": _POSSESSION,
    "passkey": _POSSESSION,
}
"""What each proof shows. A sign-in by link or by the operator shows neither: mail is no factor. A provider's word
stands where the password would: what else it has asked for is not ours to judge."""


@dataclass(frozen=True, slots=True)
class Given:
    """A proof as somebody sends it; which member counts is said by the method."""

    method: Method
    password: str | None = None
    code: str | None = None
    credential: dict[str, Any] | None = None
    address: str = "unknown"


@dataclass(frozen=True, slots=True)
class Proof:
    """A proof that is right; `use` uses it up in the transaction of what it proves."""

    method: Method
    user_verified: bool
    use: Use


def assurance_after(begun_by: str, before: int, proof: str, *, user_verified: bool) -> int:
    """The assurance of a sign-in begun by one proof, once another has come (NIST SP 800-63B, AAL1 or AAL2)."""
    if user_verified or before == 2:
        return 2
    return 2 if {KINDS.get(begun_by), KINDS.get(proof)} == {_KNOWLEDGE, _POSSESSION} else 1


def method_after(begun_by: str, proof: str) -> str:
    """By what a sign-in counts as begun, once another proof has come: one by link takes the proof's place."""
    return begun_by if begun_by in KINDS else proof


@dataclass(frozen=True, slots=True)
class Prover:
    """Checks proofs against an account."""

    db: Database
    hasher: PasswordHasher
    guesses: Guesses
    keys: FactorKeys
    party: RelyingParty

    async def prove(
        self,
        account_id: UUID,
        given: Given,
        *,
        purpose: passkeys.Purpose,
        device: str | None = None,
    ) -> Proof:
        """The proof, where it is right; every try is counted first, and a wrong one is in the audit log.

        Raises:
            TooManyRequests: wait first.
            WrongPassword, WrongCode, PasskeyRefused: it is wrong.
        """
        try:
            return await self._prove(account_id, given, purpose, device)
        except (WrongCode, PasskeyRefused):
            async with self.db.transaction() as session:
                await notices.note_refusal(
                    session, account_id, action="factor.refused", method=given.method, address=given.address
                )
            raise

    async def _prove(
        self, account_id: UUID, given: Given, purpose: passkeys.Purpose, device: str | None
    ) -> Proof:
        if given.method == "password":
            return await self._password(account_id, given)
        if given.method == "totp":
            known = await devices.find_of(self.db, device, account_id)
            step = await service.check_totp(
                self.db, self.keys, account_id, given.code or "", exempt=known is not None
            )
            return Proof("totp", user_verified=False, use=step.use)
        if given.method == "recovery_code":
            return await self._recovery_code(account_id, given)
        if given.credential is None:
            raise PasskeyRefused
        used = await passkeys.verify(self.db, self.party, given.credential, purpose, account_id)
        return Proof("passkey", user_verified=used.signed.user_verified, use=used.use)

    async def _password(self, account_id: UUID, given: Given) -> Proof:
        proved = await accounts.confirm_password(
            self.db,
            self.hasher,
            self.guesses,
            account_id=account_id,
            password=given.password or "",
            field="password",
            address=given.address,
        )

        async def use(session: AsyncSession) -> None:
            await accounts.require_same_password(session, account_id, proved["password_hash"])

        return Proof("password", user_verified=False, use=use)

    async def _recovery_code(self, account_id: UUID, given: Given) -> Proof:
        await service.count_recovery_try(self.guesses, account_id, given.address)
        if not given.code:
            raise WrongCode

        async def use(session: AsyncSession) -> None:
            await service.use_recovery_code(
                session, self.keys, account_id, given.code or "", address=given.address
            )

        return Proof("recovery_code", user_verified=False, use=use)
