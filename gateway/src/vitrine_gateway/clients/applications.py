"""The gateway's client of users: applications, their requests to sign people in and out, and who was let in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter

from vitrine_gateway.clients.users import NAME, Caller, acting_as
from vitrine_gateway.clients.wire import read, require_success

API = "/api/users/v1"


@dataclass(frozen=True, slots=True)
class Scope:
    """Something an application wants to know, and how people are told of it."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Step:
    """What the browser does next: page, redirect, sign-in, confirm, factor or consent."""

    outcome: str
    url: str | None = None
    message: str = ""
    application: str = ""
    scopes: tuple[Scope, ...] = ()


@dataclass(frozen=True, slots=True)
class Logout:
    """Where the browser goes after signing out, and whether the application has shown whom it means."""

    url: str | None = None
    application: str | None = None
    proved: bool = False
    refused: str | None = None


@dataclass(frozen=True, slots=True)
class Application:
    """One of the shop's other sites or programs; its secret is there only when it was just made."""

    id: str
    name: str
    confidential: bool
    redirect_uris: tuple[str, ...]
    created_at: datetime
    logout_uris: tuple[str, ...] = ()
    client_secret: str | None = None


@dataclass(frozen=True, slots=True)
class Allowed:
    """An application that the person has let in."""

    id: str
    name: str
    scopes: tuple[str, ...]
    granted_at: datetime
    texts: tuple[str, ...] = ()
    """What the scopes let it do, in words."""


@dataclass(frozen=True, slots=True)
class _Applications:
    items: tuple[Application, ...]


@dataclass(frozen=True, slots=True)
class _AllAllowed:
    items: tuple[Allowed, ...]


_STEP: TypeAdapter[Step] = TypeAdapter(Step)
_LOGOUT: TypeAdapter[Logout] = TypeAdapter(Logout)
_APPLICATION: TypeAdapter[Application] = TypeAdapter(Application)
_APPLICATIONS: TypeAdapter[_Applications] = TypeAdapter(_Applications)
_ALL_ALLOWED: TypeAdapter[_AllAllowed] = TypeAdapter(_AllAllowed)


class ApplicationsClient:
    """Users, over HTTP. Every method raises Unavailable when users does not answer, and the Problem it refuses with."""

    def __init__(self, neighbour: Caller) -> None:
        self._neighbour = neighbour

    async def authorize(self, query: dict[str, str], session: str | None, **more: Any) -> Step:
        """What a browser with an application's request does next."""
        body = {"query": query, "session": session, **more}
        response = await self._neighbour.request("POST", "/internal/authorizations", json=body)
        return read(_STEP, response, NAME)

    async def log_out(self, query: dict[str, str], session: str | None) -> Logout:
        """What becomes of an application's wish to sign somebody out."""
        body = {"query": query, "session": session}
        response = await self._neighbour.request("POST", "/internal/logouts", json=body)
        return read(_LOGOUT, response, NAME)

    async def applications(self, token: str) -> tuple[Application, ...]:
        """The shop's applications, oldest first."""
        response = await self._neighbour.request("GET", f"{API}/applications", headers=acting_as(token))
        return read(_APPLICATIONS, response, NAME).items

    async def register(self, token: str, **values: Any) -> Application:
        """Registers an application. Raises StepUpNeeded, or Unprocessable with the field."""
        response = await self._neighbour.request(
            "POST", f"{API}/applications", json=values, headers=acting_as(token)
        )
        return read(_APPLICATION, response, NAME)

    async def renew_secret(self, token: str, application_id: str) -> Application:
        """Another secret for an application. Raises StepUpNeeded, NotFound or Conflict."""
        response = await self._neighbour.request(
            "POST", f"{API}/applications/{application_id}/secret", headers=acting_as(token)
        )
        return read(_APPLICATION, response, NAME)

    async def delete(self, token: str, application_id: str) -> None:
        """Deletes an application. Raises StepUpNeeded or NotFound."""
        response = await self._neighbour.request(
            "DELETE", f"{API}/applications/{application_id}", headers=acting_as(token)
        )
        require_success(response, NAME)

    async def allowed(self, token: str) -> tuple[Allowed, ...]:
        """The applications the person has let in."""
        response = await self._neighbour.request("GET", f"{API}/me/applications", headers=acting_as(token))
        return read(_ALL_ALLOWED, response, NAME).items

    async def disallow(self, token: str, application_id: str) -> None:
        """Shuts an application out. Raises NotFound where it was not let in."""
        response = await self._neighbour.request(
            "DELETE", f"{API}/me/applications/{application_id}", headers=acting_as(token)
        )
        require_success(response, NAME)
