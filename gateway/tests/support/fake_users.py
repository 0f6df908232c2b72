"""Users as the gateway's tests meet it: accounts and sessions in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
from api_document import OPENAPI
from fake_service import FakeService, answer, body_of, made_id, refusal


@dataclass
class FakeUsers(FakeService):
    """Accounts by address, sessions by their opaque value."""

    accounts: dict[str, dict[str, Any]] = field(default_factory=dict)
    sessions: dict[str, str] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    token_lifetime_s: float = 300

    def add(
        self, email: str, *permissions: str, password: str | None = "a long enough password", name: str = ""
    ) -> str:
        """An account with a session; returns the session."""
        self.accounts[email] = {
            "id": made_id(email),
            "email": email,
            "name": name or email.partition("@")[0].title(),
            "password": password,
            "permissions": list(permissions),
        }
        return self.begin(email)

    def begin(self, email: str) -> str:
        session = f"session-{len(self.sessions)}-of-{email}"
        self.sessions[session] = email
        return session

    def person(self, email: str) -> dict[str, Any]:
        account = self.accounts[email]
        roles = ["editor"] if account["permissions"] else ["customer"]
        return {
            **{name: account[name] for name in ("id", "email", "name", "permissions")},
            "roles": roles,
            "has_password": account["password"] is not None,
            "something_new": "ignored",
        }

    def routes(self) -> list[tuple[str, str, Callable[..., httpx.Response]]]:
        return [
            ("POST", "/internal/sessions/exchange", self.exchange),
            ("POST", "/internal/sessions/end", self.end),
            ("POST", "/internal/sessions", self.sign_in),
            ("POST", "/internal/sign-in-links/redeem", self.redeem),
            ("POST", "/api/users/v1/registrations", self.register),
            ("PATCH", "/api/users/v1/me", self.rename),
            ("POST", "/api/users/v1/me/password", self.set_password),
            ("DELETE", "/api/users/v1/me", self.delete),
            ("GET", "/readyz", lambda request: answer({"status": "ok", "version": "1.2.3"})),
            ("GET", "/api/users/openapi.json", lambda request: answer(OPENAPI)),
        ]

    def exchange(self, request: httpx.Request) -> httpx.Response:
        email = self.sessions.get(body_of(request)["session"])
        if email is None:
            return refusal(401, "This session has ended.")
        found = {
            "access_token": f"token-of-{email}",
            "token_type": "Bearer",
            "expires_in": self.token_lifetime_s,
        }
        return answer({**found, "user": self.person(email)})

    def sign_in(self, request: httpx.Request) -> httpx.Response:
        body = body_of(request)
        if body["password"] == "too often":
            return httpx.Response(429, json={"status": 429, "title": "Slow"}, headers={"Retry-After": "30"})
        account = self.accounts.get(body["email"])
        if account is None or account["password"] != body["password"]:
            return refusal(401, "The e-mail address or the password is wrong.")
        return self._begun(body["email"])

    def _begun(self, email: str) -> httpx.Response:
        found = {
            "session": self.begin(email),
            "expires_at": "2126-01-01T00:00:00+00:00",
            "user": self.person(email),
        }
        return answer(found, 201)

    def end(self, request: httpx.Request) -> httpx.Response:
        self.sessions.pop(body_of(request)["session"], None)
        return httpx.Response(204)

    def redeem(self, request: httpx.Request) -> httpx.Response:
        email = self.links.pop(body_of(request)["token"], None)
        return self._begun(email) if email else refusal(410, "This link was used.")

    def register(self, request: httpx.Request) -> httpx.Response:
        body = body_of(request)
        if body["email"] in self.accounts:
            return refusal(409, "There is an account with this address.")
        if body["password"].startswith("aaaa"):
            return refusal(422, "Weak", [{"field": "password", "message": "It repeats the same characters."}])
        self.add(body["email"], password=body["password"], name=body["name"])
        return answer(self.person(body["email"]), 201)

    def _me(self, request: httpx.Request) -> dict[str, Any]:
        return self.accounts[request.headers["Authorization"].removeprefix("Bearer token-of-")]

    def rename(self, request: httpx.Request) -> httpx.Response:
        account, name = self._me(request), body_of(request)["name"]
        if name == "\u202e":
            return refusal(422, "Name", [{"field": "name", "message": "That is no name."}])
        account["name"] = name
        return answer(self.person(account["email"]))

    def set_password(self, request: httpx.Request) -> httpx.Response:
        account, body = self._me(request), body_of(request)
        if body.get("current_password") == "too often":
            return httpx.Response(429, json={"status": 429, "title": "Slow"}, headers={"Retry-After": "600"})
        if account["password"] is not None and body.get("current_password") != account["password"]:
            return refusal(
                422, "", [{"field": "current_password", "message": "This is not your present password."}]
            )
        account["password"] = body["new_password"]
        return httpx.Response(204)

    def delete(self, request: httpx.Request) -> httpx.Response:
        account, body = self._me(request), body_of(request)
        if body.get("password") == "too often":
            return httpx.Response(429, json={"status": 429, "title": "Slow"}, headers={"Retry-After": "5"})
        if account["password"] is not None and body.get("password") != account["password"]:
            return refusal(422, "", [{"field": "password", "message": "This is not your present password."}])
        del self.accounts[account["email"]]
        return httpx.Response(204)
