"""The part of the fake users that knows second factors: one code is right, and what is asked for is recorded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
from fake_service import NOW, answer, body_of, made_id, refusal

RIGHT_CODE = "123456"
RIGHT_KEY = {"id": "right"}
Route = tuple[str, str, Callable[..., httpx.Response]]


@dataclass
class FakeFactors:
    """Factors of everybody at once; `wants_step_up` refuses changes as users does after five minutes."""

    begin: Callable[[str], str]
    person: Callable[[str], dict[str, Any]]
    sessions: dict[str, str]
    second_factor_of: dict[str, list[str]] = field(default_factory=dict)
    pending: dict[str, str] = field(default_factory=dict)
    has_app: bool = False
    passkeys: dict[str, str] = field(default_factory=dict)
    devices: dict[str, bool] = field(default_factory=dict)
    codes_left: int = 0
    wants_step_up: bool = False
    passkey_signs_in: str | None = None

    def routes(self) -> list[Route]:
        me = "/api/users/v1/me"
        return [
            ("POST", "/internal/sessions/second-step", self.finish),
            ("POST", "/internal/sessions/second-step/passkey", self.options),
            ("POST", "/internal/sessions/passkey/options", self.options),
            ("POST", "/internal/sessions/passkey", self.by_passkey),
            ("POST", "/internal/sessions/confirm", self.confirm),
            ("POST", "/internal/sessions/confirm/passkey", self.options),
            ("POST", "/internal/sessions/renew", self.renew),
            ("GET", f"{me}/factors", self.factors),
            ("GET", f"{me}/devices", self.list_devices),
            ("DELETE", f"{me}/devices/([^/]+)", self.forget),
            ("POST", f"{me}/totp", self.begin_app),
            ("POST", f"{me}/totp/confirm", self.confirm_app),
            ("DELETE", f"{me}/totp", self.remove_app),
            ("POST", f"{me}/recovery-codes", self.issue),
            ("POST", f"{me}/passkeys/options", self.options_of_me),
            ("POST", f"{me}/passkeys", self.add_passkey),
            ("PATCH", f"{me}/passkeys/([^/]+)", self.rename),
            ("DELETE", f"{me}/passkeys/([^/]+)", self.remove),
        ]

    def wait_for(self, email: str, methods: list[str]) -> httpx.Response:
        challenge = f"challenge-{len(self.pending)}-of-{email}"
        self.pending[challenge] = email
        return answer({"challenge": challenge, "methods": methods, "expires_at": NOW}, 202)

    def begun(self, email: str, *, device: str | None = None) -> httpx.Response:
        ends = "2126-01-01T00:00:00+00:00"
        found = {"session": self.begin(email), "expires_at": ends, "user": self.person(email)}
        return answer({**found, "device": device, "device_expires_at": ends if device else None}, 201)

    def _proof(self, body: dict[str, Any]) -> httpx.Response | None:
        if body.get("code") == "000000":
            return httpx.Response(429, json={"status": 429, "title": "Slow"}, headers={"Retry-After": "60"})
        right = {
            "totp": body.get("code") == RIGHT_CODE,
            "recovery_code": body.get("code") == "good-code",
            "password": body.get("password") == "a long enough password",
            "passkey": body.get("credential") == RIGHT_KEY,
        }
        if right[body["method"]]:
            return None
        return refusal(401 if body["method"] == "passkey" else 422, "Wrong.")

    def finish(self, request: httpx.Request) -> httpx.Response:
        body = body_of(request)
        if body["challenge"] not in self.pending:
            return refusal(410, "This sign-in has ended.")
        refused = self._proof(body)
        if refused is not None:
            return refused
        return self.begun(self.pending.pop(body["challenge"]), device="new-device" if body["trust"] else None)

    def options(self, request: httpx.Request) -> httpx.Response:
        return answer({"public_key": {"challenge": "AAAA"}})

    def options_of_me(self, request: httpx.Request) -> httpx.Response:
        return self._stepped_up() or self.options(request)

    def by_passkey(self, request: httpx.Request) -> httpx.Response:
        if self.passkey_signs_in is None or body_of(request)["credential"] != RIGHT_KEY:
            return refusal(401, "This passkey could not be verified.")
        methods = self.second_factor_of.get(self.passkey_signs_in)
        if methods is not None:
            return self.wait_for(self.passkey_signs_in, methods)
        return self.begun(self.passkey_signs_in, device="new-device")

    def _again(self, old: str) -> httpx.Response:
        email = self.sessions.pop(old, None)
        return self.begun(email) if email else refusal(401, "This session has ended.")

    def confirm(self, request: httpx.Request) -> httpx.Response:
        body = body_of(request)
        refused = self._proof(body)
        if refused is not None:
            return refused
        self.wants_step_up = False
        return self._again(body["session"])

    def renew(self, request: httpx.Request) -> httpx.Response:
        return self._again(body_of(request)["session"])

    def _stepped_up(self) -> httpx.Response | None:
        if not self.wants_step_up:
            return None
        document = {
            "type": "/problems/step-up-required",
            "status": 403,
            "title": "x",
            "methods": ["password"],
        }
        return httpx.Response(403, json=document)

    def factors(self, request: httpx.Request) -> httpx.Response:
        keys = [
            {"id": key, "name": name, "created_at": NOW, "last_used_at": None, "backed_up": False}
            for key, name in self.passkeys.items()
        ]
        app = {"added_at": NOW, "last_used_at": None, "works": True} if self.has_app else None
        found = {"has_password": True, "totp": app, "passkeys": keys, "recovery_codes": self.codes_left}
        return answer({**found, "required": False, "passkeys_work": True})

    def list_devices(self, request: httpx.Request) -> httpx.Response:
        items = [
            {"id": device, "user_agent": "Lynx <2>", "address": "192.0.2.1", "trusted": trusted,
             "created_at": NOW, "last_used_at": NOW, "expires_at": NOW}
            for device, trusted in self.devices.items()
        ]  # fmt: skip
        return answer({"items": items})

    def forget(self, request: httpx.Request, device_id: str) -> httpx.Response:
        if self.devices.pop(device_id, None) is None:
            return refusal(404, "There is no such device on your account.")
        return httpx.Response(204)

    def begin_app(self, request: httpx.Request) -> httpx.Response:
        if self.has_app:
            return refusal(409, "Your account has an authenticator app already.")
        made = {"secret": "SECRETSEED", "uri": "otpauth://totp/x", "qr_svg": "<svg></svg>"}
        return self._stepped_up() or answer(made, 201)

    def confirm_app(self, request: httpx.Request) -> httpx.Response:
        code = body_of(request)["code"]
        if code == "999999":
            return refusal(404, "No app waits.")
        if code != RIGHT_CODE:
            return refusal(422, "Wrong.")
        self.has_app = True
        return httpx.Response(204)

    def remove_app(self, request: httpx.Request) -> httpx.Response:
        if not self.has_app:
            return refusal(404, "There is no such factor on your account.")
        self.has_app = False
        return httpx.Response(204)

    def issue(self, request: httpx.Request) -> httpx.Response:
        if not self.has_app:
            return refusal(409, "Add an authenticator app or a passkey first.")
        self.codes_left = 10
        return answer({"codes": [f"code-{n}" for n in range(10)]}, 201)

    def add_passkey(self, request: httpx.Request) -> httpx.Response:
        body = body_of(request)
        if body["credential"] != RIGHT_KEY:
            return refusal(422, "The passkey could not be verified.")
        self.passkeys[made_id(body["name"])] = body["name"]
        return answer({"id": made_id(body["name"])}, 201)

    def rename(self, request: httpx.Request, passkey_id: str) -> httpx.Response:
        if passkey_id not in self.passkeys:
            return refusal(404, "There is no such passkey on your account.")
        self.passkeys[passkey_id] = body_of(request)["name"]
        return answer({"id": passkey_id})

    def remove(self, request: httpx.Request, passkey_id: str) -> httpx.Response:
        if self.passkeys.pop(passkey_id, None) is None:
            return refusal(404, "There is no such passkey on your account.")
        return httpx.Response(204)
