"""Sign-ins that need a second proof: when they do, what they wait for, and how they are finished."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession
from vitrine_kit.db import Database
from vitrine_kit.logs import get_logger

from vitrine_users.accounts import service as accounts
from vitrine_users.devices.service import KnownDevice
from vitrine_users.factors import queries
from vitrine_users.factors.errors import MethodNotOffered, SignInEnded
from vitrine_users.factors.proofs import Given, Proof, Prover, assurance_after
from vitrine_users.factors.requirement import must_have_factor
from vitrine_users.passkeys.service import UsedPasskey
from vitrine_users.secrets import digest_of, new_opaque
from vitrine_users.settings import UsersSettings

log = get_logger(__name__)

PENDING_LIFE_S = 600
Channel = Literal["browser", "api"]


@dataclass(frozen=True, slots=True)
class Pending:
    """A sign-in that waits for its second proof; the challenge is shown this once."""

    challenge: str
    methods: list[str]
    expires_at: datetime

    @property
    def expires_in(self) -> int:
        """Seconds."""
        return max(0, int((self.expires_at - datetime.now(UTC)).total_seconds()))


@dataclass(frozen=True, slots=True)
class Waiting:
    """The row behind a challenge that was shown."""

    id: UUID
    account_id: UUID
    proved: str
    methods: list[str]


@dataclass(frozen=True, slots=True)
class Second:
    """The second proof of a sign-in, right and not used up yet."""

    waiting: Waiting
    proof: Proof

    @property
    def assurance(self) -> int:
        """What both proofs together are worth."""
        return assurance_after(
            self.waiting.proved, 1, self.proof.method, user_verified=self.proof.user_verified
        )

    async def use(self, session: AsyncSession) -> RowMapping:
        """Uses up the proof and the wait for it, and notes the sign-in: all of it or nothing. The account.

        Raises:
            SignInEnded: somebody else has finished it.
            Problem: the code, or the passkey's answer, was used.
        """
        if not await queries.finish_pending(session, self.waiting.id):
            raise SignInEnded
        await self.proof.use(session)
        return await accounts.note_proved_sign_in(session, self.waiting.account_id)


def methods_after(proved: str, held: Mapping[Any, Any]) -> list[str] | None:
    """By which proofs a sign-in of an account that holds these may go on; None where one proof is enough."""
    if proved == "passkey":
        return ["password"] if held["has_password"] else None
    if not held["has_totp"] and not held["passkeys"]:
        return None
    offered = {
        "passkey": bool(held["passkeys"]),
        "totp": held["totp_works"],
        "recovery_code": held["recovery_codes"] > 0,
    }
    return [name for name, there in offered.items() if there]


async def methods_wanted(
    db: Database, account_id: UUID, proved: str, device: KnownDevice | None, settings: UsersSettings
) -> list[str] | None:
    """The same for an account, whose trusted device is enough where nobody runs the shop with it."""
    held = await queries.overview(db, account_id)
    wanted = None if held is None else methods_after(proved, held)
    if wanted is not None and device is not None and device.trusted and proved in {"password", "provider"}:
        account = await accounts.get_account(db, account_id)
        if not must_have_factor(account, settings):
            return None
    return wanted


async def begin_pending(
    session: AsyncSession, account_id: UUID, *, channel: Channel, proved: str, methods: Sequence[str]
) -> Pending:
    """Starts the wait for a second proof."""
    challenge = new_opaque()
    expires_at = await queries.add_pending(
        session, account_id, digest_of(challenge), channel=channel, proved=proved, ttl_s=PENDING_LIFE_S
    )
    log.info("second_proof_wanted", account_id=account_id, methods=list(methods), by=channel)
    return Pending(challenge, list(methods), expires_at)


async def find_waiting(db: Database, challenge: str, channel: Channel) -> Waiting:
    """The sign-in that waits behind this challenge.

    Raises:
        SignInEnded: it is unknown, finished, too old, of another channel, or was tried too often.
    """
    row = await queries.find_pending(db, digest_of(challenge), channel)
    held = None if row is None else await queries.overview(db, row["account_id"])
    if row is None or held is None:
        raise SignInEnded
    methods = methods_after(row["proved"], held) or []
    return Waiting(row["id"], row["account_id"], row["proved"], methods)


async def prove_second(
    prover: Prover, challenge: str, channel: Channel, given: Given, *, device: str | None = None
) -> Second:
    """The second proof of a waiting sign-in, counted as a try before it is looked at.

    Raises:
        SignInEnded: see `find_waiting`.
        MethodNotOffered: this sign-in takes no proof of this kind.
        Problem: the proof is wrong, or has to wait.
    """
    waiting = await find_waiting(prover.db, challenge, channel)
    if given.method not in waiting.methods:
        raise MethodNotOffered
    if not await queries.take_pending_try(prover.db, waiting.id):
        raise SignInEnded
    proof = await prover.prove(waiting.account_id, given, purpose="second-step", device=device)
    return Second(waiting, proof)


def proved_by_passkey(used: UsedPasskey) -> int:
    """What a passkey is worth by itself: both kinds of proof only where the device knew its owner."""
    return 2 if used.signed.user_verified else 1
