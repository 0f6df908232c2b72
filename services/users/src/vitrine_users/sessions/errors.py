"""What can go wrong with sessions and sign-in links."""

from __future__ import annotations

from vitrine_kit.problems import Forbidden, Gone, Unauthenticated


class SessionEnded(Unauthenticated):
    """The session is unknown or has ended; which of these is not said."""

    def __init__(self) -> None:
        super().__init__("This session has ended. Sign in again.")


class LinkUsedUp(Gone):
    """The sign-in link is unknown, used, or too old; which of these is not said."""

    def __init__(self) -> None:
        super().__init__("This sign-in link has been used, or is too old. Ask for a new one.")


class NotWhileImpersonating(Forbidden):
    """An owner who sees the shop as somebody else tried to act as them."""

    def __init__(self) -> None:
        super().__init__("You see the shop as somebody else. Go back to your own account to change anything.")
