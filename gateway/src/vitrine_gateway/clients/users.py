"""The gateway's client of users: sessions, registration and a person's own account."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import httpx
from pydantic import TypeAdapter
from vitrine_kit.limits import client_address

from vitrine_gateway.clients.wire import read, require_success

NAME = "users"


class Caller(Protocol):
    """What a client needs of `vitrine_kit.outbound.Neighbour`."""

    async def request(self, method: str, path: str, **options: Any) -> httpx.Response: ...


@dataclass(frozen=True, slots=True)
class Account:
    """A person as users tells of them."""

    id: str
    email: str
    name: str = ""
    roles: tuple[str, ...] = ()
    permissions: frozenset[str] = frozenset()
    has_password: bool = True


@dataclass(frozen=True, slots=True)
class NewSession:
    """A session that has just begun; `session` is the opaque value for the cookie."""

    session: str
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Exchange:
    """A session's short access token and its person; `expires_in` in seconds."""

    access_token: str
    expires_in: float
    user: Account


_ACCOUNT: TypeAdapter[Account] = TypeAdapter(Account)
_NEW_SESSION: TypeAdapter[NewSession] = TypeAdapter(NewSession)
_EXCHANGE: TypeAdapter[Exchange] = TypeAdapter(Exchange)


class UsersClient:
    """Users, over HTTP. Every method raises Unavailable when users does not answer, and the Problem it refuses with."""

    def __init__(self, neighbour: Caller) -> None:
        self._neighbour = neighbour

    async def exchange_session(self, session: str) -> Exchange | None:
        """The session's token and person, or None when it is unknown or has ended."""
        response = await self._neighbour.request(
            "POST", "/internal/sessions/exchange", json={"session": session}, idempotent=True
        )
        if response.status_code in {401, 404, 410, 422}:
            return None
        return read(_EXCHANGE, response, NAME)

    async def begin_session(self, email: str, password: str, *, user_agent: str, address: str) -> NewSession:
        """Signs a person in. Raises Unauthenticated (wrong address or password) or TooManyRequests."""
        body = {"email": email, "password": password, "user_agent": user_agent, "address": address}
        response = await self._neighbour.request("POST", "/internal/sessions", json=body)
        return read(_NEW_SESSION, response, NAME)

    async def redeem_link(self, token: str, *, user_agent: str, address: str) -> NewSession:
        """Signs in by a one-time link. Raises Gone when it was used, has expired or never was."""
        body = {"token": token, "user_agent": user_agent, "address": address}
        response = await self._neighbour.request("POST", "/internal/sign-in-links/redeem", json=body)
        return read(_NEW_SESSION, response, NAME)

    async def end_session(self, session: str) -> None:
        """Ends a session; an unknown one has ended already."""
        response = await self._neighbour.request(
            "POST", "/internal/sessions/end", json={"session": session}, idempotent=True
        )
        require_success(response, NAME)

    async def register(self, email: str, password: str, name: str, *, key: str) -> Account:
        """Makes an account. Raises Conflict (address taken) or Unprocessable (with the field)."""
        body = {"email": email, "password": password, "name": name}
        response = await self._neighbour.request(
            "POST", "/api/users/v1/registrations", json=body, headers={"Idempotency-Key": key, **_visitor()}
        )
        return read(_ACCOUNT, response, NAME)

    async def rename(self, token: str, name: str) -> Account:
        """Changes the person's name."""
        response = await self._neighbour.request(
            "PATCH", "/api/users/v1/me", json={"name": name}, headers=_as(token)
        )
        return read(_ACCOUNT, response, NAME)

    async def set_password(self, token: str, new: str, current: str | None) -> None:
        """Sets the password and ends the person's other sessions; `current` is left out where there was none."""
        body: dict[str, Any] = {"new_password": new, "end_other_sessions": True}
        if current is not None:
            body["current_password"] = current
        response = await self._neighbour.request(
            "POST", "/api/users/v1/me/password", json=body, headers=_as(token)
        )
        require_success(response, NAME)

    async def delete_account(self, token: str, password: str | None) -> None:
        """Erases the person."""
        body = {"password": password} if password else {}
        response = await self._neighbour.request("DELETE", "/api/users/v1/me", json=body, headers=_as(token))
        require_success(response, NAME)


def _as(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}", **_visitor()}


def _visitor() -> dict[str, str]:
    """Whose tries users counts: the visitor's address, not the gateway's."""
    return {"X-Real-IP": client_address()}
