"""How often somebody may try to prove who they are: shared by all workers, and locking nobody out."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import RowMapping
from vitrine_kit.db import Database
from vitrine_kit.limits import RateLimiter
from vitrine_kit.limits.rates import spending_values

from vitrine_users.accounts import attempts
from vitrine_users.accounts.errors import TooManyFailures
from vitrine_users.accounts.waits import GrowingWaits, Patience
from vitrine_users.secrets import derive_key, keyed_digest
from vitrine_users.settings import UsersSettings


@dataclass(frozen=True, slots=True)
class Allowance:
    """So many tries at once, and one more each `wait_s` seconds."""

    burst: int
    wait_s: float


class Guesses:
    """Counts tries before they are made, so that fifty at once are counted fifty times.

    Failures in a row at one account from one address, and at the account from anywhere, bring waits that grow from
    half a minute to an hour. The first comes soon, so that no stranger spends what the owner needs; the second
    bounds who guesses from many addresses. Who goes through many accounts meets the allowance of the address.
    A device the account has signed in with before counts for itself: nobody else's failures keep it out. Only
    digests are stored.
    """

    def __init__(self, database: Database, settings: UsersSettings) -> None:
        self._database = database
        self._limiter = RateLimiter(database)
        self._waits = GrowingWaits(database)
        self._key = derive_key(settings.secret_key.get_secret_value(), "rate-limits")
        longest_s = settings.sign_in_wait_max_s
        self._pair = Patience(settings.sign_in_burst, settings.sign_in_wait_s, longest_s)
        self._account = Patience(settings.sign_in_burst * 10, settings.sign_in_wait_s, longest_s)
        self._address = Allowance(settings.sign_in_burst * 30, 1)
        self._registrations = Allowance(settings.registration_burst, settings.registration_wait_s)
        self._mails = Allowance(settings.mail_burst, settings.mail_wait_s)

    async def sign_in(self, subject: str, address: str, *, device_id: UUID | None = None) -> None:
        """Takes one try at an account from an address, or from a device that the account knows.

        Raises:
            TooManyFailures: with the seconds to wait.
        """
        wait_s = await self._waits.take(*self._tries(subject, address, device_id))
        if wait_s:
            raise TooManyFailures(wait_s)
        if device_id is None:
            await self.from_address(address)

    async def sign_in_to(
        self, subject: str, email_key: str, address: str, *, device_id: UUID | None = None
    ) -> RowMapping:
        """The same, with the credentials of the account that has this key, in one statement.

        `id`, `password_hash` and `has_factor`; None where there is no such account.

        Raises:
            TooManyFailures: with the seconds to wait.
        """
        tries = self._tries(subject, address, device_id)
        allowance = None
        if device_id is None:
            allowed = self._address
            allowance = spending_values(
                self._name("address", address), per_s=1 / allowed.wait_s, burst=allowed.burst
            )
        found = await attempts.begin(self._database, email_key, tries, allowance)
        if found["counted"] < len(tries):
            raise TooManyFailures(await self._waits.left(tries[found["counted"]][0]))
        if not found["allowed"]:
            # Says how long; should it be allowed meanwhile, then that was it.
            await self.from_address(address)
        return found

    def _tries(self, subject: str, address: str, device_id: UUID | None) -> list[tuple[bytes, Patience]]:
        if device_id is not None:
            return [(self._digest("device", f"{subject}\n{device_id}"), self._pair)]
        return [
            (self._digest("pair", f"{subject}\n{address}"), self._pair),
            (self._digest("account", subject), self._account),
        ]

    async def from_address(self, address: str) -> None:
        """Takes one try of an address at anything at all.

        Raises:
            TooManyFailures: with the seconds to wait.
        """
        await self._take("address", address, self._address)

    async def succeeded(self, subject: str, address: str, *, device_id: UUID | None = None) -> None:
        """Forgets the failures at this account, now that its owner has come."""
        await self.forget(self.keys_of(subject, address, device_id=device_id))

    async def forget(self, keys: Collection[bytes]) -> None:
        """The same, by the keys of the failures."""
        await self._waits.forget(*keys)

    def keys_of(self, subject: str, address: str, *, device_id: UUID | None = None) -> list[bytes]:
        """Under which keys the failures at an account are counted that its owner makes good, in their order."""
        names = [("pair", f"{subject}\n{address}"), ("account", subject)]
        if device_id is not None:
            names.append(("device", f"{subject}\n{device_id}"))
        return [self._digest(*name) for name in names]

    async def registration(self, address: str) -> None:
        """Takes one registration from an address.

        Raises:
            TooManyFailures: with the seconds to wait.
        """
        await self._take("registration", address, self._registrations)

    async def mail(self, email_key: str, address: str) -> None:
        """Takes one mail that a stranger at an address may have sent to a mailbox, known or not.

        Raises:
            TooManyFailures: with the seconds to wait.
        """
        await self._take("mail", email_key, self._mails)
        await self._take("mail-from", address, self._registrations)

    async def costly(self, subject: str) -> None:
        """Takes one of the few things that cost us much and that nobody needs often, such as an export.

        Raises:
            TooManyFailures: with the seconds to wait.
        """
        await self._take("costly", subject, self._mails)

    async def _take(self, kind: str, subject: str, allowance: Allowance) -> None:
        wait_s = await self._limiter.spend(
            self._name(kind, subject), per_s=1 / allowance.wait_s, burst=allowance.burst
        )
        if wait_s:
            raise TooManyFailures(wait_s)

    def _name(self, kind: str, subject: str) -> str:
        return f"{kind}:{keyed_digest(self._key, subject).hex()}"

    def _digest(self, kind: str, subject: str) -> bytes:
        return keyed_digest(self._key, f"{kind}\n{subject}")
