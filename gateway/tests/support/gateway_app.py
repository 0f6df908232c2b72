"""The gateway's app with its neighbours replaced at the transport, and a browser of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from flask import Flask
from gateway_browser import Browser
from shop_neighbours import FakeCatalog, FakeUsers
from vitrine_gateway.app import create_app
from vitrine_gateway.settings import GatewaySettings
from vitrine_kit.outbound import Neighbour, Policy
from vitrine_kit.testing import serving

SECRET = "a test's own secret, long enough for all"
QUICK = Policy(max_retries=0, connection_wait_s=0.5)


def make_gateway(users: FakeUsers, catalog: FakeCatalog, **settings: Any) -> Flask:
    """The app with these neighbours; public at http://localhost:8080 unless settings say otherwise."""
    chosen = GatewaySettings(
        **{"secret_key": SECRET, "environment": "test", "log_level": "ERROR", **settings}
    )
    app = create_app(chosen)
    neighbours = app.extensions["vitrine"].neighbours
    neighbours["users"] = Neighbour(
        "users", "http://users", chosen, transport=users.transport(), policy=QUICK
    )
    neighbours["catalog"] = Neighbour(
        "catalog", "http://catalog", chosen, transport=catalog.transport(), policy=QUICK
    )
    return app


@asynccontextmanager
async def browsing(app: Flask) -> AsyncIterator[Browser]:
    """A browser of the app, through the bridge."""
    async with serving(app) as client:
        yield Browser(client)
