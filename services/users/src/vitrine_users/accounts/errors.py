"""What can go wrong with accounts."""

from __future__ import annotations

from vitrine_kit.problems import (
    Conflict,
    FieldError,
    NotFound,
    TooManyRequests,
    Unauthenticated,
    Unprocessable,
)


class AddressTaken(Conflict):
    """The e-mail address belongs to another account."""

    def __init__(self) -> None:
        message = "There is an account with this e-mail address already."
        super().__init__(message, errors=[FieldError("email", message)])


class AddressUnverified(Conflict):
    """A role for staff is for people whose address is known to be theirs."""

    def __init__(self) -> None:
        message = (
            "This person has not confirmed the e-mail address yet, and can only be a customer until then."
        )
        super().__init__(message, errors=[FieldError("roles", message)])


class BadInput(Unprocessable):
    """A value keeps its type but breaks a rule; names the field and says which."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}", errors=[FieldError(field, message)])


class NoSuchAccount(NotFound):
    """No account has this id."""

    def __init__(self) -> None:
        super().__init__("There is no account with this id.")


class WrongCredentials(Unauthenticated):
    """The address or the password is wrong; which of them is not said."""

    def __init__(self) -> None:
        super().__init__("The e-mail address or the password is wrong.")


class WrongPassword(Unprocessable):
    """Somebody who is signed in confirmed with the wrong password."""

    def __init__(self, field: str) -> None:
        message = "This is not your present password."
        super().__init__(message, errors=[FieldError(field, message)])


class TooManyFailures(TooManyRequests):
    """Too many tries; the account is not locked, the next try only has to wait."""

    def __init__(self, retry_after_s: float) -> None:
        super().__init__(
            "Too many tries in a row. Wait a moment before the next.", retry_after_s=retry_after_s
        )
