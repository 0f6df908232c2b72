"""How often somebody may try to prove who they are: shared by all workers, and locking nobody out."""

from __future__ import annotations

from dataclasses import dataclass

from vitrine_kit.limits import RateLimiter

from vitrine_users.accounts.errors import TooManyFailures
from vitrine_users.secrets import derive_key, keyed_digest
from vitrine_users.settings import UsersSettings


@dataclass(frozen=True, slots=True)
class Allowance:
    """So many tries at once, and one more each `wait_s` seconds."""

    burst: int
    wait_s: float


class Guesses:
    """Counts tries before they are made, so that fifty at once are counted fifty times.

    One account tried from one address, the account from anywhere, and the address at any account have an
    allowance each. The first is small, so that no stranger can spend what the owner needs; the second bounds
    who guesses from many addresses; the third who goes through many accounts. Only digests are stored.
    """

    def __init__(self, limiter: RateLimiter, settings: UsersSettings) -> None:
        self._limiter = limiter
        self._key = derive_key(settings.secret_key.get_secret_value(), "rate-limits")
        self._pair = Allowance(settings.sign_in_burst, settings.sign_in_wait_s)
        self._account = Allowance(settings.sign_in_burst * 10, settings.sign_in_wait_s)
        self._address = Allowance(settings.sign_in_burst * 30, 1)
        self._registrations = Allowance(settings.registration_burst, settings.registration_wait_s)

    async def sign_in(self, subject: str, address: str) -> None:
        """Takes one try at an account from an address.

        Raises:
            TooManyFailures: with the seconds to wait.
        """
        await self._take("pair", f"{subject}\n{address}", self._pair)
        await self._take("account", subject, self._account)
        await self.from_address(address)

    async def from_address(self, address: str) -> None:
        """Takes one try of an address at anything at all.

        Raises:
            TooManyFailures: with the seconds to wait.
        """
        await self._take("address", address, self._address)

    async def succeeded(self, subject: str, address: str) -> None:
        """Forgets the failures at this account, now that its owner has come."""
        await self._limiter.forget(self._name("pair", f"{subject}\n{address}"))
        await self._limiter.forget(self._name("account", subject))

    async def registration(self, address: str) -> None:
        """Takes one registration from an address.

        Raises:
            TooManyFailures: with the seconds to wait.
        """
        await self._take("registration", address, self._registrations)

    async def _take(self, kind: str, subject: str, allowance: Allowance) -> None:
        wait_s = await self._limiter.spend(
            self._name(kind, subject), per_s=1 / allowance.wait_s, burst=allowance.burst
        )
        if wait_s:
            raise TooManyFailures(wait_s)

    def _name(self, kind: str, subject: str) -> str:
        return f"{kind}:{keyed_digest(self._key, subject).hex()}"
