"""What can go wrong with second factors.

Problem
├── Forbidden 403: FactorRequired, StepUpRequired
├── Conflict 409: FactorPresent, CodesNeedFactor, ConfirmInBrowser
├── Gone 410: SignInEnded
├── NotFound 404: NoSuchFactor
├── Unprocessable 422: WrongCode, MethodNotOffered
└── TooManyRequests 429: CodesExhausted
"""

from __future__ import annotations

from collections.abc import Sequence

from vitrine_kit.problems import (
    Conflict,
    FieldError,
    Forbidden,
    Gone,
    NotFound,
    TooManyRequests,
    Unprocessable,
)


class FactorRequired(Forbidden):
    """The first proof was right; the second is to be sent with the `challenge`, by one of `methods`."""

    slug, title = "factor-required", "A second proof is needed"

    def __init__(self, challenge: str, methods: Sequence[str], expires_in: int) -> None:
        super().__init__(
            "Send the challenge with a second proof to /api/users/v1/tokens/factors.",
            challenge=challenge,
            methods=list(methods),
            expires_in=expires_in,
        )


class StepUpRequired(Forbidden):
    """This asks for somebody who has proved who they are within the last minutes, by one of `methods`."""

    slug, title = "step-up-required", "Confirm that it is you"

    def __init__(self, methods: Sequence[str]) -> None:
        super().__init__("Prove again who you are, then repeat the request.", methods=list(methods))


class WrongCode(Unprocessable):
    """The code is wrong, used, or too old; which of these is not said."""

    def __init__(self, field: str = "code") -> None:
        message = "This code is not valid (any more). Take the next one."
        super().__init__(message, errors=[FieldError(field, message)])


class CodesExhausted(TooManyRequests):
    """Too many wrong codes in a row; the next has to wait."""

    def __init__(self, retry_after_s: float) -> None:
        super().__init__("Too many wrong codes in a row. Wait before the next.", retry_after_s=retry_after_s)


class SignInEnded(Gone):
    """The sign-in that waited for its second proof is unknown, finished, or too old; which is not said."""

    def __init__(self) -> None:
        super().__init__("This sign-in has ended. Start again with your password.")


class MethodNotOffered(Unprocessable):
    """The second proof is of a kind that this sign-in does not take."""

    def __init__(self) -> None:
        message = "This sign-in does not take a proof of this kind."
        super().__init__(message, errors=[FieldError("method", message)])


class FactorPresent(Conflict):
    """The account has an authenticator app already."""

    def __init__(self) -> None:
        super().__init__("Your account has an authenticator app already. Remove it first.")


class NoSuchFactor(NotFound):
    """There is no such factor on this account."""

    def __init__(self) -> None:
        super().__init__("There is no such factor on your account.")


class CodesNeedFactor(Conflict):
    """Recovery codes stand in for a lost factor; this account has none."""

    def __init__(self) -> None:
        super().__init__("Add an authenticator app or a passkey first: recovery codes stand in for one.")


class ConfirmInBrowser(Conflict):
    """A browser's session is confirmed by the pages, which hold its cookie."""

    def __init__(self) -> None:
        super().__init__("This sign-in belongs to a browser. Confirm it at /account/confirm.")
