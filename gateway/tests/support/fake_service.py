"""What the fake neighbours share: routing, refusals, and the troubles a service can be in."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote
from uuid import UUID, uuid5

import httpx

NAMES = UUID("6f1c7f6c-6a53-4c1e-8d53-0c7f4a4d2f10")
NOW = "2026-05-12T09:30:00+00:00"


def made_id(name: str) -> str:
    """The id of a thing with this name: the same in every run."""
    return str(uuid5(NAMES, name))


def answer(value: Any, status: int = 200, **headers: str) -> httpx.Response:
    return httpx.Response(status, json=value, headers=headers)


def refusal(
    status: int, detail: str = "", errors: list[dict[str, Any]] | None = None, **members: Any
) -> httpx.Response:
    body = {"type": "/problems/x", "title": "Refused", "status": status, "detail": detail, **members}
    if errors:
        body["errors"] = errors
    return httpx.Response(status, json=body, headers={"Content-Type": "application/problem+json"})


@dataclass
class FakeService:
    """Routes requests to its own methods; can be stopped, slowed to an error, or made to answer nonsense."""

    stopped: bool = False
    garbled: bool = False
    failing: int | None = None
    seen: list[httpx.Request] = field(default_factory=list)

    def routes(self) -> list[tuple[str, str, Callable[..., httpx.Response]]]:
        raise NotImplementedError

    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self.handle)

    async def handle(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        self.seen.append(request)
        if self.stopped:
            raise httpx.ConnectError("stopped", request=request)
        if self.failing is not None:
            return refusal(self.failing, "This went wrong.")
        if self.garbled:
            return httpx.Response(200, content=b"<html>not what was agreed</html>")
        for method, pattern, view in self.routes():
            if method == request.method and (
                found := re.fullmatch(pattern, request.url.raw_path.decode().split("?")[0])
            ):
                return view(request, *map(unquote, found.groups()))
        return refusal(404, "There is nothing here.")

    def last(self, method: str, ending: str = "") -> httpx.Request:
        """The latest request of this method to a path with this ending."""
        return next(r for r in reversed(self.seen) if r.method == method and r.url.path.endswith(ending))

    def asked(self, path: str) -> int:
        """How often a path was asked for."""
        return sum(request.url.path == path for request in self.seen)


def body_of(request: httpx.Request) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(request.content)
    return found
