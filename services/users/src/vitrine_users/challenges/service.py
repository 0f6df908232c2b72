"""The rules about challenges: who has to solve one, and what counts as solved."""

from __future__ import annotations

from vitrine_kit.db import Database
from vitrine_kit.limits import RateLimiter
from vitrine_kit.logs import get_logger

from vitrine_users.challenges import queries
from vitrine_users.challenges.errors import ChallengeRequired
from vitrine_users.challenges.pressure import Pressure, network_of
from vitrine_users.challenges.puzzles import MAX_SOLUTION_CHARS, Purpose, Puzzles, Solved
from vitrine_users.settings import UsersSettings

log = get_logger(__name__)

HEADER = "Challenge-Solution"
MAX_WAITED = 3
"""How many tries of one network may have waited instead of worked, at once; one more each `challenge_wait_s`."""


class Challenges:
    """Asks for work before a form is looked at, while many tries fail; nobody is asked in quiet times.

    Whoever comes with a device the account knows, or with a passkey, is not asked at all: an attack from next door
    costs them nothing.
    """

    def __init__(
        self, database: Database, limiter: RateLimiter, pressure: Pressure, settings: UsersSettings
    ) -> None:
        self._database = database
        self._limiter = limiter
        self._pressure = pressure
        self._puzzles = Puzzles(settings)
        self._wait_s = settings.challenge_wait_s

    async def require(self, purpose: Purpose, address: str, solution: str | None) -> None:
        """Lets a try of this address pass: times are quiet, or `solution` (of the header) is right and fresh.

        Raises:
            ChallengeRequired: with a puzzle.
        """
        if not await self._pressure.is_high(address):
            return
        solved = None
        if solution is not None and len(solution) <= MAX_SOLUTION_CHARS:
            solved = self._puzzles.read(solution, purpose)
        if solved is None:
            raise self._demand(purpose, address)
        if solved.wait_s > 0:
            raise self._demand(purpose, address, again=solved)
        if solved.waited:
            # Time passes for a thousand tickets at once: so only a few of a network count.
            wait_s = await self._limiter.spend(
                f"waited:{network_of(address)}", per_s=1 / self._wait_s, burst=MAX_WAITED
            )
            if wait_s:
                raise self._demand(purpose, address)
        if not await queries.spend(self._database, solved.digest, solved.expires_at):
            raise self._demand(purpose, address)

    def _demand(self, purpose: Purpose, address: str, *, again: Solved | None = None) -> ChallengeRequired:
        challenge = self._puzzles.make(purpose, again=again)
        log.info("challenge_demanded", purpose=purpose, address=address)
        return ChallengeRequired(challenge, retry_after_s=challenge.wait_s)
