"""What can go wrong with personal access tokens."""

from __future__ import annotations

from collections.abc import Iterable

from vitrine_kit.problems import Conflict, FieldError, Forbidden, NotFound, Unauthenticated, Unprocessable


class TokenRefused(Unauthenticated):
    """The token is unknown, ended, withdrawn or its owner's account barred; which of these is not said."""

    def __init__(self) -> None:
        super().__init__(
            "The personal access token is not valid (any more).",
            headers={"WWW-Authenticate": 'Bearer error="invalid_token"'},
        )


class NotForTokens(Forbidden):
    """What changes an account's own credentials asks for its owner, not for a script of theirs."""

    def __init__(self) -> None:
        super().__init__("A personal access token cannot do this. Sign in yourself.")


class NoSuchToken(NotFound):
    """The person has no token with this id."""

    def __init__(self) -> None:
        super().__init__("There is no token with this id.")


class TooManyTokens(Conflict):
    """The person has as many tokens as one may have."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"There can be {limit} tokens at a time. Withdraw one first.")


class ScopesTooWide(Unprocessable):
    """A token was to do more than its owner may."""

    def __init__(self, names: Iterable[str]) -> None:
        message = f"You may not do this yourself: {', '.join(sorted(names))}."
        super().__init__(message, errors=[FieldError("scopes", message)])
