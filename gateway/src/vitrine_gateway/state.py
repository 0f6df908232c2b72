"""What the gateway's features share: its clients, the sessions and the shop's categories, found through the app."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import httpx
from flask import Flask, current_app
from vitrine_kit.logs import get_logger
from vitrine_kit.outbound import Coalescer
from vitrine_kit.problems import Problem

from vitrine_gateway.assets import Assets
from vitrine_gateway.clients.applications import ApplicationsClient
from vitrine_gateway.clients.catalog import CatalogClient
from vitrine_gateway.clients.catalog_types import Category
from vitrine_gateway.clients.connections import ConnectionsClient
from vitrine_gateway.clients.factors import FactorsClient
from vitrine_gateway.clients.mailboxes import MailboxClient
from vitrine_gateway.clients.people import PeopleClient
from vitrine_gateway.clients.rights import RightsClient
from vitrine_gateway.clients.users import UsersClient
from vitrine_gateway.clients.webhooks import WebhooksClient
from vitrine_gateway.sessions import Sessions
from vitrine_gateway.settings import GatewaySettings

log = get_logger(__name__)

CATEGORIES_FRESH_S: Final = 15.0


class Shelves:
    """The shop's categories, read again after some seconds; while the catalog is away, as they were last seen."""

    def __init__(self, catalog: CatalogClient, clock: Callable[[], float] = time.monotonic) -> None:
        self._catalog = catalog
        self._clock = clock
        self._read_s: float | None = None
        self._reading: Coalescer[str, tuple[Category, ...]] = Coalescer()
        self.last_seen: tuple[Category, ...] = ()

    async def categories(self) -> tuple[Category, ...]:
        """The categories in tree order."""
        if self._read_s is None or self._clock() - self._read_s >= CATEGORIES_FRESH_S:
            try:
                self.last_seen = await self._reading.get("all", self._catalog.list_categories)
                self._read_s = self._clock()
            except Problem as problem:
                log.warning("categories_not_read", status=problem.status)
        return self.last_seen

    def expire(self) -> None:
        """Has the next reader see the categories anew: they were changed."""
        self._read_s = None


@dataclass
class GatewayState:
    """What a view finds at `current_gateway()`."""

    settings: GatewaySettings
    assets: Assets
    users: UsersClient
    factors: FactorsClient
    mailboxes: MailboxClient
    rights: RightsClient
    people: PeopleClient
    connections: ConnectionsClient
    applications: ApplicationsClient
    webhooks: WebhooksClient
    catalog: CatalogClient
    sessions: Sessions
    shelves: Shelves


class NamedNeighbour:
    """Calls whichever neighbour the app has under this name at that moment: tests put another transport there."""

    def __init__(self, app: Flask, name: str) -> None:
        self._app = app
        self._name = name

    async def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """See `vitrine_kit.outbound.Neighbour.request`."""
        neighbour = self._app.extensions["vitrine"].neighbours[self._name]
        response: httpx.Response = await neighbour.request(method, path, **options)
        return response


def current_gateway() -> GatewayState:
    """The state of the current app."""
    state: GatewayState = current_app.extensions["vitrine_gateway"]
    return state
