"""What can go wrong with passkeys."""

from __future__ import annotations

from vitrine_kit.problems import Conflict, FieldError, NotFound, Unauthenticated, Unprocessable


class PasskeyRefused(Unauthenticated):
    """The passkey is unknown, or its answer does not hold; which of these is not said."""

    def __init__(self) -> None:
        super().__init__("This passkey could not be verified. Try again, or sign in with your password.")


class PasskeyNotMade(Unprocessable):
    """The browser's answer to a registration does not hold."""

    def __init__(self) -> None:
        message = "The passkey could not be verified. Try again from the start."
        super().__init__(message, errors=[FieldError("credential", message)])


class PasskeyTaken(Conflict):
    """The passkey is on an account already."""

    def __init__(self) -> None:
        super().__init__("This passkey is registered already.")


class TooManyPasskeys(Conflict):
    """The account has as many passkeys as one may have."""

    def __init__(self) -> None:
        super().__init__("An account has twenty passkeys at most. Remove one first.")


class NoSuchPasskey(NotFound):
    """There is no such passkey on this account."""

    def __init__(self) -> None:
        super().__init__("There is no such passkey on your account.")


class PasskeysUnavailable(Conflict):
    """Browsers make no passkeys for the shop's address."""

    def __init__(self) -> None:
        super().__init__("Passkeys need the shop to have a domain name and https (or to be at localhost).")
