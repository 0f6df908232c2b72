"""The settings only users has, beside those of every service; each default is fit for production."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator
from vitrine_kit.settings import ServiceSettings

MIN_ARGON2_MEMORY_KIB = 19456
MIN_ARGON2_PASSES = 2


class UsersSettings(ServiceSettings):
    """What the identity service needs to run.

    Raises:
        pydantic.ValidationError: a setting is missing or malformed, or hashing is too cheap for production.
    """

    access_token_ttl_s: int = Field(600, ge=30, le=600)
    """At most ten minutes (rules/security, 38): a stolen token ends by itself."""
    refresh_token_ttl_s: int = Field(30 * 86400, ge=600, le=90 * 86400)
    """The absolute life of a sign-in by API; rotation does not prolong it."""
    refresh_grace_s: int = Field(10, ge=0, le=60)
    """How long a used refresh token still gets its same successor: a lost answer, or a second tab."""
    browser_session_ttl_s: int = Field(30 * 86400, ge=600, le=30 * 86400)
    sign_in_link_ttl_s: int = Field(1800, ge=60, le=86400)
    argon2_memory_kib: int = Field(MIN_ARGON2_MEMORY_KIB, ge=8)
    argon2_passes: int = Field(MIN_ARGON2_PASSES, ge=1)
    hashing_threads: int = Field(2, ge=1, le=64)
    sign_in_burst: int = Field(10, ge=1)
    """Failed sign-ins to one account from one address before each further one has to wait."""
    sign_in_wait_s: int = Field(30, ge=1, le=3600)
    """The wait that each failure beyond the burst adds."""
    registration_burst: int = Field(60, ge=1)
    """Registrations from one address before each further one has to wait."""
    registration_wait_s: int = Field(10, ge=1, le=3600)

    @model_validator(mode="after")
    def _hashing_is_costly_enough(self) -> Self:
        cheap = self.argon2_memory_kib < MIN_ARGON2_MEMORY_KIB or self.argon2_passes < MIN_ARGON2_PASSES
        if self.environment == "production" and cheap:
            least = f"{MIN_ARGON2_MEMORY_KIB} KiB and {MIN_ARGON2_PASSES} passes"
            raise ValueError(f"argon2 must use at least {least} in production")
        return self
