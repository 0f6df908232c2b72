"""The gateway's client of users: sign-ins, access tokens, invitations, people, roles and the audit log."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar
from urllib.parse import parse_qs, quote, urlsplit

from pydantic import TypeAdapter

from vitrine_gateway.clients.users import NAME, Caller, NewSession, acting_as, visitor
from vitrine_gateway.clients.wire import read, require_success

API = "/api/users/v1"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SignIn:
    """One place where a person is signed in."""

    id: str
    kind: str
    current: bool
    created_at: datetime
    seen_at: datetime
    user_agent: str
    address: str
    method: str = ""
    impersonation: bool = False


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A personal access token; `token`, its text, is there only when it was just made."""

    id: str
    name: str
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None = None
    last_address: str | None = None
    token: str | None = None


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """A security event."""

    position: int
    occurred_at: datetime
    action: str
    actor_id: str | None
    subject_id: str | None
    outcome: str
    details: dict[str, Any]
    address: str | None
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Verification:
    """What a check of the audit log has found."""

    intact: bool
    checked: int
    position: int
    broken_at: int | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Someone:
    """An account as staff sees it."""

    id: str
    email: str
    name: str
    roles: tuple[str, ...]
    created_at: datetime
    suspended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Role:
    """A role, what it lets people do, and how many hold it."""

    name: str
    description: str
    permissions: tuple[str, ...]
    built_in: bool
    holders: int = 0


@dataclass(frozen=True, slots=True)
class Permission:
    """Something a role can let people do."""

    name: str
    description: str


@dataclass(frozen=True, slots=True)
class Invited:
    """What whoever holds an invitation may know of it."""

    email: str
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Listed(Generic[T]):
    """A page of a list; `next` is the address of the following one."""

    items: tuple[T, ...]
    next: str | None = None

    @property
    def after(self) -> str | None:
        """The cursor of the following page."""
        return parse_qs(urlsplit(self.next).query).get("after", [None])[0] if self.next else None


_SIGN_INS: TypeAdapter[Listed[SignIn]] = TypeAdapter(Listed[SignIn])
_TOKENS: TypeAdapter[Listed[AccessToken]] = TypeAdapter(Listed[AccessToken])
_TOKEN: TypeAdapter[AccessToken] = TypeAdapter(AccessToken)
_ENTRIES: TypeAdapter[Listed[AuditEntry]] = TypeAdapter(Listed[AuditEntry])
_VERIFICATION: TypeAdapter[Verification] = TypeAdapter(Verification)
_PEOPLE: TypeAdapter[Listed[Someone]] = TypeAdapter(Listed[Someone])
_PERSON: TypeAdapter[Someone] = TypeAdapter(Someone)
_ROLES: TypeAdapter[Listed[Role]] = TypeAdapter(Listed[Role])
_PERMISSIONS: TypeAdapter[Listed[Permission]] = TypeAdapter(Listed[Permission])
_INVITED: TypeAdapter[Invited] = TypeAdapter(Invited)
_BEGUN: TypeAdapter[NewSession] = TypeAdapter(NewSession)


class RightsClient:
    """Users, over HTTP. Every method raises Unavailable when users does not answer, and the Problem it refuses with."""

    def __init__(self, neighbour: Caller) -> None:
        self._neighbour = neighbour

    async def sign_ins(self, token: str) -> tuple[SignIn, ...]:
        """Where the person is signed in, the latest used first."""
        found = read(_SIGN_INS, await self._ask("GET", "/me/sessions", token), NAME)
        return found.items[::-1]

    async def end_sign_in(self, token: str, sign_in_id: str) -> None:
        """Ends one of the person's sign-ins. Raises NotFound when it has ended already."""
        await self._do("DELETE", f"/me/sessions/{sign_in_id}", token)

    async def end_other_sign_ins(self, token: str) -> None:
        """Ends all of the person's sign-ins but this one."""
        await self._do("DELETE", "/me/sessions", token)

    async def tokens(self, token: str) -> tuple[AccessToken, ...]:
        """The person's access tokens, newest first."""
        return read(_TOKENS, await self._ask("GET", "/me/tokens", token), NAME).items

    async def make_token(self, token: str, name: str, scopes: list[str], days: int) -> AccessToken:
        """Makes an access token; its text is in the answer and nowhere else."""
        body = {"name": name, "scopes": scopes, "expires_in_days": days}
        return read(_TOKEN, await self._ask("POST", "/me/tokens", token, json=body), NAME)

    async def withdraw_token(self, token: str, token_id: str) -> None:
        """Ends an access token. Raises NotFound when it has ended already."""
        await self._do("DELETE", f"/me/tokens/{token_id}", token)

    async def audit_entries(self, token: str, query: dict[str, str]) -> Listed[AuditEntry]:
        """A page of the audit log, newest first."""
        return read(_ENTRIES, await self._ask("GET", "/audit", token, params=query), NAME)

    async def verify_audit(self, token: str) -> Verification:
        """Whether the newest entries of the audit log are as they were written."""
        return read(_VERIFICATION, await self._ask("GET", "/audit/verification", token), NAME)

    async def people(self, token: str, query: dict[str, str]) -> Listed[Someone]:
        """A page of accounts, newest first."""
        return read(_PEOPLE, await self._ask("GET", "/users", token, params=query), NAME)

    async def person(self, token: str, person_id: str) -> tuple[Someone, str]:
        """One account, and its version (an ETag). Raises NotFound."""
        answer = await self._ask("GET", f"/users/{person_id}", token)
        return read(_PERSON, answer, NAME), answer.headers.get("ETag", "")

    async def set_roles(self, token: str, person_id: str, roles: list[str], *, version: str) -> None:
        """Makes these the roles of somebody. Raises PreconditionFailed when they were changed since `version`."""
        path, headers = f"{API}/users/{person_id}", acting_as(token) | {"If-Match": version}
        answer = await self._neighbour.request("PATCH", path, headers=headers, json={"roles": roles})
        require_success(answer, NAME)

    async def roles(self, token: str) -> tuple[Role, ...]:
        """All roles, the most powerful first."""
        return read(_ROLES, await self._ask("GET", "/roles", token), NAME).items

    async def permissions(self, token: str) -> tuple[Permission, ...]:
        """Everything a role can let people do."""
        return read(_PERMISSIONS, await self._ask("GET", "/permissions", token), NAME).items

    async def make_role(self, token: str, name: str, description: str, permissions: list[str]) -> None:
        """A new role of the shop's own. Raises Conflict, Forbidden or Unprocessable."""
        body = {"name": name, "description": description, "permissions": permissions}
        await self._do("POST", "/roles", token, json=body)

    async def change_role(self, token: str, name: str, description: str, permissions: list[str]) -> None:
        """Changes one of the shop's own roles."""
        body = {"description": description, "permissions": permissions}
        await self._do("PATCH", f"/roles/{quote(name, safe='')}", token, json=body)

    async def delete_role(self, token: str, name: str) -> None:
        """Deletes one of the shop's own roles. Raises Conflict while somebody holds it."""
        await self._do("DELETE", f"/roles/{quote(name, safe='')}", token)

    async def suspend(self, token: str, person_id: str) -> None:
        """Bars a person."""
        await self._do("PUT", f"/users/{person_id}/suspension", token, json={})

    async def unsuspend(self, token: str, person_id: str) -> None:
        """Lets a person in again."""
        await self._do("DELETE", f"/users/{person_id}/suspension", token)

    async def sign_out(self, token: str, person_id: str) -> None:
        """Ends every sign-in of a person."""
        await self._do("DELETE", f"/users/{person_id}/sessions", token)

    async def invite(self, token: str, email: str, roles: list[str]) -> None:
        """Mails an invitation. Raises Conflict when the address has an account."""
        await self._do("POST", "/invitations", token, json={"email": email, "roles": roles})

    async def invitation(self, secret: str) -> Invited:
        """What an open invitation says. Raises Gone when it is worth nothing."""
        return read(
            _INVITED, await self._ask("POST", "/invitations/lookups", None, json={"token": secret}), NAME
        )

    async def accept(self, secret: str, name: str, password: str) -> None:
        """Takes an invitation up. Raises Gone, Conflict, or Unprocessable (with the field)."""
        body = {"token": secret, "name": name, "password": password}
        await self._do("POST", "/invitations/acceptances", None, json=body)

    async def impersonate(self, session: str, person_id: str, *, user_agent: str, address: str) -> NewSession:
        """A session in which the owner of `session` sees the shop as somebody else. Raises Forbidden."""
        body = {"session": session, "user_id": person_id, "user_agent": user_agent, "address": address}
        response = await self._neighbour.request("POST", "/internal/impersonations", json=body)
        return read(_BEGUN, response, NAME)

    async def _ask(self, method: str, path: str, token: str | None, **options: Any) -> Any:
        headers = acting_as(token) if token is not None else visitor()
        return await self._neighbour.request(method, API + path, headers=headers, **options)

    async def _do(self, method: str, path: str, token: str | None, **options: Any) -> None:
        require_success(await self._ask(method, path, token, **options), NAME)
