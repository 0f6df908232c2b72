"""What the features of one app share, made once at its start: hasher, keys, counters of guesses."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from uuid import UUID

from flask import current_app
from sqlalchemy import RowMapping
from vitrine_kit.db import Database
from vitrine_kit.limits import RateLimiter
from vitrine_kit.outbound import BatchLoader

from vitrine_users.accounts.guessing import Guesses
from vitrine_users.accounts.passwords import PasswordHasher
from vitrine_users.applications.rsa_keys import RsaKeys
from vitrine_users.applications.tokens import ApplicationTokens
from vitrine_users.challenges.pressure import Pressure
from vitrine_users.challenges.service import Challenges
from vitrine_users.connections.providers import Providers
from vitrine_users.connections.service import Visits
from vitrine_users.factors.keys import FactorKeys
from vitrine_users.passkeys.ceremony import RelyingParty
from vitrine_users.sessions.queries import find_accounts_if_alive
from vitrine_users.settings import UsersSettings
from vitrine_users.tokens.keyring import KeyRing
from vitrine_users.tokens.minting import Mint
from vitrine_users.tokens.refresh import RefreshTokens

EXTENSION = "vitrine_users"


@dataclass(frozen=True, slots=True)
class UsersState:
    """What routes and commands of users find at `app.extensions["vitrine_users"]`."""

    settings: UsersSettings
    living: BatchLoader[tuple[UUID, UUID], RowMapping]
    """The accounts whose sign-in, named after them, has not ended: what is asked at once goes out as one statement."""
    hasher: PasswordHasher
    guesses: Guesses
    pressure: Pressure
    challenges: Challenges
    keyring: KeyRing
    mint: Mint
    refresh: RefreshTokens
    factor_keys: FactorKeys
    relying_party: RelyingParty
    providers: Providers
    visits: Visits
    rsa_keys: RsaKeys
    application_tokens: ApplicationTokens
    application_refresh: RefreshTokens

    @classmethod
    def build(cls, settings: UsersSettings, database: Database) -> UsersState:
        """The state of an app with these settings and this database; connects to nothing."""
        keyring = KeyRing(database, settings)
        limiter, pressure = RateLimiter(database), Pressure(database, settings)
        providers = Providers(settings)
        rsa_keys = RsaKeys(database, settings)
        return cls(
            settings=settings,
            living=BatchLoader(partial(find_accounts_if_alive, database), max_batch=100, fresh=True),
            hasher=PasswordHasher(settings),
            guesses=Guesses(database, settings),
            pressure=pressure,
            challenges=Challenges(database, limiter, pressure, settings),
            keyring=keyring,
            mint=Mint(keyring, settings.access_token_ttl_s),
            refresh=RefreshTokens(settings.secret_key.get_secret_value()),
            factor_keys=FactorKeys.derive(settings.secret_key.get_secret_value()),
            relying_party=RelyingParty.of(settings.public_url, settings.shop_name),
            providers=providers,
            visits=Visits(settings, providers),
            rsa_keys=rsa_keys,
            application_tokens=ApplicationTokens(keyring, rsa_keys, settings),
            application_refresh=RefreshTokens(
                settings.secret_key.get_secret_value(), "application-refresh-tokens"
            ),
        )


def current_users() -> UsersState:
    """The state of the current app."""
    state = current_app.extensions[EXTENSION]
    assert isinstance(state, UsersState), "this app was not made by vitrine_users.create_app"
    return state
