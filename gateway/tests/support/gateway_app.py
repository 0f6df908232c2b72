"""The gateway's app with its neighbours replaced at the transport, and a browser of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from flask import Flask
from gateway_browser import Browser
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from shop_neighbours import FakeCatalog, FakeUsers
from vitrine_gateway.app import create_app
from vitrine_gateway.settings import GatewaySettings
from vitrine_kit.outbound import Neighbour, Policy
from vitrine_kit.testing import serving

SECRET = "a test's own secret, long enough for all"
QUICK = Policy(max_retries=0, connection_wait_s=0.5)


class CompiledTemplates(BytecodeCache):
    """Templates compiled once for every app of the process: each test makes one, and would spend its time on this."""

    def __init__(self) -> None:
        self._found: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._found:
            bucket.bytecode_from_string(self._found[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._found[bucket.key] = bucket.bytecode_to_string()


TEMPLATES = CompiledTemplates()


def make_gateway(users: FakeUsers, catalog: FakeCatalog, **settings: Any) -> Flask:
    """The app with these neighbours; public at http://localhost:8080 unless settings say otherwise."""
    chosen = GatewaySettings(
        **{"secret_key": SECRET, "environment": "test", "log_level": "ERROR", **settings}
    )
    app = create_app(chosen)
    app.jinja_env.bytecode_cache = TEMPLATES
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
