"""A catalogue on a real PostgreSQL, reached through its own app; users is replaced at the transport."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import orjson
import pytest
from flask import Flask
from sqlalchemy import event
from vitrine_catalog import create_app
from vitrine_catalog.people import names
from vitrine_kit import auth
from vitrine_kit.outbound import Neighbour
from vitrine_kit.settings import ServiceSettings
from vitrine_kit.testing import (
    Keys,
    ServiceDatabase,
    create_service_database,
    drop_service_database,
    migrate,
    service_environment,
    serving,
)

API = "/api/catalog/v1"


@dataclass
class Users:
    """The service users as the catalogue meets it: keys and names, and days when it is away."""

    keys: Keys
    people: dict[UUID, str] = field(default_factory=dict)
    away: bool = False
    refuses: bool = False
    batches: list[list[str]] = field(default_factory=list)

    async def answer(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/internal/jwks":
            return httpx.Response(200, json=self.keys.jwks())
        assert request.url.path == "/internal/people"
        if self.away:
            raise httpx.ConnectError("nobody listens")
        if self.refuses:
            return httpx.Response(403, json={})
        assert auth.SERVICE_HEADER in request.headers
        ids = orjson.loads(request.content)["ids"]
        self.batches.append(ids)
        known = [{"id": each, "name": self.people[UUID(each)]} for each in ids if UUID(each) in self.people]
        return httpx.Response(200, json={"people": known})


@dataclass
class Catalog:
    """The catalogue under test, and what a test asks of it again and again."""

    app: Flask
    client: httpx.AsyncClient
    keys: Keys
    users: Users
    database: ServiceDatabase
    media_root: Path

    @property
    def editor(self) -> dict[str, str]:
        """Someone who may read drafts and write."""
        return self.keys.bearer("catalog:read_drafts", "catalog:write")

    @property
    def customer(self) -> dict[str, str]:
        """Someone signed in who may do nothing special."""
        return self.keys.bearer()

    async def get(self, path: str, **options: Any) -> httpx.Response:
        return await self.client.get(API + path, **options)

    async def send(self, method: str, path: str, json: Any = None, **options: Any) -> httpx.Response:
        """Send a request as an editor, unless other headers are given under `as_`."""
        headers = {**options.pop("as_", self.editor), **options.pop("headers", {})}
        return await self.client.request(method, API + path, json=json, headers=headers, **options)

    async def create(self, **members: Any) -> dict[str, Any]:
        """Create an active product and return it."""
        body = {"title": "A thing", "status": "active", **members}
        response = await self.send("POST", "/products", body)
        assert response.status_code == 201, response.text
        return response.json()

    async def category(self, name: str, **members: Any) -> dict[str, Any]:
        response = await self.send("POST", "/categories", {"name": name, **members})
        assert response.status_code == 201, response.text
        return response.json()

    @asynccontextmanager
    async def statements(self) -> AsyncIterator[list[str]]:
        """Collect the statements that the app sends to PostgreSQL meanwhile."""
        database = self.app.extensions["vitrine"].database
        sent: list[str] = []

        def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
            sent.append(statement)

        engines = (database.read_engine.sync_engine, database.write_engine.sync_engine)
        for engine in engines:
            event.listen(engine, "before_cursor_execute", note)
        try:
            yield sent
        finally:
            for engine in engines:
                event.remove(engine, "before_cursor_execute", note)


@pytest.fixture(scope="session")
async def catalog_database(postgres_url: str, keys: Keys) -> AsyncIterator[ServiceDatabase]:
    """A database with the catalogue's schema, migrated as its owner."""
    database = await create_service_database(postgres_url, "catalog")
    migrate("vitrine_catalog", service_environment("catalog", keys, database))
    yield database
    await drop_service_database(postgres_url, database)


def settings_for(
    keys: Keys, database: ServiceDatabase, root: Path, monkeypatch: pytest.MonkeyPatch, **changes: Any
) -> ServiceSettings:
    """The catalogue's settings under test."""
    for name, value in service_environment("catalog", keys, database).items():
        monkeypatch.setenv(name, value)
    return ServiceSettings(media_root=root / "media", spool_root=root / "spool", pool_wait_s=5, **changes)


@asynccontextmanager
async def running(settings: ServiceSettings, keys: Keys, database: ServiceDatabase) -> AsyncIterator[Catalog]:
    """The catalogue, started."""
    users = Users(keys)
    app = create_app(settings)
    neighbour = Neighbour(
        "users",
        settings.users_url,
        settings,
        auth.ServiceIdentity.from_settings(settings),
        transport=httpx.MockTransport(users.answer),
    )
    app.extensions["vitrine"].neighbours["users"] = neighbour
    names.register(app, neighbour)
    async with serving(app) as client:
        assert settings.media_root is not None
        yield Catalog(app, client, keys, users, database, settings.media_root)


@pytest.fixture(scope="session")
async def catalog_service(
    catalog_database: ServiceDatabase, keys: Keys, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Catalog]:
    """One catalogue for the whole session; tests take `catalog`, which is the same with no rows in it."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        settings = settings_for(keys, catalog_database, tmp_path_factory.mktemp("catalog"), monkeypatch)
    async with running(settings, keys, catalog_database) as catalog:
        yield catalog


@pytest.fixture
async def catalog(catalog_service: Catalog) -> Catalog:
    """An empty catalogue."""
    database = catalog_service.app.extensions["vitrine"].database
    async with database.transaction() as session:
        connection = await session.connection()
        for table in ("product", "idempotency_key", "inbox", "import_job", "import_row", "pgqueuer"):
            await connection.exec_driver_sql(f"DELETE FROM catalog.{table}")
        await connection.exec_driver_sql("UPDATE catalog.category SET parent_id = NULL, name = id::text")
        await connection.exec_driver_sql("DELETE FROM catalog.category")
    users = catalog_service.users
    users.people.clear()
    users.batches.clear()
    users.away = users.refuses = False
    return catalog_service
