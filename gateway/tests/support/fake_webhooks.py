"""The part of the fake users that knows webhooks and what was sent to them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
from fake_service import NOW, answer, body_of, made_id, refusal

Route = tuple[str, str, Callable[..., httpx.Response]]
SECRET = "whsec_c2VjcmV0"
EVENTS = ("user.created", "user.deleted")


@dataclass
class FakeWebhooks:
    """Endpoints by id, and one list of deliveries."""

    endpoints: dict[str, dict[str, Any]] = field(default_factory=dict)
    deliveries: list[dict[str, Any]] = field(default_factory=list)

    def routes(self) -> list[Route]:
        api = "/api/users/v1/webhooks"
        one = f"{api}/([0-9a-f-]{{36}})"
        return [
            ("GET", f"{api}/event-types", self.types),
            ("GET", api, lambda request: answer({"items": list(self.endpoints.values())})),
            ("POST", api, self.create),
            ("GET", one, lambda request, name: self.found(name)),
            ("PATCH", one, self.change),
            ("DELETE", one, self.delete),
            ("POST", f"{one}/secret", self.rotate),
            ("POST", f"{one}/tests", self.test),
            (
                "GET",
                f"{one}/deliveries",
                lambda request, name: answer({"items": self.deliveries, "next": None}),
            ),
            ("GET", f"{one}/deliveries/(.+)", self.delivery),
            (
                "POST",
                f"{one}/deliveries/(.+)/redelivery",
                lambda request, *_: answer(self.deliveries[0], 202),
            ),
        ]

    def add(self, url: str, **changes: Any) -> dict[str, Any]:
        made = {
            "id": made_id(url),
            "url": url,
            "description": "",
            "event_types": ["user.created"],
            "include_email": False,
            "enabled": True,
            "created_at": NOW,
            **changes,
        }
        self.endpoints[made["id"]] = made
        return made

    def types(self, request: httpx.Request) -> httpx.Response:
        return answer(
            {"items": [{"name": name, "summary": f"What {name} means.", "facts": {}} for name in EVENTS]}
        )

    def found(self, name: str) -> httpx.Response:
        endpoint = self.endpoints.get(name)
        return refusal(404, "There is no webhook with this id.") if endpoint is None else answer(endpoint)

    def create(self, request: httpx.Request) -> httpx.Response:
        body = body_of(request)
        if not body["url"].startswith("https://"):
            message = "Give a public https:// address."
            return refusal(422, message, [{"field": "url", "message": message}])
        return answer({**self.add(**body), "secret": SECRET}, 201)

    def change(self, request: httpx.Request, name: str) -> httpx.Response:
        self.endpoints[name].update(body_of(request))
        return answer(self.endpoints[name])

    def delete(self, request: httpx.Request, name: str) -> httpx.Response:
        del self.endpoints[name]
        return answer(None, 204)

    def rotate(self, request: httpx.Request, name: str) -> httpx.Response:
        return answer({**self.endpoints[name], "secret": SECRET, "previous_secret_until": NOW}, 201)

    def test(self, request: httpx.Request, name: str) -> httpx.Response:
        if not self.endpoints[name]["enabled"]:
            return refusal(409, "This webhook is switched off.")
        made = {
            "id": made_id("delivery"),
            "event_id": made_id("event"),
            "event_type": "webhook.test",
            "occurred_at": NOW,
            "state": "failed",
            "attempts": 10,
            "last_status": 500,
            "last_duration_ms": 1234,
        }
        self.deliveries.append(made)
        return answer(made, 202)

    def delivery(self, request: httpx.Request, name: str, delivery_id: str) -> httpx.Response:
        attempt = {"attempted_at": NOW, "status": None, "error": "timeout", "duration_ms": 15000}
        return answer({**self.deliveries[0], "payload": {"type": "<b>", "data": {}}, "attempted": [attempt]})
