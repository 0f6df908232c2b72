"""What the features of one app share, made once at its start: hasher, keys, counters of guesses."""

from __future__ import annotations

from dataclasses import dataclass

from flask import current_app
from vitrine_kit.db import Database
from vitrine_kit.limits import RateLimiter

from vitrine_users.accounts.guessing import Guesses
from vitrine_users.accounts.passwords import PasswordHasher
from vitrine_users.settings import UsersSettings
from vitrine_users.tokens.keyring import KeyRing
from vitrine_users.tokens.refresh import RefreshTokens

EXTENSION = "vitrine_users"


@dataclass(frozen=True, slots=True)
class UsersState:
    """What routes and commands of users find at `app.extensions["vitrine_users"]`."""

    settings: UsersSettings
    hasher: PasswordHasher
    guesses: Guesses
    keyring: KeyRing
    refresh: RefreshTokens

    @classmethod
    def build(cls, settings: UsersSettings, database: Database) -> UsersState:
        """The state of an app with these settings and this database; connects to nothing."""
        return cls(
            settings=settings,
            hasher=PasswordHasher(settings),
            guesses=Guesses(RateLimiter(database), settings),
            keyring=KeyRing(database, settings),
            refresh=RefreshTokens(settings.secret_key.get_secret_value()),
        )


def current_users() -> UsersState:
    """The state of the current app."""
    state = current_app.extensions[EXTENSION]
    assert isinstance(state, UsersState), "this app was not made by vitrine_users.create_app"
    return state
