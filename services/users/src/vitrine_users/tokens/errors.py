"""What can go wrong with tokens."""

from __future__ import annotations

from vitrine_kit.problems import Unauthenticated


class RefreshRefused(Unauthenticated):
    """The refresh token is unknown, ended, used up or forged; which of these is not said."""

    def __init__(self) -> None:
        super().__init__("The refresh token is not valid (any more). Sign in again.")
