"""Users as the gateway's tests meet it: accounts and sessions in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
from api_document import OPENAPI
from fake_applications import FakeApplications
from fake_connections import FakeConnections
from fake_factors import FakeFactors
from fake_rights import FakeRights
from fake_service import FakeService, answer, body_of, made_id, refusal
from fake_webhooks import FakeWebhooks

SHOWN = ("id", "email", "name", "permissions", "email_verified", "locale", "time_zone", "picture_id")


@dataclass
class FakeUsers(FakeService):
    """Accounts by address, sessions by their opaque value."""

    accounts: dict[str, dict[str, Any]] = field(default_factory=dict)
    sessions: dict[str, str] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    begun: int = 0
    token_lifetime_s: float = 300
    factor_missing: bool = False
    closed: bool = False
    delivers: bool = True
    grace: bool = True
    mails: list[dict[str, Any]] = field(default_factory=list)
    still_running: int = 0
    """How many times a registration meets the same one, which has not ended yet."""
    challenge: dict[str, Any] | None = None
    """What a try without a solution is answered with."""

    def __post_init__(self) -> None:
        self.factors = FakeFactors(self.begin, self.person, self.sessions)
        self.rights = FakeRights(self.begin, self.accounts)
        self.connections = FakeConnections(self.begin, self.person)
        self.applications = FakeApplications(self.sessions)
        self.webhooks = FakeWebhooks()

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
            "email_verified": True,
            "locale": "en",
            "time_zone": "UTC",
            "picture_id": None,
        }
        return self.begin(email)

    def begin(self, email: str) -> str:
        self.begun += 1
        session = f"session-{self.begun}-of-{email}"
        self.sessions[session] = email
        return session

    def person(self, email: str) -> dict[str, Any]:
        account = self.accounts[email]
        roles = ["editor"] if account["permissions"] else ["customer"]
        return {
            **{name: account[name] for name in SHOWN},
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
            ("POST", "/api/users/v1/email-verifications", self.mail_again),
            ("POST", "/api/users/v1/email-verifications/confirm", self.follow),
            ("POST", "/api/users/v1/password-resets", self.mail_reset),
            ("POST", "/api/users/v1/password-resets/confirm", self.reset),
            ("POST", "/api/users/v1/me/address", self.change_address),
            ("POST", "/api/users/v1/address-changes/confirm", self.follow),
            ("POST", "/api/users/v1/deletions/cancel", self.follow),
            ("GET", "/api/users/v1/me/export", self.export),
            ("GET", "/api/users/v1/mails", self.list_mails),
            ("GET", "/api/users/v1/mails/(.+)", self.get_mail),
            ("PATCH", "/api/users/v1/me", self.change_profile),
            ("PUT", "/api/users/v1/me/picture", self.set_picture),
            ("DELETE", "/api/users/v1/me/picture", self.remove_picture),
            ("POST", "/api/users/v1/me/password", self.set_password),
            ("DELETE", "/api/users/v1/me", self.delete),
            ("GET", "/readyz", lambda request: answer({"status": "ok", "version": "1.2.3"})),
            ("GET", "/api/users/openapi.json", lambda request: answer(OPENAPI)),
            *self.factors.routes(),
            *self.rights.routes(),
            *self.connections.routes(),
            *self.applications.routes(),
            *self.webhooks.routes(),
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
        found["impersonation"] = body_of(request)["session"] in self.rights.impersonations
        return answer({**found, "user": self.person(email), "factor_missing": self.factor_missing})

    def _unpaid(self, request: httpx.Request) -> httpx.Response | None:
        if self.challenge is None or "Challenge-Solution" in request.headers:
            return None
        members = {"type": "/problems/challenge-required", "challenge": self.challenge}
        return refusal(429, "Many tries fail.", **members)

    def sign_in(self, request: httpx.Request) -> httpx.Response:
        if (unpaid := self._unpaid(request)) is not None:
            return unpaid
        body = body_of(request)
        if body["password"] == "too often":
            return httpx.Response(429, json={"status": 429, "title": "Slow"}, headers={"Retry-After": "30"})
        account = self.accounts.get(body["email"])
        if account is None or account["password"] != body["password"]:
            return refusal(401, "The e-mail address or the password is wrong.")
        methods = self.factors.second_factor_of.get(body["email"])
        if methods is not None and body.get("device") != "trusted-device":
            return self.factors.wait_for(body["email"], methods)
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
        if self.still_running:
            self.still_running -= 1
            return refusal(409, "It is still running.", type="/problems/request-in-progress")
        if (unpaid := self._unpaid(request)) is not None:
            return unpaid
        body = body_of(request)
        if self.closed:
            return refusal(403, "Registration is closed in this shop.")
        if body["password"].startswith("aaaa"):
            return refusal(422, "Weak", [{"field": "password", "message": "It repeats the same characters."}])
        if body["email"] not in self.accounts:
            self.add(body["email"], password=body["password"], name=body["name"])
        return self._sent()

    def _sent(self) -> httpx.Response:
        return answer({"status": "check_your_mail", "delivers": self.delivers}, 202)

    def mail_reset(self, request: httpx.Request) -> httpx.Response:
        return self._unpaid(request) or self.mail_again(request)

    def mail_again(self, request: httpx.Request) -> httpx.Response:
        if body_of(request)["email"].startswith("not-an"):
            return refusal(422, "", [{"field": "email", "message": "That is no address."}])
        return self._sent()

    def follow(self, request: httpx.Request) -> httpx.Response:
        email = self.links.pop(body_of(request)["token"], None)
        if email is None:
            return refusal(410, "This link has been used.")
        if email == "taken@example.org":
            return refusal(409, "There is an account with this e-mail address already.")
        return answer({"email": email}) if "confirm" in request.url.path else httpx.Response(204)

    def reset(self, request: httpx.Request) -> httpx.Response:
        body = body_of(request)
        if body["new_password"].startswith("aaaa"):
            message = "It repeats the same characters."
            return refusal(422, "Weak", [{"field": "new_password", "message": message}])
        email = self.links.pop(body["token"], None)
        if email is None:
            return refusal(410, "This link has been used.")
        self.accounts[email]["password"] = body["new_password"]
        self.sessions = {key: value for key, value in self.sessions.items() if value != email}
        return httpx.Response(204)

    def change_address(self, request: httpx.Request) -> httpx.Response:
        account, body = self._me(request), body_of(request)
        if account["password"] is not None and body.get("password") != account["password"]:
            return refusal(422, "", [{"field": "password", "message": "This is not your present password."}])
        return self._sent()

    def export(self, _request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=b"PK-zip", headers={"Content-Type": "application/zip"})

    def list_mails(self, _request: httpx.Request) -> httpx.Response:
        items = [{name: value for name, value in mail.items() if name != "text"} for mail in self.mails]
        return answer({"items": items, "next": None, "delivers": self.delivers})

    def get_mail(self, _request: httpx.Request, mail_id: str) -> httpx.Response:
        found = [mail for mail in self.mails if mail["id"] == mail_id]
        if not found:
            return refusal(404, "There is no such mail here.")
        return answer({**found[0], "text": None if self.delivers else found[0]["text"]})

    def _me(self, request: httpx.Request) -> dict[str, Any]:
        return self.accounts[request.headers["Authorization"].removeprefix("Bearer token-of-")]

    def change_profile(self, request: httpx.Request) -> httpx.Response:
        account, body = self._me(request), body_of(request)
        name = body["name"]
        if name == "\u202e":
            return refusal(422, "Name", [{"field": "name", "message": "That is no name."}])
        account.update(body)
        return answer(self.person(account["email"]))

    def set_picture(self, request: httpx.Request) -> httpx.Response:
        if not request.content.startswith(b"\x89PNG"):
            return refusal(422, "This is no picture. Send JPEG, PNG, WebP, GIF or AVIF.")
        self._me(request)["picture_id"] = made_id("picture")
        return httpx.Response(204)

    def remove_picture(self, request: httpx.Request) -> httpx.Response:
        if self._me(request)["picture_id"] is None:
            return refusal(404, "Your account has no picture.")
        self._me(request)["picture_id"] = None
        return httpx.Response(204)

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
        self.sessions = {k: v for k, v in self.sessions.items() if v != account["email"]}
        if self.grace:
            return answer({"erase_after": "2126-05-19T09:30:00+00:00"}, 202)
        del self.accounts[account["email"]]
        return answer({"erase_after": None}, 202)
