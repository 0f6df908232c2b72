"""What can go wrong with invitations."""

from __future__ import annotations

from vitrine_kit.problems import Conflict, FieldError, Gone, NotFound


class NoSuchInvitation(NotFound):
    """No open invitation has this id."""

    def __init__(self) -> None:
        super().__init__("There is no open invitation with this id.")


class InvitationSpent(Gone):
    """The invitation is unknown, taken up, withdrawn or too old; which of these is not said."""

    def __init__(self) -> None:
        super().__init__("This invitation has been used, or is too old. Ask for a new one.")


class HasAccount(Conflict):
    """Somebody was to be invited who has an account."""

    def __init__(self) -> None:
        message = "There is an account with this e-mail address already. Give it the roles."
        super().__init__(message, errors=[FieldError("email", message)])
