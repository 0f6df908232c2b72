"""The part of the fake users that knows sign-ins, tokens, invitations, people and the audit log."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
from fake_roles import FakeRoles
from fake_service import NOW, answer, body_of, made_id, refusal

Route = tuple[str, str, Callable[..., httpx.Response]]
SECRET = "vitrine_pat_secret"


@dataclass
class FakeRights:
    """What everybody at once has; the last request tells who asked for what."""

    begin: Callable[[str], str]
    accounts: dict[str, dict[str, Any]]
    sign_ins: list[dict[str, Any]] = field(default_factory=list)
    tokens: list[dict[str, Any]] = field(default_factory=list)
    entries: list[dict[str, Any]] = field(default_factory=list)
    broken_at: int | None = None
    nameless: bool = False
    """Whether nobody's name can be had."""
    invitations: dict[str, str] = field(default_factory=dict)
    suspended: set[str] = field(default_factory=set)
    impersonations: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.roles = FakeRoles(self.accounts)

    def routes(self) -> list[Route]:
        api = "/api/users/v1"
        return [
            ("GET", f"{api}/me/sessions", lambda request: answer({"items": self.sign_ins})),
            ("DELETE", f"{api}/me/sessions", self.end_others),
            ("DELETE", f"{api}/me/sessions/(.+)", self.end_one),
            ("GET", f"{api}/me/tokens", lambda request: answer({"items": self.tokens})),
            ("POST", f"{api}/me/tokens", self.make_token),
            ("DELETE", f"{api}/me/tokens/(.+)", self.withdraw),
            ("GET", f"{api}/audit", self.audit),
            ("GET", f"{api}/audit/verification", self.verify),
            ("GET", f"{api}/users", self.people),
            ("POST", "/internal/people", self.names),
            *self.roles.routes(),
            ("PUT", f"{api}/users/(.+)/suspension", self.suspend),
            ("DELETE", f"{api}/users/(.+)/suspension", self.unsuspend),
            ("DELETE", f"{api}/users/(.+)/sessions", lambda request, who: answer(None, 204)),
            ("POST", f"{api}/invitations", self.invite),
            ("POST", f"{api}/invitations/lookups", self.look_up),
            ("POST", f"{api}/invitations/acceptances", self.accept),
            ("POST", "/internal/impersonations", self.impersonate),
        ]

    def add_sign_in(self, name: str, **changes: Any) -> dict[str, Any]:
        made = {
            "id": made_id(name),
            "kind": "browser",
            "current": False,
            "method": "password",
            "assurance": 1,
            "created_at": NOW,
            "seen_at": NOW,
            "expires_at": NOW,
            "user_agent": name,
            "address": "192.0.2.1",
            "impersonation": False,
            **changes,
        }
        self.sign_ins.append(made)
        return made

    def end_others(self, request: httpx.Request) -> httpx.Response:
        self.sign_ins = [one for one in self.sign_ins if one["current"]]
        return answer(None, 204)

    def end_one(self, request: httpx.Request, sign_in_id: str) -> httpx.Response:
        found = [one for one in self.sign_ins if one["id"] == sign_in_id]
        if not found:
            return refusal(404, "There is no sign-in with this id.")
        self.sign_ins.remove(found[0])
        return answer(None, 204)

    def make_token(self, request: httpx.Request) -> httpx.Response:
        body = body_of(request)
        if body["name"] == "too wide":
            return refusal(
                422,
                "You may not do this yourself.",
                [{"field": "scopes", "message": "You may not do this yourself."}],
            )
        made = {
            "id": made_id(body["name"]),
            "name": body["name"],
            "scopes": body["scopes"],
            "created_at": NOW,
            "expires_at": NOW,
            "last_used_at": None,
            "last_address": None,
        }
        self.tokens.append(made)
        return answer({**made, "token": SECRET}, 201)

    def withdraw(self, request: httpx.Request, token_id: str) -> httpx.Response:
        found = [one for one in self.tokens if one["id"] == token_id]
        if not found:
            return refusal(404, "There is no token with this id.")
        self.tokens.remove(found[0])
        return answer(None, 204)

    def audit(self, request: httpx.Request) -> httpx.Response:
        begin, limit = int(request.url.params.get("after", 0)), int(request.url.params["limit"])
        end = begin + limit
        following = f"{request.url.path}?after={end}" if len(self.entries) > end else None
        return answer({"items": self.entries[begin:end], "next": following})

    def verify(self, request: httpx.Request) -> httpx.Response:
        broken = self.broken_at is not None
        reason = "The entry is missing." if broken else None
        found = {
            "intact": not broken,
            "checked": 3,
            "position": 3,
            "digest": "00",
            "broken_at": self.broken_at,
        }
        return answer({**found, "reason": reason})

    def people(self, request: httpx.Request) -> httpx.Response:
        items = [
            {
                "id": account["id"],
                "email": account["email"],
                "name": account["name"],
                "roles": self.roles.held_by(account["id"]),
                "created_at": NOW,
                "suspended_at": NOW if account["id"] in self.suspended else None,
            }
            for account in self.accounts.values()
        ]
        return answer({"items": items, "next": None})

    def names(self, request: httpx.Request) -> httpx.Response:
        if self.nameless:
            return refusal(503, "The names cannot be had.")
        asked = body_of(request)["ids"]
        found = [one for one in self.accounts.values() if one["id"] in asked]
        return answer({"people": [{"id": one["id"], "name": one["name"]} for one in found]})

    def suspend(self, request: httpx.Request, who: str) -> httpx.Response:
        if who == made_id("last@example.org"):
            return refusal(409, "This is the shop's last owner.")
        self.suspended.add(who)
        return answer(None, 204)

    def unsuspend(self, request: httpx.Request, who: str) -> httpx.Response:
        self.suspended.discard(who)
        return answer(None, 204)

    def invite(self, request: httpx.Request) -> httpx.Response:
        email = body_of(request)["email"]
        if email in self.accounts:
            return refusal(
                409,
                "There is an account.",
                [{"field": "email", "message": "There is an account with this address."}],
            )
        self.invitations[f"secret-of-{email}"] = email
        return answer({"id": made_id(email)}, 201)

    def look_up(self, request: httpx.Request) -> httpx.Response:
        email = self.invitations.get(body_of(request)["token"])
        if email is None:
            return refusal(410, "This invitation has been used.")
        return answer({"email": email, "roles": ["editor"]})

    def accept(self, request: httpx.Request) -> httpx.Response:
        body = body_of(request)
        if "weak" in body["password"]:
            return refusal(422, "Too weak.", [{"field": "password", "message": "This is a common password."}])
        self.invitations.pop(body["token"])
        return answer({}, 201)

    def impersonate(self, request: httpx.Request) -> httpx.Response:
        who = body_of(request)["user_id"]
        email = next((a["email"] for a in self.accounts.values() if a["id"] == who), None)
        if email is None:
            return refusal(404, "There is no account with this id.")
        session = self.begin(email)
        self.impersonations.add(session)
        return answer({"session": session, "expires_at": "2999-01-01T00:00:00Z"}, 201)
