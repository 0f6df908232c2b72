"""The gateway's client of users: factors, second steps, proving again who one is, and remembered devices."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter

from vitrine_gateway.clients.users import NAME, Caller, NewSession, SecondStep, acting_as, read_begun
from vitrine_gateway.clients.wire import read, require_success

API = "/api/users/v1"


@dataclass(frozen=True, slots=True)
class Totp:
    """The person's authenticator app; it `works` until too many wrong codes came in a row."""

    added_at: datetime
    last_used_at: datetime | None = None
    works: bool = True


@dataclass(frozen=True, slots=True)
class Passkey:
    """A passkey as its owner sees it."""

    id: str
    name: str
    created_at: datetime
    last_used_at: datetime | None = None
    backed_up: bool = False


@dataclass(frozen=True, slots=True)
class Factors:
    """How the person can prove who they are."""

    has_password: bool = True
    totp: Totp | None = None
    passkeys: tuple[Passkey, ...] = ()
    recovery_codes: int = 0
    required: bool = False
    passkeys_work: bool = True

    @property
    def any(self) -> bool:
        """Whether there is a second factor."""
        return self.totp is not None or bool(self.passkeys)

    @property
    def methods(self) -> tuple[str, ...]:
        """By which proofs the person can say again who they are."""
        offered = {
            "passkey": bool(self.passkeys),
            "totp": self.totp is not None and self.totp.works,
            "password": self.has_password,
            "recovery_code": self.recovery_codes > 0,
        }
        return tuple(name for name, there in offered.items() if there)


@dataclass(frozen=True, slots=True)
class NewApp:
    """A seed for an app: to type, and as a picture to scan."""

    secret: str
    uri: str
    qr_svg: str


@dataclass(frozen=True, slots=True)
class Device:
    """A browser the person has signed in with."""

    id: str
    user_agent: str
    address: str
    last_used_at: datetime
    expires_at: datetime
    trusted: bool = False


@dataclass(frozen=True, slots=True)
class _Devices:
    items: tuple[Device, ...]


@dataclass(frozen=True, slots=True)
class _Codes:
    codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Options:
    public_key: dict[str, Any]


_FACTORS: TypeAdapter[Factors] = TypeAdapter(Factors)
_NEW_APP: TypeAdapter[NewApp] = TypeAdapter(NewApp)
_DEVICES: TypeAdapter[_Devices] = TypeAdapter(_Devices)
_CODES: TypeAdapter[_Codes] = TypeAdapter(_Codes)
_OPTIONS: TypeAdapter[_Options] = TypeAdapter(_Options)
_NEW_SESSION: TypeAdapter[NewSession] = TypeAdapter(NewSession)


class FactorsClient:
    """Users, over HTTP. What changes a factor raises StepUpNeeded once the last proof is five minutes old."""

    def __init__(self, neighbour: Caller) -> None:
        self._neighbour = neighbour

    async def factors(self, token: str) -> Factors:
        """How the person can prove who they are."""
        response = await self._neighbour.request("GET", f"{API}/me/factors", headers=acting_as(token))
        return read(_FACTORS, response, NAME)

    async def devices(self, token: str) -> tuple[Device, ...]:
        """The browsers the person has signed in with, last used first."""
        response = await self._neighbour.request("GET", f"{API}/me/devices", headers=acting_as(token))
        return read(_DEVICES, response, NAME).items

    async def forget_device(self, token: str, device_id: str) -> None:
        """Has a browser asked for everything again."""
        await self._do("DELETE", f"/me/devices/{device_id}", token)

    async def begin_app(self, token: str) -> NewApp:
        """A seed for an authenticator app. Raises Conflict where there is an app."""
        response = await self._neighbour.request("POST", f"{API}/me/totp", headers=acting_as(token))
        return read(_NEW_APP, response, NAME)

    async def confirm_app(self, token: str, code: str, *, end_others: bool) -> None:
        """Makes the app good. Raises Unprocessable for a wrong code."""
        await self._do(
            "POST", "/me/totp/confirm", token, json={"code": code, "end_other_sessions": end_others}
        )

    async def remove_app(self, token: str) -> None:
        """Removes the app."""
        await self._do("DELETE", "/me/totp", token)

    async def issue_codes(self, token: str) -> tuple[str, ...]:
        """New recovery codes, in place of the old. Raises Conflict where there is no factor."""
        response = await self._neighbour.request("POST", f"{API}/me/recovery-codes", headers=acting_as(token))
        return read(_CODES, response, NAME).codes

    async def passkey_creation(self, token: str) -> dict[str, Any]:
        """What the browser makes a passkey by. Raises Conflict where passkeys cannot work."""
        return await self._options(f"{API}/me/passkeys/options", headers=acting_as(token))

    async def add_passkey(
        self, token: str, name: str, credential: dict[str, Any], *, end_others: bool
    ) -> None:
        """Stores a passkey. Raises Unprocessable where it cannot be verified."""
        body = {"name": name, "credential": credential, "end_other_sessions": end_others}
        await self._do("POST", "/me/passkeys", token, json=body)

    async def rename_passkey(self, token: str, passkey_id: str, name: str) -> None:
        """Gives a passkey another name."""
        await self._do("PATCH", f"/me/passkeys/{passkey_id}", token, json={"name": name})

    async def remove_passkey(self, token: str, passkey_id: str) -> None:
        """Removes a passkey."""
        await self._do("DELETE", f"/me/passkeys/{passkey_id}", token)

    async def second_step(
        self, challenge: str, method: str, proof: dict[str, Any], *, trust: bool, **visitor: Any
    ) -> NewSession:
        """Finishes a sign-in. Raises Gone (start again), Unprocessable, Unauthenticated or TooManyRequests."""
        body = {"challenge": challenge, "method": method, **proof, "trust": trust, **visitor}
        response = await self._neighbour.request("POST", "/internal/sessions/second-step", json=body)
        return read(_NEW_SESSION, response, NAME)

    async def second_step_options(self, challenge: str) -> dict[str, Any]:
        """What a passkey of the account has to sign. Raises Gone."""
        return await self._options("/internal/sessions/second-step/passkey", json={"challenge": challenge})

    async def sign_in_options(self, address: str) -> dict[str, Any]:
        """What any passkey of the shop has to sign."""
        return await self._options("/internal/sessions/passkey/options", json={"address": address})

    async def begin_by_passkey(self, credential: dict[str, Any], **visitor: Any) -> NewSession | SecondStep:
        """Signs in by passkey. Raises Unauthenticated."""
        response = await self._neighbour.request(
            "POST", "/internal/sessions/passkey", json={"credential": credential, **visitor}
        )
        return read_begun(response)

    async def confirm(self, session: str, method: str, proof: dict[str, Any], *, address: str) -> NewSession:
        """Proves again who one is; the session goes on under a new secret. Raises as `second_step`."""
        body = {"session": session, "method": method, **proof, "address": address}
        response = await self._neighbour.request("POST", "/internal/sessions/confirm", json=body)
        return read(_NEW_SESSION, response, NAME)

    async def confirm_options(self, session: str) -> dict[str, Any]:
        """What a passkey of the session's account has to sign."""
        return await self._options("/internal/sessions/confirm/passkey", json={"session": session})

    async def renew(self, session: str) -> NewSession:
        """The same session under a new secret: its rights have grown."""
        response = await self._neighbour.request(
            "POST", "/internal/sessions/renew", json={"session": session}
        )
        return read(_NEW_SESSION, response, NAME)

    async def _do(self, method: str, path: str, token: str, **options: Any) -> None:
        response = await self._neighbour.request(method, API + path, headers=acting_as(token), **options)
        require_success(response, NAME)

    async def _options(self, path: str, **options: Any) -> dict[str, Any]:
        response = await self._neighbour.request("POST", path, **options)
        return read(_OPTIONS, response, NAME).public_key
