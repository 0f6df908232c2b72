"""The gateway's client of users for whatever goes by mail: registering, confirming, resetting, leaving, the outbox."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter

from vitrine_gateway.clients.users import NAME, Caller, acting_as, visitor
from vitrine_gateway.clients.wire import read, require_success

API = "/api/users/v1"
REGISTER_TIMEOUT_S = 4.0
REGISTER_ATTEMPT_S = 2.0
"""Hashing waits for its turn when many register; what is cut off has to be hashed once more."""
EXPORT_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Sent:
    """What is known after a mail was asked for: nothing of its recipient, only whether the shop sends mail at all."""

    delivers: bool = True


@dataclass(frozen=True, slots=True)
class Confirmed:
    """The address that a link has confirmed."""

    email: str


@dataclass(frozen=True, slots=True)
class Departure:
    """When an account will be erased; None where it has been."""

    erase_after: datetime | None = None


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail that waits; `text` only where one was asked for that nobody delivers."""

    id: str
    recipient: str
    subject: str
    created_at: datetime
    template: str = ""
    locale: str = ""
    attempts: int = 0
    last_error: str | None = None
    failed_at: datetime | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class MailPage:
    """Mails, newest first; `next` is the cursor of what follows."""

    items: list[Mail]
    next: str | None = None
    delivers: bool = True


_SENT: TypeAdapter[Sent] = TypeAdapter(Sent)
_CONFIRMED: TypeAdapter[Confirmed] = TypeAdapter(Confirmed)
_DEPARTURE: TypeAdapter[Departure] = TypeAdapter(Departure)
_MAIL: TypeAdapter[Mail] = TypeAdapter(Mail)
_MAIL_PAGE: TypeAdapter[MailPage] = TypeAdapter(MailPage)


class MailboxClient:
    """Users, over HTTP. Every method raises Unavailable when users does not answer, and the Problem it refuses with."""

    def __init__(self, neighbour: Caller) -> None:
        self._neighbour = neighbour

    async def register(
        self,
        email: str,
        password: str,
        name: str,
        locale: str,
        *,
        key: str,
        paid: Mapping[str, str] | None = None,
    ) -> Sent:
        """Asks for an account.

        Raises Forbidden (registration is not open), ChallengeNeeded or Unprocessable (with the field). `paid` is
        the header that shows a challenge solved. A second call with the same key gets the first one's answer.
        """
        response = await self._neighbour.request(
            "POST",
            f"{API}/registrations",
            json={"email": email, "password": password, "name": name, "locale": locale},
            headers={**visitor(), "Idempotency-Key": key, **(paid or {})},
            timeout_s=REGISTER_TIMEOUT_S,
            attempt_timeout_s=REGISTER_ATTEMPT_S,
        )
        return read(_SENT, response, NAME)

    async def send_verification(self, email: str) -> Sent:
        """Has the link that confirms an address mailed once more."""
        return read(_SENT, await self._post("/email-verifications", {"email": email}), NAME)

    async def verify(self, token: str) -> str:
        """Confirms an address by its link; returns it. Raises Gone."""
        found = await self._post("/email-verifications/confirm", {"token": token})
        return read(_CONFIRMED, found, NAME).email

    async def send_reset(self, email: str, *, paid: Mapping[str, str] | None = None) -> Sent:
        """Has a link for another password mailed. Raises ChallengeNeeded unless `paid` shows one solved."""
        found = await self._post("/password-resets", {"email": email}, headers=dict(paid or {}))
        return read(_SENT, found, NAME)

    async def reset(self, token: str, new_password: str) -> None:
        """Sets another password by its link. Raises Gone, or Unprocessable where the password is refused."""
        body = {"token": token, "new_password": new_password}
        require_success(await self._post("/password-resets/confirm", body), NAME)

    async def change_address(self, access_token: str, email: str, password: str | None) -> Sent:
        """Has a link mailed to a new address of the person."""
        body = {"email": email, **({"password": password} if password else {})}
        return read(_SENT, await self._post("/me/address", body, headers=acting_as(access_token)), NAME)

    async def confirm_address(self, token: str) -> str:
        """Makes the new address the account's; returns it. Raises Gone, or Conflict where it was taken meanwhile."""
        found = await self._post("/address-changes/confirm", {"token": token})
        return read(_CONFIRMED, found, NAME).email

    async def leave(self, access_token: str, password: str | None) -> Departure:
        """Has the person's account erased, and ends every session."""
        response = await self._neighbour.request(
            "DELETE",
            f"{API}/me",
            json={"password": password} if password else {},
            headers=acting_as(access_token),
            idempotent=False,  # a second try would come from a session that has ended
        )
        return read(_DEPARTURE, response, NAME)

    async def stay(self, token: str) -> None:
        """Calls a deletion off by its link. Raises Gone."""
        require_success(await self._post("/deletions/cancel", {"token": token}), NAME)

    async def export(self, access_token: str) -> bytes:
        """Everything users holds about the person, as a zip."""
        response = await self._neighbour.request(
            "GET",
            f"{API}/me/export",
            headers=acting_as(access_token),
            timeout_s=EXPORT_TIMEOUT_S,
            idempotent=False,  # users counts them
        )
        require_success(response, NAME)
        return response.content

    async def list_mails(self, access_token: str, *, after: str | None, limit: int) -> MailPage:
        """The mails that wait."""
        query: dict[str, Any] = {"limit": limit, **({"after": after} if after else {})}
        response = await self._neighbour.request(
            "GET", f"{API}/mails", params=query, headers=acting_as(access_token)
        )
        return read(_MAIL_PAGE, response, NAME)

    async def get_mail(self, access_token: str, mail_id: str) -> Mail:
        """One mail. Raises NotFound."""
        response = await self._neighbour.request(
            "GET", f"{API}/mails/{mail_id}", headers=acting_as(access_token)
        )
        return read(_MAIL, response, NAME)

    async def _post(self, path: str, body: dict[str, Any], *, headers: dict[str, str] | None = None) -> Any:
        return await self._neighbour.request(
            "POST", f"{API}{path}", json=body, headers={**visitor(), **(headers or {})}
        )
