"""What can go wrong with a registration."""

from __future__ import annotations

from vitrine_kit.problems import Forbidden


class RegistrationClosed(Forbidden):
    """Nobody may make an account without an invitation here, or nobody may at all."""

    def __init__(self, *, by_invitation: bool) -> None:
        way = "by invitation only" if by_invitation else "closed"
        super().__init__(
            f"Registration is {way} in this shop.", registration="invite" if by_invitation else "closed"
        )
