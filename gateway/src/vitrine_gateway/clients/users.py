"""The gateway's client of users: sessions, and a person's own account."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any, Protocol

import httpx
from pydantic import TypeAdapter
from vitrine_kit.limits import client_address

from vitrine_gateway.clients.wire import read, require_success

NAME = "users"
PICTURE = "/api/users/v1/me/picture"
PICTURE_TIMEOUT_S = 20.0
"""Decoding takes its time, and pictures wait for each other."""


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
    email_verified: bool = True
    locale: str = "en"
    time_zone: str = "UTC"
    picture_id: str | None = None


@dataclass(frozen=True, slots=True)
class NewSession:
    """A session that has just begun; `session` is the opaque value for the cookie."""

    session: str
    expires_at: datetime | None = None
    device: str | None = None
    """A new value for the device's cookie; None where it keeps the one it has."""
    device_expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class SecondStep:
    """A sign-in whose first proof was right; `methods` says by what it goes on."""

    challenge: str
    methods: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Exchange:
    """A session's short access token and its person; `expires_in` in seconds."""

    access_token: str
    expires_in: float
    user: Account
    factor_missing: bool = False
    """Whether the roles ask for a second proof, and the session has not got it."""
    impersonation: bool = False
    """Whether an owner sees the shop as this person, and can change nothing."""


_ACCOUNT: TypeAdapter[Account] = TypeAdapter(Account)
_NEW_SESSION: TypeAdapter[NewSession] = TypeAdapter(NewSession)
_EXCHANGE: TypeAdapter[Exchange] = TypeAdapter(Exchange)
_SECOND_STEP: TypeAdapter[SecondStep] = TypeAdapter(SecondStep)


def read_begun(response: httpx.Response) -> NewSession | SecondStep:
    """The session that has begun, or the step that is still to come."""
    if response.status_code == HTTPStatus.ACCEPTED:
        return read(_SECOND_STEP, response, NAME)
    return read(_NEW_SESSION, response, NAME)


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

    async def begin_session(
        self,
        email: str,
        password: str,
        *,
        user_agent: str,
        address: str,
        device: str | None = None,
        paid: Mapping[str, str] | None = None,
    ) -> NewSession | SecondStep:
        """Signs a person in. Raises Unauthenticated (wrong address or password), ChallengeNeeded or TooManyRequests.

        `paid` is the header that shows a challenge solved.
        """
        body = {"email": email, "password": password, "user_agent": user_agent, "address": address}
        response = await self._neighbour.request(
            "POST", "/internal/sessions", json={**body, "device": device}, headers=paid
        )
        return read_begun(response)

    async def redeem_link(
        self, token: str, *, user_agent: str, address: str, device: str | None = None
    ) -> NewSession:
        """Signs in by a one-time link. Raises Gone when it was used, has expired or never was."""
        body = {"token": token, "user_agent": user_agent, "address": address, "device": device}
        response = await self._neighbour.request("POST", "/internal/sign-in-links/redeem", json=body)
        return read(_NEW_SESSION, response, NAME)

    async def end_session(self, session: str) -> None:
        """Ends a session; an unknown one has ended already."""
        response = await self._neighbour.request(
            "POST", "/internal/sessions/end", json={"session": session}, idempotent=True
        )
        require_success(response, NAME)

    async def change_profile(self, token: str, **values: str) -> Account:
        """Changes the person's name, locale or time zone."""
        response = await self._neighbour.request(
            "PATCH", "/api/users/v1/me", json=values, headers=acting_as(token)
        )
        return read(_ACCOUNT, response, NAME)

    async def set_picture(self, token: str, data: bytes, kind: str) -> None:
        """Makes it the person's picture. Raises Unprocessable where it is none."""
        headers = acting_as(token) | {"Content-Type": kind}
        response = await self._neighbour.request(
            "PUT",
            PICTURE,
            content=data,
            headers=headers,
            timeout_s=PICTURE_TIMEOUT_S,
            attempt_timeout_s=PICTURE_TIMEOUT_S,
        )
        require_success(response, NAME)

    async def remove_picture(self, token: str) -> None:
        """Takes the person's picture away. Raises NotFound where there is none."""
        response = await self._neighbour.request("DELETE", PICTURE, headers=acting_as(token))
        require_success(response, NAME)

    async def set_password(self, token: str, new: str, current: str | None) -> None:
        """Sets the password and ends the person's other sessions; `current` is left out where there was none."""
        body: dict[str, Any] = {"new_password": new, "end_other_sessions": True}
        if current is not None:
            body["current_password"] = current
        response = await self._neighbour.request(
            "POST", "/api/users/v1/me/password", json=body, headers=acting_as(token)
        )
        require_success(response, NAME)


def acting_as(token: str) -> dict[str, str]:
    """The headers of a request that a visitor makes as the person a token speaks for."""
    return {"Authorization": f"Bearer {token}", **visitor()}


def visitor() -> dict[str, str]:
    """Whose tries users counts: the visitor's address, not the gateway's."""
    return {"X-Real-IP": client_address()}
