"""The gateway's client of users: providers one may sign in with, visits to them, and one's own connections."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from pydantic import TypeAdapter
from vitrine_kit.logs import get_logger
from vitrine_kit.outbound import Coalescer
from vitrine_kit.problems import Problem

from vitrine_gateway.clients.users import NAME, Caller, NewSession, SecondStep, acting_as
from vitrine_gateway.clients.wire import read, require_success

log = get_logger(__name__)

API = "/api/users/v1"
OFFERED_FRESH_S: Final = 60.0
VISIT_TIMEOUT_S: Final = 4.5
"""Longer than users waits for a provider, shorter than a request may take."""


@dataclass(frozen=True, slots=True)
class Provider:
    """Somebody whom one may sign in with."""

    slug: str
    name: str


@dataclass(frozen=True, slots=True)
class Connection:
    """An account elsewhere that signs in to the person's; `slug` is None where the shop no longer offers it."""

    id: str
    provider: str
    slug: str | None
    label: str
    created_at: datetime
    last_used_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Visit:
    """Where to send the browser, and what its cookie must hold when it comes back within `expires_in` seconds."""

    url: str
    binding: str
    expires_in: int


@dataclass(frozen=True, slots=True)
class Returned:
    """What came of a visit: `begun` or `pending` where somebody signed in or confirmed, neither where one connected."""

    purpose: str
    provider: str
    target: str
    begun: NewSession | None = None
    pending: SecondStep | None = None


@dataclass(frozen=True, slots=True)
class _Providers:
    items: tuple[Provider, ...]


@dataclass(frozen=True, slots=True)
class _Connections:
    items: tuple[Connection, ...]


_PROVIDERS: TypeAdapter[_Providers] = TypeAdapter(_Providers)
_CONNECTIONS: TypeAdapter[_Connections] = TypeAdapter(_Connections)
_VISIT: TypeAdapter[Visit] = TypeAdapter(Visit)
_RETURNED: TypeAdapter[Returned] = TypeAdapter(Returned)


class ConnectionsClient:
    """Users, over HTTP. Every method but `offered` raises Unavailable when users does not answer."""

    def __init__(self, neighbour: Caller, clock: Callable[[], float] = time.monotonic) -> None:
        self._neighbour = neighbour
        self._clock = clock
        self._offered: tuple[Provider, ...] = ()
        self._read_s: float | None = None
        self._reading: Coalescer[str, tuple[Provider, ...]] = Coalescer()

    async def offered(self) -> tuple[Provider, ...]:
        """Whom one may sign in with, read once a minute; while users is away, as they were last read."""
        if self._read_s is None or self._clock() - self._read_s >= OFFERED_FRESH_S:
            try:
                self._offered = await self._reading.get("all", self._read)
                self._read_s = self._clock()
            except Problem as problem:
                log.warning("providers_not_read", status=problem.status)
        return self._offered

    async def own(self, token: str) -> tuple[Connection, ...]:
        """The person's connections, oldest first."""
        response = await self._neighbour.request("GET", f"{API}/me/connections", headers=acting_as(token))
        return read(_CONNECTIONS, response, NAME).items

    async def disconnect(self, token: str, connection_id: str) -> None:
        """Takes a connection away. Raises StepUpNeeded, NotFound, or Conflict where it is the last way in."""
        response = await self._neighbour.request(
            "DELETE", f"{API}/me/connections/{connection_id}", headers=acting_as(token)
        )
        require_success(response, NAME)

    async def begin_visit(self, provider: str, purpose: str, **more: Any) -> Visit:
        """Sends a browser to a provider. Raises NotFound, ProviderAway, StepUpNeeded or TooManyRequests."""
        response = await self._neighbour.request(
            "POST",
            "/internal/provider-visits",
            json={"provider": provider, "purpose": purpose, **more},
            timeout_s=VISIT_TIMEOUT_S,
        )
        return read(_VISIT, response, NAME)

    async def finish_visit(self, provider: str, **more: Any) -> Returned:
        """Takes a browser back. Raises Gone (begin again), ProviderAway, Conflict or Forbidden, with the reason."""
        response = await self._neighbour.request(
            "POST",
            "/internal/provider-visits/return",
            json={"provider": provider, **more},
            timeout_s=VISIT_TIMEOUT_S,
        )
        return read(_RETURNED, response, NAME)

    async def _read(self) -> tuple[Provider, ...]:
        return read(_PROVIDERS, await self._neighbour.request("GET", f"{API}/providers"), NAME).items
