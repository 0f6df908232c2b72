"""The principal of the request being served, and the checks routes make of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from flask import Flask, current_app, g, request

from vitrine_kit.asgi import await_
from vitrine_kit.auth.services import SERVICE_HEADER, ServicePrincipal, ServiceVerifier
from vitrine_kit.auth.tokens import JwksSource, Principal, TokenVerifier
from vitrine_kit.problems import Forbidden, Unauthenticated, Unavailable
from vitrine_kit.settings import ServiceSettings

__all__ = [
    "INTERNAL",
    "PUBLIC",
    "SIGNED_IN",
    "Authenticator",
    "Principal",
    "ServicePrincipal",
    "authenticate",
    "authorize",
    "current_principal",
    "lifespan",
    "register",
    "require",
    "require_service",
    "set_principal",
]

PUBLIC: Final = "public"
"""Anybody; a token that is shown is verified all the same."""
SIGNED_IN: Final = "signed-in"
"""Any valid access token."""
INTERNAL: Final = "internal"
"""Neighbours only, by their service credential."""

EXTENSION = "vitrine_auth"


@dataclass(frozen=True, slots=True)
class Authenticator:
    """What one app verifies with: people's tokens and neighbours' credentials."""

    tokens: TokenVerifier
    services: ServiceVerifier


def register(app: Flask, settings: ServiceSettings, name: str, *, jwks: JwksSource | None = None) -> None:
    """Gives the app its verifiers.

    Args:
        app: the service's app.
        settings: the public address is the issuer of tokens; the neighbours' keys verify services.
        name: the service's own name, the audience of credentials meant for it.
        jwks: where the keys of access tokens come from; from the neighbour `users` by default.
    """

    async def from_users() -> Mapping[str, Any]:
        users = app.extensions["vitrine"].neighbours.get("users")
        if users is None:
            raise Unavailable("There is no users service to ask for keys.")
        response = await users.get("/internal/jwks")
        found: Mapping[str, Any] = response.json() if response.status_code == 200 else {}
        return found

    app.extensions[EXTENSION] = Authenticator(
        tokens=TokenVerifier(jwks or from_users, settings.public_url),
        services=ServiceVerifier.from_settings(settings, name),
    )


@asynccontextmanager
async def lifespan(app: Flask) -> AsyncIterator[None]:
    """Has each worker fetch the keys in the background when it starts."""
    fetching = asyncio.create_task(app.extensions[EXTENSION].tokens.fetch_ahead())
    try:
        yield
    finally:
        fetching.cancel()
        await asyncio.wait([fetching])


def _authenticator() -> Authenticator:
    found: Authenticator = current_app.extensions[EXTENSION]
    return found


def _bearer_token() -> str | None:
    """The token of the Authorization header, None without one; another scheme is refused, never ignored."""
    header = request.headers.get("Authorization")
    if header is None:
        return None
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated("Only bearer tokens are taken here.")
    return token.strip()


async def authenticate() -> Principal | None:
    """The person the request acts for; None without a token, which costs nothing.

    Raises:
        Unauthenticated: a token is shown and not valid: never silently anonymous.
        Unavailable: it cannot be verified right now.
    """
    known: Principal | None = g.get("vitrine_principal")
    if known is not None:
        return known
    token = _bearer_token()
    if token is None:
        return None
    g.vitrine_principal = principal = await _authenticator().tokens.verify(token)
    return principal


def current_principal() -> Principal | None:
    """Like `authenticate`, for code that cannot await: after `authorize` it is a look-up."""
    known: Principal | None = g.get("vitrine_principal")
    if known is not None:
        return known
    token = _bearer_token()
    if token is None:
        return None
    principal = _authenticator().tokens.peek(token)
    if principal is None:
        principal = await_(_authenticator().tokens.verify(token))
    g.vitrine_principal = principal
    return principal


def set_principal(principal: Principal) -> None:
    """Replaces the principal of this request, for a service that knows more than the token says.

    The users service calls it in a `before_request` hook, to take away what was lost since the token was signed.
    """
    g.vitrine_principal = principal


def _demand(principal: Principal | None, permission: str) -> Principal:
    if principal is None:
        raise Unauthenticated("This needs an access token.")
    if permission != SIGNED_IN and permission not in principal.permissions:
        raise Forbidden(f"This needs the permission {permission}.", permission=permission)
    return principal


def require(permission: str) -> Principal:
    """The signed-in person, who has the permission.

    Raises:
        Unauthenticated: nobody is signed in.
        Forbidden: the person has not got the permission.
    """
    return _demand(current_principal(), permission)


def require_service(*names: str) -> ServicePrincipal:
    """The neighbour that sent the request; with `names`, one of them.

    Raises:
        Unauthenticated: no valid service credential.
        Forbidden: another neighbour than the named ones.
    """
    credential = request.headers.get(SERVICE_HEADER)
    if credential is None:
        raise Unauthenticated("This is for neighbouring services only.")
    principal = _authenticator().services.verify(credential)
    if names and principal.name not in names:
        raise Forbidden("This is for another service.")
    return principal


async def authorize(permission: str) -> Principal | ServicePrincipal | None:
    """Lets a request through to a route that asks for `permission`, and says who it is.

    Args:
        permission: PUBLIC, SIGNED_IN, INTERNAL or a permission's name.

    Returns:
        The person; the neighbour for INTERNAL; None for an anonymous reader of a PUBLIC route.

    Raises:
        Unauthenticated, Forbidden, Unavailable: see `authenticate`, `require` and `require_service`.
    """
    if permission == INTERNAL:
        return require_service()
    principal = await authenticate()
    return principal if permission == PUBLIC else _demand(principal, permission)
