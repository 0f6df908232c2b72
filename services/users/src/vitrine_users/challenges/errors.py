"""What can go wrong with challenges."""

from __future__ import annotations

from vitrine_kit.problems import TooManyRequests

from vitrine_users.challenges.schemas import ChallengeOut


class ChallengeRequired(TooManyRequests):
    """Many tries fail just now, here or everywhere: the `challenge` is to be solved first, or waited for."""

    slug, title = "challenge-required", "Solve a challenge first"

    def __init__(self, challenge: ChallengeOut, *, retry_after_s: float) -> None:
        super().__init__(
            "Many tries fail just now. Repeat the request with the challenge solved, or after the wait.",
            retry_after_s=retry_after_s,
            challenge=challenge.model_dump(),
        )
