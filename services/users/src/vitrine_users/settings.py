"""The settings only users has, beside those of every service; each default is fit for production."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from vitrine_users.connections.settings import ConnectionSettings
from vitrine_users.mail.settings import MailSettings

MIN_ARGON2_MEMORY_KIB = 19456
MIN_ARGON2_PASSES = 2


class UsersSettings(MailSettings, ConnectionSettings):
    """What the identity service needs to run.

    Raises:
        pydantic.ValidationError: a setting is missing or malformed, or hashing is too cheap for production.
    """

    access_token_ttl_s: int = Field(600, ge=30, le=600)
    """At most ten minutes (rules/security, 38): a stolen token ends by itself."""
    refresh_token_ttl_s: int = Field(30 * 86400, ge=600, le=30 * 86400)
    """The absolute life of a sign-in by API; rotation does not prolong it."""
    refresh_grace_s: int = Field(10, ge=0, le=60)
    """How long a used refresh token still gets its same successor: a lost answer, or a second tab."""
    browser_session_ttl_s: int = Field(30 * 86400, ge=600, le=30 * 86400)
    sign_in_link_ttl_s: int = Field(1800, ge=60, le=86400)
    require_factor: bool = True
    """Whether owners and admins need a second factor; until they have one, they may only add it."""
    argon2_memory_kib: int = Field(MIN_ARGON2_MEMORY_KIB, ge=8)
    argon2_passes: int = Field(MIN_ARGON2_PASSES, ge=1)
    hashing_threads: int = Field(2, ge=1, le=64)
    sign_in_burst: int = Field(10, ge=1)
    """Failed sign-ins to one account from one address before each further one has to wait."""
    sign_in_wait_s: int = Field(30, ge=1, le=3600)
    """The wait after the last of them; each further failure doubles it."""
    sign_in_wait_max_s: int = Field(3600, ge=1, le=86400)
    """The longest wait that failures bring."""
    challenge_after_network: int = Field(20, ge=0)
    """Failures of one network (/24, or /64 of IPv6) within the window, after which its tries have to solve a challenge
    first; 0 never asks."""
    challenge_after_all: int = Field(500, ge=0)
    """The same for failures from everywhere: then everybody has to."""
    challenge_window_s: int = Field(600, ge=1, le=86400)
    challenge_work: int = Field(200_000, ge=1000, le=10_000_000)
    """The most hashes a challenge takes, on average half as many: well below a second of a desktop computer."""
    challenge_wait_s: int = Field(60, ge=1, le=600)
    """How long waiting takes in place of the work, for browsers without scripts."""
    challenge_life_s: int = Field(900, ge=60, le=3600)
    registration: Literal["open", "invite", "closed"] = "open"
    """Who may make an account: anybody, those who were sent an invitation, or nobody."""
    registration_burst: int = Field(60, ge=1)
    """Registrations from one address before each further one has to wait."""
    registration_wait_s: int = Field(10, ge=1, le=3600)
    mail_burst: int = Field(5, ge=1)
    """Mails that strangers may have sent to one address (register, forgotten password) before they have to wait."""
    mail_wait_s: int = Field(300, ge=1, le=86400)
    verification_link_ttl_s: int = Field(86400, ge=60, le=86400)
    reset_link_ttl_s: int = Field(1800, ge=60, le=86400)
    """Thirty minutes (rules/security, 15): for a forgotten password, and for a change of address."""
    deletion_grace_days: int = Field(7, ge=0, le=90)
    """How long an account that its owner deleted can still be had back; 0 erases it at once."""

    webhook_private_addresses: bool = False
    """Whether webhooks may go to a private network, and without TLS; link-local addresses stay refused."""

    @model_validator(mode="after")
    def _challenges_outlive_the_wait(self) -> Self:
        if self.challenge_life_s <= self.challenge_wait_s:
            raise ValueError("a challenge must live longer than the wait for it")
        return self

    @model_validator(mode="after")
    def _hashing_is_costly_enough(self) -> Self:
        cheap = self.argon2_memory_kib < MIN_ARGON2_MEMORY_KIB or self.argon2_passes < MIN_ARGON2_PASSES
        if self.environment == "production" and cheap:
            least = f"{MIN_ARGON2_MEMORY_KIB} KiB and {MIN_ARGON2_PASSES} passes"
            raise ValueError(f"argon2 must use at least {least} in production")
        return self
