"""The settings of sign-in with other issuers: which there are, and how we are known to each."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator
from pydantic_settings import NoDecode
from vitrine_kit.settings import ServiceSettings

Algorithm = Literal[
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"
]
"""What an ID token may be signed with: public-key algorithms only, never `none` nor one with a shared secret."""

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class ProviderSettings(BaseModel):
    """One issuer that people may sign in with."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    slug: str = Field(pattern=r"^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$")
    """Its name in addresses; the redirect address to register with it is <public url>/sign-in/with/<slug>/callback."""
    name: str = Field(min_length=1, max_length=60)
    """Its name on the button."""
    issuer: str = Field(min_length=1, max_length=500)
    """As it calls itself, character by character; its discovery document lies below this address."""
    client_id: str = Field(min_length=1, max_length=500)
    client_secret: SecretStr | None = None
    client_secret_file: Path | None = None
    """A file that holds the secret, in place of `client_secret`. Without either we are a public client."""
    token_endpoint_auth_method: Literal["client_secret_basic", "client_secret_post"] = "client_secret_basic"  # noqa: S105 - a method
    scopes: tuple[str, ...] = ("openid", "email", "profile")
    algorithms: tuple[Algorithm, ...] = Field(
        ("RS256", "PS256", "ES256", "ES384", "EdDSA", "Ed25519"), min_length=1
    )
    vouches_for_email: bool = False
    """Whether all its addresses count as confirmed though it does not say `email_verified`: for an issuer that gives
    out the addresses itself, such as a company's own."""

    @property
    def secret(self) -> str | None:
        """The client secret; None for a public client."""
        return None if self.client_secret is None else self.client_secret.get_secret_value()

    @model_validator(mode="before")
    @classmethod
    def _secret_from_its_file(cls, values: Any) -> Any:
        if not isinstance(values, dict) or not values.get("client_secret_file"):
            return values
        if values.get("client_secret"):
            raise ValueError("give client_secret or client_secret_file, not both")
        text = Path(values["client_secret_file"]).read_text(encoding="utf-8").strip()
        return {**values, "client_secret": text}

    @model_validator(mode="after")
    def _fit_to_be_asked(self) -> Self:
        parts = urlsplit(self.issuer)
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
            raise ValueError(
                "an issuer's address begins with https:// (http:// on this machine's loopback only)"
            )
        if parts.query or parts.fragment or not parts.hostname or parts.username is not None:
            raise ValueError("an issuer's address has a host, and neither query, fragment nor user")
        if "openid" not in self.scopes:
            raise ValueError("the scopes must hold openid")
        if self.secret is not None and not self.secret:
            raise ValueError("the client secret is empty")
        return self


class ConnectionSettings(ServiceSettings):
    """Who people may sign in with, beside their password here.

    Raises:
        pydantic.ValidationError: a provider is malformed, or two have the same slug or issuer.
    """

    oidc_providers: Annotated[tuple[ProviderSettings, ...], NoDecode] = ()
    """A JSON list of providers, in the order of their buttons."""
    oidc_timeout_s: float = Field(3.5, gt=0, le=30)
    """How long all that is asked of a provider for one sign-in may take."""

    @field_validator("oidc_providers", mode="before")
    @classmethod
    def _read_json(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value or "[]")
        except ValueError as error:
            raise ValueError(f"not JSON: {error}") from None

    @field_validator("oidc_providers")
    @classmethod
    def _told_apart(cls, value: tuple[ProviderSettings, ...]) -> tuple[ProviderSettings, ...]:
        for member in ("slug", "issuer"):
            twice = [
                text for text, count in Counter(getattr(one, member) for one in value).items() if count > 1
            ]
            if twice:
                raise ValueError(f"two providers have the {member} {twice[0]}")
        return value
