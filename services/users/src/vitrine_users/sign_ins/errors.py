"""What can go wrong with the list of sign-ins."""

from __future__ import annotations

from vitrine_kit.problems import NotFound


class NoSuchSignIn(NotFound):
    """The person has no sign-in with this id, or it has ended."""

    def __init__(self) -> None:
        super().__init__("There is no sign-in with this id.")
