"""The part of the fake users that knows applications and their requests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
from fake_service import NOW, answer, body_of, made_id, refusal

Route = tuple[str, str, Callable[..., httpx.Response]]
BACK = "https://app.example/back"


@dataclass
class FakeApplications:
    """One application, called Wiki; people are asked until they have said yes."""

    sessions: dict[str, str]
    step: str | None = None
    """What to answer to every request, in place of what follows from it."""
    allowed: list[str] = field(default_factory=list)
    applications: list[dict[str, Any]] = field(default_factory=list)
    proved: bool = False
    stale: bool = False

    def routes(self) -> list[Route]:
        api = "/api/users/v1"
        return [
            ("POST", "/internal/authorizations", self.authorize),
            ("POST", "/internal/logouts", self.log_out),
            ("GET", f"{api}/applications", lambda request: answer({"items": self.applications})),
            ("POST", f"{api}/applications", self.register),
            ("POST", f"{api}/applications/(.+)/secret", self.renew_secret),
            ("DELETE", f"{api}/applications/(.+)", self.delete),
            ("GET", f"{api}/me/applications", self.list_allowed),
            ("DELETE", f"{api}/me/applications/(.+)", self.disallow),
        ]

    def authorize(self, request: httpx.Request) -> httpx.Response:
        body = body_of(request)
        if body["query"].get("client_id") != "wiki":
            return self._step("page", message="No application of this shop has this client_id.")
        if self.step is not None:
            return self._step(self.step)
        if body["session"] not in self.sessions:
            return self._step("sign-in")
        if body["query"].get("prompt") == "login" and body["asked_at"] is None:
            return self._step("confirm")
        if body["decision"] == "deny":
            return self._step("redirect", url=f"{BACK}?error=access_denied")
        email = self.sessions[body["session"]]
        if body["decision"] == "allow":
            self.allowed.append(email)
        if email not in self.allowed:
            scopes = [{"name": "email", "text": "know your e-mail address"}]
            return self._step("consent", application="Wiki <b>", scopes=scopes)
        return self._step("redirect", url=f"{BACK}?code=c&state={body['query'].get('state', '')}")

    def _step(self, outcome: str, **more: Any) -> httpx.Response:
        empty: dict[str, Any] = {"url": None, "message": "", "application": "", "scopes": []}
        return answer({**empty, "outcome": outcome, **more})

    def log_out(self, request: httpx.Request) -> httpx.Response:
        query = body_of(request)["query"]
        found = {"url": None, "application": "Wiki", "proved": self.proved, "refused": None}
        url = query.get("post_logout_redirect_uri")
        if url is not None and url != "https://app.example/bye":
            return answer({**found, "refused": "The application has not registered the address."})
        return answer({**found, "url": url})

    def register(self, request: httpx.Request) -> httpx.Response:
        body = body_of(request)
        if self.stale:
            return refusal(403, "Prove again.", type="/problems/step-up-required", methods=["password"])
        if body["redirect_uris"][0].startswith("http://app"):
            errors = [{"field": "redirect_uris.0", "message": "Use https://."}]
            return refusal(422, "Use https://.", errors)
        made = {**body, "id": made_id(body["name"]), "created_at": NOW}
        self.applications.append(made)
        return answer({**made, "client_secret": "the-secret" if body["confidential"] else None}, 201)

    def renew_secret(self, request: httpx.Request, application_id: str) -> httpx.Response:
        found = [one for one in self.applications if one["id"] == application_id]
        return (
            answer({**found[0], "client_secret": "another-secret"}, 201) if found else refusal(404, "None.")
        )

    def delete(self, request: httpx.Request, application_id: str) -> httpx.Response:
        before = len(self.applications)
        self.applications = [one for one in self.applications if one["id"] != application_id]
        return answer(None, 204) if len(self.applications) < before else refusal(404, "None.")

    def list_allowed(self, request: httpx.Request) -> httpx.Response:
        told = {"scopes": ["openid"], "texts": ["know that it is you"]}
        items = [{"id": made_id("Wiki"), "name": "Wiki", **told, "granted_at": NOW}]
        return answer({"items": items if self.allowed else []})

    def disallow(self, request: httpx.Request, application_id: str) -> httpx.Response:
        if not self.allowed:
            return refusal(404, "There is no application with this id.")
        self.allowed.clear()
        return answer(None, 204)
